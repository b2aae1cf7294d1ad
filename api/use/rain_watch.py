"""Warning levels from gauges: per station and per town, when each was first reached, and by which readings."""

import datetime as dt
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
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
from geo_risk.risk.warnings import LEVELS, NONE, WarningRule, area_levels, first_times, in_force, level_over_time
from layers._catalog import layer
from layers._layer import Geometry
from layers._observations import Observations, falling, read_observations, station_columns, warning_rules
from layers._store import Snapshot
from layers._tables import scheme, table

GAUGES: Final = {"rain": "rain_gauges", "water_level": "water_gauges"}
"""The layer of gauges of each variable."""
_ORDER: Final = (*LEVELS, UNKNOWN, NONE)
_lock = threading.Lock()


@dataclass(frozen=True, kw_only=True, eq=False)
class Watched:
    """Levels over time of stations and of areas, as far as they were known; with the rules and the readings behind them.

    ``stations`` and ``areas`` are frames of `geo_risk.risk.warnings`; ``names`` of stations and areas by code or id.
    ``moved_by_late`` are stations whose first times would be others without the readings that came late.
    """

    variable: str
    at: pd.Timestamp
    as_known_at: pd.Timestamp | None
    stations: pd.DataFrame
    areas: pd.DataFrame
    names: dict[str, str]
    placeless: tuple[str, ...]
    moved_by_late: tuple[str, ...]
    rules: tuple[WarningRule, ...]
    observations: Observations
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
    if layer(area_layer).geometry is not Geometry.AREA:
        raise ParameterError("only areas hold stations", where="layer", expected="an area layer such as towns", got=area_layer)
    rules = warning_rules(variable)
    readings = _of_variable(observations.frame, variable)
    moment = _moment(at, "at") or (readings["time"].max() if len(readings) else pd.Timestamp(dt.datetime.now(tz=dt.UTC)))
    known = _moment(as_known_at, "as_known_at")
    seen = readings[readings["time"] <= moment] if known is None else known_at(readings[readings["time"] <= moment], known)
    gauges = snapshot.frames[GAUGES[variable]]
    listed = _listed(gauges)
    stations = _levels(seen, variable, listed, moment)
    placed, inside = _stations_in(gauges, snapshot.frames[area_layer])
    names = {**{str(code): str(name) for code, name in listed["name"].items()}, **_names(snapshot.frames[area_layer])}
    return Watched(
        variable=variable,
        at=moment,
        as_known_at=known,
        stations=stations,
        areas=area_levels(stations, inside),
        names=names,
        placeless=tuple(sorted(set(seen["station"]) - placed)),
        moved_by_late=_moved_by_late(seen, stations, variable, listed, moment),
        rules=rules,
        observations=observations,
        provenance=_provenance(snapshot, variable, area_layer),
    )


def answer(watched: Watched, now: dt.datetime) -> dict[str, Any]:
    """Levels as JSON: per area and per station the level, since when, why, first times; the readings that were refused."""
    areas, stations = in_force(watched.areas, watched.at, "area"), in_force(watched.stations, watched.at)
    age = pd.Timestamp(now) - watched.at
    return {
        "revision": watched.provenance.revision,
        "engine": watched.provenance.engine,
        "variable": watched.variable,
        "at": _iso(watched.at),
        "as_known_at": _iso(watched.as_known_at),
        "age_minutes": round(age.total_seconds() / 60),
        "stale": bool(age > pd.Timedelta(hours=falling(watched.variable).silence_h)),
        "rules": [{"id": rule.id, "chosen": rule.chosen, "options": list(rule.options)} for rule in watched.provenance.rules],
        "thresholds": [vars(rule) for rule in watched.rules],
        "counts": {level: int((areas["level"] == level).sum()) for level in _ORDER},
        "areas": _told(areas, watched, "area", first_times(watched.areas, "area")),
        "stations": _told(stations, watched, "station", first_times(watched.stations)),
        "stations_without_a_place": list(watched.placeless),
        "moved_by_late_readings": list(watched.moved_by_late),
        "readings": {
            "read": watched.observations.rows_read,
            "taken": len(watched.observations.frame),
            "by_rule": dict(watched.observations.counts),
            "source": watched.observations.source,
        },
    }


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


def _levels(readings: pd.DataFrame, variable: str, gauges: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    rules, falls = warning_rules(variable), falling(variable)
    windows = sorted({rule.window_h for rule in rules if rule.window_h is not None})
    sums = accumulate(readings, windows).rename(columns={"mm_at_least": "value"}) if windows else None
    values = readings[["station", "time", "value"]] if sums is None else sums
    columns = list(station_columns(variable))
    own = gauges[columns].astype(float) if columns else None
    return level_over_time(values, rules, **vars(falls), references=own, until=until)


def _moved_by_late(
    readings: pd.DataFrame, levels: pd.DataFrame, variable: str, gauges: pd.DataFrame, until: pd.Timestamp
) -> tuple[str, ...]:
    """Stations whose first times would be others without the readings that came late."""
    allowed = pd.Timedelta(minutes=table("warning_rules")["reading"]["late_after_min"])
    late = readings["received_at"] - readings["time"] > allowed
    touched = set(readings.loc[late, "station"])
    before = _levels(readings[~late & readings["station"].isin(touched)], variable, gauges, until)
    now = levels[levels["station"].isin(touched)]
    merged = first_times(now).merge(first_times(before), how="outer", on=["station", "level", "first_time"], indicator=True)
    return tuple(sorted(set(merged.loc[merged["_merge"] != "both", "station"])))


def _listed(gauges: gpd.GeoDataFrame) -> pd.DataFrame:
    """Gauges by station code, the first of those that share one."""
    known = pd.DataFrame(gauges.drop(columns="geometry"))
    return known.drop_duplicates("code").set_index("code")


def _stations_in(gauges: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> tuple[set[str], dict[str, list[str]]]:
    """Station codes that have a place, and those of each area; a gauge on a shared border belongs to both sides."""
    located = gauges[~(gauges.geometry.isna() | gauges.geometry.is_empty)]
    inside: dict[str, list[str]] = {str(area): [] for area in areas.index}
    if len(areas) and len(located):
        point, area = areas.sindex.query(located.geometry.to_numpy(), predicate="intersects")
        for place, code in zip(areas.index[area], located["code"].iloc[point], strict=True):
            inside[str(place)].append(str(code))
    return set(located["code"]), inside


def _names(areas: gpd.GeoDataFrame) -> dict[str, str]:
    return {str(area): str(name) for area, name in areas["name"].items()} if "name" in areas else {}


def _moment(text: str | None, where: str) -> pd.Timestamp | None:
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


def _provenance(snapshot: Snapshot, variable: str, area_layer: str) -> Provenance:
    used = (GAUGES[variable], area_layer)
    falls = falling(variable)
    return Provenance(
        inputs={each: int(snapshot.frames[each]["revision"].max()) for each in used if len(snapshot.frames[each])},
        revision=snapshot.revision,
        rules=(
            Choice(id="area_by", chosen="worst_station", options=("worst_station",)),
            Choice(id="station_on_a_border", chosen="in both areas"),
            *(Choice(id=name, chosen=f"{value:g}") for name, value in vars(falls).items()),
        ),
        engine=f"geo-risk {geo_risk.__version__}",
        made_at=dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
    )


def _told(rows: pd.DataFrame, watched: Watched, by: str, firsts: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows in the order of need: the worst level first, unknown before none."""
    times = {key: dict(zip(part["level"], map(_iso, part["first_time"]), strict=True)) for key, part in firsts.groupby(by)}
    ranked = sorted(rows.to_dict("records"), key=lambda row: (_ORDER.index(row["level"]), str(row[by])))
    return [_one(row, watched, by) | {"first_times": times.get(row[by], {})} for row in ranked]


def _one(row: Mapping[Any, Any], watched: Watched, by: str) -> dict[str, Any]:
    plain = {name: row[name] for name in ("level", "at_least", "held", "last", "rule")}
    return {
        "id": row[by],
        "name": watched.names.get(row[by], row[by]),
        **plain,
        "since": _iso(row["since"]),
        "station": row["station"] if row["rule"] else "",
        "window_h": _number(row["window_h"]),
        "value": _number(row["value"]),
        "threshold": _number(row["threshold"]),
        "reached_at": _iso(row["reached_at"]),
        "reason": {language: reason(row, watched.names, watched.variable, language) for language in ("en", "zh")},
    }


def _iso(time: pd.Timestamp | None) -> str | None:
    return None if time is None or pd.isna(time) else time.isoformat()


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
