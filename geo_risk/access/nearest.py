"""The nearest points to a place by exact geodesic distance. How the search cannot miss: see `geo_risk.points`."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo_risk.errors import ParameterError, shown
from geo_risk.points import MAX_RADIUS_M, ROUNDING_M, PointIndex, earth_centred, longest_geodesic_m, measured, require_on_earth

MAX_K: Final = 1000


@dataclass(frozen=True, eq=False)
class Nearest:
    """Answers sorted by distance, equal ones by position.

    ``positions`` count the points given to `index_points` from 0; ``distance_m`` is along the geodesic;
    ``bearing_deg`` is from the asker, 0 north, 90 east, and 0 where the asker stands on the point.
    """

    positions: NDArray[np.int64]
    distance_m: NDArray[np.float64]
    bearing_deg: NDArray[np.float64]


def nearest(index: PointIndex, lon: float, lat: float, *, k: int, radius_m: float) -> Nearest:
    """The ``k`` nearest points within ``radius_m`` of a place, by exact geodesic distance.

    Parameters
    ----------
    index : PointIndex
    lon, lat : float
        The place, degrees on WGS84.
    k : int
        1 to 1,000.
    radius_m : float
        Metres along the ground, above 0, at most 500,000. A point just at it is in.

    Returns
    -------
    Nearest
        At most ``k`` answers; none is an answer too.

    Raises
    ------
    ParameterError
        The place is not on the earth, or ``k`` or ``radius_m`` is out of range.

    Examples
    --------
    >>> from geo_risk.points import index_points
    >>> found = nearest(index_points([120.0, 120.1, 121.0], [30.0, 30.0, 30.0]), 120.02, 30.0, k=2, radius_m=20_000)
    >>> found.positions.tolist(), found.distance_m.round(-1).tolist(), found.bearing_deg.round().tolist()
    ([0, 1], [1930.0, 7720.0], [270.0, 90.0])
    """
    _require_limits(k, radius_m)
    require_on_earth(np.array([lon], dtype=float), np.array([lat], dtype=float), "nearest")
    if not len(index):
        return Nearest(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))
    asker = earth_centred(np.array([lon], dtype=float), np.array([lat], dtype=float))[0]
    kth_chord = np.max(index.tree.query(asker, k=[min(k, len(index))])[0])
    reach_m = min(float(longest_geodesic_m(kth_chord)), float(radius_m)) + ROUNDING_M
    around = np.sort(np.asarray(index.tree.query_ball_point(asker, reach_m), dtype=np.int64))
    distance, bearing = measured(np.full(len(around), lon), np.full(len(around), lat), index, around)
    order = np.argsort(distance, kind="stable")
    order = order[distance[order] <= radius_m][:k]
    return Nearest(around[order], distance[order], bearing[order])


def _require_limits(k: int, radius_m: float) -> None:
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= MAX_K:
        raise ParameterError(
            "k is out of range", where="nearest", expected=f"a whole number, 1 to {MAX_K}", got=shown(k),
            then="ask for fewer or more",
        )
    if not 0 < radius_m <= MAX_RADIUS_M:
        raise ParameterError(
            "radius_m is out of range", where="nearest", expected=f"above 0, at most {MAX_RADIUS_M:.0f} metres",
            got=shown(radius_m), then="give metres",
        )
