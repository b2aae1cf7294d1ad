"""Zones made ready for points: their edges in bands, a lattice of cells over all, and the pairs found by them."""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_risk.areas import has_shape, repaired
from geo_risk.chunks import over_spans, spans, threads
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard._edges import bands_of, edges_of
from geo_risk.hazard._inside_kernel import (
    Bands,
    Edges,
    Filled,
    Lattice,
    by_block,
    by_cell,
    by_point,
    count_candidates,
    find_pairs,
    list_cells,
)

Numbers: TypeAlias = NDArray[np.float64]
Positions: TypeAlias = NDArray[np.int64]
Shapes: TypeAlias = NDArray[Any]

_AREAS: Final = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
_NO_ZONES: Final = np.empty(0, dtype=np.int32)
_SPAN: Final = 1 << 15
_CELLS_A_ZONE, _LEAST_CELLS, _MOST_CELLS, _MOST_STEPS = 128, 1 << 10, 1 << 20, 1 << 23


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


def index_shapes(shapes: Shapes) -> ZoneIndex:
    """Areas in any one plane, ready for `pairs_of`; a missing one holds no point, an invalid one is repaired."""
    _require_areas(shapes)
    parts = spans(len(shapes), max(-(-len(shapes) // threads()), 1))
    sound = np.concatenate([shapes[:0], *over_spans(lambda part: repaired(shapes[part]), parts)])
    edges = edges_of(sound)
    bounds = shapely.bounds(sound)
    bands = bands_of(edges, bounds)
    lattice, room = _lattice(edges, bounds)

    def listed(part: slice) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        found: tuple[NDArray[np.int32], NDArray[np.int32]] = list_cells(
            part.start, part.stop, edges, bounds, bands, lattice, int(room[part].sum())
        )
        return found

    lists = over_spans(listed, parts)
    cell_of, zone_of = (np.concatenate([_NO_ZONES, *column]) for column in ([one for one, _ in lists], [two for _, two in lists]))
    filled = Filled(*by_cell(cell_of, zone_of, lattice.columns * lattice.rows))
    return ZoneIndex(shapes=sound, edges=edges, bands=bands, lattice=lattice, filled=filled)


def pairs_of(index: ZoneIndex, x: Numbers, y: Numbers) -> tuple[Positions, Positions]:
    """Every pair of a point and a shape that holds it, by point and then by shape."""
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
    wrong = np.flatnonzero(has_shape(shapes) & ~np.isin(shapely.get_type_id(shapes), _AREAS))
    if len(wrong):
        raise ParameterError(
            "a zone is no area", where=f"zone {wrong[0]} from 0", expected="polygons",
            got=f"{shown(shapes[wrong[0]].geom_type)}, {len(wrong)} such in all", then="leave points, lines and collections out",
        )
