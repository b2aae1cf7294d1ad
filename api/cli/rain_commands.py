"""`rain`: warning levels from gauges, how they rose, and which readings were refused."""

import datetime as dt
import json
from pathlib import Path
from typing import Annotated, Any, Final

import pandas as pd
import typer

from api.cli._show import line, table
from api.cli.data import InLanguage, Language, StorePath, store_path
from api.settings import Settings
from api.use.rain_watch import Watched, answer, observations_of, observations_path, titled, watch
from geo_risk.risk.warnings import LEVELS, NONE, in_force
from layers._check import Fault
from layers._store import open_store

_MOST_FAULTS: Final = 20
_WORDS: Final = {
    "zh": {
        "area": "区域", "level": "等级", "since": "起始", "why": "依据", "at_least": "（至少）", "held": "（未满降级时长）",
        "last": "，此前为", "history": "各时刻处于各等级的区域数", "time": "时刻", "late": "迟到读数改变了首次达到时间：",
        "placeless": "测站没有坐标：", "readings": "读数：读入 {0:,}，采用 {1:,}", "row": "第 {0} 行，{1}：{2}{3}",
        "more": "……另有 {0} 条", "stale": "最近一次读数距今 {0:,} 分钟",
        "at": "截至 {0}", "as_known_at": "（按 {0} 已知）",
    },
    "en": {
        "area": "area", "level": "level", "since": "since", "why": "why", "at_least": " (at least)", "held": " (held)",
        "last": ", last ", "history": "areas at each level over time", "time": "time",
        "late": "late readings moved first times at: ", "placeless": "stations without a place: ",
        "readings": "readings: {0:,} read, {1:,} taken", "row": "row {0}, {1}: {2}{3}", "more": "... and {0} more",
        "stale": "the last reading is {0:,} minutes old", "at": "at {0}",
        "as_known_at": " (as known at {0})",
    },
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    app.command("rain")(rain)


def rain(
    observations: Annotated[Path | None, typer.Option("--observations", help="CSV or XLSX of station, time, value.")] = None,
    variable: Annotated[str, typer.Option(help="rain or water_level.")] = "rain",
    measures: Annotated[str | None, typer.Option(help="What the file measures, if no column says.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Minutes of a reading, if no column says.", min=0.1, max=1440)] = None,
    zone: Annotated[str | None, typer.Option(help="Time zone of times that state none: Asia/Shanghai or +08:00.")] = None,
    at: Annotated[str | None, typer.Option(help="Up to this moment; the last reading without.")] = None,
    as_known_at: Annotated[str | None, typer.Option(help="Only readings received until then.")] = None,
    layer: Annotated[str, typer.Option(help="The area layer.")] = "towns",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """Warning levels from gauges: how areas rose through them, when each was first reached, and why."""
    settings = Settings(store=store_path(store))
    readings = observations_of(observations or observations_path(settings), variable=measures, minutes=minutes, zone=zone)
    with open_store(settings.store, create=False) as opened:
        watched = watch(opened.snapshot(), readings, variable=variable, at=at, as_known_at=as_known_at, area_layer=layer)
    told = answer(watched, dt.datetime.now(tz=dt.UTC))
    if as_json:
        print(json.dumps(told, ensure_ascii=False))  # noqa: T201 - the output is the answer
        return
    _print(watched, told, "zh" if language is Language.ZH else "en")


def _print(watched: Watched, told: dict[str, Any], language: str) -> None:
    words = _WORDS[language]
    known = words["as_known_at"].format(_clock(told["as_known_at"])) if told["as_known_at"] else ""
    line(words["at"].format(_clock(told["at"])) + known)
    firsts = [titled(level, language) for level in reversed(LEVELS)]
    table(
        (words["area"], words["level"], words["since"], *firsts, words["why"]),
        [
            (
                area["name"], _level(area, words, language), _clock(area["since"]),
                *(_clock(area["first_times"].get(level)) for level in reversed(LEVELS)), area["reason"][language],
            )
            for area in told["areas"]
        ],
    )  # fmt: skip
    _print_history(watched, words, language)
    _print_readings(watched, told, words, language)


def _print_history(watched: Watched, words: dict[str, str], language: str) -> None:
    line(words["history"])
    counts = hourly_counts(watched.areas, watched.at)
    levels = [level for level in (*LEVELS, "unknown", NONE) if level in counts]
    table(
        (words["time"], *(titled(level, language) for level in levels)),
        [(f"{time:%m-%d %H:%M}", *map(int, numbers)) for time, *numbers in counts[levels].itertuples()],
    )


def hourly_counts(areas: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    """How many areas are at each level, hour by hour, from the first change to ``until``."""
    changes = areas[areas["level"] != NONE]["time"]
    if changes.empty:
        return pd.DataFrame()
    first = changes.min().floor("h")
    hours = pd.date_range(first, until, freq="h")
    counts = pd.DataFrame([in_force(areas, hour, "area")["level"].value_counts() for hour in hours], index=hours).fillna(0)
    return counts[(counts != counts.shift()).any(axis=1)].astype(int)


def _print_readings(watched: Watched, told: dict[str, Any], words: dict[str, str], language: str) -> None:
    for name, key in (("late", "moved_by_late_readings"), ("placeless", "stations_without_a_place")):
        if told[key]:
            line(words[name] + ", ".join(told[key]))
    if told["stale"]:
        line(words["stale"].format(told["age_minutes"]))
    line(words["readings"].format(told["readings"]["read"], told["readings"]["taken"]))
    faults = watched.observations.faults
    for fault in faults[:_MOST_FAULTS]:
        line(_fault(fault, words, language))
    if len(faults) > _MOST_FAULTS:
        line(words["more"].format(len(faults) - _MOST_FAULTS))
    line("; ".join(f"{rule['id']}: {rule['chosen']}" for rule in told["rules"]))


def _level(area: dict[str, Any], words: dict[str, str], language: str) -> str:
    last = words["last"] + titled(area["last"], language) if area["last"] not in ("", NONE) else ""
    marks = (words["at_least"] if area["at_least"] else "") + (words["held"] if area["held"] else "")
    return titled(area["level"], language) + marks + last


def _fault(fault: Fault, words: dict[str, str], language: str) -> str:
    text = fault.message_zh if language == "zh" else fault.message_en
    return words["row"].format(fault.row, fault.column, text, f" [{fault.value}]" if fault.value else "")


def _clock(time: str | None) -> str:
    return "" if time is None else f"{dt.datetime.fromisoformat(time):%m-%d %H:%M}"
