"""`closures`, `close`, `reopen`: the one list of roads that are shut, which every access question reads."""

import datetime as dt
import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from api.cli._on_roads import DEGREES, AsJson, At, Tongue, VehicleName, held, print_json, short
from api.cli._show import line, wide_table
from api.cli.data import InLanguage, Language, StorePath, store_of
from api.use.access import closing
from api.use.access.asked import RoadQuestion, moment
from api.use.access.closure_list import closure_list
from api.use.access.given_files import area_of
from geo_risk.errors import ParameterError
from layers._store import open_store

_NAMED: Final = 4
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "id": "id", "title": "what", "cause": "cause", "state": "state now", "links": "stretches", "roads": "roads",
        "since": "since", "until": "until", "shut": "stretches of road that are shut for {1}: {0}", "more": " and {0} more",
        "closed": "closed as {0}", "reopened": "reopened: {0}", "unread": "COULD NOT BE READ, its roads count as open: {0} ({1})",
        "no_roads": "no road data: the list holds {0} closures and shuts nothing",
    },
    "zh": {
        "id": "编号", "title": "事由", "cause": "原因", "state": "当前", "links": "路段", "roads": "道路",
        "since": "开始", "until": "结束",
        "shut": "以下车辆有 {0} 个路段不能通行：{1}", "more": "等 {0} 条", "closed": "已登记：{0}", "reopened": "已恢复通行：{0}",
        "unread": "无法读取，所涉道路按畅通计：{0}（{1}）", "no_roads": "没有道路数据：清单中有 {0} 条，均不起作用",
    },
}  # fmt: skip
_STATES: Final[Mapping[str, str]] = {
    "honoured": "已计入", "ended": "已结束", "not yet": "未开始", "another vehicle": "不限此车辆", "meets no road": "未涉及道路",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    app.command("closures")(closures)
    app.command("close", context_settings=DEGREES)(close)
    app.command("reopen")(reopen)


def closures(
    vehicle: VehicleName = "car",
    at: At = None,
    as_json: AsJson = False,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """The list of closures, ended ones too: what each shuts now for a vehicle."""
    there = held(store)
    answer = closure_list(there.snapshot, RoadQuestion(vehicle=vehicle, at=at).roads(there.snapshot, there.files))
    if as_json:
        print_json(answer)
        return
    _print_closures(answer, short(language))


def _print_closures(answer: Mapping[str, Any], language: Tongue) -> None:
    words = _WORDS[language]
    if answer["by"] == "line":
        line(words["no_roads"].format(answer["rows"]))
        return
    wide_table(
        tuple(words[name] for name in ("id", "title", "cause", "state", "links", "roads", "since", "until")),
        [
            (each["id"], each["title"], (each["cause_title"] or {}).get(language, each["cause"]),
             _STATES[each["state"]] if language == "zh" else each["state"], str(each["links"]), _names(each["roads"], words),
             _clock(each["since"]), _clock(each["until"]))
            for each in answer["closures"]
        ],
    )  # fmt: skip
    line(words["shut"].format(answer["links_shut"], answer["vehicle"]["title"][language]))
    for each in answer["unreadable"]:
        line(words["unread"].format(each["title"], each["problem"]))


def close(
    title: Annotated[str, typer.Option(help="What happened, in a few words.")],
    cause: Annotated[str, typer.Option(help="flood, landslide, bridge, damage, fire, blast, control, other.")],
    road: Annotated[list[str] | None, typer.Option("--road", help="A road's id, or a part such as ID#0; again for more.")] = None,
    area: Annotated[Path | None, typer.Option(help="A GeoJSON file with one polygon.")] = None,
    lon: Annotated[float | None, typer.Option(help="Longitude of a circle's centre.")] = None,
    lat: Annotated[float | None, typer.Option(help="Latitude of a circle's centre.")] = None,
    radius_m: Annotated[float | None, typer.Option(help="Radius of the circle along the ground.")] = None,
    depth_raster: Annotated[str | None, typer.Option(help="A raster of flood depth in the folder of rasters.")] = None,
    bridges: Annotated[str, typer.Option(help="In an area, a circle, a flood: lost (shut too) or kept.")] = "lost",
    only_for: Annotated[str, typer.Option(help="Comma-separated vehicles; all without.")] = "",
    since: Annotated[str | None, typer.Option(help="From when; now without.")] = None,
    until: Annotated[str | None, typer.Option(help="Until when, such as 2026-07-01T08:00+08:00; until reopened without.")] = None,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """Shut roads: by their ids, inside an area, around a point, or where a raster says that water stands."""
    there = held(store)
    given = closing.closure_of({
        "title": title, "cause": cause, "roads": road or [], "area": area_of(area) if area else None,
        "circle": _circle(lon, lat, radius_m), "depth_raster": depth_raster, "bridges": bridges,
        "vehicles": [name.strip() for name in only_for.split(",") if name.strip()], "since": since, "until": until,
    })  # fmt: skip
    closing.require_known(there.snapshot, there.files, given)
    with open_store(store_of(store), create=False) as opened:
        closure_id = closing.add_closure(opened, given, dt.datetime.now(tz=dt.UTC), getpass.getuser())
    _say_after(store, closure_id, "closed", short(language))


def reopen(
    closure_id: Annotated[str, typer.Argument(metavar="ID", help="A closure's id; `geo-risk closures` lists them.")],
    at: Annotated[str | None, typer.Option("--at", help="From this moment; now without.")] = None,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """End a closure; its row stays and says when it ended."""
    with open_store(store_of(store), create=False) as opened:
        closing.end_closure(opened, closure_id, moment(at), getpass.getuser())
    _say_after(store, closure_id, "reopened", short(language))


def _circle(lon: float | None, lat: float | None, radius_m: float | None) -> dict[str, float] | None:
    given = {name: value for name, value in (("lon", lon), ("lat", lat), ("radius_m", radius_m)) if value is not None}
    if given and len(given) < 3:
        raise ParameterError(
            "a circle has a centre and a radius", where="close", expected="--lon, --lat and --radius-m", got=", ".join(given),
            then="give all three",
        )
    return given or None


def _say_after(store: Path | None, closure_id: str, word: str, language: Tongue) -> None:
    """What was done, and the list as it stands now."""
    there = held(store)
    line(_WORDS[language][word].format(closure_id))
    _print_closures(closure_list(there.snapshot, RoadQuestion().roads(there.snapshot, there.files)), language)


def _names(roads: list[dict[str, str]], words: Mapping[str, str]) -> str:
    told = ", ".join(each["name"] or each["id"] for each in roads[:_NAMED])
    return told + (words["more"].format(len(roads) - _NAMED) if len(roads) > _NAMED else "")


def _clock(moment_: str | None) -> str:
    return "" if moment_ is None else f"{dt.datetime.fromisoformat(moment_):%Y-%m-%d %H:%M %z}"
