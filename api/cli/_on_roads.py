"""What commands that ask about roads share: their options, the store opened, and which closures an answer honoured."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from api.cli._show import line
from api.cli.data import Language, store_of, store_path
from api.settings import Settings
from api.use.access.asked import RoadQuestion
from api.use.access.roads_now import AccessFiles, RoadsNow, access_files
from geo_risk.access.travel import By
from layers._store import Snapshot, open_store

Lon = Annotated[str, typer.Argument(help="Longitude in degrees.")]
Lat = Annotated[str, typer.Argument(help="Latitude in degrees.")]
VehicleName = Annotated[str, typer.Option("--vehicle", help="car, truck, bicycle, foot, boat, or another row of table vehicles.")]
At = Annotated[str | None, typer.Option("--at", help="Closures as of then, such as 2026-07-01T08:00+08:00; now without.")]
Without = Annotated[str | None, typer.Option("--without", help="Comma-separated roads that are shut for this question: what if.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, as the service answers.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write a file, by its ending.")]

Tongue = Literal["en", "zh"]
DEGREES: Final = {"ignore_unknown_options": True}
"""Settings of a command with places: -70.5 is a longitude, not an option."""
_MOST: Final = 20
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "vehicle": "vehicle: {0}; closures honoured: {1}", "none": "none", "roads": "stretches of road: {0}",
        "what if": "asked: what if",
        "honoured": "honoured", "ended": "ended", "not yet": "not yet", "another vehicle": "another vehicle",
        "meets no road": "meets no road", "unknown": "{0} of unknown depth", "missing": "no such road: {0}",
        "unreadable": "COULD NOT BE READ, its roads count as open: {0} ({1})", "more": "... and {0} more",
    },
    "zh": {
        "vehicle": "车辆：{0}；已计入的管制与中断：{1}", "none": "无", "roads": "路段 {0} 个",
        "what if": "假设中断", "honoured": "已计入",
        "ended": "已结束", "not yet": "未开始", "another vehicle": "不限此车辆", "meets no road": "未涉及道路",
        "unknown": "其中 {0} 个水深不明", "missing": "查无道路：{0}", "unreadable": "无法读取，所涉道路按畅通计：{0}（{1}）",
        "more": "……另有 {0} 条",
    },
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Held:
    """A store's content, the files beside it, and the limits that answers keep to."""

    snapshot: Snapshot
    files: AccessFiles
    limits: Settings


def held(store: Path | None) -> Held:
    """What the store holds now."""
    limits, path = Settings(), store_path(store)
    with open_store(store_of(store), create=False) as opened:
        return Held(snapshot=opened.snapshot(), files=access_files(path, limits.rasters), limits=limits)


def roads_of(there: Held, vehicle: str, at: str | None, without: str | None, *, by: By = "time") -> RoadsNow:
    """The roads asked about; an error where the store holds none."""
    return RoadQuestion(vehicle=vehicle, at=at, without=without).require_roads(there.snapshot, there.files, by=by)


def short(language: Language) -> Tongue:
    """The language as answers key it."""
    return "zh" if language is Language.ZH else "en"


def print_json(answer: object) -> None:
    """The answer as JSON on one line."""
    print(json.dumps(answer, ensure_ascii=False, allow_nan=False))  # noqa: T201 - the output is the answer


def print_standing(answer: Mapping[str, Any], language: Tongue) -> None:
    """By which vehicle, which closures were honoured or not and why, and which could not be read."""
    if answer["by"] == "line":
        line(answer["note"][language] if "note" in answer else "")
        return
    words = _WORDS[language]
    told = [_closure(each, words) for each in answer["closures"] if each["state"] == "honoured"]
    line(words["vehicle"].format(answer["vehicle"]["title"].get(language, answer["vehicle"]["id"]), len(told) or words["none"]))
    print_some(told, language)
    others = Counter(each["state"] for each in answer["closures"] if each["state"] != "honoured")
    if others:
        line("  " + ", ".join(f"{words[state]}: {count}" for state, count in others.items()))
    for each in answer["unreadable"]:
        line("  " + words["unreadable"].format(each["title"], each["problem"]))


def print_some(lines: Iterable[str], language: Tongue) -> None:
    """The first lines, and how many more there are."""
    every = list(lines)
    for each in every[:_MOST]:
        line("  " + each)
    if len(every) > _MOST:
        line("  " + _WORDS[language]["more"].format(len(every) - _MOST))


def print_written(paths: Iterable[Path], language: Tongue) -> None:
    """Which files were written."""
    for path in paths:
        line(f"{'已写入' if language == 'zh' else 'written'}: {path}")


def minutes_said(minutes: float | None) -> str:
    """Minutes as a cell; a dash where there is no way."""
    return "-" if minutes is None else f"{minutes:.1f}"


def whole_said(value: float | None) -> str:
    """A count as a cell; a question mark where nobody knows."""
    return "?" if value is None else f"{value:,.0f}"


def _closure(each: Mapping[str, Any], words: Mapping[str, str]) -> str:
    title = words["what if"] if each["cause"] == "what if" else each["title"]
    parts = [f"{title}: {words['honoured']}", words["roads"].format(each["links"])]
    if each["links_of_unknown_depth"]:
        parts.append(words["unknown"].format(each["links_of_unknown_depth"]))
    if each["roads_not_found"]:
        parts.append(words["missing"].format(", ".join(each["roads_not_found"])))
    return ", ".join(parts)
