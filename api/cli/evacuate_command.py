"""`evacuate`: who goes to which shelter, as sentences, load by shelter, and files to hand out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from api.cli._on_roads import (
    AsJson,
    At,
    Output,
    Tongue,
    VehicleName,
    Without,
    held,
    print_json,
    print_standing,
    print_written,
    short,
    whole_said,
)
from api.cli._show import line, progress, table
from api.cli.data import InLanguage, Language, StorePath
from api.use import parameters
from api.use.access.answer_files import tables_of_plan, write_tables
from api.use.access.evacuation_plan import evacuation_plan, question_of
from api.use.access.given_files import former_of, pinned_of
from geo_risk.access.shortfall import REASONS
from layers._store import PUBLIC, seen

_SHOWN: Final = 30
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "shelter": "shelter", "free": "free", "incoming": "incoming", "left": "left free", "group": "no place for", "need": "need",
        "people": "people", "reason": "why", "more": "... and {0} more rows: write them with -o",
    },
    "zh": {
        "shelter": "避难场所", "free": "空余", "incoming": "接收", "left": "剩余", "group": "无处安置", "need": "需求",
        "people": "人数", "reason": "原因", "more": "……另有 {0} 行，用 -o 写入文件",
    },
}  # fmt: skip

_REASONS_ZH: Final = (
    "无路可达", "只能到达未启用的避难场所", "只能到达容量不明的避难场所", "没有适合其需要的避难场所", "超出时限", "床位不足",
)  # fmt: skip
_ZH: Final[Mapping[str, str]] = {
    "none": "无", "wheels": "轮椅", "care": "照护", **dict(zip(REASONS, _REASONS_ZH, strict=True)),
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command of this page."""
    app.command("evacuate")(evacuate)


def evacuate(
    groups: Annotated[str, typer.Option(help="flood_points, towns, geological_hazards, care_facilities, or cells of people.")] = (
        "flood_points"
    ),
    hazard: Annotated[str, typer.Option(help="flood, landslide, fire, earthquake, any, or another row of table access.")] = "flood",
    limit_min: Annotated[str, typer.Option(help="Minutes on the way at most.")] = "60",
    only_in_hazard: Annotated[bool, typer.Option("--only-in-hazard", help="Only groups inside the hazard's zones.")] = False,
    fewest: Annotated[bool, typer.Option("--fewest", help="Open as few shelters as can be.")] = False,
    pin: Annotated[Path | None, typer.Option(help="CSV of transfers that stay: group, need, shelter, people.")] = None,
    previous: Annotated[Path | None, typer.Option(help="A former plan (JSON): change as few groups as can be.")] = None,
    output: Output = None,
    vehicle: VehicleName = "car",
    at: At = None,
    without: Without = None,
    as_json: AsJson = False,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """Who goes to which shelter in the least time, never over its beds; and if it can't be done, why. -o: .xlsx, .csv, .json."""
    there, tongue = held(store), short(language)
    asked = question_of({
        "groups": groups, "hazard": hazard, "limit_min": parameters.number(limit_min, "limit_min", 0.1, 10_000), "vehicle": vehicle,
        "only_in_hazard": only_in_hazard, "fewest": fewest, "at": at,
        "without": [name.strip() for name in (without or "").split(",") if name.strip()],
        "pinned": pinned_of(pin) if pin else [], "previous": former_of(previous) if previous else [],
    })  # fmt: skip
    with progress() as tell:
        plan = evacuation_plan(seen(there.snapshot, PUBLIC), there.files, asked, tell)
    written = write_tables(plan, tables_of_plan(plan), output) if output is not None else ()
    if as_json:
        print_json(plan)
        return
    _print_plan(plan, tongue)
    print_standing(plan, tongue)
    print_written(written, tongue)


def _print_plan(plan: Mapping[str, Any], language: Tongue) -> None:
    words = _WORDS[language]
    for sentence in plan["sentences"]:
        line(sentence[language])
    line(plan["compared"][language])
    busiest = sorted(plan["shelters"], key=lambda each: (-each["incoming"], each["id"]))
    table(
        (words["shelter"], words["free"], words["incoming"], words["left"]),
        [
            (each["name"], *(whole_said(each[name]) for name in ("free", "incoming", "free_after"))) for each in busiest[:_SHOWN]
        ],
    )
    _print_rest(len(busiest), words)
    if plan["unplaced"]:
        table(
            (words["group"], words["need"], words["people"], words["reason"]),
            [
                (each["group_name"], _said(each["need"], language), f"{each['people']:,}", _said(each["reason"], language))
                for each in plan["unplaced"][:_SHOWN]
            ],
        )
        _print_rest(len(plan["unplaced"]), words)


def _said(word: str, language: Tongue) -> str:
    return _ZH.get(word, word) if language == "zh" else word


def _print_rest(rows: int, words: Mapping[str, str]) -> None:
    if rows > _SHOWN:
        line(words["more"].format(rows - _SHOWN))
