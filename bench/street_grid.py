"""A grid-like city of any size, the same every time: bent streets, gaps, one-way streets, five classes of road."""

import numpy as np

from geo_risk.access.road_graph import ALL_MODES, MODES, RoadGraph, along_hilbert, graph_of_arrays, mode_bit

CLASSES = ("national", "provincial", "county", "town", "street")
_EVERY = (32, 16, 8, 4)
"""A row or column whose number is a multiple of it is a road of that class; the first that fits."""
_WEST, _SOUTH, _SPACING = 120.0, 30.0, 0.0015
_GAPS, _ONE_WAY = 0.08, 0.12


def street_grid(nodes: int, seed: int) -> RoadGraph:
    """That many nodes about 150 m apart, joined to their neighbours but for gaps among the smallest streets."""
    rng = np.random.default_rng(seed)
    columns = int(np.ceil(np.sqrt(nodes)))
    row, column = np.divmod(np.arange(nodes), columns)
    strayed = rng.uniform(-0.3, 0.3, (nodes, 2))
    lon, lat = _WEST + _SPACING * (column + strayed[:, 0]), _SOUTH + _SPACING * (row + strayed[:, 1])
    order = along_hilbert(lon, lat)
    number = np.empty(nodes, dtype=np.int64)
    number[order] = np.arange(nodes)
    start, end, kind = _links(rng, nodes, columns)
    by_start = np.argsort(np.minimum(number[start], number[end]), kind="stable")
    start, end, kind = start[by_start], end[by_start], kind[by_start]
    points = _bent(rng, np.column_stack([lon, lat]), start, end)
    one_way = (rng.random(len(start)) < _ONE_WAY) & (kind >= CLASSES.index("town"))
    return graph_of_arrays(
        lon[order], lat[order], number[start], number[end],
        road_class=kind, classes=CLASSES, backward=np.where(one_way, mode_bit(MODES[-1]), ALL_MODES),
        points=points.reshape(-1, 2), point_at=np.arange(0, 3 * len(start) + 1, 3),
    )  # fmt: skip


def _links(rng: np.random.Generator, nodes: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """To the right and up, each with its class by the row or column it runs along."""
    here = np.arange(nodes)
    right = here[((here + 1) % columns != 0) & (here + 1 < nodes)]
    up = here[here + columns < nodes]
    start, end = np.concatenate([right, up]), np.concatenate([right + 1, up + columns])
    line = np.concatenate([right // columns, up % columns])
    kind = np.select([line % every == 0 for every in _EVERY], range(len(_EVERY)), len(_EVERY))
    kept = (kind < len(_EVERY)) | (rng.random(len(kind)) >= _GAPS)
    return start[kept], end[kept], kind[kept]


def _bent(rng: np.random.Generator, places: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Start, a point beside the middle, end: shape (links, 3, 2)."""
    middle = 0.5 * (places[start] + places[end]) + rng.normal(0, 0.05 * _SPACING, (len(start), 2))
    return np.stack([places[start], middle, places[end]], axis=1)
