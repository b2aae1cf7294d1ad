"""The edges of shapes, and bands of them, for the compiled loops of `geo_risk.hazard`."""

from typing import Any, Final, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_risk.hazard._inside_kernel import Bands, Edges, edges_by_band

Numbers: TypeAlias = NDArray[np.float64]
Shapes: TypeAlias = NDArray[Any]

_MOST_BANDS: Final = 1 << 16
_BANDS_AN_EDGE: Final = 3.0  # so many an edge meets on average, at most: combs get few bands


def edges_of(shapes: Shapes) -> Edges:
    """The edges of each shape: of all rings of an area, or of a line."""
    parts, part_of = shapely.get_parts(shapes, return_index=True)
    rings, ring_of = shapely.get_rings(parts, return_index=True)
    lines = np.flatnonzero(shapely.get_dimensions(parts) == 1)
    of_part = np.concatenate([ring_of, lines])
    order = np.argsort(of_part, kind="stable")
    corners, corner_of = shapely.get_coordinates(np.concatenate([rings, parts[lines]])[order], return_index=True)
    joined = np.flatnonzero(corner_of[1:] == corner_of[:-1])
    of = part_of[of_part[order][corner_of[joined]]]
    starts = np.concatenate([[0], np.cumsum(np.bincount(of, minlength=len(shapes)))])
    return Edges(np.hstack([corners[joined], corners[joined + 1]]), starts.astype(np.int64))


def bands_of(edges: Edges, bounds: Numbers) -> Bands:
    """Each shape in horizontal bands: as many as edges, fewer where edges are long, so that an edge meets few."""
    count = np.diff(edges.starts)
    tall = bounds[:, 3] - bounds[:, 1]
    tall = np.where(tall > 0, tall, 1.0)
    of = np.repeat(np.arange(len(count)), count)
    climbed = np.bincount(of, weights=np.abs(edges.ends[:, 3] - edges.ends[:, 1]), minlength=len(count)) / tall
    number = np.minimum(count, _BANDS_AN_EDGE * count / np.maximum(climbed, 1.0))
    bands = np.clip(number, 1, _MOST_BANDS).astype(np.int64)
    starts = np.zeros(int(bands.sum()) + 1, dtype=np.int64)
    empty = Bands(np.nan_to_num(bounds[:, 1]), tall / bands, bands, np.cumsum(bands) - bands, starts, np.empty(0, dtype=np.int32))
    return empty._replace(members=edges_by_band(edges, empty))
