"""`assess` and `nearby`: the questions, on the command line."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pyogrio
import typer

from api.cli._show import line, progress, table
from api.cli.data import InLanguage, Language, StorePath, store_path
from api.cli.run_commands import Pieces, run_scenario
from api.policy import READABLE
from api.settings import Settings
from api.use import parameters
from api.use.assessments import Assessed, answer, assess_cells, assess_layer
from api.use.nearby import nearby as find_nearby
from api.use.parameters import layers_named
from geo_risk.errors import ParameterError
from geo_risk.model import PlaceRisk
from geo_risk.risk.assess import assessment_frame
from geo_risk.risk.explain import reasons
from layers._layer import Geometry
from layers._store import open_store

_SHOWN = 3


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    app.command("assess")(assess)
    app.command("nearby")(nearby)


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
    with open_store(store_path(store), create=False) as opened, progress() as tell:
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
    lon: Annotated[str, typer.Argument(help="Longitude in degrees.")],
    lat: Annotated[str, typer.Argument(help="Latitude in degrees.")],
    layers: Annotated[str, typer.Option(help="Comma-separated point layers.")] = "shelters,helipads,rescue_teams",
    radius_m: Annotated[str, typer.Option(help="Radius in metres.")] = "10000",
    k: Annotated[str, typer.Option("-k", help="How many at most.")] = "10",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    store: StorePath = None,
) -> None:
    """What is near a place: distance, direction, open or closed."""
    limits = Settings()
    with open_store(store_path(store), create=False) as opened:
        found = find_nearby(
            opened.snapshot(),
            parameters.longitude(lon),
            parameters.latitude(lat),
            layers_named(layers, (Geometry.POINT,)),
            radius_m=parameters.number(radius_m, "radius_m", 1, limits.radius_max_m),
            k=parameters.whole(k, "k", 1, limits.nearest_max),
            sensitivities=READABLE,
        )
    if as_json:
        print(json.dumps(asdict(found), ensure_ascii=False))  # noqa: T201 - the output is the answer
        return
    table(
        ("layer", "name", "distance m", "bearing", "", "status"),
        [
            (item.layer, item.name, f"{item.distance_m:,.0f}", f"{item.bearing_deg:.0f}°", item.wind, item.status or "?")
            for item in found.items
        ],
    )
    for each in found.missing:
        line(f"no data at all in layer {each}")
