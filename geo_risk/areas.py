"""Areas: square cells over a place, the area of overlapping zones, and the repair of invalid shapes with what it changed."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from geo_risk.crs import WGS84, local_metric_crs, require_lonlat, require_metric
from geo_risk.errors import ParameterError, shown

MAX_CELLS: Final = 200_000
_MAX_CORNERS, _MAX_HALVINGS, _MAX_REPAIRS = 250, 24, 3
Shapes: TypeAlias = NDArray[Any]
"""An array of shapely geometries; None where there is none."""


def square_cells(area: gpd.GeoDataFrame, size_m: float) -> gpd.GeoDataFrame:
    """Square cells of one size that touch an area.

    The grid lies in the local equal-area CRS of ``area``, so every cell holds size_m x size_m of ground. Cells are
    counted from the south-west corner of the area's bounds in that CRS, so ids do not depend on the order of rows.

    Parameters
    ----------
    area : GeoDataFrame, EPSG:4326
        Areas; rows without geometry are left out.
    size_m : float
        Side in metres.

    Returns
    -------
    GeoDataFrame, EPSG:4326
        Column ``name``; index ``id`` as ``c<column>r<row>``, sorted by row from the south, then column.

    Raises
    ------
    CrsError
        Not longitude, latitude; or nothing in the frame has a place.
    ParameterError
        ``size_m`` is not above 0, or the grid over the area's bounds has more than 200,000 cells.

    Examples
    --------
    >>> area = gpd.GeoDataFrame(geometry=[shapely.box(120, 30, 120.02, 30.01)], crs=4326)
    >>> square_cells(area, 1000)["name"].tolist()
    ['c0r0', 'c1r0', 'c0r1', 'c1r1']
    """
    require_lonlat(area, "square_cells")
    crs = local_metric_crs(area)
    whole = shapely.union_all(repaired(area.geometry.to_crs(crs).to_numpy()))
    west, south, east, north = whole.bounds
    columns, rows = _grid(east - west, north - south, size_m)
    row, column = np.divmod(np.arange(columns * rows), columns)
    corner_x, corner_y = west + column * size_m, south + row * size_m
    boxes = shapely.box(corner_x, corner_y, west + (column + 1) * size_m, south + (row + 1) * size_m)
    shapely.prepare(whole)
    kept = shapely.intersects(whole, boxes)
    names = [f"c{c}r{r}" for c, r in zip(column[kept], row[kept], strict=True)]
    cells = gpd.GeoSeries(boxes[kept], crs=crs, index=pd.Index(names, dtype="object", name="id")).to_crs(WGS84)
    return gpd.GeoDataFrame({"name": pd.Series(names, index=cells.index, dtype="str")}, geometry=cells)


def _grid(width_m: float, height_m: float, size_m: float) -> tuple[int, int]:
    """Columns and rows that cover the bounds, at least one of each."""
    if not 0 < size_m < np.inf:
        raise ParameterError("the size of a cell must be above 0", where="square_cells", expected="metres", got=shown(size_m))
    columns, rows = (max(1.0, np.ceil(side / size_m)) for side in (width_m, height_m))
    if columns * rows > MAX_CELLS:
        least_m = np.ceil(np.sqrt(width_m * height_m / MAX_CELLS))
        raise ParameterError(
            "too many cells", where="square_cells", expected=f"at most {MAX_CELLS} over the area's bounds",
            got=f"{columns * rows:.0f}", then=f"cells of about {least_m:.0f} m fit",
        )
    return int(columns), int(rows)


def union_area_m2(zones: gpd.GeoSeries, crs: pyproj.CRS | str | None = None) -> float:
    """Square metres of ground under at least one zone: overlaps count once, invalid zones are repaired first.

    Parameters
    ----------
    zones : GeoSeries of areas, EPSG:4326
    crs : pyproj.CRS or str, optional
        The CRS to measure in; by default the local equal-area one.

    Raises
    ------
    CrsError
        The zones are not longitude, latitude, or ``crs`` has no metres.

    Examples
    --------
    >>> square = shapely.box(120, 30, 120.01, 30.01)
    >>> union_area_m2(gpd.GeoSeries([square, square], crs=4326)) == union_area_m2(gpd.GeoSeries([square], crs=4326))
    True
    >>> union_area_m2(gpd.GeoSeries([None, shapely.Polygon()], crs=4326))
    0.0
    """
    require_lonlat(zones, "union_area_m2")
    located = zones[has_shape(zones.to_numpy())]
    if located.empty:
        return 0.0
    metric = local_metric_crs(located) if crs is None else crs
    require_metric(metric, "union_area_m2")
    return float(shapely.area(shapely.union_all(repaired(located.to_crs(metric).to_numpy()))))


def repair(geometries: gpd.GeoSeries) -> tuple[gpd.GeoSeries, pd.DataFrame]:
    """Valid geometries in place of invalid ones, and what each repair changed.

    An invalid shape is rebuilt from its rings by area (OGC structure: outer rings together, less the holes). Parts
    of a lower dimension than the shape had, such as a spike that falls to a line, are dropped; a polygon of no area
    comes out empty. Valid and missing geometries are returned as they are.

    Parameters
    ----------
    geometries : GeoSeries, EPSG:4326

    Returns
    -------
    GeoSeries
        On the same index.
    DataFrame
        One row a changed geometry, on its index: ``reason`` as GEOS words it without the coordinates, ``before_m2``
        (rings as drawn: parts drawn twice or inside out count twice or against) and ``after_m2``, in the local
        equal-area CRS.

    Examples
    --------
    >>> bow_tie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    >>> mended, changed = repair(gpd.GeoSeries([bow_tie, None], crs=4326))
    >>> mended.iloc[0].geom_type, changed["reason"].tolist(), changed["before_m2"].round().tolist()
    ('MultiPolygon', ['Self-intersection'], [0.0])
    """
    require_lonlat(geometries, "repair")
    invalid = _invalid(geometries.to_numpy())
    before = geometries[invalid]
    if before.empty:
        return geometries.copy(), pd.DataFrame({"reason": [], "before_m2": [], "after_m2": []}, index=before.index)
    mended = geometries.copy()
    mended[invalid] = repaired(before.to_numpy())
    crs = local_metric_crs(before)
    reasons = [reason.partition("[")[0].strip() for reason in shapely.is_valid_reason(before.to_numpy())]
    changed = {"reason": reasons, "before_m2": before.to_crs(crs).area, "after_m2": mended[invalid].to_crs(crs).area}
    return mended, pd.DataFrame(changed, index=before.index)


def repaired(shapes: Shapes) -> Shapes:
    """The same array with each invalid shape rebuilt and parts of a lower dimension dropped; valid ones untouched.

    Where corners all but coincide GEOS may rebuild a shape that is invalid once more: that is rebuilt again, and what
    stays so, or that GEOS fails on, comes out empty. It hides no other.
    """
    invalid = np.flatnonzero(_invalid(shapes))
    if not len(invalid):
        return shapes
    result = shapes.copy()
    for _ in range(_MAX_REPAIRS):
        result[invalid] = _rebuilt(result[invalid])
        invalid = invalid[_invalid(result[invalid])]
    result[invalid] = shapely.Polygon()
    return result


def _rebuilt(shapes: Shapes) -> Shapes:
    after = _each(lambda some: shapely.make_valid(some, method="structure", keep_collapsed=False), shapes, shapely.Polygon())
    dimensions = shapely.get_dimensions(shapes)
    return np.array([_of_dimension(shape, dimension) for shape, dimension in zip(after, dimensions, strict=True)], dtype=object)


def small_parts(shapes: Shapes) -> tuple[Shapes, NDArray[np.intp]]:
    """Each shape as repaired parts of at most 250 corners or so, and the position of the shape each part is of.

    A part with more is halved across its longer side until it is small, or 24 times: overlaying thousands of places
    with one river of 50,000 corners costs 50,000 steps a place, with its small parts a few hundred. Parts of one shape
    may overlap where the shape was invalid: union them before measuring.
    """
    parts, of = shapely.get_parts(shapes, return_index=True)
    parts = repaired(parts)
    for _ in range(_MAX_HALVINGS):
        large = shapely.get_num_coordinates(parts) > _MAX_CORNERS
        if not large.any():
            break
        halves, halves_of = _halves(parts[large], of[large])
        parts, of = np.concatenate([parts[~large], halves]), np.concatenate([of[~large], halves_of])
    return parts, of


def _halves(shapes: Shapes, of: NDArray[np.intp]) -> tuple[Shapes, NDArray[np.intp]]:
    west, south, east, north = shapely.bounds(shapes).T
    wide = (east - west) > (north - south)
    cut_x, cut_y = np.where(wide, (west + east) / 2, east), np.where(wide, north, (south + north) / 2)
    first = shapely.box(west, south, cut_x, cut_y)
    second = shapely.box(np.where(wide, cut_x, west), np.where(wide, south, cut_y), east, north)
    halves = shapely.intersection(np.concatenate([shapes, shapes]), np.concatenate([first, second]))
    parts, at = shapely.get_parts(halves, return_index=True)
    return parts, np.concatenate([of, of])[at]


def has_shape(shapes: Shapes) -> NDArray[np.bool_]:
    """Whether there is a geometry, and it is not empty."""
    return ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))


def coordinates_of(points: Shapes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """X and y of each point; nan where there is none, or an empty one, for which GEOS stops at all of them.

    >>> coordinates_of(np.array([shapely.Point(1, 2), None, shapely.Point()]))[0].tolist()
    [1.0, nan, nan]
    """
    placed = has_shape(points)
    x, y = np.full((2, len(points)), np.nan)
    x[placed], y[placed] = shapely.get_coordinates(points[placed]).T
    return x, y


def _invalid(shapes: Shapes) -> NDArray[np.bool_]:
    return ~(_each(shapely.is_valid, shapes, False) | shapely.is_missing(shapes))


def _each(verb: Callable[[Shapes], Any], shapes: Shapes, otherwise: object) -> NDArray[Any]:
    """A verb of shapely over all; where GEOS fails, over one after the other, and in place of what it fails on the other value."""
    try:
        return np.asarray(verb(shapes))
    except shapely.GEOSException:
        found = [otherwise] if len(shapes) == 1 else [_each(verb, shapes[at : at + 1], otherwise)[0] for at in range(len(shapes))]
        return np.array(found)


def _of_dimension(shape: shapely.Geometry, dimension: int) -> shapely.Geometry:
    if not isinstance(shape, shapely.GeometryCollection):
        return shape
    parts = [part for part in shapely.get_parts(shape) if shapely.get_dimensions(part) == dimension]
    return shapely.union_all(parts) if parts else shapely.Polygon()
