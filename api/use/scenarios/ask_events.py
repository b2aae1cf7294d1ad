"""What a set of events does to assets: by event, by asset, in an average year, and how often which loss is exceeded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal, Self

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import Field as Range
from pydantic import model_validator

from api.use.scenarios._curves import Curves, curve_set
from api.use.scenarios._damages import curves_told
from api.use.scenarios._inputs import Inputs
from api.use.scenarios._objects import Objects, objects_of, renamed
from api.use.scenarios._question import Progress, Question
from api.use.scenarios._result import Field, Result, Row, Table, table_of
from api.use.scenarios._rolled import TOTAL, RollUpRule, Told, area_fields, banded, roll_up_rules, told_by_area
from api.use.scenarios._scenario import Areas, FileName, Finite, Name, Positive, Section, Text, layers_of
from geo_risk.crs import WGS84
from geo_risk.errors import ParameterError, shown
from geo_risk.impact.curves import CurveSet
from geo_risk.impact.events import EventImpact, EventSet, impact, intensity_of_period, observed
from geo_risk.impact.frequency import READINGS, exceedance, loss_at
from geo_risk.impact.sites import METRICS, assets_to_sites
from geo_risk.model import Rule
from layers._events import read_entity, read_events

Years = Annotated[list[Positive], Range(min_length=1, max_length=50)]
Reading = Literal["linear_in_period", "log_frequency", "log_log", "step", "log_fit"]
Beyond = Literal["rarer_unknown", "held", "zero_and_held", "unknown"]
_PERIODS: Final = (10.0, 25.0, 50.0, 100.0, 250.0)


class Events(Section):
    """A file of events; ``observed`` keeps those that happened; ``top`` are listed, and those of ``ids`` besides.

    ``unit`` is that of the intensities where the file says none.
    """

    file: FileName
    unit: Text | None = None
    observed: bool = False
    top: Annotated[int, Range(ge=0, le=1000)] = 20
    ids: Annotated[list[Text], Range(max_length=200, default_factory=list)]


class Assets(Objects):
    """Assets: a workbook of CLIMADA by its kind of hazard (with curves of its own), or objects with value and occupancy.

    ``insured`` takes what the owners bear and the most that is paid into account: columns of a workbook, or those named.
    """

    kind: Name | None = None
    occupancy_column: Text | None = None
    occupancies: Annotated[dict[Text, Text], Range(default_factory=dict)]
    value_column: Text | None = None
    deductible_column: Text | None = None
    cover_column: Text | None = None
    insured: bool = False

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        named = (self.occupancy_column, self.value_column)
        if (self.kind is None) == (None in named) or (self.kind is not None and any(named)):
            raise ValueError("either kind, or occupancy_column and value_column")
        if self.insured and self.kind is None and not (self.deductible_column or self.cover_column):
            raise ValueError("deductible_column or cover_column where insured")
        return self


class Intensity(Section):
    """The intensity that each site reaches once in so many years."""

    return_period_years: Years
    above: Finite = 0.0
    reading: Reading = "log_frequency"
    beyond: Beyond = "rarer_unknown"


class Rules(Section):
    """The named choices of an impact, the defaults first; see docs/events.md."""

    metric: Literal["geodesic", "haversine", "degrees"] = "geodesic"
    reach_m: Positive = 100_000.0
    zeros: Literal["curve", "no_impact"] = "curve"
    outside: Literal["unknown", "unexposed"] = "unknown"
    insured: Literal["climada", "floored"] = "climada"
    unknown: Literal["spreads", "left_out"] = "spreads"
    reading: Reading = "linear_in_period"
    beyond: Beyond = "rarer_unknown"
    roll_up: RollUpRule = "largest_share"


class Parameters(Section):
    """Events, assets, curves (mean damage degree, and the share hit), return periods, areas."""

    events: Events
    exposure: Assets
    curves: Curves | None = None
    share_hit: Curves | None = None
    return_period_years: Annotated[Years, Range(default_factory=lambda: list(_PERIODS))]
    intensity: Intensity | None = None
    areas: Annotated[list[Areas], Range(max_length=20, default_factory=list)]
    rules: Rules = Rules()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        ids = [each.id for each in self.areas]
        if len(set(ids)) < len(ids):
            raise ValueError("each id once among areas")
        if (self.exposure.kind is None) == (self.curves is None):
            raise ValueError("curves for objects; a workbook has its own")
        for years in (self.return_period_years, self.intensity.return_period_years if self.intensity else []):
            if len(set(years)) < len(years):
                raise ValueError("each of return_period_years once")
        return self


@dataclass(frozen=True, kw_only=True, eq=False)
class _Assets:
    """Points with ``value`` and ``occupancy`` on their ids, their curves, and the terms of insurance."""

    places: gpd.GeoDataFrame
    mdd: CurveSet
    paa: CurveSet | None
    terms: Mapping[str, Any]


def run(parameters: Parameters, inputs: Inputs, progress: Progress) -> Result:
    """The impact of every event on every asset, summed both ways."""
    progress("read", 0.0)
    events = _events_of(parameters.events, inputs)
    assets = _assets(parameters, inputs)
    areas = {each.id: inputs.areas(each) for each in parameters.areas}
    progress("impact", 0.0)
    sites = _sites(events, assets, parameters.rules)
    lost = _impact(events, assets, sites, parameters.rules, progress)
    yearly = pd.Series(lost.eai_exp, index=assets.places.index)
    told = told_by_area((), yearly, assets.places, areas, parameters.rules.roll_up)
    return Result(
        tables=(
            *_areas(told), _objects(assets, sites, yearly, lost), _events(lost, parameters.events),
            _exceedance(lost, parameters), _totals(lost), *_intensities(events, parameters.intensity),
        ),
        rules=tuple(_rules(lost, parameters)),
        parameters={**_curves_told(assets), "events": events.events, "sites": events.sites, "unit": events.unit},
        unknown=(*_unknown(lost), *told.unknown),
        layers=layers_of(parameters.exposure, *parameters.areas),
        shapes={name: frame.geometry for name, frame in areas.items()} or {"objects": assets.places.geometry},
    )


def _events_of(section: Events, inputs: Inputs) -> EventSet:
    found = read_events(inputs.path(section.file))
    if section.unit is not None and found.unit not in ("", section.unit):
        raise ParameterError(
            "the file says another unit", where="events.unit", expected=shown(found.unit), got=shown(section.unit),
            then="leave it out: what the file says holds",
        )
    named = replace(found, unit=section.unit or found.unit)
    events = observed(named) if section.observed else named
    _require_events(events, section.ids)
    return events


def _assets(parameters: Parameters, inputs: Inputs) -> _Assets:
    section = parameters.exposure
    if section.kind is None or section.file is None:
        return _assets_of_objects(parameters, inputs)
    book = read_entity(inputs.path(section.file), section.kind)
    places = gpd.GeoDataFrame(
        {"value": book.value, "occupancy": list(book.occupancy)}, geometry=_points(book.lon, book.lat), crs=WGS84,
        index=[str(number) for number in range(len(book.value))],
    )
    terms = {"deductible": book.deductible, "cover": book.cover} if section.insured else {}
    return _Assets(places=places, mdd=book.mdd, paa=book.paa, terms=terms)


def _assets_of_objects(parameters: Parameters, inputs: Inputs) -> _Assets:
    section = parameters.exposure
    named = {"deductible": section.deductible_column, "cover": section.cover_column} if section.insured else {}
    rows = objects_of(section, inputs, (section.occupancy_column, section.value_column, *named.values()))
    spots = shapely.point_on_surface(np.asarray(rows.geometry.to_numpy(), dtype=object))
    values = _numbers(rows, section.value_column)
    places = gpd.GeoDataFrame(
        {"value": values, "occupancy": renamed(rows[section.occupancy_column], section.occupancies)}, geometry=spots, crs=rows.crs,
        index=rows.index,
    )
    terms = {name: _numbers(rows, column) for name, column in named.items() if column}
    curves, share = parameters.curves or Curves(), parameters.share_hit
    return _Assets(
        places=places, mdd=curve_set(curves, inputs), paa=None if share is None else curve_set(share, inputs), terms=terms
    )


def _numbers(rows: gpd.GeoDataFrame, column: str | None) -> Any:
    """A column as numbers; text that is none is unknown."""
    return pd.to_numeric(rows[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _points(lon: Any, lat: Any) -> Any:
    """A point each, none where the place is not known."""
    found = np.full(len(lon), None, dtype=object)
    known = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
    found[known] = shapely.points(lon[known], lat[known])
    return found


def _sites(events: EventSet, assets: _Assets, rules: Rules) -> Any:
    shapes = assets.places.geometry.to_numpy()
    return assets_to_sites(events, shapely.get_x(shapes), shapely.get_y(shapes), reach_m=rules.reach_m, metric=rules.metric)


def _impact(events: EventSet, assets: _Assets, sites: Any, rules: Rules, progress: Progress) -> EventImpact:
    return impact(
        events, sites, assets.places["value"].to_numpy(), assets.places["occupancy"], assets.mdd, assets.paa, zeros=rules.zeros,
        outside=rules.outside, insured=rules.insured, unknown=rules.unknown, progress=lambda share: progress("impact", share),
        **assets.terms,
    )


def _areas(told: Told) -> Iterator[Table]:
    if told.rows:
        title = {"en": "Loss of an average year by area", "zh": "各区域年均损失"}
        yield table_of("areas", title, area_fields("annual", "1/year"), told.rows, keys=2, foot=told.foot)


def _objects(assets: _Assets, sites: Any, yearly: "pd.Series[float]", lost: EventImpact) -> Table:
    """A row an asset: its value, its site (none beyond reach), its loss of an average year."""
    value, occupancy = assets.places["value"], assets.places["occupancy"]
    reached = [str(site) if site >= 0 else None for site in sites]
    fields = (
        Field(name="object", kind="text"), Field(name="value"), Field(name="occupancy", kind="text"),
        Field(name="site", kind="text"), Field(name="annual", unit="1/year"),
    )
    rows = zip(yearly.index, value, occupancy, reached, yearly, strict=True)
    foot = [(TOTAL, value.sum(skipna=False), None, None, yearly.sum(skipna=_left_out(lost)))]
    return table_of("objects", {"en": "Loss of an average year by asset", "zh": "各资产年均损失"}, fields, rows, foot=foot)


def _left_out(lost: EventImpact) -> bool:
    """Whether the rule leaves out of sums what is unknown."""
    return dict(lost.rules)["unknown"] == "left_out"


def _events(lost: EventImpact, section: Events) -> Table:
    """The events of the greatest losses (of equal ones the first by id), and those that were asked for."""
    told = pd.DataFrame(
        {
            "id": lost.ids, "loss": lost.at_event, "frequency": lost.frequency, "missing": lost.unknown_at_event,
            "rank": pd.Series(lost.at_event).rank(ascending=False, method="min"),
        },
    )
    order = told.sort_values(["loss", "id"], ascending=[False, True], na_position="first")
    kept = pd.concat([order.iloc[: section.top], order[order["id"].isin(section.ids)]]).drop_duplicates("id")
    fields = (
        Field(name="event", kind="text"), Field(name="loss"), Field(name="frequency", unit="1/year"),
        Field(name="value_of_unknown_intensity", detail=True), Field(name="rank", kind="whole"),
    )
    return table_of("events", {"en": "Loss by event", "zh": "各事件损失"}, fields, kept.itertuples(index=False, name=None))


def _exceedance(lost: EventImpact, parameters: Parameters) -> Table:
    """The loss reached once in so many years, and its least and most over the ways to read the curve."""
    curve, rules = exceedance(lost.at_event, lost.frequency), parameters.rules
    years = pd.Index(sorted(parameters.return_period_years))

    def read(reading: str) -> "pd.Series[float]":
        return pd.Series(loss_at(curve, years, rule=reading, beyond=rules.beyond, unknown=rules.unknown), index=years)

    told = pd.DataFrame({"loss": read(rules.reading)}).assign(**banded({name: read(name) for name in READINGS}))
    fields = (
        Field(name="return_period_years", unit="years"), *(Field(name=name) for name in ("loss", "low", "high")),
        *(Field(name=name, kind="text", detail=True) for name in ("low_by", "high_by")),
    )
    title = {"en": "Loss by return period", "zh": "超越概率损失"}
    return table_of("exceedance", title, fields, told.astype(object).itertuples(name=None))


def _totals(lost: EventImpact) -> Table:
    rows = (
        ("average_year", lost.aai_agg, "1/year"), ("events", len(lost.ids), ""), ("value", lost.tot_value, ""),
        ("unknown_assets", lost.unknown_assets, ""), ("unknown_value", lost.unknown_value, ""),
        ("unexposed_assets", lost.unexposed_assets, ""),
    )
    fields = (Field(name="figure", kind="text"), Field(name="amount"), Field(name="unit", kind="text"))
    return table_of("totals", {"en": "Over all assets and events", "zh": "合计"}, fields, rows)


def _intensities(events: EventSet, section: Intensity | None) -> Iterator[Table]:
    if section is None:
        return
    years = sorted(section.return_period_years)
    found = intensity_of_period(events, years, above=section.above, rule=section.reading, beyond=section.beyond)
    fields = (
        Field(name="site", kind="text"), Field(name="lon", unit="deg"), Field(name="lat", unit="deg"),
        *(Field(name=f"intensity_{each:g}y", unit=events.unit) for each in years),
    )
    rows: list[Row] = [
        (str(site), float(events.lon[site]), float(events.lat[site]), *found[:, site].tolist()) for site in range(events.sites)
    ]
    yield table_of("sites", {"en": "Intensity by return period", "zh": "各重现期强度"}, fields, rows)


def _rules(lost: EventImpact, parameters: Parameters) -> Iterator[Rule]:
    rules = parameters.rules
    yield Rule(id="nearest_site", chosen=f"{rules.metric}, within {rules.reach_m:g} m", options=tuple(METRICS))
    yield from (Rule(id=name, chosen=chosen) for name, chosen in lost.rules)
    yield Rule(id="reading", chosen=rules.reading, options=tuple(READINGS))
    yield Rule(id="beyond", chosen=rules.beyond)
    yield Rule(id="insurance", chosen="deductible and cover" if parameters.exposure.insured else "none")
    if parameters.exposure.kind is None:
        yield Rule(id="stands_at", chosen="a point on the object")
    if parameters.areas:
        yield from roll_up_rules(rules.roll_up)


def _curves_told(assets: _Assets) -> dict[str, object]:
    share = {} if assets.paa is None else {"share_hit": curves_told(assets.paa)["curves"]}
    return {**curves_told(assets.mdd), **share}


def _unknown(lost: EventImpact) -> Iterator[str]:
    if lost.unknown_assets:
        worth = f"{lost.unknown_value:,.0f}"
        yield f"{lost.unknown_assets:,} assets lack a site, a value or a curve; what is known of their value is {worth}"
    if lost.unexposed_assets:
        yield f"{lost.unexposed_assets:,} assets lie beyond reach of every site and count as not exposed"
    if lost.without_curve:
        yield f"no curve for {len(lost.without_curve):,} kinds: {', '.join(map(shown, lost.without_curve[:5]))}"
    if count := int((lost.unknown_at_event > 0).sum()):
        yield f"{count:,} events have an unknown intensity at a site with assets"


def _require_events(events: EventSet, ids: list[str]) -> None:
    lacking = sorted(set(ids) - set(events.ids))
    if lacking:
        raise ParameterError(
            "no such event", where="events.ids", expected=f"ids of the {events.events:,} events", got=shown(lacking[0]),
            then="look the id up in the file",
        )


def _fixed(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"unit of intensity": parameters["unit"]}


QUESTION: Final = Question(
    id="events",
    title={"en": "Losses by events, by asset, in an average year", "zh": "事件集损失与年均损失"},
    parameters=Parameters,
    run=run,
    steps=("read", "impact"),
    fixed=_fixed,
)
