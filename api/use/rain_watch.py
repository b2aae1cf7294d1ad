"""Warning levels from gauges: per station and per area, when each was first reached, and by which readings."""

import datetime as dt
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd

import geo_risk
from api.settings import Settings
from geo_risk.errors import NotFound, ParameterError, shown
from geo_risk.hazard.rain import accumulate, from_counter, known_at
from geo_risk.levels import UNKNOWN
from geo_risk.model import Provenance
from geo_risk.model import Rule as Choice
from geo_risk.risk.warnings import LEVELS, NONE, Falling, WarningRule, area_levels, first_times, in_force, level_over_time
from layers._layer import Geometry
from layers._observations import Observations, falling, read_observations, warning_rules
from layers._store import Snapshot
from layers._tables import scheme, table

GAUGES: Final = {"rain": "rain_gauges", "water_level": "water_gauges"}
"""The layer of gauges of each variable."""
_ORDER: Final = (*LEVELS, UNKNOWN, NONE)
_BY_GAUGES: Final = (
    Choice(id="area_by", chosen="worst_station", options=("worst_station",)),
    Choice(id="station_on_a_border", chosen="in both areas"),
)
_lock = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Ruled:
    """What levels of a variable are told by: thresholds, and how a level falls."""

    variable: str
    thresholds: tuple[WarningRule, ...]
    falls: Falling


@dataclass(frozen=True, kw_only=True)
class CubeRain:
    """What was taken of a rain cube: steps in force, hours of a step, mm of a unit, how areas meet its cells."""

    source: str
    units: str
    steps: int
    first: pd.Timestamp
    last: pd.Timestamp
    step_h: float
    mm_per_unit: float
    by: str
    cells: str
    partly_outside: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Watched:
    """Levels over time of stations and of areas, as far as they were known; with the rules and the readings behind them.

    ``stations`` and ``areas`` are frames of `geo_risk.risk.warnings`; ``names`` of stations and areas by code or id.
    ``moved_by_late`` are stations whose first times would be others without the readings that came late. Readings are
    those of gauges, ``observations``, or of a ``cube``, which has no stations.
    """

    variable: str
    at: pd.Timestamp
    as_known_at: pd.Timestamp | None
    stations: pd.DataFrame
    areas: pd.DataFrame
    names: dict[str, str]
    placeless: tuple[str, ...]
    moved_by_late: tuple[str, ...]
    ruled: Ruled
    observations: Observations | None
    cube: CubeRain | None = None
    provenance: Provenance


def observations_path(settings: Settings) -> Path:
    """The file of readings: as the settings say, else beside the rasters of the store."""
    return settings.observations or settings.store.parent / "rasters" / "observations.csv"


def observations_of(
    path: Path, *, variable: str | None = None, minutes: float | None = None, zone: str | None = None
) -> Observations:
    """The readings of a file, read once while it does not change.

    Raises
    ------
    NotFound
        There is no such file: no readings is not the same as no rain.
    """
    if not path.is_file():
        raise NotFound(
            "there are no readings of gauges", where="observations", expected="a CSV or XLSX of station, variable, time, value",
            got="no file", then="say it with --observations or GEO_RISK_OBSERVATIONS",
        )
    state = path.stat()
    with _lock:
        return _read(path, state.st_mtime_ns, state.st_size, variable, minutes, zone)


@lru_cache(maxsize=4)
def _read(path: Path, changed_ns: int, size: int, variable: str | None, minutes: float | None, zone: str | None) -> Observations:
    return read_observations(path, variable=variable, minutes=minutes, zone=zone)


def ruled_by_tables(variable: str) -> Ruled:
    """The rules of a variable as the tables have them.

    Raises
    ------
    ParameterError
        No warnings go by that variable.
    """
    return Ruled(variable=variable, thresholds=warning_rules(variable), falls=falling(variable))


def watch(
    snapshot: Snapshot,
    observations: Observations,
    *,
    variable: str = "rain",
    at: str | None = None,
    as_known_at: str | None = None,
    area_layer: str = "towns",
) -> Watched:
    """The levels of every gauge and area up to a moment (the last reading's without one), as known then or at another.

    Raises
    ------
    ParameterError
        No such variable, a moment without a zone, or a layer without areas.
    """
    require_areas(snapshot, area_layer)
    ruled = ruled_by_tables(variable)
    gauges, areas = snapshot.frames[GAUGES[variable]], snapshot.frames[area_layer]
    return watch_gauges(
        gauges, areas, observations, ruled, at=moment_of(at, "at"), as_known_at=moment_of(as_known_at, "as_known_at"),
        inputs={GAUGES[variable]: gauges, area_layer: areas}, revision=snapshot.revision,
    )


def watch_gauges(
    gauges: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame,
    observations: Observations,
    ruled: Ruled,
    *,
    at: pd.Timestamp | None = None,
    as_known_at: pd.Timestamp | None = None,
    inputs: Mapping[str, gpd.GeoDataFrame] = MappingProxyType({}),
    revision: int = 0,
) -> Watched:
    """As `watch`, over any gauges (``code``, ``name``, geometry) and areas (``name``, geometry) in one CRS."""
    readings = _of_variable(observations.frame, ruled.variable)
    moment = at or (readings["time"].max() if len(readings) else pd.Timestamp(dt.datetime.now(tz=dt.UTC)))
    seen = readings[readings["time"] <= moment]
    seen = seen if as_known_at is None else known_at(seen, as_known_at)
    listed = _listed(gauges)
    stations = _levels(seen, ruled, listed, moment)
    placed, inside = stations_in(gauges, areas)
    return Watched(
        variable=ruled.variable,
        at=moment,
        as_known_at=as_known_at,
        stations=stations,
        areas=area_levels(stations, inside),
        names={**{str(code): str(name) for code, name in listed["name"].items()}, **names_of(areas)},
        placeless=tuple(sorted(set(seen["station"]) - placed)),
        moved_by_late=_moved_by_late(seen, stations, ruled, listed, moment),
        ruled=ruled,
        observations=observations,
        provenance=provenance(ruled, _BY_GAUGES, inputs, revision),
    )


def answer(watched: Watched, now: dt.datetime) -> dict[str, Any]:
    """Levels as JSON: per area and per station the level, since when, why, first times; the readings that were refused."""
    return {**standing(watched), **age_of(watched, now)}


def age_of(watched: Watched, now: dt.datetime) -> dict[str, Any]:
    """How old the moment is, and whether that is longer than the silence that makes a level unknown."""
    age = pd.Timestamp(now) - watched.at
    return {"age_minutes": round(age.total_seconds() / 60), "stale": bool(age > pd.Timedelta(hours=watched.ruled.falls.silence_h))}


def standing(watched: Watched) -> dict[str, Any]:
    """What `answer` says but for the clock."""
    areas, stations = in_force(watched.areas, watched.at, "area"), in_force(watched.stations, watched.at)
    return {
        "revision": watched.provenance.revision,
        "engine": watched.provenance.engine,
        "variable": watched.variable,
        "at": iso(watched.at),
        "as_known_at": iso(watched.as_known_at),
        "rules": [{"id": rule.id, "chosen": rule.chosen, "options": list(rule.options)} for rule in watched.provenance.rules],
        "thresholds": [vars(rule) for rule in watched.ruled.thresholds],
        "counts": {level: int((areas["level"] == level).sum()) for level in _ORDER},
        "areas": _told(areas, watched, "area", first_times(watched.areas, "area")),
        "stations": _told(stations, watched, "station", first_times(watched.stations)),
        "stations_without_a_place": list(watched.placeless),
        "moved_by_late_readings": list(watched.moved_by_late),
        "readings": _readings(watched.observations),
        "cube": _cube(watched.cube),
    }


def first_times_of(watched: Watched) -> dict[str, dict[str, str | None]]:
    """When each area first reached each level, as text; areas that reached none are left out."""
    return _firsts(first_times(watched.areas, "area"), "area")


def _firsts(firsts: pd.DataFrame, by: str) -> dict[str, dict[str, str | None]]:
    return {str(key): dict(zip(part["level"], map(iso, part["first_time"]), strict=True)) for key, part in firsts.groupby(by)}


def titled(level: str, language: str) -> str:
    """A level's title; *none* is one."""
    look = table("warning_rules")["level"]["none"]["title"] if level == NONE else scheme("risk_index").level(level).title
    return str(look[language])


def reason(row: Mapping[Any, Any], names: dict[str, str], variable: str, language: str) -> str:
    """What reached a level: station, value, window, threshold, rule, time; or that nothing did."""
    if not row["rule"]:
        return ""
    words = _REASON[variable][language]
    time = row["reached_at"].strftime("%m-%d %H:%M")
    station = names.get(row["station"], row["station"])
    return words.format(
        station=station, time=time, value=row["value"], threshold=row["threshold"], hours=row["window_h"], rule=row["rule"]
    )


_REASON: Final = {
    "rain": {
        "zh": "{station}：截至 {time}，{hours:g} 小时雨量 {value:.1f} mm ≥ {threshold:g} mm（{rule}）",
        "en": "{station}: {value:.1f} mm in {hours:g} h to {time}, at or above {threshold:g} mm ({rule})",
    },
    "water_level": {
        "zh": "{station}：{time} 水位 {value:.2f} m ≥ {threshold:.2f} m（{rule}）",
        "en": "{station}: {value:.2f} m at {time}, at or above {threshold:.2f} m ({rule})",
    },
}


def _of_variable(frame: pd.DataFrame, variable: str) -> pd.DataFrame:
    """The readings of a variable; counters as the rain of each interval, where the station gives no intervals itself."""
    own = frame[frame["variable"] == variable]
    if variable != "rain":
        return own
    totals = frame[(frame["variable"] == "rain_total") & ~frame["station"].isin(set(own["station"]))]
    return pd.concat([own, from_counter(totals)]) if len(totals) else own


def windows_of(ruled: Ruled) -> list[float]:
    """The hours that the thresholds sum over, rising."""
    return sorted({rule.window_h for rule in ruled.thresholds if rule.window_h is not None})


def _levels(readings: pd.DataFrame, ruled: Ruled, gauges: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    windows = windows_of(ruled)
    sums = accumulate(readings, windows).rename(columns={"mm_at_least": "value"}) if windows else None
    values = readings[["station", "time", "value"]] if sums is None else sums
    columns = list(dict.fromkeys(rule.of for rule in ruled.thresholds if rule.of))
    own = gauges[columns].astype(float) if columns else None
    return level_over_time(values, ruled.thresholds, **vars(ruled.falls), references=own, until=until)


def _moved_by_late(
    readings: pd.DataFrame, levels: pd.DataFrame, ruled: Ruled, gauges: pd.DataFrame, until: pd.Timestamp
) -> tuple[str, ...]:
    """Stations whose first times would be others without the readings that came late."""
    allowed = pd.Timedelta(minutes=table("warning_rules")["reading"]["late_after_min"])
    late = readings["received_at"] - readings["time"] > allowed
    touched = set(readings.loc[late, "station"])
    before = _firsts(first_times(_levels(readings[~late & readings["station"].isin(touched)], ruled, gauges, until)), "station")
    now = _firsts(first_times(levels[levels["station"].isin(touched)]), "station")
    return tuple(sorted(station for station in touched if now.get(station) != before.get(station)))


def _listed(gauges: gpd.GeoDataFrame) -> pd.DataFrame:
    """Gauges by station code, the first of those that share one."""
    known = pd.DataFrame(gauges.drop(columns="geometry"))
    return known.drop_duplicates("code").set_index("code")


def stations_in(gauges: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> tuple[set[str], dict[str, list[str]]]:
    """Station codes that have a place, and those of each area; a gauge on a shared border belongs to both sides."""
    located = gauges[~(gauges.geometry.isna() | gauges.geometry.is_empty)]
    inside: dict[str, list[str]] = {str(area): [] for area in areas.index}
    if len(areas) and len(located):
        point, area = areas.sindex.query(located.geometry.to_numpy(), predicate="intersects")
        for place, code in zip(areas.index[area], located["code"].iloc[point], strict=True):
            inside[str(place)].append(str(code))
    return set(located["code"]), inside


def names_of(areas: gpd.GeoDataFrame) -> dict[str, str]:
    """Names of areas by id."""
    return {str(area): str(name) for area, name in areas["name"].items()} if "name" in areas else {}


def moment_of(text: str | None, where: str) -> pd.Timestamp | None:
    """A moment from its text, which must say its zone; None for none.

    Raises
    ------
    ParameterError
        It is no moment, or has no zone.
    """
    if text is None:
        return None
    moment: dt.datetime | None
    try:
        moment = dt.datetime.fromisoformat(text.replace("Z", "+00:00").replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ParameterError(
            "not a moment with its time zone", where=where, expected="such as 2026-06-20T14:00+08:00", got=shown(text),
            then="add the offset",
        )
    return pd.Timestamp(moment)


def require_areas(snapshot: Snapshot, layer_id: str) -> None:
    """Stop where a layer holds no areas, or is not there for whoever asks."""
    if snapshot.layer(layer_id).geometry is not Geometry.AREA:
        raise ParameterError("only areas hold stations", where="layer", expected="an area layer such as towns", got=layer_id)


def provenance(
    ruled: Ruled, choices: tuple[Choice, ...], inputs: Mapping[str, gpd.GeoDataFrame], revision: int
) -> Provenance:
    """The choices of areas and of falling, with the revisions of the layers read."""
    return Provenance(
        inputs={name: int(frame["revision"].max()) for name, frame in inputs.items() if len(frame)},
        revision=revision,
        rules=(*choices, *(Choice(id=name, chosen=f"{value:g}") for name, value in vars(ruled.falls).items())),
        engine=f"geo-risk {geo_risk.__version__}",
        made_at=dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
    )


def _readings(observations: Observations | None) -> dict[str, Any] | None:
    if observations is None:
        return None
    return {
        "read": observations.rows_read,
        "taken": len(observations.frame),
        "by_rule": dict(observations.counts),
        "source": observations.source,
    }


def _cube(cube: CubeRain | None) -> dict[str, Any] | None:
    return None if cube is None else {**vars(cube), "first": iso(cube.first), "last": iso(cube.last)}


def _told(rows: pd.DataFrame, watched: Watched, by: str, firsts: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows in the order of need: the worst level first, unknown before none."""
    times = _firsts(firsts, by)
    ranked = sorted(rows.to_dict("records"), key=lambda row: (_ORDER.index(row["level"]), str(row[by])))
    return [_one(row, watched, by) | {"first_times": times.get(row[by], {})} for row in ranked]


def _one(row: Mapping[Any, Any], watched: Watched, by: str) -> dict[str, Any]:
    plain = {name: row[name] for name in ("level", "at_least", "held", "last", "rule")}
    return {
        "id": row[by],
        "name": watched.names.get(row[by], row[by]),
        **plain,
        "since": iso(row["since"]),
        "station": row["station"] if row["rule"] else "",
        "window_h": _number(row["window_h"]),
        "value": _number(row["value"]),
        "threshold": _number(row["threshold"]),
        "reached_at": iso(row["reached_at"]),
        "reason": {language: reason(row, watched.names, watched.variable, language) for language in ("en", "zh")},
    }


def iso(time: pd.Timestamp | None) -> str | None:
    """A time with its zone as text; None where there is none."""
    return None if time is None or pd.isna(time) else time.isoformat()


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
