"""`assess` and `nearby`: the questions, on the command line."""

import json
import math
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import pyogrio
import typer

from api.cli._on_roads import (
    DEGREES,
    AsJson,
    At,
    Lat,
    Lon,
    Tongue,
    VehicleName,
    Without,
    held,
    print_json,
    print_standing,
    short,
)
from api.cli._show import line, progress, table
from api.cli.data import InLanguage, Language, StorePath, store_of
from api.cli.run_commands import Pieces, run_scenario
from api.use import parameters
from api.use.access.asked import RoadQuestion
from api.use.access.near import NearQuestion, near_answer
from api.use.assessments import Assessed, answer, assess_cells, assess_layer
from api.use.parameters import layers_named
from geo_risk.errors import ParameterError
from geo_risk.model import PlaceRisk
from geo_risk.risk.assess import assessment_frame
from geo_risk.risk.explain import reasons
from layers._layer import Geometry
from layers._store import PUBLIC, open_store, seen

_SHOWN = 3
_NEAR: Final = {
    "en": (
        ("layer", "name", "by road", "in the way", "free", "straight m", "bearing", "", "status"),
        ("layer", "name", "distance m", "bearing", "", "status"),
    ),
    "zh": (
        ("图层", "名称", "按道路", "途中阻断", "空余", "直线距离 m", "方位", "", "状态"),
        ("图层", "名称", "距离 m", "方位", "", "状态"),
    ),
}


class By(StrEnum):
    """What near means."""

    LINE = "line"
    TIME = "time"


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    app.command("assess")(assess)
    app.command("nearby", context_settings=DEGREES)(nearby)


def assess(
    layer: Annotated[str, typer.Option(help="The area layer to assess.")] = "towns",
    cell_m: Annotated[float | None, typer.Option(help="Assess square cells of this size over the towns instead.")] = None,
    factors: Annotated[str, typer.Option(help="Comma-separated factors; all without.")] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write a GeoPackage; a scenario's answer also as .xlsx, .csv, .parquet, .json."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    scenario: Annotated[Path | None, typer.Option(help="Ask the question of a scenario file (TOML) instead.")] = None,
    data: Annotated[Path | None, typer.Option(help="The folder that the scenario's file names start from.")] = None,
    save: Annotated[bool, typer.Option("--save", help="Keep the scenario's run in the store.")] = False,
    exposure: Annotated[Path | None, typer.Option(help="GeoParquet: buildings by the layers' hazards, or in a scenario.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Work on the pieces of the exposure on this Dask scheduler.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Or on so many processes of this machine.")] = 1,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """Assess places by the layers' factors: level, score, and the reasons for each; or ask a scenario's question."""
    if scenario is not None or exposure is not None:
        pieces = Pieces(exposure=exposure, scheduler=scheduler, workers=workers)
        run_scenario(scenario, layer, data, output, store, pieces, keep=save, as_json_text=as_json)
        return
    _refuse_without_scenario({"--data": data, "--save": save, "--scheduler": scheduler, "--workers": workers > 1})
    only = tuple(name for name in factors.split(",") if name)
    with open_store(store_of(store), create=False) as opened, progress() as tell:
        tell("read", 0.2)
        snapshot = opened.snapshot()
        tell("read", 1.0)
        assessed, places = (
            assess_cells(snapshot, cell_m, only) if cell_m else (assess_layer(snapshot, layer, only), snapshot.frames[layer])
        )
        tell("assess", 1.0)
    if output is not None:
        pyogrio.write_dataframe(assessment_frame(assessed.assessment, places), output, layer="risk", driver="GPKG")
    if as_json:
        print(json.dumps(answer(assessed), ensure_ascii=False))  # noqa: T201 - the output is the answer
        return
    _print(assessed, "zh" if language is Language.ZH else "en")
    if output is not None:
        line(f"written: {output}")


def _refuse_without_scenario(given: dict[str, object]) -> None:
    """An option that would change nothing is refused, never ignored."""
    idle = [name for name, value in given.items() if value]
    if idle:
        raise ParameterError(
            "the option belongs to a scenario", where=", ".join(idle), expected="--scenario FILE.toml, or --exposure FILE",
            got="neither", then="name one, or leave the option out",
        )


def _print(assessed: Assessed, language: str) -> None:
    result = assessed.assessment
    titles = {factor.id: (factor.title[language], factor.unit) for factor in result.factors}
    rows = [
        (
            rank,
            place.name,
            assessed.scheme.level(place.level).numeral,
            _score(place.score),
            _reasons(place, titles),
        )
        for rank, place in enumerate(result.places, start=1)
    ]
    table(("#", "place", "level", "score", "reasons"), rows)
    for each in result.absent:
        line(f"not assessed: {each.factor} ({each.reason})")
    line("; ".join(f"{rule.id}: {rule.chosen}" for rule in result.rules))
    line(f"revision {assessed.provenance.revision}, {assessed.provenance.engine}")


def _reasons(place: PlaceRisk, titles: dict[str, tuple[str, str]]) -> str:
    return "\n".join(
        f"{titles[each.factor][0]}: {_raw(each.raw, titles[each.factor][1])} → {_score(each.score)}"
        for each in reasons(place, _SHOWN)
    )


def _raw(value: float | None, unit: str) -> str:
    if value is None:
        return "?"
    return f"{value:.1%}" if unit == "share" else f"{value:,.{0 if abs(value) >= 100 else 2}f} {unit}"


def _score(value: float | None) -> str:
    """One decimal, cut and not rounded: 6.46 must not read as 6.5, where level I begins."""
    return "?" if value is None else f"{math.floor(value * 10) / 10:.1f}"


def nearby(
    lon: Lon,
    lat: Lat,
    layers: Annotated[str, typer.Option(help="Comma-separated point layers.")] = "shelters,helipads,rescue_teams",
    by: Annotated[By, typer.Option(help="Straight lines, or time by road.")] = By.LINE,
    radius_m: Annotated[str, typer.Option(help="Radius in metres, of straight lines.")] = "10000",
    limit_min: Annotated[str, typer.Option(help="Minutes at most, by road.")] = "120",
    free: Annotated[bool, typer.Option("--free", help="Leave out what is closed, out, or full.")] = False,
    k: Annotated[str, typer.Option("-k", help="How many at most.")] = "10",
    vehicle: VehicleName = "car",
    at: At = None,
    without: Without = None,
    as_json: AsJson = False,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """What is near a place: distance, direction, open or closed; with --by time in minutes on the roads as they are now."""
    there = held(store)
    question = NearQuestion(
        lon=parameters.longitude(lon),
        lat=parameters.latitude(lat),
        layers=layers_named(there.snapshot, layers, (Geometry.POINT,)),
        k=parameters.whole(k, "k", 1, there.limits.nearest_max),
        radius_m=parameters.number(radius_m, "radius_m", 1, there.limits.radius_max_m),
        limit_min=parameters.number(limit_min, "limit_min", 1, there.limits.access_max_min),
        free_only=free,
        by_time=by is By.TIME,
    )
    asked = RoadQuestion(vehicle=vehicle, at=at, without=without)
    roads = asked.roads(there.snapshot, there.files) if question.by_time else None
    answer = near_answer(seen(there.snapshot, PUBLIC), roads, question)
    if as_json:
        print_json(answer)
        return
    _print_near(answer, short(language))


def _print_near(answer: Mapping[str, Any], language: Tongue) -> None:
    by_road = answer["by"] == "road"
    table(
        _NEAR[language][0] if by_road else _NEAR[language][1],
        [
            (item["layer"], item["name"], *(_by_road(item["road"], language) if by_road else ()), f"{item['distance_m']:,.0f}",
             f"{item['bearing_deg']:.0f}°", item["direction"][language], item["status"] or "?")
            for item in answer["items"]
        ],
    )  # fmt: skip
    for each in answer["missing"]:
        line(f"no data at all in layer {each}")
    if by_road or "note" in answer:
        print_standing(answer, language)


def _by_road(road: Mapping[str, Any], language: Tongue) -> tuple[str, str, str]:
    blocks = ", ".join(each["title"] for each in road.get("in_the_way", ()))
    return road["said"][language], blocks, "" if road["free_places"] is None else f"{road['free_places']:,}"
