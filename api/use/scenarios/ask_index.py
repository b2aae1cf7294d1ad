"""The index of risk over the store's layers: each place's score and level, and every reading behind it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Final

from pydantic import Field as Range

from api.use.assessments import Assessed, assess_cells, assess_layer, factors
from api.use.scenarios._inputs import Inputs
from api.use.scenarios._question import Progress, Question
from api.use.scenarios._result import Field, Result, Table, table_of
from api.use.scenarios._scenario import Name, Section
from geo_risk.risk.score import RELATIVE
from layers._tables import combining


class Rules(Section):
    """By which rules scores combine; what is not said comes from the table *factors*."""

    hazards_by: Name | None = None
    within_role_by: Name | None = None
    roles_by: Name | None = None


class Parameters(Section):
    """Which places, which factors, which rules."""

    layer: Name = "towns"
    cell_m: Annotated[float | None, Range(ge=100, le=100_000, allow_inf_nan=False)] = None
    factors: Annotated[list[Name], Range(max_length=200, default_factory=list)]
    rules: Rules = Rules()


def run(parameters: Parameters, inputs: Inputs, progress: Progress) -> Result:
    """Assess the places as `api.use.assessments` does for the map."""
    progress("read", 0.0)
    snapshot = inputs.snapshot()
    snapshot.layer(parameters.layer)
    progress("assess", 0.0)
    only = tuple(parameters.factors)
    rules = {**combining(), **parameters.rules.model_dump(exclude_none=True)}
    if parameters.cell_m is None:
        assessed = assess_layer(snapshot.whole, parameters.layer, only, rules)
        shapes = snapshot.frames[parameters.layer].geometry
    else:
        assessed, cells = assess_cells(snapshot.whole, parameters.cell_m, only, rules)
        shapes = cells.geometry
    progress("assess", 1.0)
    places = "towns" if parameters.cell_m is not None else parameters.layer
    return Result(
        tables=(_areas(assessed), _readings(assessed), _absent(assessed)),
        rules=assessed.assessment.rules,
        parameters=_numbers(assessed),
        unknown=tuple(_unknown(assessed)),
        layers=tuple(sorted({places, *(owner for owner, factor in factors() if not only or factor.id in only)})),
        shapes={"areas": shapes},
    )


def _areas(assessed: Assessed) -> Table:
    result = assessed.assessment
    roles = sorted({role for place in result.places for role in place.roles})
    return table_of(
        "areas",
        {"en": "Risk of each place", "zh": "各地风险"},
        (
            Field(name="area", kind="text"), Field(name="name", kind="text"), Field(name="level", kind="text"),
            Field(name="score", unit="0 to 10"), *(Field(name=role, unit="0 to 10") for role in roles),
        ),
        (
            (place.place, place.name, place.level, place.score, *(place.roles.get(role) for role in roles))
            for place in result.places
        ),
    )


def _readings(assessed: Assessed) -> Table:
    return table_of(
        "readings",
        {"en": "What each factor says of each place", "zh": "各因素读数"},
        (
            Field(name="area", kind="text"), Field(name="factor", kind="text"), Field(name="role", kind="text"),
            Field(name="raw"), Field(name="score", unit="0 to 10"), Field(name="weight"),
        ),
        (
            (place.place, each.factor, each.role, each.raw, each.score, each.weight)
            for place in assessed.assessment.places
            for each in place.readings
        ),
        keys=2,
    )


def _absent(assessed: Assessed) -> Table:
    return table_of(
        "absent",
        {"en": "Factors that could not be read anywhere", "zh": "无数据的因素"},
        (Field(name="factor", kind="text"), Field(name="reason", kind="text")),
        ((each.factor, each.reason) for each in assessed.assessment.absent),
    )


def _numbers(assessed: Assessed) -> dict[str, Any]:
    """The scales of factors and the bands of levels, as they were: tables may change later."""
    result = assessed.assessment
    described = {factor.id: {"measure": factor.measure, "unit": factor.unit, "role": factor.role} for factor in result.factors}
    return {
        "factors": {name: {**described[name], **asdict(scale)} for name, scale in sorted(result.scales.items())},
        "scheme": result.scheme,
        "bands": [asdict(band) for band in result.bands],
    }


def _unknown(assessed: Assessed) -> Iterator[str]:
    places = assessed.assessment.places
    blind = sum(place.score is None for place in places)
    if blind:
        yield f"{blind} of {len(places)} places are unknown"
    for each in assessed.assessment.absent:
        yield f"not assessed: {each.factor} ({each.reason})"


def _relative(parameters: Mapping[str, Any]) -> bool:
    return any(each["curve"] in RELATIVE for each in parameters["factors"].values())


def _detail(parameters: Mapping[str, Any], row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A reading with the scale that turned its raw value into a score."""
    return {**parameters["factors"].get(row.get("factor"), {}), **row}


QUESTION: Final = Question(
    id="index",
    title={"en": "Index of risk over the map's layers", "zh": "综合风险指数"},
    parameters=Parameters,
    run=run,
    steps=("read", "assess"),
    fixed=lambda parameters: {"scheme of levels": parameters["scheme"], "bands": parameters["bands"]},
    relative=_relative,
    detail=_detail,
)
