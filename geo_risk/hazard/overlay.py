"""What two shapes share, under a budget; and how much of each object lies in each area."""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo_risk.areas import coordinates_of, has_shape, repaired, small_parts
from geo_risk.crs import WGS84, geodesic_m, require_lonlat
from geo_risk.hazard._crossings_kernel import count_crossings
from geo_risk.hazard._edges import bands_of, edges_of
from geo_risk.hazard._inside import index_shapes, pairs_of
from geo_risk.hazard._inside_kernel import Edges

Numbers: TypeAlias = NDArray[np.float64]
Positions: TypeAlias = NDArray[np.int64]
Shapes: TypeAlias = NDArray[Any]

MOST_CROSSINGS: Final = 50_000
MOST_TOGETHER: Final = 200_000
"""Crossings among all shapes that are overlaid at one place: a union of so many takes seconds."""
_BORDERS_MEET: Final = 8  # an edge meets itself, its neighbours, and those drawn twice along a common border
_MOST_STEPS: Final = 500_000_000
_LEAST_STEPS, _STEPS_A_CROSSING = 1_000_000, 1_000  # of counting, before it is given up: 50 million take about 0.1 s
_EQUAL_AREA: Final = "EPSG:6933"  # cylindrical: parallels and meridians stay straight, so lon/lat boxes are exact
TOO_MANY_CROSSINGS: Final = "their borders cross too often"


@dataclass(frozen=True, eq=False, kw_only=True)
class Bounded:
    """Intersections pair by pair: ``pieces`` holds None where the pair was ``refused``."""

    pieces: Shapes
    refused: NDArray[np.bool_]


def bounded_intersection(a: Shapes, b: Shapes, *, budget: int = MOST_CROSSINGS) -> Bounded:
    """The intersection of each shape with its partner, refused where their borders cross more than ``budget`` times.

    What an overlay costs, in time and memory, grows with the crossings: two valid combs of 800 teeth cross 640,000
    times, take most of a minute and gigabytes. Counting stops at the budget, so a refusal is quick, and the other
    pairs are not hindered by it.

    Parameters
    ----------
    a, b : ndarray of shapely geometries, of one length; None gives None
        Valid ones: see `geo_risk.areas.repaired`.
    budget : int
        Crossings of one pair.

    Examples
    --------
    >>> square, shifted = shapely.box(0, 0, 2, 2), shapely.box(1, 1, 3, 3)
    >>> found = bounded_intersection(np.array([square, square]), np.array([shifted, None]))
    >>> shapely.area(found.pieces).tolist(), found.refused.tolist()
    ([1.0, nan], [False, False])
    >>> bounded_intersection(np.array([square]), np.array([shifted]), budget=1).refused.tolist()
    [True]
    """
    refused = over_budget(a, b, budget)
    pieces = np.full(len(a), None, dtype=object)
    pieces[~refused] = shapely.intersection(a[~refused], b[~refused])
    return Bounded(pieces=pieces, refused=refused)


def over_budget(a: Shapes, b: Shapes, budget: int) -> NDArray[np.bool_]:
    """Which pairs of shapes have borders that cross more than ``budget`` times, or take too long to tell."""
    product = shapely.get_num_coordinates(a).astype(float) * shapely.get_num_coordinates(b)
    over = np.zeros(len(a), dtype=bool)
    for at in np.flatnonzero(product > budget):
        over[at] = _crossings(a[at], b[at], budget) > budget
    return over


def _crossings(a: shapely.Geometry, b: shapely.Geometry, most: int) -> int:
    these, those = edges_of(np.array([a])), edges_of(np.array([b]))
    if not len(these.ends) or not len(those.ends):
        return 0
    bands = bands_of(those, shapely.bounds(np.array([b])))
    return int(count_crossings(these.ends, those.ends, bands, most, _LEAST_STEPS + most * _STEPS_A_CROSSING))


def too_intricate(shapes: Shapes, budget: int = MOST_TOGETHER) -> bool:
    """Whether the borders of all these shapes cross one another more than ``budget`` times, or it takes too long to tell.

    >>> too_intricate(np.array([shapely.box(0, 0, 2, 2), shapely.box(1, 1, 3, 3)]))
    False
    """
    if float(shapely.get_num_coordinates(shapes).sum()) ** 2 <= 2 * budget:
        return False
    ends = edges_of(shapes).ends
    bands = bands_of(Edges(ends, np.array([0, len(ends)], dtype=np.int64)), np.array([shapely.total_bounds(shapes)]))
    most = 2 * budget + _BORDERS_MEET * len(ends)
    return bool(count_crossings(ends, ends, bands, most, min(_LEAST_STEPS + most * _STEPS_A_CROSSING, _MOST_STEPS)) > most)


@dataclass(frozen=True, eq=False, kw_only=True)
class Overlaps:
    """Which areas each object meets, pair by pair, by object and then by area.

    ``share`` is the part of the object's size that lies in the area: 0 where it only touches, 1 for a point, nan where
    the pair was ``refused``. ``size`` of each object is the number of its points, its metres along the ground, or its
    square metres; nan without geometry. ``pieces`` are what is shared, piece i by pair ``pair_of[i]``.
    """

    object_at: Positions
    area_at: Positions
    share: Numbers
    size: Numbers
    refused: NDArray[np.bool_]
    pieces: Shapes
    pair_of: Positions

    def share_in_any(self, group: Positions, groups: int) -> Numbers:
        """The share of its object that each group of pairs covers together, what overlaps counted once.

        ``group`` is a number for each pair, -1 for none; the pairs of a group are of one object. The share is nan where
        a pair was refused, or the pieces are together `too_intricate`.
        """
        of_piece = group[self.pair_of]
        order = np.argsort(of_piece, kind="stable")
        order = order[of_piece[order] >= 0]
        found, first = np.unique(of_piece[order], return_index=True)
        parts = np.split(self.pieces[order], first[1:]) if len(order) else []
        together = [_together(part) for part in parts]
        share = np.zeros(groups)
        owner = self.object_at[self.pair_of[order[first]]]
        share[found] = np.clip(sizes(np.array(together, dtype=object)) / self.size[owner], 0.0, 1.0)
        share[np.unique(group[self.refused & (group >= 0)])] = np.nan
        return share


def _together(pieces: Shapes) -> Any:
    if len(pieces) == 1:
        return pieces[0]
    return None if too_intricate(pieces) else shapely.union_all(pieces)


def overlaps(objects: gpd.GeoSeries, areas: gpd.GeoSeries, *, budget: int = MOST_CROSSINGS) -> Overlaps:
    """How much of each object lies in each area it meets; edges are straight in longitude and latitude.

    Invalid shapes are repaired first. A pair whose borders cross more than ``budget`` times is refused: that it meets
    is known, how much is not.

    Raises
    ------
    CrsError
        A frame is not longitude, latitude.

    Examples
    --------
    >>> areas = gpd.GeoSeries([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], crs=4326)
    >>> road = gpd.GeoSeries([shapely.LineString([(0.75, 0), (1.75, 0)])], crs=4326)
    >>> found = overlaps(road, areas)
    >>> found.area_at.tolist(), found.share.round(6).tolist(), found.size.round().tolist()
    ([0, 1], [0.25, 0.75], [111319.0])
    """
    require_lonlat(objects, "objects")
    require_lonlat(areas, "areas")
    things, zones = (repaired(np.asarray(frame.to_numpy(), dtype=object)) for frame in (objects, areas))
    if shapely.get_type_id(things).max(initial=-1) <= 0:
        return _points_overlap(things, zones)
    parts, part_of = small_parts(zones)
    object_at, part_at = shapely.STRtree(parts).query(things, predicate="intersects")
    order = np.lexsort((part_at, part_of[part_at], object_at))  # the same sums to the last bit whatever the order of rows
    object_at, part_at = object_at[order], part_at[order]
    pairs, pair_of = np.unique(np.column_stack([object_at, part_of[part_at]]), axis=0, return_inverse=True)
    pair_of = pair_of.ravel()
    refused = over_budget(things[pairs[:, 0]], zones[pairs[:, 1]], budget)
    met = np.flatnonzero(~refused[pair_of])
    pieces, piece_of = _pieces(things[object_at[met]], parts[part_at[met]])
    pieces, pair_of = _once(pieces, pair_of[met][piece_of])
    size = sizes(things)
    share = np.bincount(pair_of, weights=sizes(pieces), minlength=len(pairs)) / size[pairs[:, 0]]
    return Overlaps(
        object_at=pairs[:, 0], area_at=pairs[:, 1], share=np.where(refused, np.nan, np.clip(np.nan_to_num(share), 0.0, 1.0)),
        size=size, refused=refused, pieces=pieces, pair_of=pair_of,
    )


def _points_overlap(points: Shapes, zones: Shapes) -> Overlaps:
    object_at, area_at = pairs_of(index_shapes(zones), *coordinates_of(points))
    return Overlaps(
        object_at=object_at, area_at=area_at, share=np.ones(len(object_at)), size=np.where(has_shape(points), 1.0, np.nan),
        refused=np.zeros(len(object_at), dtype=bool), pieces=points[object_at], pair_of=np.arange(len(object_at)),
    )


def _pieces(things: Shapes, areas: Shapes) -> tuple[Shapes, Positions]:
    """What each thing shares with its area, of the thing's own dimension, and the position of the pair each is of."""
    shapely.prepare(areas)
    inside = shapely.contains_properly(areas, things)
    cut = np.flatnonzero(~inside)
    shared, of = shapely.get_parts(shapely.intersection(things[cut], areas[cut]), return_index=True)
    same = shapely.get_dimensions(shared) == shapely.get_dimensions(things[cut][of])
    pieces = np.concatenate([things[inside], shared[same]])
    of = np.concatenate([np.flatnonzero(inside), cut[of[same]]])
    order = np.argsort(of, kind="stable")
    return pieces[order], of[order]


def _once(pieces: Shapes, pair_of: Positions) -> tuple[Shapes, Positions]:
    """The same pieces by pair, those of a line or points joined: along the cut between two parts of an area they are in both."""
    several = (shapely.get_dimensions(pieces) < 2) & (np.bincount(pair_of)[pair_of] > 1) if len(pieces) else np.zeros(0, dtype=bool)
    if not several.any():
        return pieces, pair_of
    pairs, first = np.unique(pair_of[several], return_index=True)
    joined = np.array([shapely.union_all(part) for part in np.split(pieces[several], first[1:])], dtype=object)
    return np.concatenate([pieces[~several], joined]), np.concatenate([pair_of[~several], pairs])


def sizes(shapes: Shapes) -> Numbers:
    """Points of a point, metres along the ground of a line, square metres of an area; nan where there is no geometry.

    Areas are those of an equal-area CRS in which edges straight in longitude and latitude stay so (EPSG:6933).

    >>> sizes(np.array([shapely.Point(0, 0), shapely.LineString([(0, 0), (1, 0)]), None])).round().tolist()
    [1.0, 111319.0, nan]
    """
    dimension = np.where(has_shape(shapes), shapely.get_dimensions(shapes), -1)
    size = np.full(len(shapes), np.nan)
    size[dimension == 0] = shapely.get_num_coordinates(shapes[dimension == 0])
    size[dimension == 1] = _metres(shapes[dimension == 1])
    size[dimension == 2] = gpd.GeoSeries(shapes[dimension == 2], crs=WGS84).to_crs(_EQUAL_AREA).area
    return size


def _metres(lines: Shapes) -> Numbers:
    """Geodesic length, edge by edge."""
    parts, part_of = shapely.get_parts(lines, return_index=True)
    corners, corner_of = shapely.get_coordinates(parts, return_index=True)
    joined = np.flatnonzero(corner_of[1:] == corner_of[:-1])
    lon, lat = corners.T
    metres, _ = geodesic_m(lon[joined], lat[joined], lon[joined + 1], lat[joined + 1])
    return np.asarray(np.bincount(part_of[corner_of[joined]], weights=metres, minlength=len(lines)), dtype=float)
