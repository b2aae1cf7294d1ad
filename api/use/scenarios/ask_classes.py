"""Points, lines and areas by the class of hazard zone they lie in, and by area: affected, not affected, unknown."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Any, Final, Literal, Self

import geopandas as gpd
import numpy as np
import pandas as pd
from pydantic import Field as Range
from pydantic import model_validator

from api.use.scenarios._inputs import Inputs
from api.use.scenarios._objects import Objects, objects_of, renamed, texts
from api.use.scenarios._question import Progress, Question
from api.use.scenarios._result import Field, Kind, Result, Row, Table, table_of
from api.use.scenarios._rolled import OUTSIDE, TOTAL, TWICE, UNPLACED, RollUpRule, banded, roll_up_rules
from api.use.scenarios._scenario import Areas, Name, Section, Text, layers_of
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard.zones import ZONE_RULES, zone_readings
from geo_risk.model import Rule
from geo_risk.risk.rollup import NONE, ROLL_UP_RULES, UNKNOWN, Tally, spread, tally

_KINDS: Final = 200
_STATES: Final = ("affected", "not_affected", "unknown")
_COUNTED: Final[Mapping[str, Callable[[pd.DataFrame], "pd.Series[Any]"]]] = {
    "objects": lambda found: pd.Series(1, index=found.index),
    "size": lambda found: found["size"],
}


class Assets(Objects):
    """What is counted: objects, metres or square metres of them (``size``), or what a column says (people, money)."""

    kind_column: Text | None = None
    kinds: Annotated[dict[Text, Text], Range(default_factory=dict)]
    count: Literal["objects", "size", "column"] = "objects"
    amount_column: Text | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if (self.count == "column") != (self.amount_column is not None):
            raise ValueError("amount_column with count = column, and only then")
        return self


class Class(Section):
    """One class: the cells of the zones' column that mean it, and whether it affects."""

    id: Name
    cells: Annotated[list[Text], Range(min_length=1, max_length=100)]
    affected: bool = True


class Zones(Objects):
    """Zones of a hazard with a column of classes, from the worst to the least; another cell, or none, is unknown."""

    id: Name
    class_column: Text
    classes: Annotated[list[Class], Range(min_length=1, max_length=20)]
    rule: Literal["worst", "largest_share", "at_point", "centroid"] = "worst"

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        ids, cells = [each.id for each in self.classes], [cell for each in self.classes for cell in each.cells]
        if len(set(ids)) < len(ids) or len(set(cells)) < len(cells) or {NONE, UNKNOWN} & set(ids):
            raise ValueError("each class and each cell once; none and unknown are taken")
        return self


class Rules(Section):
    """To which area an object goes that meets several."""

    roll_up: RollUpRule = "largest_share"


class Parameters(Section):
    """Zones, what lies in them, areas."""

    zones: Annotated[list[Zones], Range(min_length=1, max_length=20)]
    exposure: Assets
    areas: Annotated[list[Areas], Range(max_length=20, default_factory=list)]
    rules: Rules = Rules()

    @model_validator(mode="after")
    def _ids_once(self) -> Self:
        for ids in ([each.id for each in self.zones], [each.id for each in self.areas]):
            if len(set(ids)) < len(ids):
                raise ValueError("each id once among zones and among areas")
        return self


@dataclass(frozen=True, kw_only=True, eq=False)
class _Exposed:
    """The objects, the kind of each and how much it counts."""

    objects: gpd.GeoDataFrame
    kind: "pd.Series[str]"
    amount: "pd.Series[Any]"
    cells: Kind

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(sorted(set(self.kind)))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Read:
    """What the zones of one hazard say of each object."""

    zones: Zones
    found: pd.DataFrame
    of: "pd.Series[str]"

    @property
    def classes(self) -> tuple[str, ...]:
        return (*(each.id for each in self.zones.classes), NONE, UNKNOWN)

    def state(self, name: str) -> str:
        """What a class means: one of `_STATES`."""
        affects = {each.id: each.affected for each in self.zones.classes}
        return UNKNOWN if name == UNKNOWN else _STATES[0 if affects.get(name, False) else 1]


def run(parameters: Parameters, inputs: Inputs, progress: Progress) -> Result:
    """The class of every object under every hazard, and how much is in each class of each area."""
    progress("read", 0.0)
    objects = _objects_of(parameters.exposure, inputs)
    areas = {each.id: inputs.areas(each) for each in parameters.areas}
    zones = {each.id: _zones_of(each, inputs) for each in parameters.zones}
    progress("zones", 0.0)
    read = [_read(each, objects, zones[each.id]) for each in parameters.zones]
    exposed = _exposed(parameters.exposure, objects, read[0].found)
    progress("areas", 0.0)
    rule = parameters.rules.roll_up
    told = [_of_areas(each, exposed, name, frame, rule) for each, (name, frame) in product(read, areas.items())]
    return Result(
        tables=(*_area_tables(told, exposed), _objects(read, exposed), _totals(read, exposed)),
        rules=(
            *(Rule(id=f"several_zones_{each.id}", chosen=each.rule, options=tuple(ZONE_RULES)) for each in parameters.zones),
            Rule(id="counted", chosen=parameters.exposure.amount_column or parameters.exposure.count),
            *(roll_up_rules(rule) if areas else ()),
        ),
        parameters={"classes": {each.id: {one.id: one.affected for one in each.classes} for each in parameters.zones}},
        unknown=tuple(_unknown(read, exposed)),
        layers=layers_of(parameters.exposure, *parameters.zones, *parameters.areas),
        shapes={name: frame.geometry for name, frame in areas.items()} or {each.id: objects.geometry for each in parameters.zones},
    )


def _objects_of(section: Assets, inputs: Inputs) -> gpd.GeoDataFrame:
    return objects_of(section, inputs, (section.kind_column, section.amount_column))


def _zones_of(section: Zones, inputs: Inputs) -> gpd.GeoDataFrame:
    """The zones with a column ``class``: the id of the class a cell means, none where it means none of them."""
    rows = objects_of(section, inputs, (section.class_column,), f"zones.{section.id}")
    meaning = {cell: each.id for each in section.classes for cell in each.cells}
    return rows[[rows.geometry.name]].assign(**{"class": texts(rows[section.class_column]).map(meaning)})


def _read(section: Zones, objects: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> _Read:
    order = [each.id for each in section.classes]
    found = zone_readings(objects, zones, "class", section.rule, order=order)
    dry = (found["zones"] == 0) & found["share"].notna()
    rest = pd.Series(np.where(dry, NONE, UNKNOWN), index=found.index, dtype=object)
    return _Read(zones=section, found=found, of=found["value"].astype(object).where(found["value"].isin(order), rest))


def _exposed(section: Assets, objects: gpd.GeoDataFrame, found: pd.DataFrame) -> _Exposed:
    kind = renamed(objects[section.kind_column], section.kinds).fillna("") if section.kind_column else pd.Series("", objects.index)
    if kind.nunique() > _KINDS:
        raise ParameterError(
            "too many kinds", where="exposure.kind_column", expected=f"at most {_KINDS}", got=f"{kind.nunique():,}",
            then="name another column, or give several cells one name with kinds",
        )
    amount = _amounts(objects, section.amount_column) if section.amount_column else _COUNTED[section.count](found)
    return _Exposed(objects=objects, kind=kind, amount=amount, cells="whole" if section.count == "objects" else "number")


def _amounts(objects: gpd.GeoDataFrame, column: str) -> "pd.Series[Any]":
    """A column as amounts: text that is no number is unknown; less than nothing is refused."""
    numbers = pd.to_numeric(objects[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    found = pd.Series(np.where(np.isfinite(numbers), numbers, np.nan), index=objects.index)
    if (found < 0).any():
        raise ParameterError(
            "an amount is negative", where=f"exposure.amount_column, object {shown(str(found.idxmin()))}", expected="0 or more",
            got=shown(float(found.min())), then="mend the exposure",
        )
    return found


@dataclass(frozen=True, kw_only=True)
class _Told:
    """Of one hazard and one set of areas: rows by area, those below the line, rows by kind and class."""

    rows: list[Row]
    foot: list[Row]
    classes: list[Row]


def _of_areas(read: _Read, exposed: _Exposed, name: str, areas: gpd.GeoDataFrame, rule: str) -> _Told:
    pairs = list(product(exposed.kinds, read.classes))
    code = pd.Series([pairs.index(pair) for pair in zip(exposed.kind, read.of, strict=True)], index=exposed.objects.index)
    counted = tally(
        pd.DataFrame({"value": code, "zones": 1}), exposed.objects, areas, rule, order=range(len(pairs)), weights=exposed.amount
    )
    states = [read.state(each) for _, each in pairs]
    band = _band(read, exposed, areas)
    key = (read.zones.id, name)
    named = areas["name"]
    inside = counted.inside[list(range(len(pairs)))]
    return _Told(
        rows=[(*key, str(area), named[area], *_by_state(inside.loc[area], states), *band.loc[area]) for area in areas.index],
        foot=[
            (*key, what, title, *_by_state(amounts, states), None, None, None, None)
            for what, title, amounts in _below(counted, list(range(len(pairs))))
        ],
        classes=[
            (*key, str(area), *pair, states[number], inside.loc[area, number])
            for area, (number, pair) in product(areas.index, enumerate(pairs)) if inside.loc[area, number] != 0
        ],
    )


def _by_state(amounts: "pd.Series[Any]", states: list[str]) -> Row:
    """Affected, not affected, unknown, and all of it; nan where an amount in it is not known."""
    sums = [amounts[[state == each for each in states]].sum(skipna=False) for state in _STATES]
    return (*sums, sum(sums))


def _band(read: _Read, exposed: _Exposed, areas: gpd.GeoDataFrame) -> pd.DataFrame:
    """The least and most that is known to be affected, over the rules of roll-up."""
    hit = read.of.map(read.state) == "affected"
    affected = exposed.amount.where(hit, 0).dropna()
    choices = spread(affected, exposed.objects.loc[affected.index], areas)
    return banded({name: choices[name] for name in ROLL_UP_RULES})


def _below(counted: Tally, columns: list[int]) -> Iterator[tuple[str, str, "pd.Series[Any]"]]:
    """What makes the areas' sums the whole."""
    outside, unplaced, whole = (part[columns] for part in (counted.outside, counted.unplaced, counted.whole))
    yield OUTSIDE, "outside every area", outside
    if unplaced.any():
        yield UNPLACED, "without a place", unplaced
    if counted.rule.chosen == "touch":
        yield TWICE, "in several areas, taken off", whole - outside - unplaced - counted.inside[columns].sum()
    yield TOTAL, "total", whole


def _area_tables(told: list[_Told], exposed: _Exposed) -> Iterator[Table]:
    if not told:
        return
    keys = tuple(Field(name=name, kind="text") for name in ("hazard", "areas", "area"))
    amounts = tuple(Field(name=name, kind=exposed.cells) for name in (*_STATES, "total", "low", "high"))
    rules = tuple(Field(name=name, kind="text", detail=True) for name in ("low_by", "high_by"))
    yield table_of(
        "areas", {"en": "Affected by area", "zh": "各区域受影响情况"}, (*keys, Field(name="name", kind="text"), *amounts, *rules),
        [row for each in told for row in each.rows], keys=3, foot=[row for each in told for row in each.foot],
    )
    more = tuple(Field(name=name, kind="text") for name in ("kind", "class", "state"))
    fields = (*keys, *more, Field(name="amount", kind=exposed.cells))
    title = {"en": "By area, kind and class", "zh": "按区域、类别和等级统计"}
    yield table_of("classes", title, fields, [row for each in told for row in each.classes], keys=5)


def _totals(read: list[_Read], exposed: _Exposed) -> Table:
    """A row a hazard, kind and class, whatever the areas."""
    fields = (
        *(Field(name=name, kind="text") for name in ("hazard", "kind", "class", "state")), Field(name="objects", kind="whole"),
        Field(name="amount", kind=exposed.cells),
    )
    rows = [
        (each.zones.id, kind, name, each.state(name), len(amounts), amounts.sum(skipna=False))
        for each in read for kind, name in product(exposed.kinds, each.classes)
        if len(amounts := exposed.amount[(exposed.kind == kind) & (each.of == name)])
    ]
    return table_of("totals", {"en": "Over all areas and outside them", "zh": "合计（含区域外）"}, fields, rows, keys=3)


def _objects(read: list[_Read], exposed: _Exposed) -> Table:
    """A row a hazard and object: its class, and the zones it comes from."""
    columns = ("share", "zones", "unknown_share", "size")
    fields = (
        *(Field(name=name, kind="text") for name in ("hazard", "object", "kind", "class", "state")), Field(name="share"),
        Field(name="zones", kind="whole"), Field(name="unknown_share"), Field(name="size", unit="1, m or m2", detail=True),
    )
    rows = [
        (each.zones.id, name, exposed.kind[name], each.of[name], each.state(each.of[name]), *values)
        for each in read for name, *values in each.found[list(columns)].itertuples(name=None)
    ]
    return table_of("objects", {"en": "The class of each object", "zh": "各对象所处等级"}, fields, rows, keys=2)


def _unknown(read: list[_Read], exposed: _Exposed) -> Iterator[str]:
    if count := int(exposed.amount.isna().sum()):
        yield f"{count:,} objects have no amount: the sums they are in are unknown"
    for each in read:
        if count := int((each.of == UNKNOWN).sum()):
            yield f"{count:,} objects have no class of {each.zones.id}: a zone says none, or they have no place"
        if refused := each.found.attrs["refused"]:
            yield f"{len(refused):,} overlays with zones {each.zones.id} cost too much"


def _fixed(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"classes": parameters["classes"]}


QUESTION: Final = Question(
    id="classes",
    title={"en": "What lies in which class of hazard zone, by area", "zh": "按危险区等级和区域统计承灾体"},
    parameters=Parameters,
    run=run,
    steps=("read", "zones", "areas"),
    fixed=_fixed,
)
