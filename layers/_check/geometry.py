"""A layer's places: of its kind, finite, on the globe, valid; repaired on request, with the area before and after."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo_risk.areas import repair
from geo_risk.crs import WGS84
from layers._layer import Geometry

Geometries = NDArray[Any]
Mask = NDArray[np.bool_]
_TYPES: Final = {
    Geometry.POINT: (shapely.GeometryType.POINT,),
    Geometry.LINE: (shapely.GeometryType.LINESTRING, shapely.GeometryType.MULTILINESTRING),
    Geometry.AREA: (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON),
}


class Finding(NamedTuple):
    """One place in the array, the rule it breaks, and what was seen there."""

    place: int
    rule: str
    seen: str


class Mended(NamedTuple):
    """One repaired place: the area before and after in square metres, and what was wrong."""

    place: int
    before_m2: float
    after_m2: float
    reason: str


class Places(NamedTuple):
    """Geometry fit for the layer, None where it is not, with the findings and repairs behind that."""

    geometry: Geometries
    findings: tuple[Finding, ...]
    mended: tuple[Mended, ...]
    missing: int
    invalid: int


def checked_places(kind: Geometry, given: Geometries, *, mend: bool) -> Places:
    """Each geometry held to the layer's kind, in this order: missing, kind, not finite, off the globe, invalid."""
    single = _single(kind, given)
    missing = shapely.is_missing(single) | shapely.is_empty(single)
    findings = [Finding(int(place), "geometry_missing", "") for place in np.flatnonzero(missing)]
    good = ~missing
    for rule, wrong in _rules(kind, single):
        findings += [Finding(int(place), rule, _seen(rule, single[place])) for place in np.flatnonzero(good & wrong)]
        good &= ~wrong
    invalid = good & ~shapely.is_valid(single)
    final, mended = _mended(single, invalid) if mend and kind is Geometry.AREA else (single, [])
    still = invalid & (~shapely.is_valid(final) | shapely.is_empty(final))
    findings += [Finding(int(place), "geometry_invalid", shapely.is_valid_reason(single[place])) for place in np.flatnonzero(still)]
    good &= ~still
    final = final.copy()
    final[~good] = None
    return Places(
        final,
        tuple(sorted(findings)),
        tuple(one for one in mended if good[one.place]),
        int(missing.sum()),
        int(invalid.sum()),
    )


def _single(kind: Geometry, given: Geometries) -> Geometries:
    """Points of a multi-point with one part."""
    multi = shapely.get_type_id(given) == shapely.GeometryType.MULTIPOINT
    alone = multi & (shapely.get_num_geometries(given) == 1) if kind is Geometry.POINT else np.zeros(len(given), dtype=bool)
    return np.where(alone, shapely.get_geometry(given, 0), given)


def _rules(kind: Geometry, shapes: Geometries) -> Iterator[tuple[str, Mask]]:
    yield "geometry_kind", ~np.isin(shapely.get_type_id(shapes), _TYPES[kind])
    places, owners = shapely.get_coordinates(shapes, return_index=True)
    yield "geometry_not_finite", _any(~np.isfinite(places).all(axis=1), owners, len(shapes))
    lon, lat = places[:, 0], places[:, 1]
    off = (np.abs(lon) > 180) | (np.abs(lat) > 90)
    swapped = (np.abs(lon) <= 90) & (np.abs(lat) > 90) & (np.abs(lat) <= 180)
    yield "geometry_swapped", _any(swapped, owners, len(shapes))
    yield "geometry_off_globe", _any(off, owners, len(shapes))


def _any(wrong: Any, owners: NDArray[np.int64], count: int) -> Mask:
    mask = np.zeros(count, dtype=bool)
    mask[owners[wrong]] = True
    return mask


def _seen(rule: str, shape: Any) -> str:
    if rule == "geometry_kind":
        return str(shape.geom_type)
    west, south, *_ = shape.bounds
    return f"{west:.6g} {south:.6g}"


def _mended(shapes: Geometries, invalid: Mask) -> tuple[Geometries, list[Mended]]:
    if not invalid.any():
        return shapes, []
    chosen = np.flatnonzero(invalid)
    after, changed = repair(gpd.GeoSeries(shapes[chosen], index=chosen, crs=WGS84))
    final = shapes.copy()
    final[chosen] = after.to_numpy()
    rows = zip(changed.index, changed["before_m2"], changed["after_m2"], changed["reason"], strict=True)
    return final, [Mended(int(place), float(before), float(later), str(reason)) for place, before, later, reason in rows]
