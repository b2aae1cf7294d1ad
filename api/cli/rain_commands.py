"""`rain`: warning levels from gauges or a rain cube, how they rose, and which readings were refused."""

import datetime as dt
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import pandas as pd
import typer

from api.cli._show import line, table
from api.cli.data import InLanguage, Language, StorePath, store_of, store_path
from api.settings import Settings
from api.use.rain_watch import (
    Watched,
    answer,
    moment_of,
    observations_of,
    observations_path,
    require_areas,
    ruled_by_tables,
    titled,
    watch,
)
from geo_risk.errors import ParameterError
from geo_risk.risk.warnings import LEVELS, NONE, in_force
from layers._check import Fault
from layers._observations import Observations, zone_of
from layers._store import open_store

_MOST_FAULTS: Final = 20


class By(StrEnum):
    """How an area's rain is told from the cells it meets."""

    AREA_MEAN = "area_mean"
    MAX_CELL = "max_cell"


_WORDS: Final = {
    "zh": {
        "area": "区域", "level": "等级", "since": "起始", "why": "依据", "at_least": "（至少）", "held": "（未满降级时长）",
        "last": "，此前为", "history": "各时刻处于各等级的区域数", "time": "时刻", "late": "迟到读数改变了首次达到时间：",
        "placeless": "测站没有坐标：", "readings": "读数：读入 {0:,}，采用 {1:,}", "row": "第 {0} 行，{1}：{2}{3}",
        "more": "……另有 {0} 条", "stale": "最近一次读数距今 {0:,} 分钟",
        "at": "截至 {0}", "as_known_at": "（按 {0} 已知）",
        "cube": "雨量立方体 {source}：{steps} 个时次，每次 {step_h:g} 小时，1 单位 = {mm_per_unit:g} mm，{by}（{cells}）",
        "outside": "部分或全部在立方体之外：",
    },
    "en": {
        "area": "area", "level": "level", "since": "since", "why": "why", "at_least": " (at least)", "held": " (held)",
        "last": ", last ", "history": "areas at each level over time", "time": "time",
        "late": "late readings moved first times at: ", "placeless": "stations without a place: ",
        "readings": "readings: {0:,} read, {1:,} taken", "row": "row {0}, {1}: {2}{3}", "more": "... and {0} more",
        "stale": "the last reading is {0:,} minutes old", "at": "at {0}",
        "as_known_at": " (as known at {0})",
        "cube": "rain cube {source}: {steps} steps of {step_h:g} h, a unit is {mm_per_unit:g} mm, {by} ({cells})",
        "outside": "outside the cube in part or whole: ",
    },
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    app.command("rain")(rain)


def rain(
    observations: Annotated[Path | None, typer.Option("--observations", help="CSV or XLSX of station, time, value.")] = None,
    cube: Annotated[Path | None, typer.Option("--cube", help="NetCDF of rain over time, instead of gauges.")] = None,
    cube_variable: Annotated[str | None, typer.Option(help="Of the cube, where several lie on a map.")] = None,
    by: Annotated[By, typer.Option(help="Rain of an area from a cube.")] = By.AREA_MEAN,
    mm_per_unit: Annotated[float | None, typer.Option(help="Of the cube, if its unit is no depth of water.", min=1e-6)] = None,
    variable: Annotated[str, typer.Option(help="rain or water_level.")] = "rain",
    measures: Annotated[str | None, typer.Option(help="What the file measures, if no column says.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Minutes of a reading or step, if nothing says.", min=0.1, max=1440)] = None,
    zone: Annotated[str | None, typer.Option(help="Time zone of times that state none: Asia/Shanghai or +08:00.")] = None,
    at: Annotated[str | None, typer.Option(help="Up to this moment; the last reading without.")] = None,
    as_known_at: Annotated[str | None, typer.Option(help="Only readings received until then.")] = None,
    layer: Annotated[str, typer.Option(help="The area layer.")] = "towns",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """Warning levels from gauges or a rain cube: how areas rose through them, when each was first reached, and why."""
    settings = Settings(store=store_path(store))
    with open_store(store_of(store), create=False) as opened:
        snapshot = opened.snapshot()
    if cube is not None:
        _refuse_with_cube(observations=observations, as_known_at=as_known_at, measures=measures)
        require_areas(snapshot, layer)
        from api.use.rain_cube import watch_cube

        watched = watch_cube(
            cube, snapshot.frames[layer], ruled_by_tables(variable), by=by.value, variable=cube_variable, mm_per_unit=mm_per_unit,
            step_h=None if minutes is None else minutes / 60, at=moment_of(at, "at"), zone=zone_of(zone),
            inputs={layer: snapshot.frames[layer]}, revision=snapshot.revision,
        )
    else:
        readings = observations_of(observations or observations_path(settings), variable=measures, minutes=minutes, zone=zone)
        watched = watch(snapshot, readings, variable=variable, at=at, as_known_at=as_known_at, area_layer=layer)
    told = answer(watched, dt.datetime.now(tz=dt.UTC))
    if as_json:
        print(json.dumps(told, ensure_ascii=False))  # noqa: T201 - the output is the answer
        return
    _print(watched, told, "zh" if language is Language.ZH else "en")


def _refuse_with_cube(**given: object) -> None:
    """A cube has no gauges: what is said of them is refused, not ignored."""
    said = [f"--{name.replace('_', '-')}" for name, value in given.items() if value is not None]
    if said:
        raise ParameterError(
            "a cube has no gauges", where="--cube", expected="a cube alone", got=", ".join(said), then="leave one out",
        )


def _print(watched: Watched, told: dict[str, Any], language: str) -> None:
    words = _WORDS[language]
    known = words["as_known_at"].format(_clock(told["as_known_at"])) if told["as_known_at"] else ""
    line(words["at"].format(f"{watched.at:%Y-%m-%d %H:%M %z}") + known)
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
    if watched.cube is not None:
        line(words["cube"].format(**vars(watched.cube)))
        if watched.cube.partly_outside:
            line(words["outside"] + ", ".join(watched.cube.partly_outside[:_MOST_FAULTS]))
    if told["stale"]:
        line(words["stale"].format(told["age_minutes"]))
    if watched.observations is not None:
        _print_faults(watched.observations, words, language)
    line("; ".join(f"{rule['id']}: {rule['chosen']}" for rule in told["rules"]))


def _print_faults(observations: Observations, words: dict[str, str], language: str) -> None:
    line(words["readings"].format(observations.rows_read, len(observations.frame)))
    faults = observations.faults
    for fault in faults[:_MOST_FAULTS]:
        line(_fault(fault, words, language))
    if len(faults) > _MOST_FAULTS:
        line(words["more"].format(len(faults) - _MOST_FAULTS))


def _level(area: dict[str, Any], words: dict[str, str], language: str) -> str:
    last = words["last"] + titled(area["last"], language) if area["last"] not in ("", NONE) else ""
    marks = (words["at_least"] if area["at_least"] else "") + (words["held"] if area["held"] else "")
    return titled(area["level"], language) + marks + last


def _fault(fault: Fault, words: dict[str, str], language: str) -> str:
    text = fault.message_zh if language == "zh" else fault.message_en
    return words["row"].format(fault.row, fault.column, text, f" [{fault.value}]" if fault.value else "")


def _clock(time: str | None) -> str:
    return "" if time is None else f"{dt.datetime.fromisoformat(time):%m-%d %H:%M}"
