"""What a change changed, as far as the caller may read it; and who made it, as far as the caller may know."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import shapely

from layers._layer import SENSITIVITIES, Layer, Sensitivity
from layers._store import Value
from layers._store.differences import State

GEOMETRY: Final = "geometry"
_NOT_THERE: Final = State("{}", None, "")


class ColumnChange(NamedTuple):
    """A column before and after; of a geometry, a point as GeoJSON and anything else by its kind and box."""

    column: str
    before: Any
    after: Any


class Person(NamedTuple):
    """Who made a change: the name where the caller may know names, and the role where there is an account of that name."""

    who: str | None
    role: str | None


Naming = Callable[[str], Person]
"""From what a batch says of its actor to what the caller may know of him."""


def naming(readable: tuple[Sensitivity, ...], role_of: Callable[[str], str | None]) -> Naming:
    """Names are for callers who may read what is internal; others learn the role."""
    named = SENSITIVITIES[1] in readable
    return lambda actor: Person(actor if named else None, role_of(actor.partition("/")[0]))


def said_freely(text: str, readable: tuple[Sensitivity, ...]) -> str | None:
    """A reason or a note, which may name people: for callers who may read what is internal."""
    return text if text and SENSITIVITIES[1] in readable else None


def column_changes(
    layer: Layer, before: State | None, after: State | None, readable: tuple[Sensitivity, ...]
) -> tuple[ColumnChange, ...]:
    """The readable columns that differ, in the order of the declaration; then the place, what was derived, and the source.

    A feature that was not there has nothing in any column: of one that came or went, all that it has is a change.
    """
    old, new = before or _NOT_THERE, after or _NOT_THERE
    if old == new:
        return ()
    was, became = values(layer, old, readable), values(layer, new, readable)
    return tuple(_differing(was, became, old, new))


def values(layer: Layer, state: State, readable: tuple[Sensitivity, ...]) -> dict[str, Value]:
    """The readable values that a state has; of what was derived, the readable columns."""
    names = _names(layer, readable)
    held: dict[str, Value] = json.loads(state.properties)
    found = {name: held[name] for name in names if name in held}
    derived = ",".join(name for name in str(held.get("derived") or "").split(",") if name in names)
    return found | ({"derived": derived} if derived else {}) | ({"source": state.source} if state.source else {})


def _differing(was: Mapping[str, Value], became: Mapping[str, Value], old: State, new: State) -> Iterator[ColumnChange]:
    names = dict.fromkeys([*was, *became])
    system = [name for name in ("derived", "source") if name in names]
    for name in [name for name in names if name not in system]:
        if was.get(name) != became.get(name):
            yield ColumnChange(name, was.get(name), became.get(name))
    if old.geometry != new.geometry:
        yield ColumnChange(GEOMETRY, _place(old.geometry), _place(new.geometry))
    for name in system:
        if was.get(name) != became.get(name):
            yield ColumnChange(name, was.get(name), became.get(name))


@lru_cache(maxsize=256)
def _readable_names(columns: tuple[tuple[str, Sensitivity], ...], readable: tuple[Sensitivity, ...]) -> tuple[str, ...]:
    return tuple(name for name, sensitivity in columns if sensitivity in readable)


def _names(layer: Layer, readable: tuple[Sensitivity, ...]) -> tuple[str, ...]:
    return _readable_names(tuple((column.name, column.sensitivity) for column in layer.columns), readable)


def _place(geometry: bytes | None) -> dict[str, Any] | None:
    if geometry is None:
        return None
    shape = shapely.from_wkb(geometry)
    if isinstance(shape, shapely.Point):
        return {"type": "Point", "coordinates": [shape.x, shape.y]}
    return {"type": shape.geom_type, "bbox": list(shape.bounds)}
