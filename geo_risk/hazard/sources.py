"""What comes from points: blast, leak, run-out; by distance along the geodesic and a named law, over sources by a named rule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from geo_risk.areas import has_shape
from geo_risk.crs import geodesic_m, require_lonlat
from geo_risk.errors import ParameterError, shown
from geo_risk.points import MAX_RADIUS_M, ROUNDING_M, PointIndex, index_points

Numbers: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Law:
    """How a source acts at a distance: the ``columns`` it needs (each above 0), its value, and how far it acts at most.

    ``value`` takes metres and the columns' numbers; ``limit_m`` the columns' numbers, and gives nan where they make no
    sense. ``combinations`` are the rules that fit it.
    """

    columns: tuple[str, ...]
    value: Callable[[Numbers, Numbers], Numbers]
    limit_m: Callable[[Numbers], float]
    formula: str
    source: str
    combinations: tuple[str, ...] = ("max", "sum", "noisy_or")


@dataclass(frozen=True, kw_only=True)
class Combination:
    """One value from several sources: ``start`` without any, ``step`` with one more, ``end`` from what the steps made."""

    start: float
    step: Callable[[Numbers, Numbers], Numbers]
    end: Callable[[Numbers], Numbers]


def reach(
    sources: gpd.GeoDataFrame, lon: ArrayLike, lat: ArrayLike, law: str, *, combination: str = "max", reach_m: float
) -> Numbers:
    """The ``value`` of `reach_table` alone.

    >>> plant = gpd.GeoDataFrame({"radius_m": [2000.0]}, geometry=[shapely.Point(120, 30)], crs=4326)
    >>> reach(plant, [120.0, 120.01, 120.1], [30.0, 30.0, 30.0], "within", reach_m=5000).tolist()
    [1.0, 1.0, 0.0]
    """
    return reach_table(sources, lon, lat, law, combination=combination, reach_m=reach_m)["value"].to_numpy()


def reach_table(
    sources: gpd.GeoDataFrame, lon: ArrayLike, lat: ArrayLike, law: str, *, combination: str = "max", reach_m: float
) -> pd.DataFrame:
    """What the sources do at each point, by a law of `LAWS` and over sources by a rule of `COMBINATIONS`.

    =============== ========================== ======================================================================
    within          radius_m                   1 up to the radius, 0 beyond
    linear          strength, radius_m         strength (1 - d / radius)
    inverse_square  strength, reference_m      strength (reference / d)^2; strength within the reference distance
    exponential     strength, decay_m          strength exp(-d / decay)
    scaled_distance charge_kg                  Z = d / charge^(1/3), m/kg^(1/3): the smaller the worse
    reach_angle     drop_m, angle_deg          1 up to drop / tan(angle), the run-out of a slide; 0 beyond
    =============== ========================== ======================================================================

    ``combination``: *max*, *sum*, *noisy_or* 1 - prod(1 - v) for chances of 0 to 1; for scaled_distance only *min*,
    which is infinite where no source acts. None acts beyond ``reach_m``.

    A source whose number is missing, or not above 0, is unknown: so is every point within ``reach_m`` of it. Sources
    without geometry are left out; without any source every point is unknown.

    Parameters
    ----------
    sources : GeoDataFrame of points, EPSG:4326
        With the law's columns.
    lon, lat : array_like of float
        Degrees on WGS84; a point with a nan is unknown.
    law, combination : str
    reach_m : float
        Metres along the ground, above 0, at most 500,000.

    Returns
    -------
    DataFrame, a row a point
        ``value``, nan where unknown; ``sources`` that act there; ``unknown_sources`` within reach.

    Raises
    ------
    CrsError
        The sources are not longitude, latitude.
    ParameterError
        No such law, rule or column; sources that are no points; a reach out of range; a chance over 1.

    Examples
    --------
    >>> tanks = gpd.GeoDataFrame(
    ...     {"strength": [1.0, 0.5], "radius_m": [2000.0, None]}, geometry=gpd.points_from_xy([120, 120.5], [30, 30]), crs=4326
    ... )
    >>> reach_table(tanks, [120.0, 120.5, 121.0], [30.0, 30.0, 30.0], "linear", reach_m=10_000)
       value  sources  unknown_sources
    0    1.0        1                0
    1    NaN        0                1
    2    0.0        0                0
    """
    chosen, rule = _chosen(law, combination, reach_m)
    numbers, at_lon, at_lat = _known_sources(sources, chosen, law)
    east, north = np.array(lon, dtype=float), np.array(lat, dtype=float)
    known = np.flatnonzero(np.isfinite(east) & np.isfinite(north))
    points, places = index_points(east[known], north[known]), index_points(at_lon, at_lat)
    value = np.full(len(known), rule.start)
    acting, unknown = np.zeros(len(known), dtype=np.int64), np.zeros(len(known), dtype=np.int64)
    for number in np.lexsort((*numbers.T, at_lat, at_lon)):  # the same sum to the last bit whatever the order of rows
        row = numbers[number]
        limit_m = chosen.limit_m(row) if (row > 0).all() and np.isfinite(row).all() else np.nan
        near, metres = _near(points, places, number, reach_m if np.isnan(limit_m) else min(limit_m, reach_m))
        if np.isnan(limit_m):
            unknown[near] += 1
        else:
            value[near] = rule.step(value[near], chosen.value(metres, row))
            acting[near] += 1
    result = pd.DataFrame({"value": np.nan, "sources": 0, "unknown_sources": 0}, index=range(len(east)))
    if len(numbers):
        result.loc[known, "value"] = np.where(unknown > 0, np.nan, rule.end(value))
    result.loc[known, "sources"], result.loc[known, "unknown_sources"] = acting, unknown
    return result


def _near(points: PointIndex, places: PointIndex, number: int, limit_m: float) -> tuple[NDArray[np.int64], Numbers]:
    """The points within a distance of a source, and how far they are."""
    around = np.asarray(points.tree.query_ball_point(places.tree.data[number], limit_m + ROUNDING_M), dtype=np.int64)
    lon, lat = (np.full(len(around), at[number]) for at in (places.lon, places.lat))
    metres, _ = geodesic_m(lon, lat, points.lon[around], points.lat[around])
    return around[metres <= limit_m], metres[metres <= limit_m]


def _chosen(law: str, combination: str, reach_m: float) -> tuple[Law, Combination]:
    for what, name, table in (("law", law, LAWS), ("combination", combination, COMBINATIONS)):
        if name not in table:
            raise ParameterError(f"no such {what}", where="reach", expected=", ".join(table), got=shown(name), then="name one")
    if not 0 < reach_m <= MAX_RADIUS_M:
        raise ParameterError(
            "reach_m is out of range", where="reach", expected=f"above 0, at most {MAX_RADIUS_M:.0f} metres", got=shown(reach_m),
            then="give metres",
        )
    if combination not in LAWS[law].combinations:
        raise ParameterError(
            "the combination does not fit the law", where=f"reach, law {law}", expected=", ".join(LAWS[law].combinations),
            got=shown(combination), then="name one of these",
        )
    return LAWS[law], COMBINATIONS[combination]


def _known_sources(sources: gpd.GeoDataFrame, law: Law, name: str) -> tuple[Numbers, Numbers, Numbers]:
    """The law's numbers, longitude and latitude of each source that has a place."""
    require_lonlat(sources, "sources")
    missing = [column for column in law.columns if column not in sources or not pd.api.types.is_numeric_dtype(sources[column])]
    if missing:
        raise ParameterError(
            "the sources lack a column of numbers", where=f"reach, law {name}", expected=", ".join(law.columns),
            got=f"no {missing[0]}", then="add it",
        )
    shapes = sources.geometry.to_numpy()
    located = has_shape(shapes)
    if (shapely.get_type_id(shapes[located]) != 0).any():
        raise ParameterError("a source is no point", where="reach", expected="points", got="lines or areas")
    numbers = sources.loc[located, list(law.columns)].to_numpy(dtype=float, na_value=np.nan)
    return numbers, shapely.get_x(shapes[located]), shapely.get_y(shapes[located])


def _within(metres: Numbers, row: Numbers) -> Numbers:
    return np.ones(len(metres))


def _linear(metres: Numbers, row: Numbers) -> Numbers:
    return np.asarray(row[0] * (1.0 - metres / row[1]), dtype=float)


def _inverse_square(metres: Numbers, row: Numbers) -> Numbers:
    return np.asarray(row[0] * (row[1] / np.maximum(metres, row[1])) ** 2, dtype=float)


def _exponential(metres: Numbers, row: Numbers) -> Numbers:
    return np.asarray(row[0] * np.exp(-metres / row[1]), dtype=float)


def _scaled_distance(metres: Numbers, row: Numbers) -> Numbers:
    return np.asarray(metres / np.cbrt(row[0]), dtype=float)


def _run_out_m(row: Numbers) -> float:
    """L = H / tan(angle): an angle of 90 degrees or more makes no sense."""
    return float(row[0] / np.tan(np.radians(row[1]))) if row[1] < 90.0 else np.nan


def _unlimited(row: Numbers) -> float:
    return np.inf


def _noisy_or_step(so_far: Numbers, more: Numbers) -> Numbers:
    if (more > 1.0).any():
        raise ParameterError("a chance is over 1", where="reach, noisy_or", expected="0 to 1", got=shown(float(more.max())))
    return np.asarray(so_far * (1.0 - more), dtype=float)


def _as_it_is(value: Numbers) -> Numbers:
    return value


def _complement(value: Numbers) -> Numbers:
    return 1.0 - value


LAWS: Final[Mapping[str, Law]] = MappingProxyType({
    "within": Law(
        columns=("radius_m",), value=_within, limit_m=lambda row: float(row[0]), formula="1 if d <= radius",
        source="definition",
    ),
    "linear": Law(
        columns=("strength", "radius_m"), value=_linear, limit_m=lambda row: float(row[1]), formula="strength (1 - d / radius)",
        source="definition",
    ),
    "inverse_square": Law(
        columns=("strength", "reference_m"), value=_inverse_square, limit_m=_unlimited,
        formula="strength (reference / max(d, reference))^2", source="point source without absorption",
    ),
    "exponential": Law(
        columns=("strength", "decay_m"), value=_exponential, limit_m=_unlimited, formula="strength exp(-d / decay)",
        source="definition",
    ),
    "scaled_distance": Law(
        columns=("charge_kg",), value=_scaled_distance, limit_m=_unlimited, formula="Z = d / W^(1/3)",
        source="Hopkinson 1915, Cranz 1926: cube-root scaling of blast", combinations=("min",),
    ),
    "reach_angle": Law(
        columns=("drop_m", "angle_deg"), value=_within, limit_m=_run_out_m, formula="1 if d <= H / tan(angle)",
        source="Heim 1932; Corominas 1996, The angle of reach as a mobility index",
    ),
})
COMBINATIONS: Final[Mapping[str, Combination]] = MappingProxyType({
    "max": Combination(start=0.0, step=np.maximum, end=_as_it_is),
    "min": Combination(start=np.inf, step=np.minimum, end=_as_it_is),
    "sum": Combination(start=0.0, step=np.add, end=_as_it_is),
    "noisy_or": Combination(start=1.0, step=_noisy_or_step, end=_complement),
})
