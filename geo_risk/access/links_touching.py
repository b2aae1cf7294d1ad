"""Which links share a point with an area, its border included, over the antimeridian too."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import shapely

from geo_risk.access.link_lines import east_turns, lines_of_links
from geo_risk.access.road_graph import Floats, Ints, RoadGraph
from geo_risk.areas import repaired
from geo_risk.errors import ParameterError, shown

MAX_CORNERS: Final = 100_000
_MOST_STEPS: Final = 2e9  # of edges looked at: some seconds of GEOS
_BANDS: Final = 1024


def links_touching(graph: RoadGraph, area: shapely.Polygon | shapely.MultiPolygon, *, but: Any = None) -> Ints:
    """The links that share a point with the area, rising; without those marked in ``but`` (links).

    Raises
    ------
    ParameterError
        The area goes round a pole, or is too intricate to be tested in some seconds.
    """
    _require_plain(area, 0)
    within = _on_the_globe(area)
    chosen = _in_bounds(graph, within.bounds)
    if but is not None:
        chosen = chosen[~but[chosen]]
    _require_plain(within, len(chosen))
    within = shapely.union_all(repaired(np.array([within], dtype=object)))
    shapely.prepare(within)
    lines = lines_of_links(graph, chosen)
    met = shapely.intersects(within, lines)
    beyond = np.flatnonzero(np.abs(shapely.bounds(lines)[:, [0, 2]]).max(axis=1, initial=0.0) > 180.0)
    for turn in (360.0, -360.0) if len(beyond) else ():
        met[beyond] |= shapely.intersects(within, shapely.transform(lines[beyond], _east_by(turn)))
    return chosen[met]


def require_area(area: Any) -> None:
    """Stop at what is no area, has too many corners, or lies off the earth."""
    if not isinstance(area, shapely.Polygon | shapely.MultiPolygon) or area.is_empty:
        raise ParameterError(
            "there is no area", where="Inside", expected="a polygon with corners", got=shown(getattr(area, "geom_type", area)),
            then="draw an area, or take Around or Named",
        )
    corners = shapely.get_coordinates(area)
    if len(corners) > MAX_CORNERS:
        raise ParameterError(
            "the area has too many corners", where="Inside", expected=f"at most {MAX_CORNERS}", got=shown(len(corners)),
            then="simplify the area",
        )
    if not ((np.abs(corners[:, 0]) <= 540.0) & (np.abs(corners[:, 1]) <= 90.0)).all():
        raise ParameterError(
            "a corner is not on the earth", where="Inside", expected="longitude -540 to 540, latitude -90 to 90",
            got="others", then="check the order and the unit",
        )


def _in_bounds(graph: RoadGraph, bounds: tuple[float, float, float, float]) -> Ints:
    """Links whose own bounds meet others; of links over the antimeridian only the latitudes are asked."""
    if not graph.links:
        return np.empty(0, dtype=np.int64)
    (lon, lat), at = graph.points.T, graph.point_at[:-1]
    west, south, east, north = bounds
    met = (np.minimum.reduceat(lon, at) <= east) & (np.maximum.reduceat(lon, at) >= west)
    leaps = np.flatnonzero(np.abs(np.diff(lon)) > 180.0)
    met[np.searchsorted(at, leaps, side="right") - 1] = True
    met &= (np.minimum.reduceat(lat, at) <= north) & (np.maximum.reduceat(lat, at) >= south)
    return np.flatnonzero(met)


def _on_the_globe(area: shapely.Polygon | shapely.MultiPolygon) -> Any:
    """The area with longitudes from -180 to 180, cut at the antimeridian where it goes over it."""
    parts = [_unrolled(part) for part in shapely.get_parts(area)]
    west, east = min(part.bounds[0] for part in parts), max(part.bounds[2] for part in parts)
    if west >= -180.0 and east <= 180.0:
        return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    sound = repaired(np.array(parts, dtype=object))
    pieces = [
        shapely.transform(shapely.intersection(sound, shapely.box(-180.0 + turn, -90.0, 180.0 + turn, 90.0)), _east_by(-turn))
        for turn in (-360.0, 0.0, 360.0)
    ]
    return shapely.union_all(np.concatenate(pieces))


def _unrolled(part: shapely.Polygon) -> shapely.Polygon:
    """A polygon whose edges take the short way round the earth."""
    rings = [np.asarray(ring.coords)[:, :2].copy() for ring in (part.exterior, *part.interiors)]
    if not any(east_turns(ring[:, 0]).any() for ring in rings):
        return part
    for ring in rings:
        ring[1:, 0] += np.cumsum(east_turns(ring[:, 0]))
        if ring[0, 0] != ring[-1, 0]:
            raise ParameterError(
                "an area goes round a pole", where="Inside", expected="a ring that closes",
                got=f"one that ends {shown(float(ring[-1, 0] - ring[0, 0]))} degrees east of its start",
                then="draw it up to the pole: along latitude 90 or -90",
            )
        ring[:, 0] += 360.0 * np.round((rings[0][:, 0].mean() - ring[:, 0].mean()) / 360.0)
    return shapely.Polygon(rings[0], rings[1:])


def _east_by(degrees: float) -> Callable[[Floats], Floats]:
    return lambda places: places + np.array([degrees, 0.0])


def _require_plain(area: Any, lines: int) -> None:
    """Stop at an area that would take GEOS minutes: most edges of a star stand in the way of every line."""
    corners, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(area)), return_index=True)
    joined = np.flatnonzero(ring[1:] == ring[:-1])
    ends = np.sort(np.column_stack([corners[joined, 1], corners[joined + 1, 1]]), axis=1)
    low, high = ends.min(initial=90.0), ends.max(initial=-90.0)
    band = np.clip((ends - low) / max(high - low, 1e-12) * _BANDS, 0, _BANDS - 1).astype(np.int64)
    begun, ended = (np.bincount(column, minlength=_BANDS + 1) for column in (band[:, 0], band[:, 1] + 1))
    crowd = np.cumsum(begun - ended)[:_BANDS].astype(float)
    steps = (crowd**2).sum() / max(crowd.sum(), 1.0) * (lines + len(ends))
    if steps > _MOST_STEPS:
        raise ParameterError(
            "the area is too intricate to test roads against", where="Inside", expected=f"about {_MOST_STEPS:.0g} steps at most",
            got=f"{len(corners)} corners and {lines} links within its bounds, {steps:.0g} steps",
            then="simplify the area, or cut it up",
        )
