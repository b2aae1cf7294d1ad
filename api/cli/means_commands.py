"""`fly`, `cover`, `watch`, `stock`: help by air, AEDs in walking minutes, watched forest roads, stock of depots over time."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import typer

from api.cli._on_roads import (
    AsJson,
    At,
    Tongue,
    VehicleName,
    Without,
    held,
    minutes_said,
    print_json,
    print_standing,
    roads_of,
    short,
    whole_said,
)
from api.cli._show import line, table
from api.cli.data import InLanguage, Language, StorePath
from api.use import parameters
from api.use.access.aed_coverage import covered
from api.use.access.asked import moment
from api.use.access.feature_named import feature_named
from api.use.access.flights import flights
from api.use.access.groups import groups_named
from api.use.access.stock_over_time import stock_over_time
from api.use.access.watched_roads import watched
from layers._catalog import layer

_SHOWN: Final = 40
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "place": "place", "min": "min", "was": "was", "helicopter": "helicopter", "pad": "pad", "unsure": "might be sooner",
        "no_landing": "may not land, or nobody knows", "no": "no", "unknown": "unknown", "not_coming": "do not come: {0}",
        "covered": "covered", "not covered": "not covered", "people": "people", "nearest": "nearest", "state": "state",
        "share": "{0} of {1} people within {2:g} min, were {3} on open roads; of {4} nobody knows; {5} places say no number",
        "km": "km", "watched": "watched", "watched_together": "watched together", "unwatched": "unwatched", "cut_off": "cut off",
        "checkpoint": "checkpoint", "alone_km": "alone km", "together_km": "together km", "staffed": "staffed",
        "out of season": "out of season", "season unknown": "season unknown", "on no forest road": "on no forest road",
        "depot": "depot", "stock": "brings", "total": "in all", "doubt": "depots unknown",
        "more": "... and {0} more rows, see --json",
    },
    "zh": {
        "place": "地点", "min": "分钟", "was": "原", "helicopter": "直升机", "pad": "起降点", "unsure": "可能更早",
        "no_landing": "不能降落，或情况不明", "no": "否", "unknown": "不明", "not_coming": "不能出动：{0}", "covered": "覆盖",
        "not covered": "未覆盖", "people": "人数", "nearest": "最近", "state": "状态",
        "share": "{2:g} 分钟内覆盖 {0} 人（共 {1} 人），道路全部畅通时 {3} 人；{4} 人情况不明；{5} 处人数不明", "km": "公里",
        "watched": "单独管控", "watched_together": "共同管控", "unwatched": "无人管控", "cut_off": "无法进入",
        "checkpoint": "检查站",
        "alone_km": "单独公里", "together_km": "共同公里", "staffed": "在岗", "out of season": "非防火期",
        "season unknown": "防火期不明", "on no forest road": "不在林区道路", "depot": "物资库", "stock": "带来", "total": "累计",
        "doubt": "情况不明的库", "more": "……另有 {0} 行，见 --json",
    },
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    for command in (fly, cover, watch, stock):
        app.command(command.__name__)(command)


def fly(
    places: Annotated[str, typer.Option(help="The layer of places to be reached.")] = "towns",
    night: Annotated[bool, typer.Option("--night", help="Only lit pads, and helicopters that fly at night.")] = False,
    vehicle: VehicleName = "car",
    at: At = None,
    without: Without = None,
    as_json: AsJson = False,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """When the first helicopter's people are at each place, by pad and the road from there; which may not land, and why."""
    there, tongue = held(store), short(language)
    answer = flights(there.snapshot, roads_of(there, vehicle, at, without), layer(places), at_night=night)
    if as_json:
        print_json(answer)
        return
    _print_flights(answer, tongue)
    print_standing(answer, tongue)


def _print_flights(answer: Mapping[str, Any], language: Tongue) -> None:
    words = _WORDS[language]
    _rows(
        tuple(words[name] for name in ("place", "min", "was", "helicopter", "pad", "unsure")),
        [
            (each["name"], minutes_said(each["minutes"]), minutes_said(each["minutes_open"]), each["helicopter"], each["pad"],
             "?" if each["unknown"] else "")
            for each in answer["places"]
        ], words,
    )  # fmt: skip
    _rows(
        (words["no_landing"], words["pad"], words["state"]),
        [
            (each["helicopter_name"], each["pad_name"],
             ", ".join(f"{why['id']} {words['no'] if why['holds'] is False else words['unknown']}" for why in each["against"]))
            for each in answer["landings"] if not each["fits"]
        ], words,
    )  # fmt: skip
    if answer["not_coming"]:
        line(words["not_coming"].format(", ".join(each["name"] for each in answer["not_coming"])))


def cover(
    groups: Annotated[str, typer.Option(help="The layer of places, with people.")] = "care_facilities",
    things: Annotated[str, typer.Option(help="The layer of things to be fetched.")] = "aeds",
    within_min: Annotated[str, typer.Option(help="The whole errand at most.")] = "8",
    one_way: Annotated[bool, typer.Option("--one-way", help="Count the way there only, not the way back.")] = False,
    vehicle: VehicleName = "foot",
    at: At = None,
    without: Without = None,
    as_json: AsJson = False,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """How many people have an AED, or a thing of another layer, within so many minutes there and back, on foot."""
    there, tongue = held(store), short(language)
    answer = covered(
        there.snapshot, roads_of(there, vehicle, at, without), groups_named(there.snapshot, there.files, groups),
        layer(things),
        within_min=parameters.number(within_min, "within_min", 0.1, 10_000), ways="one_way" if one_way else "there_and_back",
    )  # fmt: skip
    if as_json:
        print_json(answer)
        return
    words, now = _WORDS[tongue], answer["people"]
    every = now["covered"] + now["not_covered"] + now["unknown"]
    line(words["share"].format(
        f"{now['covered']:,}", f"{every:,}", answer["within_min"], f"{answer['people_open']['covered']:,}", f"{now['unknown']:,}",
        now["places_uncounted"],
    ))  # fmt: skip
    _rows(
        tuple(words[name] for name in ("place", "state", "people", "min", "was", "nearest")),
        [
            (each["name"], words[each["state"]], whole_said(each["people"]), minutes_said(each["minutes"]),
             minutes_said(each["minutes_open"]), each["nearest"])
            for each in answer["places"]
        ], words,
    )  # fmt: skip
    print_standing(answer, tongue)


def watch(
    any_season: Annotated[bool, typer.Option("--any-season", help="All checkpoints watch, in season or not.")] = False,
    longest_part: Annotated[bool, typer.Option("--longest-part", help="People come from the greatest network only.")] = False,
    vehicle: VehicleName = "car",
    at: At = None,
    without: Without = None,
    as_json: AsJson = False,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """Which forest roads can be entered only past a checkpoint that is staffed then, in kilometres."""
    there, tongue = held(store), short(language)
    season: Literal["now", "any"] = "any" if any_season else "now"
    answer = watched(
        there.snapshot, roads_of(there, vehicle, at, without), moment(at).date(), season=season,
        outside="longest_part" if longest_part else "every_part",
    )  # fmt: skip
    if as_json:
        print_json(answer)
        return
    words = _WORDS[tongue]
    _rows(
        (words["state"], words["km"], words["was"]),
        [(words[state], f"{km:,.1f}", f"{answer['km_open'][state]:,.1f}") for state, km in answer["km"].items()], words,
    )
    _rows(
        tuple(words[name] for name in ("checkpoint", "state", "alone_km", "together_km")),
        [
            (each["name"], words[each["state"]], *(f"{each.get(name, 0.0):,.1f}" for name in ("alone_km", "together_km")))
            for each in answer["checkpoints"]
        ], words,
    )  # fmt: skip
    print_standing(answer, tongue)


def stock(
    what: Annotated[str, typer.Argument(help="tents, blankets, folding_beds, boats, life_jackets, pumps, sandbags.")],
    at_min: Annotated[str, typer.Option(help="Minutes from now, by comma.")] = "60,120,180",
    places: Annotated[str, typer.Option(help="The layer of which any one place may need it.")] = "towns",
    detail: Annotated[str | None, typer.Option(help="A place, by id or name: its depots as they arrive.")] = None,
    vehicle: VehicleName = "truck",
    at: At = None,
    without: Without = None,
    as_json: AsJson = False,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """How much of a stock can stand at each place by when, loading included."""
    there, tongue = held(store), short(language)
    chosen = layer(places)
    answer = stock_over_time(
        there.snapshot, roads_of(there, vehicle, at, without), chosen, what,
        sorted({parameters.number(each, "at_min", 0, 10_000) for each in at_min.split(",")}),
        detail=None if detail is None else feature_named(there.snapshot, chosen.id, detail, "detail"),
    )  # fmt: skip
    if as_json:
        print_json(answer)
        return
    words = _WORDS[tongue]
    if answer["arriving"] is None:
        _print_stock(answer, words)
    else:
        _rows(
            tuple(words[name] for name in ("min", "depot", "stock", "total")),
            [(minutes_said(row["minutes"]), row["name"], f"{row['stock']:,}", f"{row['total']:,}") for row in answer["arriving"]],
            words,
        )
    print_standing(answer, tongue)


def _print_stock(answer: Mapping[str, Any], words: Mapping[str, str]) -> None:
    header = [part for minutes in answer["at_min"] for part in (f"{minutes:g} {words['min']}", words["was"])]
    _rows(
        (words["place"], *header, words["doubt"]),
        [
            (each["name"], *(f"{part:,}" for pair in zip(each["stock"], each["stock_open"], strict=True) for part in pair),
             each["unknown_depots"] or "")
            for each in answer["places"]
        ], words,
    )  # fmt: skip


def _rows(header: Sequence[str], rows: Sequence[Sequence[object]], words: Mapping[str, str]) -> None:
    """The first rows as a table, and how many more there are."""
    if rows:
        table(header, rows[:_SHOWN])
    if len(rows) > _SHOWN:
        line(words["more"].format(len(rows) - _SHOWN))
