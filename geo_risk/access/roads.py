"""The road network as arrays: places where roads meet, links between them, and which way each may be gone.

A *link* is a stretch of road between two *nodes*; going along it from ``start`` to ``end`` is arc ``2 * link``, the other
way arc ``2 * link + 1``. What an arc costs is not part of the graph (see `geo_risk.access.travel`), so closing a road
changes one array of costs and builds nothing anew. Nodes are numbered along a Hilbert curve: neighbours lie near in memory.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo_risk.errors import ParameterError, shown

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

MODES: Final = ("car", "truck", "bicycle", "foot")
"""Who may use a road: bit 0 of a link's modes is the first, and so on."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RoadGraph:
    """Nodes, links and the geometry of links; made by `road_graph` or `graph_of_arrays`. Degrees on WGS84, metres, km/h.

    ``lon``, ``lat`` (nodes). Of each link: ``start``, ``end`` its nodes; ``length_m`` along the geodesics of its points;
    ``road_class`` a position in ``classes``; ``forward``, ``backward`` the modes that may go from start to end, and back;
    ``limit_kmh`` the posted speed or nan; ``bridge``, ``tunnel``; ``feature`` a position in ``feature_ids`` and ``names``
    and ``part`` its number along that feature, from 0. The points of link i are ``points[point_at[i]:point_at[i + 1]]``
    (longitude, latitude; start first). The arcs that leave node n are ``arcs[arc_at[n]:arc_at[n + 1]]`` and lead to the
    nodes ``arc_to`` at the same positions.
    """

    lon: Floats
    lat: Floats
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    length_m: Floats
    road_class: NDArray[np.int16]
    forward: NDArray[np.uint8]
    backward: NDArray[np.uint8]
    limit_kmh: NDArray[np.float32]
    bridge: Mask
    tunnel: Mask
    feature: NDArray[np.int32]
    part: NDArray[np.int32]
    points: Floats
    point_at: Ints
    classes: tuple[str, ...]
    feature_ids: tuple[str, ...]
    names: tuple[str, ...]
    arc_at: NDArray[np.int32] = field(repr=False)
    arc_to: NDArray[np.int32] = field(repr=False)
    arcs: NDArray[np.int32] = field(repr=False)

    @property
    def nodes(self) -> int:
        """How many nodes."""
        return len(self.lon)

    @property
    def links(self) -> int:
        """How many links."""
        return len(self.start)

    def name(self, link: int) -> str:
        """The name of a link's road, empty where it has none."""
        return self.names[int(self.feature[link])]

    def link_id(self, link: int) -> str:
        """A link as a person or a closure names it: its feature's id, and which part of it.

        The number of the part holds as long as the roads do not change.
        """
        return f"{self.feature_ids[int(self.feature[link])]}#{int(self.part[link])}"


def arcs_of(start: NDArray[np.int32], end: NDArray[np.int32], nodes: int) -> tuple[NDArray[np.int32], ...]:
    """The arcs that leave each node, as (arc_at, arc_to, arcs); a link from a node to itself leaves it twice.

    >>> [part.tolist() for part in arcs_of(np.array([0, 1], np.int32), np.array([1, 2], np.int32), 3)]
    [[0, 1, 3, 4], [1, 0, 2, 1], [0, 1, 2, 3]]
    """
    tails = np.column_stack([start, end]).ravel()
    heads = np.column_stack([end, start]).ravel()
    order = np.argsort(tails, kind="stable").astype(np.int32)
    at = np.concatenate([[0], np.cumsum(np.bincount(tails, minlength=nodes))]).astype(np.int32)
    return at, heads[order].astype(np.int32), order


def mode_bit(mode: str) -> int:
    """The bit of a mode in ``forward`` and ``backward``.

    >>> mode_bit("truck")
    2
    """
    if mode not in MODES:
        raise ParameterError("no such mode", where="mode", expected=", ".join(MODES), got=shown(mode), then="name one of these")
    return 1 << MODES.index(mode)
