"""The nearest points to a place, or to each of many, by exact geodesic distance. Why none is missed: see `geo_risk.points`."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo_risk.access._nearest_kernel import CLOSE, SHORT, bearings, rank, spread_out
from geo_risk.chunks import over_spans, spans
from geo_risk.crs import geodesic_m
from geo_risk.errors import ParameterError, shown
from geo_risk.points import (
    MAX_RADIUS_M,
    ROUNDING_M,
    PointIndex,
    along_curve,
    earth_centred,
    longest_geodesic_m,
    measured,
    require_on_earth,
)

Numbers = NDArray[np.float64]
Positions = NDArray[np.int64]

MAX_K: Final = 1000
MOST_ANSWERS: Final = 20_000_000
_MOST_CANDIDATES: Final = 8_000_000
_A_SPAN: Final = 1 << 17  # candidates: what a span keeps of them fits into a core's cache


@dataclass(frozen=True, eq=False)
class Nearest:
    """Answers sorted by distance, equal ones by position.

    ``positions`` count the points given to `index_points` from 0; ``distance_m`` is along the geodesic;
    ``bearing_deg`` is from the asker, 0 north, 90 east, and 0 where the asker stands on the point.
    """

    positions: Positions
    distance_m: Numbers
    bearing_deg: Numbers


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
    _require_k(k, "nearest")
    asker = _asker(lon, lat, radius_m, "nearest")
    if not len(index):
        return _nothing()
    kth_chord = np.max(index.tree.query(asker, k=[min(k, len(index))])[0])
    return _around(index, lon, lat, asker, min(float(longest_geodesic_m(kth_chord)), float(radius_m)), radius_m, k)


def within(index: PointIndex, lon: float, lat: float, *, radius_m: float) -> Nearest:
    """All points within ``radius_m`` of a place, nearest first; parameters, answer and errors as of `nearest`.

    >>> from geo_risk.points import index_points
    >>> within(index_points([120.0, 120.1, 121.0], [30.0, 30.0, 30.0]), 120.02, 30.0, radius_m=20_000).positions.tolist()
    [0, 1]
    """
    asker = _asker(lon, lat, radius_m, "within")
    return _around(index, lon, lat, asker, float(radius_m), radius_m, len(index)) if len(index) else _nothing()


def nearest_many(index: PointIndex, lon: ArrayLike, lat: ArrayLike, *, k: int, radius_m: float) -> Nearest:
    """The ``k`` nearest points within ``radius_m`` of each of many places, by exact geodesic distance.

    The same answers as `nearest` for each place by itself. Distances are within a micrometre of pyproj.Geod, which
    measures where two are nearly alike, where one is nearly at the radius, and beyond 100 km; bearings within 0.00001
    degrees.

    Parameters
    ----------
    index : PointIndex
    lon, lat : array_like of float, shape (n,)
        The places, degrees on WGS84. One with a nan is unknown.
    k : int
        1 to 1,000; n x k at most 20 million.
    radius_m : float
        Metres along the ground, above 0, at most 500,000. A point just at it is in.

    Returns
    -------
    Nearest
        Each of shape (n, k). Where there are fewer than k, ``positions`` are -1, ``distance_m`` inf and ``bearing_deg``
        nan; of an unknown place the distances are nan too, for nobody knows what is near it.

    Raises
    ------
    ParameterError
        A place is not on the earth, ``k``, ``radius_m`` or the number of answers is out of range, or so many points
        are equally near that sorting them out would take more than 8 million distances.

    Examples
    --------
    >>> from geo_risk.points import index_points
    >>> index = index_points([120.0, 120.1], [30.0, 30.0])
    >>> found = nearest_many(index, [120.02, 0.0, float("nan")], [30.0, 30.0, 30.0], k=2, radius_m=5_000)
    >>> found.positions.tolist()
    [[0, -1], [-1, -1], [-1, -1]]
    >>> found.distance_m.round().tolist()
    [[1930.0, inf], [inf, inf], [nan, nan]]
    """
    _require_k(k, "nearest_many")
    _require_radius(radius_m, "nearest_many")
    east, north = _places(lon, lat, k)
    answers = Nearest(np.full((len(east), k), -1), np.full((len(east), k), np.inf), np.full((len(east), k), np.nan))
    known = np.isfinite(east) & np.isfinite(north)
    require_on_earth(east[known], north[known], "nearest_many")
    answers.distance_m[~known] = np.nan
    if not len(index):
        return answers
    order = np.flatnonzero(known)
    order = order[np.argsort(along_curve(east[order], north[order]))]
    width, askers = min(k + 1, len(index.spots)), _Askers(order, east[order], north[order])
    while len(askers):
        width = min(width, len(index.spots))
        _require_affordable(len(askers), width, k)
        askers, width = _answer(index, askers, width, k, radius_m, answers), 2 * width
    return answers


@dataclass(frozen=True, eq=False)
class _Askers:
    """Places still to be answered: their row in the answer, and where they are."""

    row: Positions
    lon: Numbers
    lat: Numbers

    def __len__(self) -> int:
        return len(self.row)

    def __getitem__(self, which: slice | Positions | NDArray[np.bool_]) -> "_Askers":
        return _Askers(self.row[which], self.lon[which], self.lat[which])


def _answer(index: PointIndex, askers: _Askers, width: int, k: int, radius_m: float, answers: Nearest) -> _Askers:
    """Write the answers that ``width`` candidates a place decide; return the places that need more."""

    def done(part: slice) -> NDArray[np.bool_]:
        return _answer_span(index, askers[part], width, k, radius_m, answers)

    short = over_spans(done, spans(len(askers), max(_A_SPAN // width, 1)))
    return askers[np.concatenate(short)]


def _answer_span(
    index: PointIndex, askers: _Askers, width: int, k: int, radius_m: float, answers: Nearest
) -> NDArray[np.bool_]:
    spots = index.spots
    asked = earth_centred(askers.lon, askers.lat)
    chord, found = spots.tree.query(asked, k=range(1, width + 1), distance_upper_bound=radius_m + ROUNDING_M)
    found = found.astype(np.int64, copy=False)
    metres, state = rank(asked, spots.centred, chord, found, k, float(radius_m), ROUNDING_M)
    _measure_again(index, askers, np.flatnonzero(state == CLOSE), metres, found)
    positions, distance = spread_out(metres, found, spots.first, spots.members, k, float(radius_m))
    bearing = bearings(asked, askers.lon, askers.lat, index.tree.data, positions, distance)
    far = np.nonzero((positions >= 0) & np.isnan(bearing))
    bearing[far] = measured(askers.lon[far[0]], askers.lat[far[0]], index, positions[far])[1]
    settled: NDArray[np.bool_] = (state & SHORT) == 0
    for whole, part in ((answers.positions, positions), (answers.distance_m, distance), (answers.bearing_deg, bearing)):
        whole[askers.row[settled]] = part[settled]
    return ~settled


def _measure_again(index: PointIndex, askers: _Askers, rows: Positions, metres: Numbers, found: Positions) -> None:
    """Candidates of some rows by pyproj.Geod, sorted anew in place."""
    if not len(rows):
        return
    row, place = np.nonzero(np.isfinite(metres[rows]))
    at = rows[row]
    point = index.spots.members[index.spots.first[found[at, place]]]
    metres[at, place] = geodesic_m(askers.lon[at], askers.lat[at], index.lon[point], index.lat[point])[0]
    order = np.argsort(metres[rows], axis=1, kind="stable")
    metres[rows], found[rows] = (np.take_along_axis(one[rows], order, axis=1) for one in (metres, found))


def _around(index: PointIndex, lon: float, lat: float, asker: Numbers, reach_m: float, radius_m: float, k: int) -> Nearest:
    """The first ``k`` points within the radius among those with a chord up to ``reach_m``."""
    around = np.sort(np.asarray(index.tree.query_ball_point(asker, reach_m + ROUNDING_M), dtype=np.int64))
    distance, bearing = measured(np.full(len(around), lon), np.full(len(around), lat), index, around)
    order = np.argsort(distance, kind="stable")
    order = order[distance[order] <= radius_m][:k]
    return Nearest(around[order], distance[order], bearing[order])


def _nothing() -> Nearest:
    return Nearest(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))


def _asker(lon: float, lat: float, radius_m: float, where: str) -> Numbers:
    """The place in earth-centred metres."""
    _require_radius(radius_m, where)
    east, north = np.array([lon], dtype=float), np.array([lat], dtype=float)
    require_on_earth(east, north, where)
    return np.asarray(earth_centred(east, north)[0])


def _places(lon: ArrayLike, lat: ArrayLike, k: int) -> tuple[Numbers, Numbers]:
    east, north = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    if east.ndim != 1 or east.shape != north.shape:
        raise ParameterError(
            "longitudes and latitudes differ in shape", where="nearest_many", expected="two arrays of one length",
            got=f"{east.shape} and {north.shape}", then="give one of each for every place",
        )
    if len(east) * k > MOST_ANSWERS:
        raise ParameterError(
            "too many answers", where="nearest_many", expected=f"places times k at most {MOST_ANSWERS}",
            got=f"{len(east)} times {k}", then="ask in pieces, or for fewer",
        )
    return east, north


def _require_affordable(places: int, width: int, k: int) -> None:
    if width > 2 * (k + 1) and places * width > _MOST_CANDIDATES:
        raise ParameterError(
            "too many points are nearly equally near", where="nearest_many",
            expected=f"places times candidates at most {_MOST_CANDIDATES}", got=f"{places} places, {width} candidates each",
            then="ask for fewer places at once, or for a smaller radius",
        )


def _require_k(k: int, where: str) -> None:
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= MAX_K:
        raise ParameterError(
            "k is out of range", where=where, expected=f"a whole number, 1 to {MAX_K}", got=shown(k),
            then="ask for fewer or more",
        )


def _require_radius(radius_m: float, where: str) -> None:
    if not 0 < radius_m <= MAX_RADIUS_M:
        raise ParameterError(
            "radius_m is out of range", where=where, expected=f"above 0, at most {MAX_RADIUS_M:.0f} metres",
            got=shown(radius_m), then="give metres",
        )
