"""Damage of objects by depth, curve and maximum damage, each row its whole derivation; rolled up to areas, with bands."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Self

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import Field as Range
from pydantic import model_validator

from api.use.scenarios._curves import Curves, curve_set, same_curves
from api.use.scenarios._damages import (
    DamageRule,
    Exposed,
    Exposure,
    curves_told,
    damage_rules,
    damages,
    depth_of,
    exposed,
    one_exposure,
    require_depth_curves,
    rules_for,
    unknown_lines,
)
from api.use.scenarios._inputs import Inputs
from api.use.scenarios._question import Progress, Question
from api.use.scenarios._result import Field, Result, Row, Table, table_of
from api.use.scenarios._rolled import TOTAL, RollUpRule, Told, area_fields, banded, roll_up_rules, told_by_area
from api.use.scenarios._scenario import Areas, Finite, Hazard, Section, layers_of, require_ids_once
from api.use.scenarios._value_cells import ValueRaster
from geo_risk.hazard.contacts import line_contacts, over
from geo_risk.hazard.grid import Raster
from geo_risk.hazard.overlay import sizes
from geo_risk.hazard.raster import take, to_grid
from geo_risk.impact.curves import CurveSet
from geo_risk.impact.people import At, class_names, classes_of, length_by_class
from geo_risk.model import Rule

_LINE: Final = 1
_DERIVATION: Final = (
    "depth_m", "share", "unknown_share", "floor_height_m", "depth_in_m", "curve", "lower_m", "lower_fraction", "upper_m",
    "upper_fraction", "fraction", "max_damage", "quantity", "damage", "damage_known", "unknown",
)
_TEXTS: Final = frozenset({"occupancy", "curve", "unknown"})
_SHOWN: Final = frozenset({"occupancy", "depth_m", "share", "fraction", "max_damage", "damage", "unknown"})


class Classes(Section):
    """Depths in metres that cut the classes in which objects and metres of line are counted."""

    bounds: Annotated[list[Finite], Range(min_length=1, max_length=50)]
    at: Literal["above", "from"] = "above"


class Rules(Section):
    """How damage comes from cells, and to which area it goes; ``band`` asks for damage by every rule."""

    damage: DamageRule = "mean_depth"
    roll_up: RollUpRule = "largest_share"
    band: bool = True


class Parameters(Section):
    """Depth rasters, objects, curves; areas and classes if they are wanted."""

    hazard: Annotated[list[Hazard], Range(min_length=1, max_length=20)]
    exposure: Exposure | None = None
    value_raster: ValueRaster | None = None
    curves: Curves = Curves()
    areas: Annotated[list[Areas], Range(max_length=20, default_factory=list)]
    classes: Classes | None = None
    rules: Rules = Rules()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        require_ids_once(self.hazard, self.areas)
        one_exposure(self.exposure, self.value_raster)
        return self


def run(parameters: Parameters, inputs: Inputs, progress: Progress) -> Result:
    """The damage of every object under every hazard."""
    progress("read", 0.0)
    curves = curve_set(parameters.curves, inputs)
    require_depth_curves(curves)
    what = exposed(one_exposure(parameters.exposure, parameters.value_raster), inputs)
    objects = what.objects
    areas = {each.id: inputs.areas(each) for each in parameters.areas}
    progress("read", 1.0)
    found: dict[str, pd.DataFrame] = {}
    classes: list[Row] = []
    for number, hazard in enumerate(parameters.hazard):
        progress("damage", number / len(parameters.hazard))
        with depth_of(hazard, inputs) as depth:
            found[hazard.id] = _with_band(depth, what, curves, parameters.rules)
            classes += _classes(hazard.id, depth, objects, found[hazard.id], parameters.classes)
    progress("areas", 0.0)
    told = {name: told_by_area((name,), each["damage"], objects, areas, parameters.rules.roll_up) for name, each in found.items()}
    rules = parameters.rules
    return Result(
        tables=tuple(_tables(found, objects, told, classes)),
        rules=(
            *damage_rules(rules.damage, what),
            Rule(id="band_of_objects", chosen="every rule of damage" if rules.band else "none"),
            *(roll_up_rules(rules.roll_up) if areas else ()),
        ),
        parameters=curves_told(curves),
        unknown=tuple(_unknown(found, told)),
        layers=layers_of(parameters.exposure, *parameters.areas),
        shapes={name: frame.geometry for name, frame in areas.items()} or dict.fromkeys(found, objects.geometry),
    )


def _with_band(depth: Raster, what: Exposed, curves: CurveSet, rules: Rules) -> pd.DataFrame:
    """The derivation by the rule that was chosen, and the least and most of the damage over the rules."""
    own = damages(depth, what, curves, rules.damage)
    others = set(rules_for(depth.grid, what)) - {rules.damage} if rules.band else set()
    choices = {rules.damage: own["damage"], **{name: damages(depth, what, curves, name)["damage"] for name in sorted(others)}}
    return own.assign(occupancy=what.objects["occupancy"], **banded(choices))


def _classes(
    hazard: str, depth: Raster, objects: gpd.GeoDataFrame, found: pd.DataFrame, section: Classes | None
) -> Iterator[Row]:
    """Objects and metres of line by occupancy and class of depth."""
    if section is None:
        return
    names = class_names(section.bounds)
    code = classes_of(found["depth_m"], section.bounds, section.at)
    metres = _metres(depth, objects, section.bounds, section.at)
    occupancy = objects["occupancy"].fillna("")
    for kind in sorted(set(occupancy)):
        of_kind = (occupancy == kind).to_numpy()
        length = metres[of_kind].sum(axis=0)
        for number, name in enumerate(names):
            yield (hazard, kind, name, (code[of_kind] == number).sum(), length[number])


def _metres(depth: Raster, objects: gpd.GeoDataFrame, bounds: list[float], at: At) -> Any:
    """Geodesic metres of each line in each class: its length, shared out as it lies on the grid."""
    shapes = to_grid(objects.geometry.to_numpy(), depth.grid)
    lines = shapely.get_dimensions(shapes) == _LINE
    found = line_contacts(depth.grid, shapes)
    by_class = length_by_class(found, take(depth, found.cell), bounds, at=at).to_numpy()
    metres = np.where(lines, sizes(objects.geometry.to_numpy()), 0.0)
    return np.where(lines[:, None], by_class * over(metres, found.whole)[:, None], 0.0)


def _tables(
    found: Mapping[str, pd.DataFrame], objects: gpd.GeoDataFrame, told: Mapping[str, Told], classes: list[Row]
) -> Iterator[Table]:
    rows = [row for each in told.values() for row in each.rows]
    if rows:
        foot = [row for each in told.values() for row in each.foot]
        fields = (Field(name="hazard", kind="text"), *area_fields("damage"))
        yield table_of("areas", {"en": "Damage by area", "zh": "各区域损失"}, fields, rows, keys=3, foot=foot)
    yield _objects(found)
    yield _totals(found)
    if classes:
        counted = (
            *(Field(name=name, kind="text") for name in ("hazard", "occupancy", "class")), Field(name="objects", kind="whole"),
            Field(name="length_m", unit="m"),
        )
        title = {"en": "Objects and metres of line by class of depth", "zh": "各水深等级的对象数量与线路长度"}
        yield table_of("classes", title, counted, classes, keys=3)


def _objects(found: Mapping[str, pd.DataFrame]) -> Table:
    columns = ("occupancy", *_DERIVATION, "low", "high", "low_by", "high_by")
    rows = [
        (hazard, *row) for hazard, each in found.items()
        for row in each[list(columns)].astype(object).itertuples(index=True, name=None)
    ]
    fields = (
        Field(name="hazard", kind="text"), Field(name="object", kind="text"),
        *(Field(name=name, kind="text" if name in _TEXTS or name.endswith("_by") else "number",
                unit="m" if name.endswith("_m") else "", detail=name not in _SHOWN) for name in columns),
    )
    foot = [(hazard, TOTAL, *_summed(each, columns)) for hazard, each in found.items()]
    title = {"en": "Damage of each object, with all that leads to it", "zh": "各对象损失及其推导"}
    return table_of("objects", title, fields, rows, keys=2, foot=foot)


def _summed(found: pd.DataFrame, columns: tuple[str, ...]) -> Iterator[float | None]:
    """What stands below the objects: only money adds up."""
    sums = {"damage": found["damage"].sum(skipna=False), "damage_known": found["damage_known"].sum()}
    return (sums.get(column) for column in columns)


def _totals(found: Mapping[str, pd.DataFrame]) -> Table:
    """A row a hazard. ``at_least`` adds what is known of objects that are known in part."""
    numbers = ("damage", "damage_known", "at_least", "low", "high")
    fields = (
        Field(name="hazard", kind="text"), Field(name="objects", kind="whole"), Field(name="wet_objects", kind="whole"),
        Field(name="unknown_objects", kind="whole"), *(Field(name=name) for name in numbers),
    )
    rows = [(hazard, *_total(each)) for hazard, each in found.items()]
    title = {"en": "Over all objects; low and high over those known by every rule", "zh": "合计；上下限仅含各规则下均已知的对象"}
    return table_of("totals", title, fields, rows)


def _total(found: pd.DataFrame) -> Row:
    return (
        len(found), (found["share"] > 0).sum(), found["damage"].isna().sum(), found["damage"].sum(skipna=False),
        found["damage"].sum(), found["damage_known"].sum(), found["low"].sum(), found["high"].sum(),
    )


def _unknown(found: Mapping[str, pd.DataFrame], told: Mapping[str, Told]) -> Iterator[str]:
    for hazard, each in found.items():
        yield from unknown_lines(each, hazard)
        yield from told[hazard].unknown


QUESTION: Final = Question(
    id="damage",
    title={"en": "Damage of objects by depth", "zh": "对象水淹损失"},
    parameters=Parameters,
    run=run,
    steps=("read", "damage", "areas"),
    fixed=same_curves,
)
