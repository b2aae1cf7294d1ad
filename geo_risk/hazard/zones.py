"""Zones with a class or a depth: which of them hold each point, and what they say of points, lines and areas."""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo_risk.chunks import over_spans, spans, threads
from geo_risk.crs import require_lonlat
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard._inside_kernel import (
    Bands,
    Edges,
    Filled,
    Lattice,
    by_block,
    by_cell,
    by_point,
    count_candidates,
    edges_by_band,
    find_pairs,
    list_cells,
)
from geo_risk.risk.areas import has_shape, repaired

Numbers: TypeAlias = NDArray[np.float64]
Positions: TypeAlias = NDArray[np.int64]
Shapes: TypeAlias = NDArray[Any]

_NO_ZONES: Final = np.empty(0, dtype=np.int32)
_SPAN: Final = 1 << 15
_CELLS_A_ZONE, _LEAST_CELLS, _MOST_CELLS, _MOST_STEPS = 128, 1 << 10, 1 << 20, 1 << 23
_MOST_BANDS: Final = 1 << 16
_BANDS_AN_EDGE: Final = 3.0  # so many an edge meets on average, at most: combs get few bands


@dataclass(frozen=True, eq=False, kw_only=True)
class ZoneIndex:
    """Zones made ready for many points by `index_zones`: the repaired shapes, their edges in bands, cells over all."""

    shapes: Shapes
    edges: Edges
    bands: Bands
    lattice: Lattice
    filled: Filled

    def __len__(self) -> int:
        return len(self.shapes)


def index_zones(zones: gpd.GeoDataFrame | gpd.GeoSeries) -> ZoneIndex:
    """Zones made ready for `points_in_zones`, where the same zones are asked more than once.

    Parameters
    ----------
    zones : GeoDataFrame or GeoSeries of polygons, EPSG:4326
        A zone without geometry holds no point. Invalid ones are repaired first (`geo_risk.risk.areas.repair`).

    Raises
    ------
    CrsError
        Not longitude, latitude.
    ParameterError
        A zone is a point or a line.

    Examples
    --------
    >>> len(index_zones(gpd.GeoSeries([shapely.box(0, 0, 1, 1), None], crs=4326)))
    2
    """
    require_lonlat(zones, "index_zones")
    return index_shapes(np.asarray(zones.geometry.to_numpy()))


def index_shapes(shapes: Shapes) -> ZoneIndex:
    """The same for an array of shapes in any one plane."""
    _require_areas(shapes)
    sound = repaired(shapes)
    edges = _edges(sound)
    bounds = shapely.bounds(sound)
    bands = _bands(edges, bounds)
    lattice, room = _lattice(edges, bounds)

    def listed(part: slice) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        found: tuple[NDArray[np.int32], NDArray[np.int32]] = list_cells(
            part.start, part.stop, edges, bounds, bands, lattice, int(room[part].sum())
        )
        return found

    lists = over_spans(listed, spans(len(sound), max(-(-len(sound) // threads()), 1)))
    cell_of, zone_of = (np.concatenate([_NO_ZONES, *column]) for column in ([one for one, _ in lists], [two for _, two in lists]))
    filled = Filled(*by_cell(cell_of, zone_of, lattice.columns * lattice.rows))
    return ZoneIndex(shapes=sound, edges=edges, bands=bands, lattice=lattice, filled=filled)


def points_in_zones(
    zones: gpd.GeoDataFrame | gpd.GeoSeries | ZoneIndex, lon: ArrayLike, lat: ArrayLike
) -> tuple[Positions, Positions]:
    """Every pair of a point and a zone that holds it, as positions from 0, by point and then by zone.

    Zones are closed: a point on a border is in, on a shared border it is in both. Edges are straight in longitude and
    latitude. Exactly the pairs of ``shapely.intersects``: where rounding could tell a wrong side, shapely is asked.

    Parameters
    ----------
    zones : GeoDataFrame or GeoSeries of polygons, EPSG:4326; or ZoneIndex
    lon, lat : array_like of float
        Degrees on WGS84, of one length, which may be 0. A point with a nan is in no zone.

    Returns
    -------
    point_position, zone_position : ndarray of int64

    Raises
    ------
    CrsError
        The zones are not longitude, latitude.
    ParameterError
        A zone is a point or a line, or the lengths differ.

    Examples
    --------
    >>> two = gpd.GeoSeries([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], crs=4326)
    >>> points, held_by = points_in_zones(two, [0.5, 1.0, 2.0, 9.0, float("nan")], [0.5, 0.5, 1.0, 0.5, 0.5])
    >>> points.tolist(), held_by.tolist()
    ([0, 1, 1, 2], [0, 0, 1, 1])
    """
    index = zones if isinstance(zones, ZoneIndex) else index_zones(zones)
    x, y = np.ascontiguousarray(lon, dtype=float), np.ascontiguousarray(lat, dtype=float)
    if x.ndim != 1 or x.shape != y.shape:
        raise ParameterError(
            "longitudes and latitudes differ in shape", where="points_in_zones", expected="two arrays of one length",
            got=f"{x.shape} and {y.shape}", then="give one of each for every point",
        )
    number, east, north = by_block(x, y, index.lattice)
    found = over_spans(lambda part: _pairs(index, east[part], north[part], number[part]), spans(len(number), _SPAN))
    points = np.concatenate([np.empty(0, dtype=np.int64), *(one for one, _ in found)])
    held_by = np.concatenate([_NO_ZONES, *(two for _, two in found)])
    kept = _sure(index, x, y, points, held_by)
    return by_point(points[kept], held_by[kept], len(x))


def _pairs(index: ZoneIndex, x: Numbers, y: Numbers, number: Positions) -> tuple[Positions, NDArray[np.int32]]:
    room = count_candidates(x, y, index.lattice, index.filled)
    found: tuple[Positions, NDArray[np.int32]] = find_pairs(
        x, y, number, index.lattice, index.filled, index.edges.ends, index.bands, room
    )
    return found


def _sure(index: ZoneIndex, x: Numbers, y: Numbers, points: Positions, held_by: NDArray[np.int32]) -> slice | NDArray[np.bool_]:
    """Which pairs to keep; the zones of doubtful ones are put right in place."""
    doubtful = np.flatnonzero(held_by < 0)
    if not len(doubtful):
        return slice(None)
    held_by[doubtful] = -1 - held_by[doubtful]
    kept = np.ones(len(held_by), dtype=bool)
    kept[doubtful] = shapely.intersects_xy(index.shapes[held_by[doubtful]], x[points[doubtful]], y[points[doubtful]])
    return kept


def _edges(shapes: Shapes) -> Edges:
    parts, part_of = shapely.get_parts(shapes, return_index=True)
    rings, ring_of = shapely.get_rings(parts, return_index=True)
    corners, corner_of = shapely.get_coordinates(rings, return_index=True)
    joined = np.flatnonzero(corner_of[1:] == corner_of[:-1])
    of = part_of[ring_of[corner_of[joined]]]
    starts = np.concatenate([[0], np.cumsum(np.bincount(of, minlength=len(shapes)))])
    return Edges(np.hstack([corners[joined], corners[joined + 1]]), starts.astype(np.int64))


def _bands(edges: Edges, bounds: Numbers) -> Bands:
    """As many bands as edges, fewer where edges are long, so that an edge meets few."""
    count = np.diff(edges.starts)
    tall = bounds[:, 3] - bounds[:, 1]
    tall = np.where(tall > 0, tall, 1.0)
    of = np.repeat(np.arange(len(count)), count)
    climbed = np.bincount(of, weights=np.abs(edges.ends[:, 3] - edges.ends[:, 1]), minlength=len(count)) / tall
    number = np.minimum(count, _BANDS_AN_EDGE * count / np.maximum(climbed, 1.0))
    bands = np.clip(number, 1, _MOST_BANDS).astype(np.int64)
    starts = np.zeros(int(bands.sum()) + 1, dtype=np.int64)
    empty = Bands(np.nan_to_num(bounds[:, 1]), tall / bands, bands, np.cumsum(bands) - bands, starts, _NO_ZONES)
    return empty._replace(members=edges_by_band(edges, empty))


def _lattice(edges: Edges, bounds: Numbers) -> tuple[Lattice, Positions]:
    """Cells over all zones, fewer where zones overlap much or have long edges; and the most cells each zone can be in."""
    located = ~np.isnan(bounds[:, 0])
    if not located.any():
        return Lattice(0.0, 0.0, -1.0, -1.0, 1.0, 1.0, 1, 1), np.zeros(len(bounds), dtype=np.int64)
    (west, south), (east, north) = bounds[located, :2].min(axis=0), bounds[located, 2:].max(axis=0)
    reach = np.array([max(east - west, 1e-300), max(north - south, 1e-300)])
    sides = np.nan_to_num(bounds[:, 2:] - bounds[:, :2]) / reach
    edge_sides = float((np.abs(edges.ends[:, 2:] - edges.ends[:, :2]) / reach).sum())
    across = int(np.sqrt(np.clip(_CELLS_A_ZONE * len(bounds), _LEAST_CELLS, _MOST_CELLS)))
    while across > 1 and max(_room(sides, across).sum(), edge_sides * across) > _MOST_STEPS:
        across //= 2
    per_x, per_y = (across / reach).tolist()
    return Lattice(float(west), float(south), float(east), float(north), per_x, per_y, across, across), _room(sides, across)


def _room(sides: Numbers, across: int) -> Positions:
    """The most cells that boxes of these sides, as shares of the whole, can touch."""
    return np.asarray(np.minimum(np.ceil(sides * across) + 2.0, across).prod(axis=1), dtype=np.int64)


def _require_areas(shapes: Shapes) -> None:
    wrong = np.flatnonzero(has_shape(shapes) & (shapely.get_dimensions(shapes) != 2))
    if len(wrong):
        raise ParameterError(
            "a zone is no area", where=f"zone {wrong[0]} from 0", expected="polygons",
            got=f"{shown(shapes[wrong[0]].geom_type)}, {len(wrong)} such in all", then="leave points and lines out",
        )
