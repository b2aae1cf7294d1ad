"""Buildings by the million from GeoParquet under several hazards: how many, with what on them, by area and class."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Annotated, Any, Final, Literal

import shapely
from pydantic import Field as Range

from api.use.assessments import factors
from api.use.scenarios._curves import Curves, curve_set, points, same_curves
from api.use.scenarios._inputs import Inputs
from api.use.scenarios._question import Progress, Question
from api.use.scenarios._result import Field, Result, Table, table_of
from api.use.scenarios._scenario import Areas, FileName, Finite, Hazard, Name, Section, Text, layers_of
from geo_risk.errors import ParameterError, shown
from geo_risk.impact.curves import CurveSet
from geo_risk.model import Rule
from geo_risk.scale.partitions import partitions
from geo_risk.scale.survey import AT_POINT, ON_A_BORDER, DepthField, Survey, ZoneField, joined, tally, tally_frame
from layers._catalog import layer
from layers._layer import Geometry

_CLASSES_M: Final = (0.0, 0.15, 0.5, 1.0, 2.0)


class Exposure(Section):
    """A GeoParquet file, or a folder of them, and its columns."""

    file: FileName
    id_column: Text = "id"
    amounts: Annotated[list[Text], Range(max_length=20, default_factory=list)]
    occupancy_column: Text | None = None
    value_column: Text | None = None


class FieldHazard(Hazard):
    """A raster of an intensity, cut into classes; ``damage`` asks for damage by the curves."""

    classes: Annotated[list[Finite], Range(min_length=1, max_length=50, default_factory=lambda: list(_CLASSES_M))]
    at: Literal["above", "from"] = "above"
    damage: bool = False


class ZoneHazard(Section):
    """Areas that a building is in or not: a layer of the store, or of a file; ``where`` keeps those of some kinds."""

    id: Name
    layer: Name | None = None
    file: FileName | None = None
    table: Text | None = None
    where: Annotated[dict[Name, Text | list[Text]], Range(default_factory=dict)]


class Parameters(Section):
    """The exposure, its hazards, the areas to sum by."""

    exposure: Exposure
    hazard: Annotated[list[FieldHazard], Range(max_length=20, default_factory=list)]
    zones: Annotated[list[ZoneHazard], Range(max_length=20, default_factory=list)]
    areas: Areas | None = None
    curves: Curves = Curves()


def of_the_layers(areas: str, exposure: str) -> dict[str, Any]:
    """The scenario that asks every hazard which the layers declare as areas: what `assess --exposure` asks by itself."""
    zones = [
        {"id": factor.id, "layer": owner, "where": {column: list(map(str, cells)) for column, cells in factor.where.items()}}
        for owner, factor in factors()
        if factor.role == "hazard" and layer(owner).geometry is Geometry.AREA
    ]
    return {
        "question": "buildings", "exposure": {"file": exposure}, "zones": zones, "areas": {"id": areas, "layer": areas},
    }


def run(parameters: Parameters, inputs: Inputs, progress: Progress) -> Result:
    """Tally the exposure piece by piece, where ``inputs.each`` says, and join the pieces."""
    zones = {hazard.id: _zones(hazard, inputs) for hazard in parameters.zones}
    survey, curves = _survey(parameters, zones, inputs)
    pieces = partitions(inputs.path(parameters.exposure.file))
    whole = joined(inputs.each(partial(tally, survey=survey), pieces, partial(progress, "buildings")))
    told = tally_frame(whole, survey)
    return Result(
        tables=(_table(told), _totals(told)),
        rules=(
            Rule(id="building_stands", chosen=AT_POINT), Rule(id="on_a_border", chosen=ON_A_BORDER),
            Rule(id="sums", chosen="each value rounded to 2^-20, then added as whole numbers"),
        ),
        parameters={
            "buildings": whole.rows, "fingerprint": f"{whole.fingerprint:016x}",
            "curves": {} if curves is None else {name: points(curve) for name, curve in sorted(curves.curves.items())},
        },
        unknown=(*(f"hazard {name} has no zones: nobody knows" for name, shapes in zones.items() if not shapes), *_unknown(told)),
        layers=layers_of(parameters.areas, *parameters.zones),
    )


def _survey(
    parameters: Parameters, zones: Mapping[str, tuple[bytes, ...]], inputs: Inputs
) -> tuple[Survey, CurveSet | None]:
    """What is asked of each building; a hazard without a single zone is left out, for an empty layer says nothing."""
    damaging = tuple(hazard.id for hazard in parameters.hazard if hazard.damage)
    curves = curve_set(parameters.curves, inputs) if damaging else None
    areas = {} if parameters.areas is None else inputs.areas(parameters.areas).geometry.to_wkb().to_dict()
    exposure = parameters.exposure
    survey = Survey(
        hazards=(
            *(_field(hazard, inputs) for hazard in parameters.hazard),
            *(ZoneField(id=name, zones=shapes) for name, shapes in zones.items() if shapes),
        ),
        areas=areas, id_column=exposure.id_column, amounts=tuple(exposure.amounts), occupancy_column=exposure.occupancy_column,
        value_column=exposure.value_column, curves=curves, damage_by=damaging,
    )
    return survey, curves


def _field(hazard: FieldHazard, inputs: Inputs) -> DepthField:
    return DepthField(
        id=hazard.id, path=str(inputs.raster_path(hazard.file)), bounds=tuple(hazard.classes), band=hazard.band,
        variable=hazard.variable, crs=hazard.crs, nodata=hazard.nodata, at=hazard.at,
    )


def _zones(hazard: ZoneHazard, inputs: Inputs) -> tuple[bytes, ...]:
    """The shapes of the zones as WKB, in an order of their own: the order of rows does not show."""
    rows = inputs.features(hazard.id, hazard.layer, hazard.file, hazard.table)
    for column, value in hazard.where.items():
        if column not in rows:
            raise ParameterError(
                "the zones have no such column", where=f"zones.{hazard.id}.where", got=shown(column),
                expected=", ".join(map(shown, rows.columns))[:200],
            )
        kinds = [value] if isinstance(value, str) else value
        rows = rows[rows[column].astype(object).astype(str).isin(kinds)]
    shapes = rows.geometry.to_numpy()
    if not (shapely.get_dimensions(shapes) == 2).all():
        raise ParameterError(
            "zones are areas", where=f"zones.{hazard.id}", expected="polygons", got="points, lines or nothing",
            then="name a layer of areas",
        )
    return tuple(sorted(shapely.to_wkb(shapes)))


def _table(told: Any) -> Table:
    """A row a hazard, area and class that holds a building."""
    return table_of(
        "classes", {"en": "Buildings by hazard, area and class", "zh": "按灾种、区域和等级统计的建筑"},
        _fields(told, ("hazard", "area", "class")),
        told[told["buildings"] > 0].itertuples(index=False), keys=3,
    )


def _totals(told: Any) -> Table:
    whole = told.drop(columns="area").groupby(["hazard", "class"], sort=False).sum().reset_index()
    return table_of(
        "totals", {"en": "Over all areas and outside them", "zh": "合计（含区域外）"}, _fields(whole, ("hazard", "class")),
        whole.itertuples(index=False), keys=2,
    )


def _fields(told: Any, keys: tuple[str, ...]) -> tuple[Field, ...]:
    rest = list(told.columns[len(keys) :])
    numbers = (Field(name=name, kind="whole" if name == "buildings" or name.endswith("_missing") else "number") for name in rest)
    return (*(Field(name=name, kind="text") for name in keys), *numbers)


def _unknown(told: Any) -> Iterator[str]:
    for hazard, rows in told[told["class"] == "unknown"].groupby("hazard", sort=False):
        if count := int(rows["buildings"].sum()):
            yield f"{count:,} buildings have no reading of {hazard}"


QUESTION: Final = Question(
    id="buildings",
    title={"en": "Buildings by the million, by hazard, area and class", "zh": "海量建筑：按灾种、区域和等级统计"},
    parameters=Parameters,
    run=run,
    steps=("buildings",),
    fixed=same_curves,
)
