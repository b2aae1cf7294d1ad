"""Parameters as they come from outside, checked: places, boxes, limits, lists of layers."""

import math
from dataclasses import dataclass

from geo_risk.errors import ParameterError, shown
from layers._layer import Layer
from layers._store import Snapshot


@dataclass(frozen=True)
class Box:
    """West, south, east, north in degrees; west may exceed east where the box crosses the antimeridian."""

    west: float
    south: float
    east: float
    north: float


def number(text: str, name: str, low: float, high: float) -> float:
    """A finite number within bounds.

    Raises
    ------
    ParameterError
        It is not one; the error names the parameter and its bounds.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and low <= value <= high):
        raise ParameterError(
            f"{name} is out of range or no number",
            where=name,
            expected=f"a number from {low:g} to {high:g}",
            got=shown(text),
            then=f"send {name} as a plain decimal number",
        )
    return value


def whole(text: str, name: str, low: int, high: int) -> int:
    """A whole number within bounds."""
    value = number(text, name, low, high)
    if value != int(value):
        raise ParameterError(f"{name} is not whole", where=name, expected=f"a whole number from {low} to {high}", got=shown(text))
    return int(value)


def longitude(text: str) -> float:
    """A longitude in degrees."""
    return number(text, "lon", -180.0, 180.0)


def latitude(text: str) -> float:
    """A latitude in degrees."""
    return number(text, "lat", -90.0, 90.0)


def box(text: str) -> Box:
    """A box from ``west,south,east,north``."""
    parts = text.split(",")
    if len(parts) != 4:
        raise ParameterError(
            "bbox does not have four numbers",
            where="bbox",
            expected="west,south,east,north in degrees",
            got=f"{len(parts)} parts",
            then="for example bbox=119.2,28.3,120.3,29.1",
        )
    west, east = (number(parts[i], "bbox", -180.0, 180.0) for i in (0, 2))
    south, north = (number(parts[i], "bbox", -90.0, 90.0) for i in (1, 3))
    if south > north:
        raise ParameterError("bbox has its south above its north", where="bbox", expected="west,south,east,north", got=shown(text))
    return Box(west, south, east, north)


def layers_named(snapshot: Snapshot, text: str, kinds: tuple[str, ...]) -> tuple[Layer, ...]:
    """Layers that are there for whoever asks, from a comma-separated list, each of one of the geometry kinds, none twice."""
    found = tuple(snapshot.layer(name.strip()) for name in dict.fromkeys(text.split(",")))
    wrong = [each.id for each in found if each.geometry not in kinds]
    if wrong:
        raise ParameterError(
            "a layer of that geometry cannot answer this",
            where="layers",
            expected=" or ".join(kinds) + " layers",
            got=", ".join(wrong),
        )
    return found
