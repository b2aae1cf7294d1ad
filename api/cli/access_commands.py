"""`route`, `reach`, `mobilise`, `isolate`, `matrix`, `select`: who can get there, on the roads that exist right now."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from api.cli._on_roads import (
    DEGREES,
    AsJson,
    At,
    Lat,
    Lon,
    Output,
    Tongue,
    VehicleName,
    Without,
    held,
    minutes_said,
    print_json,
    print_standing,
    print_written,
    roads_of,
    short,
    whole_said,
)
from api.cli._show import line, table
from api.cli.data import InLanguage, Language, StorePath
from api.use import parameters
from api.use.access.answer_files import tables_of_matrix, write_areas, write_tables
from api.use.access.asked import needs_of
from api.use.access.closing import polygon_of
from api.use.access.feature_named import feature_named
from api.use.access.given_files import area_of
from api.use.access.groups import groups_named
from api.use.access.isolated_places import isolated_places
from api.use.access.matrix_between import matrix_between
from api.use.access.mobilised import mobilised
from api.use.access.reach_from import reach_from
from api.use.access.route_between import route_between
from api.use.access.selected import Drawn, drawn_circle, selectable, selected, zone
from geo_risk.errors import ParameterError
from layers._catalog import layer
from layers._layer import Geometry
from layers._store import PUBLIC, Snapshot, seen

_MATRIX_MAX: Final = 2_000_000
_SHOWN: Final = 40
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "road": "road", "class": "class", "m": "m", "min": "min", "was": "was", "way": "way", "bridge": "bridge",
        "walks": "walk to the road {0} m, from it {1} m", "in_the_way": "in the way: {0}", "band": "min", "km": "road km",
        "ground": "ground km2", "people": "people", "place": "place", "state": "state", "to": "to", "was_to": "was to",
        "proven": "proven", "refuted": "refuted", "unknown": "unknown", "reached": "reached", "cut off": "cut off",
        "never reached": "never reached", "places": "places", "people_unknown": "places with unknown people",
        "statement": "Any one of {0} has {1} within {2:g} min: {3}; on open roads: {4}",
        "worst": "worst: {0}, {1} of {2} {3}", "holds_within": "holds within {0} min", "holds_never": "holds within no time",
        "holds_for": "holds within the time for: {0}", "more": "or with {0} more {1} at: {2}{3}",
        "not_proven": " (not proven the least, at least {0})", "beyond": "; beyond any base: {0} places",
        "counts_not": "count for nothing, unknown: {0}", "arriving": "arriving at {0}", "in_time": "in time",
        "worst_links": "whose loss would be worst", "cuts": "cuts off, people", "added": "adds, person-min",
        "pairs": "{0} x {1} pairs, {2} without a way now, {3} were without", "off_road": "{0}: {1} stand on no road",
        "nearest": "nearest", "layer": "layer", "count": "count", "sums": "sums", "unplaced": "without a place",
    },
    "zh": {
        "road": "道路", "class": "等级", "m": "米", "min": "分钟", "was": "原", "way": "方向", "bridge": "桥",
        "walks": "步行至道路 {0} 米，离开道路后步行 {1} 米", "in_the_way": "途中阻断：{0}", "band": "分钟", "km": "可达道路 km",
        "ground": "可达范围 km2", "people": "人口", "place": "地点", "state": "状态", "to": "前往", "was_to": "原前往",
        "proven": "成立", "refuted": "不成立", "unknown": "不明", "reached": "可达", "cut off": "中断",
        "never reached": "原本不可达", "places": "处数", "people_unknown": "人口不明的处数",
        "statement": "{0}中任一处在 {2:g} 分钟内可得 {1}：{3}；道路全部畅通时：{4}",
        "worst": "最差：{0}，{3} {1}/{2}", "holds_within": "时限放宽到 {0} 分钟即成立", "holds_never": "放宽时限也不成立",
        "holds_for": "此时限内成立的数量：{0}", "more": "或在以下驻地增加{1} {0}：{2}{3}", "not_proven": "（未证明最少，至少 {0}）",
        "beyond": "；任何驻地都赶不到的有 {0} 处", "counts_not": "因情况不明未计入：{0}", "arriving": "到达 {0}", "in_time": "按时",
        "worst_links": "一旦失去影响最大", "cuts": "中断人口", "added": "增加人·分钟",
        "pairs": "{0} x {1} 对，现无路可达 {2} 对，原 {3} 对", "off_road": "{0}：{1} 处不在道路上", "nearest": "最近",
        "layer": "图层", "count": "数量", "sums": "合计", "unplaced": "无位置",
    },
}  # fmt: skip


class RouteBy(StrEnum):
    """What a way is to have least of."""

    TIME = "time"
    LENGTH = "length"


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    for command in (route, reach):
        app.command(command.__name__, context_settings=DEGREES)(command)
    app.command("select", context_settings=DEGREES)(select)
    for plain in (mobilise, isolate, matrix):
        app.command(plain.__name__)(plain)


def route(
    lon: Lon,
    lat: Lat,
    to_lon: Annotated[str, typer.Argument(help="Longitude of the destination.")],
    to_lat: Annotated[str, typer.Argument(help="Latitude of the destination.")],
    by: Annotated[RouteBy, typer.Option("--by", help="The fastest way, or the shortest.")] = RouteBy.TIME,
    vehicle: VehicleName = "car",
    at: At = None,
    without: Without = None,
    as_json: AsJson = False,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """The way from one place to another by legs, how long it took before the closures, and what is in the way."""
    there = held(store)
    answer = route_between(
        roads_of(there, vehicle, at, without, by=by.value),
        (parameters.longitude(lon), parameters.latitude(lat)),
        (parameters.longitude(to_lon), parameters.latitude(to_lat)),
    )
    if as_json:
        print_json(answer)
        return
    _print_route(answer, short(language))


def _print_route(answer: Mapping[str, Any], language: Tongue) -> None:
    words, way = _WORDS[language], answer["now"]
    line(answer["said"][language])
    if way:
        table(
            (words["road"], words["class"], words["bridge"], words["m"], words["min"], words["way"]),
            [
                (leg["name"] or leg["road"], leg["road_class"], words["bridge"] if leg["bridge"] else "", f"{leg['metres']:,.0f}",
                 f"{leg['minutes']:.1f}", leg["direction"][language])
                for leg in way["legs"]
            ],
        )  # fmt: skip
        line(words["walks"].format(f"{way['walk_to_road_m']:,.0f}", f"{way['walk_from_road_m']:,.0f}"))
    if answer["in_the_way"]:
        line(words["in_the_way"].format(", ".join(each["title"] for each in answer["in_the_way"])))
    print_standing(answer, language)


def reach(
    lon: Lon,
    lat: Lat,
    minutes: Annotated[str, typer.Option(help="Bands of minutes, by comma.")] = "5,10,15",
    people: Annotated[str, typer.Option(help="The layer whose people are counted.")] = "towns",
    layers: Annotated[str, typer.Option(help="Comma-separated point layers whose features are counted.")] = "shelters,rescue_teams",
    towards: Annotated[bool, typer.Option("--towards", help="From where one gets here, instead of where one gets.")] = False,
    beside_m: Annotated[str, typer.Option(help="Ground on either side of a road that is drawn as reached.")] = "300",
    output: Output = None,
    vehicle: VehicleName = "car",
    at: At = None,
    without: Without = None,
    as_json: AsJson = False,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """How far one gets in bands of minutes: roads, ground, people, facilities; -o writes .gpkg or .geojson."""
    there = held(store)
    most = there.limits.access_max_min
    answer = reach_from(
        there.snapshot, roads_of(there, vehicle, at, without), parameters.longitude(lon), parameters.latitude(lat),
        sorted({parameters.number(each, "minutes", 0.1, most) for each in minutes.split(",")}),
        people=groups_named(there.snapshot, there.files, people),
        facilities=parameters.layers_named(there.snapshot, layers, (Geometry.POINT,)), towards=towards,
        beside_m=parameters.number(beside_m, "beside_m", 1, 5000),
    )  # fmt: skip
    written = write_areas(answer, output) if output is not None else ()
    if as_json:
        print_json(answer)
        return
    _print_reach(answer, short(language))
    print_written(written, short(language))


def _print_reach(answer: Mapping[str, Any], language: Tongue) -> None:
    words, layers = _WORDS[language], [each["layer"] for each in answer["facilities"]]
    table(
        (words["band"], words["km"], words["was"], words["ground"], words["people"], words["was"], *layers),
        [
            (f"{band['minutes']:g}", f"{band['road_km']:,.2f}", f"{band['road_km_open']:,.2f}", f"{band['ground_km2']:,.2f}",
             f"{band['people']:,}", f"{band['people_open']:,}", *(band["facilities"][each] for each in layers))
            for band in (feature["properties"] for feature in answer["features"])
        ],
    )  # fmt: skip
    print_standing(answer, language)


def mobilise(
    needs: Annotated[str, typer.Option(help="What must arrive: people:2000,boats:10; people, kinds of teams, stock of depots.")],
    within_min: Annotated[str, typer.Option(help="Within so many minutes.")] = "180",
    places: Annotated[str, typer.Option(help="The layer of which any one place may need it.")] = "towns",
    detail: Annotated[str | None, typer.Option(help="A place, by id or name, for which every arrival is told.")] = None,
    vehicle: VehicleName = "car",
    at: At = None,
    without: Without = None,
    as_json: AsJson = False,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """Is it true that any place has so many people, teams and things within so many minutes; if not, what would make it true."""
    there, chosen = held(store), layer(places)
    answer = mobilised(
        there.snapshot, roads_of(there, vehicle, at, without), chosen, needs_of(needs),
        within_min=parameters.number(within_min, "within_min", 1, 10_000),
        detail=None if detail is None else feature_named(there.snapshot, chosen.id, detail, "detail"),
    )  # fmt: skip
    if as_json:
        print_json(answer)
        return
    _print_verdict(answer, short(language), detail)


def _print_verdict(answer: Mapping[str, Any], language: Tongue, detail: str | None) -> None:
    words, stated, worst = _WORDS[language], answer["statement"], answer["worst"]
    needs = _counts(stated["needs"], language)
    title = layer(stated["places"]).title[language]
    line(words["statement"].format(title, needs, stated["within_min"], words[answer["state"]], words[answer["state_open"]]))
    line(words["worst"].format(worst["name"], f"{worst['arrived']:,}", f"{worst['target']:,}", _need(worst["need"], language)))
    if answer["state"] != "proven":
        for each in _changes(answer["would_be_true"], words, language):
            line(each)
    _print_places(answer["places"], list(stated["needs"]), language)
    if answer["arriving"] is not None:
        _print_arriving(answer["arriving"], list(stated["needs"]), str(detail), words)
    if answer["unknown"]:
        line(words["counts_not"].format(", ".join(each["name"] for each in answer["unknown"])))
    print_standing(answer, language)


def _changes(changes: Mapping[str, Any], words: Mapping[str, str], language: Tongue) -> list[str]:
    within, needs = changes["within_min"], _counts(changes["needs"], language)
    return [
        words["holds_never"] if within is None else words["holds_within"].format(f"{within:,.1f}"),
        words["holds_for"].format(needs),
        *(_addition(each, words, language) for each in changes["more"]),
    ]


def _counts(needs: Mapping[str, int], language: Tongue) -> str:
    return ", ".join(f"{_need(name, language)} {count:,}" for name, count in needs.items())


def _need(name: str, language: Tongue) -> str:
    """A need in words: people, a kind of team, a stock of depots."""
    kinds = {choice.id: {"en": choice.en, "zh": choice.zh} for choice in layer("rescue_teams").column("kind").choices}
    stock = {column.name: column.title for column in layer("supply_depots").columns}
    titles: dict[str, Any] = {**stock, **kinds, "people": {"en": "people", "zh": "人员"}}
    return str(titles[name][language])


def _addition(each: Mapping[str, Any], words: Mapping[str, str], language: Tongue) -> str:
    at = ", ".join(f"{base['name']} {base['more']:,}" for base in each["at"])
    proof = "" if each["exact"] else words["not_proven"].format(f"{each['at_least']:,}")
    beyond = words["beyond"].format(len(each["beyond"])) if each["beyond"] else ""
    return words["more"].format(f"{each['total']:,}", _need(each["need"], language), at or "-", proof + beyond)


def _print_places(places: Sequence[Mapping[str, Any]], needs: Sequence[str], language: Tongue) -> None:
    words = _WORDS[language]
    table(
        (words["place"], words["state"], *(_need(need, language) for need in needs), words["min"], words["was"]),
        [
            (each["name"], words[each["state"]], *(f"{each['arrived'][need]:,}" for need in needs), minutes_said(each["minutes"]),
             minutes_said(each["minutes_open"]))
            for each in places[:_SHOWN]
        ],
    )  # fmt: skip
    _print_rest(len(places), language)


def _print_rest(rows: int, language: Tongue) -> None:
    if rows > _SHOWN:
        line(f"……另有 {rows - _SHOWN} 行，见 --json" if language == "zh" else f"... and {rows - _SHOWN} more rows, see --json")


def _print_arriving(rows: Sequence[Mapping[str, Any]], needs: Sequence[str], place: str, words: Mapping[str, str]) -> None:
    line(words["arriving"].format(place))
    table(
        (words["min"], "", *needs, words["in_time"]),
        [
            (minutes_said(row["minutes"]), row["name"], *(whole_said(row[need]) for need in needs), "*" if row["in_time"] else "")
            for row in rows
        ],
    )


def isolate(
    groups: Annotated[str, typer.Option(help="The layer of places, with people.")] = "towns",
    facilities: Annotated[str, typer.Option(help="The layer of help; of its features those that are open.")] = "shelters",
    losses: Annotated[str, typer.Option(help="Tell so many links and facilities whose loss would be worst.")] = "0",
    vehicle: VehicleName = "car",
    at: At = None,
    without: Without = None,
    as_json: AsJson = False,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """Which places are cut off from every open facility, how many people are there, and whose loss would cut off most."""
    there = held(store)
    answer = isolated_places(
        there.snapshot, roads_of(there, vehicle, at, without), groups_named(there.snapshot, there.files, groups),
        layer(facilities),
        losses=parameters.whole(losses, "losses", 0, 200),
    )  # fmt: skip
    if as_json:
        print_json(answer)
        return
    _print_isolated(answer, short(language))


def _print_isolated(answer: Mapping[str, Any], language: Tongue) -> None:
    words = _WORDS[language]
    table(
        (words["state"], words["places"], words["people"], words["people_unknown"]),
        [
            (words[state], row["places"], f"{row['people']:,}", row["people_unknown"])
            for state, row in answer["sums"].items()
        ],
    )
    table(
        (words["place"], words["state"], words["people"], words["min"], words["was"], words["to"], words["was_to"]),
        [
            (each["name"], words[each["state"]], whole_said(each["people"]), minutes_said(each["minutes"]),
             minutes_said(each["minutes_open"]), (each["facility"] or {}).get("name"), (each["facility_before"] or {}).get("name"))
            for each in answer["places"][:_SHOWN]
        ],
    )  # fmt: skip
    _print_rest(len(answer["places"]), language)
    worst = [*answer["worst_links"], *answer["worst_facilities"]]
    if worst:
        table(
            (words["worst_links"], words["places"], words["cuts"], words["added"]),
            [
                (each["name"] or each["link"], each["places_cut_off"], whole_said(each["people_cut_off"]),
                 f"{each['person_minutes_added']:,.0f}")
                for each in worst
            ],
        )  # fmt: skip
    print_standing(answer, language)


def matrix(
    origins: Annotated[str, typer.Argument(metavar="FROM", help="A layer.")],
    destinations: Annotated[str, typer.Argument(metavar="TO", help="A layer.")],
    output: Output = None,
    vehicle: VehicleName = "car",
    at: At = None,
    without: Without = None,
    as_json: AsJson = False,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """Minutes from each feature of a layer to each of another, now and with all roads open; -o writes .csv, .xlsx or .json."""
    there = held(store)
    answer = matrix_between(
        there.snapshot, roads_of(there, vehicle, at, without), layer(origins), layer(destinations), max_cells=_MATRIX_MAX
    )
    written = write_tables(answer, tables_of_matrix(answer), output) if output is not None else ()
    if as_json:
        print_json(answer)
        return
    _print_matrix(answer, short(language))
    print_written(written, short(language))


def _print_matrix(answer: Mapping[str, Any], language: Tongue) -> None:
    words, starts, ends = _WORDS[language], answer["from"], answer["to"]
    lacking = [sum(value is None for row in answer[name] for value in row) for name in ("minutes", "minutes_open")]
    line(words["pairs"].format(len(starts["ids"]), len(ends["ids"]), *lacking))
    for each in (starts, ends):
        if each["off_road"]:
            line(words["off_road"].format(each["layer"], each["off_road"]))
    rows = [(start, *_least(row, ends["ids"])) for start, row in zip(starts["ids"], answer["minutes"], strict=True)]
    table((starts["layer"], words["min"], words["nearest"]), [(start, minutes_said(low), fid) for start, low, fid in rows[:_SHOWN]])
    _print_rest(len(rows), language)
    print_standing(answer, language)


def _least(row: Sequence[float | None], ids: Sequence[str]) -> tuple[float | None, str]:
    known = [(minutes, fid) for minutes, fid in zip(row, ids, strict=True) if minutes is not None]
    return min(known, default=(None, ""))


def select(
    lon: Annotated[str | None, typer.Option(help="Longitude of a circle's centre.")] = None,
    lat: Annotated[str | None, typer.Option(help="Latitude of a circle's centre.")] = None,
    radius_m: Annotated[str, typer.Option(help="Radius of the circle along the ground.")] = "1000",
    area: Annotated[Path | None, typer.Option(help="A GeoJSON file with one polygon.")] = None,
    in_zone: Annotated[str | None, typer.Option("--zone", metavar="LAYER/ID", help="An area of the map: flood_zones/ID.")] = None,
    layers: Annotated[str | None, typer.Option(help="Comma-separated layers; all but the background without.")] = None,
    as_json: AsJson = False,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """Everything inside a circle, a drawn polygon or an area of the map, listed by layer and summed."""
    there = held(store)
    snapshot = seen(there.snapshot, PUBLIC)
    answer = selected(snapshot, _drawn(snapshot, lon, lat, radius_m, area, in_zone), selectable(snapshot, layers))
    if as_json:
        print_json(answer)
        return
    words, tongue = _WORDS[short(language)], short(language)
    table(
        (words["layer"], words["count"], words["sums"], words["unplaced"]),
        [(each["title"][tongue], f"{each['count']:,}", _sums(each, tongue), each["unplaced"] or "") for each in answer["layers"]],
    )


def _drawn(
    snapshot: Snapshot, lon: str | None, lat: str | None, radius_m: str, area: Path | None, in_zone: str | None
) -> Drawn:
    given = [name for name, value in (("--lon --lat", lon or lat), ("--area", area), ("--zone", in_zone)) if value]
    if len(given) != 1:
        raise ParameterError(
            "one drawing is asked about at a time", where="select", expected="--lon --lat --radius-m, --area, or --zone",
            got=", ".join(given) or "none", then="give one of them",
        )
    if area is not None:
        return Drawn(shape=polygon_of(area_of(area), "area"))
    if in_zone is not None:
        layer_id, _, fid = in_zone.partition("/")
        return zone(snapshot, layer(layer_id).id, fid)
    radius = parameters.number(radius_m, "radius_m", 1, 500_000)
    return drawn_circle(parameters.longitude(lon or ""), parameters.latitude(lat or ""), radius)


def _sums(each: Mapping[str, Any], language: Tongue) -> str:
    """Each sum, and beside it how many rows do not say: with them it would be more."""
    if not each["count"]:
        return ""
    return "\n".join(
        f"{total['title'][language]} {total['known']:,.0f}" + (f" (+{total['unknown']} ?)" if total["unknown"] else "")
        for total in each["sums"].values()
    )
