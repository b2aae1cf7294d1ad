"""What a year costs on average, from hazards with return periods: by object or cell, by area and in all, with bands."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
import pandas as pd
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
    unknown_lines,
)
from api.use.scenarios._inputs import Inputs
from api.use.scenarios._question import Progress, Question
from api.use.scenarios._result import Field, Result, Table, table_of
from api.use.scenarios._rolled import TOTAL, RollUpRule, Told, area_fields, banded, roll_up_rules, told_by_area
from api.use.scenarios._scenario import Areas, Hazard, Positive, Section, layers_of, require_ids_once
from api.use.scenarios._value_cells import ValueRaster
from geo_risk.impact.curves import CurveSet
from geo_risk.impact.frequency import HEADS, SEGMENT, TAILS, annual_expectation, expectation_spread
from geo_risk.model import Rule

_DERIVATION: Final = ("depth_m", "share", "depth_in_m", "curve", "fraction", "max_damage", "quantity", "damage", "unknown")
_TEXTS: Final = frozenset({"curve", "unknown"})
_YEAR: Final = ("annual", "low", "high", "low_by", "high_by")


class Rules(Section):
    """How damage comes from cells, how a year from periods, and to which area an object goes."""

    damage: DamageRule = "mean_depth"
    expectation: Literal["trapezoid", "log_linear"] = "trapezoid"
    tail: Literal["last_times_frequency", "none"] = "last_times_frequency"
    head: Literal["none", "falls_to_zero", "held"] = "none"
    head_years: Positive | None = None
    roll_up: RollUpRule = "largest_share"


class Parameters(Section):
    """Hazards with a return period each, what is exposed to them (objects, or a raster of values), curves, areas."""

    hazard: Annotated[list[Hazard], Range(min_length=1, max_length=50)]
    exposure: Exposure | None = None
    value_raster: ValueRaster | None = None
    curves: Curves = Curves()
    areas: Annotated[list[Areas], Range(max_length=20, default_factory=list)]
    rules: Rules = Rules()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        require_ids_once(self.hazard, self.areas)
        years = [each.return_period_years for each in self.hazard]
        if None in years:
            raise ValueError("each hazard with its return_period_years")
        if len(set(years)) < len(years):
            raise ValueError("each of return_period_years once")
        one_exposure(self.exposure, self.value_raster)
        return self


@dataclass(frozen=True, kw_only=True)
class _Losses:
    """The return periods, rising, and for each the derivation of each object's damage, on one index."""

    years: tuple[float, ...]
    found: tuple[pd.DataFrame, ...]

    def damage(self) -> Any:
        """Damages of shape (periods, objects)."""
        return np.array([each["damage"].to_numpy(dtype=float) for each in self.found])


def run(parameters: Parameters, inputs: Inputs, progress: Progress) -> Result:
    """The damage under every hazard, and from them the year's."""
    progress("read", 0.0)
    curves = curve_set(parameters.curves, inputs)
    require_depth_curves(curves)
    what = exposed(one_exposure(parameters.exposure, parameters.value_raster), inputs)
    areas = {each.id: inputs.areas(each) for each in parameters.areas}
    losses = _losses(parameters, what, curves, inputs, progress)
    year = _year(losses, parameters.rules, what.objects.index)
    progress("areas", 0.0)
    told = told_by_area((), year["annual"], what.objects, areas, parameters.rules.roll_up)
    return Result(
        tables=(*_areas(told), _objects(year, losses), _steps(losses), _periods(losses)),
        rules=(
            *damage_rules(parameters.rules.damage, what), *_year_rules(parameters.rules),
            *(roll_up_rules(parameters.rules.roll_up) if areas else ()),
        ),
        parameters={**curves_told(curves), "return_period_years": list(losses.years)},
        unknown=(*_unknown(year, losses), *told.unknown),
        layers=layers_of(parameters.exposure, *parameters.areas),
        shapes={name: frame.geometry for name, frame in areas.items()} or {"objects": what.objects.geometry},
    )


def _losses(parameters: Parameters, what: Exposed, curves: CurveSet, inputs: Inputs, progress: Progress) -> _Losses:
    hazards = sorted((each.return_period_years or 0.0, each.id, each) for each in parameters.hazard)
    found = []
    for number, (_, _, hazard) in enumerate(hazards):
        progress("damage", number / len(hazards))
        with depth_of(hazard, inputs) as depth:
            found.append(damages(depth, what, curves, parameters.rules.damage))
    return _Losses(years=tuple(years for years, _, _ in hazards), found=tuple(found))


def _year(losses: _Losses, rules: Rules, index: "pd.Index[Any]") -> pd.DataFrame:
    """The annual expectation of each object by the rules chosen, and its least and most over rules and tails."""
    lost, years = losses.damage(), losses.years
    annual = annual_expectation(
        years, lost, rule=rules.expectation, tail=rules.tail, head=rules.head, head_years=rules.head_years
    )
    spread = expectation_spread(years, lost, head=rules.head, head_years=rules.head_years)
    names = [f"{rule}, tail {tail}" for rule, tail in spread.index.to_flat_index()]
    choices = {name: pd.Series(row, index=index) for name, row in zip(names, spread.to_numpy(), strict=True)}
    return pd.DataFrame({"annual": annual}, index=index).assign(**banded(choices))


def _year_rules(rules: Rules) -> tuple[Rule, ...]:
    return (
        Rule(id="expectation", chosen=rules.expectation, options=tuple(SEGMENT)),
        Rule(id="tail", chosen=rules.tail, options=tuple(TAILS)),
        Rule(id="head", chosen=rules.head, options=tuple(HEADS)),
        Rule(id="band", chosen="every expectation and tail, under the head chosen"),
    )


def _areas(told: Told) -> Iterator[Table]:
    if told.rows:
        title = {"en": "Damage of an average year by area", "zh": "各区域年均损失"}
        yield table_of("areas", title, area_fields("annual", "1/year"), told.rows, keys=2, foot=told.foot)


def _objects(year: pd.DataFrame, losses: _Losses) -> Table:
    """A row an object: its damage in each period, and its year's."""
    by_period = {f"damage_{years:g}y": each["damage"] for years, each in zip(losses.years, losses.found, strict=True)}
    told = year.assign(**by_period)[[*by_period, *_YEAR]].astype(object)
    fields = (
        Field(name="object", kind="text"), *(Field(name=name) for name in by_period),
        *(Field(name=name, unit="1/year") for name in _YEAR[:3]),
        *(Field(name=name, kind="text", detail=True) for name in _YEAR[3:]),
    )
    whole = [each.sum(skipna=False) for each in by_period.values()]
    foot = [(TOTAL, *whole, *(year[name].sum(skipna=False) for name in _YEAR[:3]), None, None)]
    title = {"en": "Damage of an average year by object", "zh": "各对象年均损失"}
    return table_of("objects", title, fields, told.itertuples(name=None), foot=foot)


def _steps(losses: _Losses) -> Table:
    """A row an object and period: the derivation of the damage."""
    rows = [
        (name, years, *row) for years, each in zip(losses.years, losses.found, strict=True)
        for name, *row in each[list(_DERIVATION)].astype(object).itertuples(name=None)
    ]
    fields = (
        Field(name="object", kind="text"), Field(name="return_period_years", unit="years"),
        *(Field(name=name, kind="text" if name in _TEXTS else "number", unit="m" if name.endswith("_m") else "")
          for name in _DERIVATION),
    )
    return table_of("steps", {"en": "What leads to each damage", "zh": "损失推导"}, fields, rows, keys=2)


def _periods(losses: _Losses) -> Table:
    """A row a period: all damage, what of it is known, and how many objects are not."""
    fields = (
        Field(name="return_period_years", unit="years"), Field(name="damage"), Field(name="damage_known"),
        Field(name="unknown_objects", kind="whole"),
    )
    rows = [
        (years, each["damage"].sum(skipna=False), each["damage"].sum(), each["damage"].isna().sum())
        for years, each in zip(losses.years, losses.found, strict=True)
    ]
    return table_of("periods", {"en": "Damage by return period", "zh": "各重现期损失"}, fields, rows)


def _unknown(year: pd.DataFrame, losses: _Losses) -> Iterator[str]:
    for years, each in zip(losses.years, losses.found, strict=True):
        yield from unknown_lines(each, f"the {years:g}-year hazard")
    if count := int(year["annual"].isna().sum()):
        yield f"{count:,} objects have no annual damage: that of a period is unknown"
    if count := int((np.diff(losses.damage(), axis=0) < 0).any(axis=0).sum()):
        yield f"{count:,} objects lose less in a rarer hazard: look at the hazards"


QUESTION: Final = Question(
    id="annual",
    title={"en": "Damage of an average year", "zh": "年均损失"},
    parameters=Parameters,
    run=run,
    steps=("read", "damage", "areas"),
    fixed=same_curves,
)
