"""What a caller may change: which layers, and where. Judged on the feature as it was and as it would be, inside the write.

The rule of place is *within*: whoever is limited to areas changes a feature only if all of it lies in them (their union, borders
included), before and after. A feature without a place goes by its administrative code; one with neither is for those who may
change things everywhere. A closure's place is all that it shuts: its area, its circle, the whole of each road it names.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import shapely
from shapely.geometry.base import BaseGeometry

from api.caller import CLOSURES, Caller
from api.use._remember import remember_few
from geo_risk.errors import Forbidden
from layers._layer import Layer
from layers._store import Feature, Snapshot
from layers._store.accounts import GRANTED_BY, at_least
from layers._store.grants import SIGNIFICANT, code_column, least_role
from layers._store.writes import Judge

Rights = Callable[[Layer, Feature | None, Feature | None], None]
"""Raises `Forbidden` where the caller may not make this of that, here; None is a feature that is not there."""

RULE: Final = "within"
_KEPT: Final = 64


def rights_of(caller: Caller, snapshot: Snapshot) -> Rights:
    """The caller's rights, for the store to ask of each change (`Store.write`); areas are as they lie in the snapshot."""

    def require(layer: Layer, before: Feature | None, after: Feature | None) -> None:
        require_layer(caller, layer)
        require_measure(caller, layer, before, after)
        for feature in (before, after):
            if feature is not None:
                require_place(caller, snapshot, layer, feature)

    return require


def judge_of(caller: Caller, snapshot: Snapshot) -> Judge:
    """The caller's rights as a judge that lets pass what they allow as it is."""
    rights = rights_of(caller, snapshot)

    def judge(layer: Layer, before: Feature | None, after: Feature | None) -> Feature | None:
        rights(layer, before, after)
        return after

    return judge


def may_write(caller: Caller, layer: Layer) -> bool:
    """Whether the caller may change features of the layer somewhere."""
    by_role = caller.may("close" if layer.id == CLOSURES else "write") and at_least(caller.role, least_role(layer))
    return by_role and (caller.writes is None or layer.id in caller.writes) and caller.sight.sees(layer)


def require_own(caller: Caller, asked_by: str) -> None:
    """Stop a caller who did not ask for a job himself, nor is an operator.

    Raises
    ------
    Forbidden
        Somebody else asked for it.
    """
    if caller.id != asked_by and not caller.may("close"):
        raise Forbidden(
            "somebody else asked for this", expected="who asked for it, or an operator", got=f"role {caller.role}",
            then="ask an operator to end it",
        )


def require_asker(caller: Caller, asked_by: str) -> None:
    """Stop a caller who did not ask for a job himself: its answer tells what who asked may know."""
    if caller.id != asked_by:
        raise Forbidden("somebody else asked for this", expected="who asked for it", got=f"role {caller.role}", then="ask yourself")


def require_layer(caller: Caller, layer: Layer) -> None:
    """Stop a caller who may not change the layer anywhere.

    Raises
    ------
    Forbidden
        Role, grants or key do not allow it.
    """
    if not may_write(caller, layer):
        raise Forbidden(
            "this caller may not change this layer", where=f"layer {layer.id}", expected="a role and grants that may",
            got=f"role {caller.role}", then="ask an admin",
        )


def require_measure(caller: Caller, layer: Layer, before: Feature | None, after: Feature | None) -> None:
    """Stop a caller who is limited to areas from changing what areas are measured by: their shapes and codes, and which there are.

    Raises
    ------
    Forbidden
        His own limits, or another's, would be others.
    """
    if caller.areas is None or layer.id not in GRANTED_BY:
        return
    if before is None or after is None or not _measures_alike(before, after):
        raise Forbidden(
            "this caller may not change what his limits are measured by", where=f"layer {layer.id}",
            expected="an area with the shape and the code that it has", got="another",
            then="ask whoever may change things everywhere",
        )


def require_place(caller: Caller, snapshot: Snapshot, layer: Layer, feature: Feature) -> None:
    """Stop a caller who may not change things where the feature is.

    Raises
    ------
    Forbidden
        Not all of it lies in the caller's areas, or it is not known where it is.
    """
    if caller.areas is None:
        return
    shapes = _closed(snapshot, feature) if layer.id == CLOSURES else _placed(feature)
    inside = _within(snapshot.whole, caller.areas, shapes) if shapes else _coded(snapshot.whole, caller.areas, layer, feature)
    if not inside:
        raise Forbidden(
            "this caller may not change things here", where=f"layer {layer.id}",
            expected=f"a feature that lies {RULE} the caller's areas", got="one that does not, or whose place is not known",
            then="ask whoever may change things there",
        )


def _placed(feature: Feature) -> list[BaseGeometry]:
    shape = None if feature.geometry is None else shapely.from_wkb(feature.geometry)
    return [] if shape is None or shape.is_empty else [shape]


def _measures_alike(before: Feature, after: Feature) -> bool:
    was, is_now = (shapely.normalize(_placed(each)) for each in (before, after))
    same_place = len(was) == len(is_now) and bool(shapely.equals_exact(was, is_now).all())
    return same_place and before.values.get("code") == after.values.get("code")


def _closed(snapshot: Snapshot, feature: Feature) -> list[BaseGeometry]:
    """All that a closure shuts; nothing where that cannot be said, as of a raster."""
    from geo_risk.access.selection import circle  # noqa: PLC0415 (the engine comes with it, and the first writes need none)

    values = feature.values
    if values.get("depth_raster") is not None:
        return []
    centre: list[Any] = [values.get(name) for name in ("centre_lon", "centre_lat", "radius_m")]
    named = [each.strip() for each in str(values.get("roads") or "").split(",") if each.strip()]
    lines = snapshot.whole.frames["roads"].geometry
    roads = [lines.get(each, lines.get(each.rpartition("#")[0])) for each in named]
    if any(road is None or road.is_empty for road in roads):
        return []
    round_ = [] if None in centre else [circle(*map(float, centre))]
    return [*_placed(feature), *round_, *roads]


def _within(whole: Snapshot, areas: frozenset[str], shapes: list[BaseGeometry]) -> bool:
    ground = remember_few(whole, "ground of areas", areas, lambda snapshot: _ground(snapshot, areas), most=_KEPT)
    return all(bool(shapely.covers(ground, shape)) for shape in shapes)


def _ground(whole: Snapshot, areas: frozenset[str]) -> BaseGeometry:
    """The union of the areas, prepared; nothing of those that are not there."""
    shapes = [shapely.make_valid(shape) for _, _, shape in _named(whole, areas) if shape is not None]
    ground = shapely.union_all(shapes)
    shapely.prepare(ground)
    return ground


def _coded(whole: Snapshot, areas: frozenset[str], layer: Layer, feature: Feature) -> bool:
    """Whether the administrative code of a feature without a place is one of the areas', or lies under it."""
    column = code_column(layer)
    code = None if column is None else feature.values.get(column.name)
    held = [(layer_id, own) for layer_id, own, _ in _named(whole, areas) if isinstance(own, str)]
    return isinstance(code, str) and any(code[: SIGNIFICANT[kind]] == own[: SIGNIFICANT[kind]] for kind, own in held)


def _named(whole: Snapshot, areas: frozenset[str]) -> Iterator[tuple[str, Any, BaseGeometry | None]]:
    """Layer, code and shape of each area that is there."""
    for area in sorted(areas):
        layer_id, _, fid = area.partition(":")
        frame = whole.frames[layer_id]
        if fid in frame.index:
            yield layer_id, frame["code"].get(fid), frame.geometry.get(fid)
