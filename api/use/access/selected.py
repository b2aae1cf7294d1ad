"""圈选: everything inside a drawn circle, a polygon or a zone of the map, listed and summed; what is unknown is told apart."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from api.use import parameters
from api.use._remember import remember
from api.use.access.places_on_roads import stands_of
from api.use.items import one
from api.use.records import records
from geo_risk.access.selection import Total, circle, inside_area, inside_circle, sums_inside, totals
from geo_risk.errors import ParameterError
from geo_risk.points import PointIndex, index_points
from geo_risk.risk.rollup import RollUp
from layers._layer import Geometry, Layer
from layers._store import Snapshot

_LISTED: Final = 1000
_NOT_SUMMED: Final = frozenset({"m", "%", "km/h", "km", "min", "a", "h", "t"})
"""Units of which a sum over features says nothing."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What was drawn: an area; of a circle also its centre and radius, since points are chosen by the exact one."""

    shape: BaseGeometry
    circle: tuple[float, float, float] | None = None


def drawn_circle(lon: float, lat: float, radius_m: float) -> Drawn:
    """A circle along the ground."""
    return Drawn(shape=circle(lon, lat, radius_m), circle=(lon, lat, radius_m))


def zone(snapshot: Snapshot, layer_id: str, fid: str) -> Drawn:
    """An area of the map, such as a warning area or a town."""
    shape = one(snapshot, layer_id, fid).geometry.iloc[0]
    if shape is None or shape.is_empty or shapely.get_dimensions(shape) != 2:
        raise ParameterError(
            "this feature is no area", where=layer_id, expected="a polygon", got="nothing" if shape is None else shape.geom_type,
            then="name a feature of an area layer, or draw a circle",
        )
    return Drawn(shape=shape)


def selectable(snapshot: Snapshot, text: str | None) -> tuple[Layer, ...]:
    """The layers named, or all that have a place and are no background."""
    if text is not None:
        return parameters.layers_named(snapshot, text, (Geometry.POINT, Geometry.LINE, Geometry.AREA))
    return tuple(each for each in snapshot.layers.values() if each.geometry is not Geometry.NONE and each.group != "base")


def selected(snapshot: Snapshot, drawn: Drawn, layers: tuple[Layer, ...]) -> dict[str, Any]:
    """For each layer what lies inside: how many, the sums of what can be summed, and the features themselves."""
    return {
        "revision": snapshot.revision,
        "layers": [
            _points(snapshot, drawn, layer)
            if layer.geometry is Geometry.POINT
            else _shapes(snapshot, drawn, layer)
            for layer in layers
        ],
    }


def _points(snapshot: Snapshot, drawn: Drawn, layer: Layer) -> dict[str, Any]:
    frame = snapshot.frames[layer.id]
    stands = stands_of(frame)
    placed = np.flatnonzero(~np.isnan(stands.lon))
    if drawn.circle is not None:
        index: PointIndex = remember(frame, "select", lambda _: index_points(stands.lon[placed], stands.lat[placed]))
        found = inside_circle(index, *drawn.circle).positions
    else:
        found = inside_area(stands.lon[placed], stands.lat[placed], drawn.shape).positions
    at = placed[found]
    sums = totals(frame, at, _summed(layer, snapshot.readable))
    return {
        **_listed(layer, frame, at, snapshot.readable),
        "rule": "point inside, border included",
        "unplaced": len(frame) - len(placed),
        "sums": {name: _said(layer, name, total) for name, total in sums.items()},
    }


def _shapes(snapshot: Snapshot, drawn: Drawn, layer: Layer) -> dict[str, Any]:
    """Lines and areas: those that meet the drawing, and their counts shared by the part inside."""
    frame = snapshot.frames[layer.id]
    shape = drawn.shape
    near = np.unique(frame.sindex.query(shape, predicate="intersects")) if len(frame) else np.empty(0, dtype=int)
    columns = [name for name in _summed(layer, snapshot.readable) if layer.column(name).unit == "people"]
    rows = frame.iloc[near]
    sums = sums_inside(rows, shape, columns) if columns and len(rows) else {}
    return {
        **_listed(layer, frame, near, snapshot.readable),
        "rule": "meets the drawing; people by the share of the area inside",
        "unplaced": int(frame.geometry.isna().sum()),
        "sums": {name: _shared(layer, name, found) for name, found in sums.items()},
    }


def _listed(layer: Layer, frame: pd.DataFrame, at: Any, sensitivities: tuple[str, ...]) -> dict[str, Any]:
    listed = frame.iloc[at[:_LISTED]]
    stands = stands_of(frame)
    return {
        "layer": layer.id,
        "title": layer.title,
        "count": len(at),
        "listed": len(listed),
        "items": [
            {"id": stands.ids[row], "name": stands.names[row], "lon": _degrees(stands.lon[row]), "lat": _degrees(stands.lat[row]),
             "properties": properties}
            for row, properties in zip(at[:_LISTED], records(layer, listed, sensitivities), strict=True)
        ],
    }  # fmt: skip


def _summed(layer: Layer, sensitivities: tuple[str, ...]) -> list[str]:
    """Columns that add up: counts and amounts, no lengths, speeds, levels or ranks."""
    return [
        column.name
        for column in layer.readable(sensitivities)
        if column.type is int and column.unit not in _NOT_SUMMED and not _ordinal(column.name)
    ]


def _ordinal(name: str) -> bool:
    return name.endswith(("_rank", "_order", "year", "level", "_minutes", "hour"))


def _said(layer: Layer, name: str, total: Total) -> dict[str, Any]:
    column = layer.column(name)
    return {"title": column.title, "unit": column.unit, "known": total.known, "unknown": total.unknown}


def _shared(layer: Layer, name: str, found: RollUp) -> dict[str, Any]:
    column = layer.column(name)
    known, unknown = found.known.iloc[0].item(), int(found.unknown.iloc[0])
    return {"title": column.title, "unit": column.unit, "known": known, "unknown": unknown, "refused": len(found.refused)}


def _degrees(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)
