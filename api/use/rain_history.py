"""What the doors say of rain and water levels, remembered while readings and features stay; and hour by hour for the map."""

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from api.use._remember import remember_few
from api.use.rain_watch import Watched, age_of, first_times_of, iso, observations_of, reason, standing, watch
from geo_risk.errors import ParameterError, shown
from geo_risk.levels import UNKNOWN
from geo_risk.risk.warnings import LEVELS, NONE, in_force
from layers._store import Snapshot
from layers._tables import scheme, table

HOURS: Final = 72
MOST_HOURS: Final = 744
_ANSWERS: Final = 16
_LOOKS: Final = ("numeral", "title", "colour", "text_colour", "shape", "advice")


def rain_now(
    snapshot: Snapshot, path: Path, now: dt.datetime, *, variable: str = "rain", at: str | None = None,
    as_known_at: str | None = None, area_layer: str = "towns",
) -> dict[str, Any]:
    """As `api.use.rain_watch.answer`, made once for this file, snapshot and question."""
    asked = {"variable": variable, "at": at, "as_known_at": as_known_at, "area_layer": area_layer}
    watched = _watched(snapshot, path, asked)
    told = _once(snapshot, path, ("standing", *asked.values()), lambda: standing(watched))
    return {**told, **age_of(watched, now)}


def rain_hours(
    snapshot: Snapshot, path: Path, now: dt.datetime, *, variable: str = "rain", area_layer: str = "towns", hours: int = HOURS
) -> dict[str, Any]:
    """The levels of areas over the last hours of the readings: for a map with a slider.

    Raises
    ------
    NotFound
        There is no file of readings.
    ParameterError
        As `watch`, or hours out of range.
    """
    if not 1 <= hours <= MOST_HOURS:
        raise ParameterError("hours out of range", where="hours", expected=f"1 to {MOST_HOURS}", got=shown(hours))
    asked = {"variable": variable, "at": None, "as_known_at": None, "area_layer": area_layer}
    watched = _watched(snapshot, path, asked)
    told = _once(snapshot, path, ("hours", hours, *asked.values()), lambda: history(watched, hours))
    return {**told, **age_of(watched, now)}


def history(watched: Watched, hours: int) -> dict[str, Any]:
    """Whole hours and the last moment, every change of an area's level in them, and what was in force when they begin."""
    times = _times(watched, hours)
    firsts = first_times_of(watched)
    by_area = {str(area): part for area, part in _since(watched.areas, times[0], watched.at).groupby("area", sort=True)}
    return {
        "revision": watched.provenance.revision,
        "variable": watched.variable,
        "times": [iso(time) for time in times],
        "levels": looks(),
        "areas": [
            {
                "id": area,
                "name": watched.names.get(area, area),
                "first_times": firsts.get(area, {}),
                "changes": [_change(row, watched) for row in part.to_dict("records")],
            }
            for area, part in by_area.items()
        ],
        "stations_without_a_place": list(watched.placeless),
        "moved_by_late_readings": list(watched.moved_by_late),
    }


def looks() -> list[dict[str, Any]]:
    """Numeral, shape, colours, title and advice of each level of a warning, worst first, then unknown and none."""
    levels = scheme("risk_index")
    shown_as = [{"id": each, **{name: getattr(levels.level(each), name) for name in _LOOKS}} for each in (*LEVELS, UNKNOWN)]
    none = table("warning_rules")["level"][NONE]
    return [*shown_as, {"id": NONE, **{name: none[name] for name in _LOOKS}}]


def _watched(snapshot: Snapshot, path: Path, asked: Mapping[str, Any]) -> Watched:
    observations = observations_of(path)
    watched: Watched = _once(snapshot, path, ("watched", *asked.values()), lambda: watch(snapshot, observations, **asked))
    return watched


def _once(snapshot: Snapshot, path: Path, asked: tuple[Any, ...], make: Callable[[], Any]) -> Any:
    """Made once for the snapshot and the file as it is on disk."""
    state = path.stat()
    key = (str(path), state.st_mtime_ns, state.st_size, *asked)
    return remember_few(snapshot, "rain", key, lambda _: make(), most=_ANSWERS)


def _times(watched: Watched, hours: int) -> list[pd.Timestamp]:
    """Whole hours from the first that anything is said of, and the moment itself."""
    said = watched.areas["time"].dropna()
    first = max(said.min() if len(said) else watched.at, watched.at - pd.Timedelta(hours=hours))
    whole = pd.date_range(first.ceil("h"), watched.at, freq="h")
    return [*(time for time in whole if time < watched.at), watched.at]


def _since(areas: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
    """What was in force at the first moment, and the changes after it until the last."""
    later = areas[(areas["time"] > first) & (areas["time"] <= last)]
    return pd.concat([in_force(areas, first, "area"), later]).sort_values(["area", "time"], kind="stable", na_position="first")


def _change(row: Mapping[Any, Any], watched: Watched) -> dict[str, Any]:
    plain = {name: row[name] for name in ("level", "at_least", "held", "last")}
    why = {language: reason(row, watched.names, watched.variable, language) for language in ("en", "zh")}
    return {"time": iso(row["time"]), "since": iso(row["since"]), **plain, "reason": why}
