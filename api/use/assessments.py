"""The risk of places now: the engine's `assess` over the factors that the layers declare, at one revision."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Final

import geopandas as gpd

import geo_risk
from api.use._raw_values import raw_values
from api.use._remember import remember
from geo_risk.areas import square_cells
from geo_risk.errors import ParameterError, shown
from geo_risk.levels import Scheme
from geo_risk.model import Absent, Assessment, Factor, PlaceRisk, Provenance, Scale, SeasonState
from geo_risk.risk.assess import assess
from geo_risk.risk.seasons import in_season
from layers._catalog import catalog, layer
from layers._layer import Geometry
from layers._store import Snapshot
from layers._tables import combining, out_of_season, role_weights, scales, scheme, seasons

SCHEME = "risk_index"
CELL_SIZES_M: Final = (250, 500, 1000, 2000, 5000, 10_000)
"""Cells of these sizes are kept for the map, with their figures."""


@dataclass(frozen=True, kw_only=True)
class Assessed:
    """An assessment with the scheme it was graded by and where its inputs come from."""

    assessment: Assessment
    scheme: Scheme
    provenance: Provenance

    def area(self, area_id: str) -> PlaceRisk | None:
        """The risk of one place, or None where it is not among them."""
        return next((place for place in self.assessment.places if place.place == area_id), None)


def factors() -> tuple[tuple[str, Factor], ...]:
    """Every factor with the layer that declares it."""
    return tuple((each.id, factor) for each in catalog().values() for factor in each.factors)


def assess_layer(
    snapshot: Snapshot,
    area_layer: str = "towns",
    only: tuple[str, ...] = (),
    rules: Mapping[str, str] | None = None,
    on: dt.date | None = None,
) -> Assessed:
    """The areas of a layer assessed by the factors named (all without names), by the table's rules unless others are given.

    ``rules`` may name ``hazards_by``, ``within_role_by``, ``roles_by``, ``role_weights`` (a set of the table *factors*)
    and ``out_of_season``. With a day, each hazard says whether it is in season where the towns lie.
    """
    chosen = layer(area_layer)
    if chosen.geometry is not Geometry.AREA:
        raise ParameterError("only areas can be assessed", where="layer", expected="an area layer such as towns", got=area_layer)
    return _assess(snapshot, snapshot.frames[chosen.id], Places(layer=chosen.id, kept_as=chosen.id), only, rules, on)


def current(snapshot: Snapshot) -> Assessed:
    """The towns assessed by every factor at this snapshot, today or on the day it shows; computed once for it and the day."""
    today = snapshot.day or dt.datetime.now(tz=dt.UTC).astimezone().date()
    return remember(snapshot.whole, f"towns assessed {today}", lambda now: assess_layer(now, on=today))


def assess_cells(
    snapshot: Snapshot,
    size_m: float,
    only: tuple[str, ...] = (),
    rules: Mapping[str, str] | None = None,
    on: dt.date | None = None,
) -> tuple[Assessed, gpd.GeoDataFrame]:
    """Square cells over the towns, assessed; and the cells themselves."""
    if not 100 <= size_m <= 100_000:
        raise ParameterError("the cell size is out of range", where="cell_m", expected="100 to 100,000 m", got=shown(size_m))
    towns = snapshot.frames["towns"]
    if towns.empty:
        raise ParameterError(
            "there are no towns to lay cells over",
            where="towns",
            expected="at least one area",
            got="none",
            then="import towns first",
        )
    usual = size_m in CELL_SIZES_M
    cells = remember(towns, f"cells {size_m:g}", lambda area: square_cells(area, size_m)) if usual else square_cells(towns, size_m)
    return _assess(snapshot, cells, Places(layer="cells", kept_as=f"cells {size_m:g}" if usual else ""), only, rules, on), cells


@dataclass(frozen=True, kw_only=True)
class Places:
    """What kind of places are assessed, and under which name their raw values are kept; empty where they are not."""

    layer: str
    kept_as: str


def _assess(
    snapshot: Snapshot,
    places: gpd.GeoDataFrame,
    kind: Places,
    only: tuple[str, ...],
    rules: Mapping[str, str] | None,
    on: dt.date | None,
) -> Assessed:
    asked = _asked(only)
    inputs = inputs_of(snapshot, places, kind.layer, only)
    table = scales()
    chosen = {**combining(), "out_of_season": out_of_season(), **(rules or {})}
    weights = role_weights(chosen.pop("role_weights", None))
    named = places if "name" in places else places.assign(name=places.index)
    result = assess(
        named,
        inputs,
        {factor.id: table[factor.id] for factor, _ in inputs},
        scheme(SCHEME),
        **chosen,
        role_weights=weights,
        seasons=season_states(table, [factor for factor, _ in inputs], region(snapshot), on) if on else {},
        own_schemes={factor.id: scheme(table[factor.id].scheme) for factor, _ in inputs if table[factor.id].scheme},
        measured=raw_values(kind.kept_as, places, inputs) if kind.kept_as else None,
    )
    unread = [factor.id for owner, factor in asked if not _readable(factor, owner, kind.layer)]
    absent = (*result.absent, *(Absent(factor=each, reason="not a value of these places") for each in unread))
    return Assessed(
        assessment=replace(result, absent=absent), scheme=scheme(SCHEME), provenance=_provenance(snapshot, inputs, result)
    )


def inputs_of(
    snapshot: Snapshot, places: gpd.GeoDataFrame, places_layer: str, only: tuple[str, ...] = ()
) -> list[tuple[Factor, gpd.GeoDataFrame]]:
    """Each factor that can be read of these places, with its layer's frame."""
    return [
        (factor, places if owner == places_layer else snapshot.frames[owner])
        for owner, factor in _asked(only)
        if _readable(factor, owner, places_layer)
    ]


def region(snapshot: Snapshot) -> str:
    """The start that the codes of all towns share, which names a county, city or province; empty if no code is known."""
    towns = snapshot.frames["towns"]
    codes = {*towns["code"].dropna(), *towns["county_code"].dropna()}
    same = takewhile(lambda pair: pair[0] == pair[1], zip(min(codes, default=""), max(codes, default=""), strict=False))
    return "".join(digit for digit, _ in same)


def season_states(
    table: Mapping[str, Scale], asked: Sequence[Factor], in_region: str, on: dt.date
) -> dict[str, SeasonState]:
    """Whether each factor's hazard is in season; a factor whose scale names no hazard has none."""
    rows = seasons()
    hazards = {factor.id: table[factor.id].hazard for factor in asked}
    return {factor: in_season(hazard, in_region, on, rows) for factor, hazard in hazards.items() if hazard}


def _asked(only: tuple[str, ...]) -> list[tuple[str, Factor]]:
    known = {factor.id for _, factor in factors()}
    strange = sorted(set(only) - known)
    if strange:
        raise ParameterError(
            "no such factor", where="factors", expected=", ".join(sorted(known)), got=", ".join(map(shown, strange))
        )
    return [(owner, factor) for owner, factor in factors() if not only or factor.id in only]


def _provenance(snapshot: Snapshot, inputs: Sequence[tuple[Factor, gpd.GeoDataFrame]], result: Assessment) -> Provenance:
    read = {factor.id for factor, _ in inputs}
    used = {owner for owner, factor in factors() if factor.id in read and len(snapshot.frames[owner])}
    return Provenance(
        inputs={owner: int(snapshot.frames[owner]["revision"].max()) for owner in sorted(used)},
        revision=snapshot.revision,
        rules=result.rules,
        engine=f"geo-risk {geo_risk.__version__}",
        made_at=dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
    )


def _readable(factor: Factor, owner: str, places_layer: str) -> bool:
    """A place's own value can only be read where the places are the layer that has it."""
    return factor.measure != "own_value" or owner == places_layer


def answer(assessed: Assessed) -> dict[str, Any]:
    """The assessment as JSON: rules, factors with their numbers, what is absent, counts by level, every area."""
    result = assessed.assessment
    titles = {factor.id: factor.title for _, factor in factors()}
    levels = [level.id for level in (*assessed.scheme.levels, assessed.scheme.unknown)]
    return {
        "revision": assessed.provenance.revision,
        "made_at": assessed.provenance.made_at,
        "engine": assessed.provenance.engine,
        "inputs": assessed.provenance.inputs,
        "scheme": result.scheme,
        "rules": [{"id": rule.id, "chosen": rule.chosen, "options": list(rule.options)} for rule in result.rules],
        "role_weights": result.role_weights,
        "factors": [factor_answer(factor, result.scales[factor.id], result.seasons.get(factor.id)) for factor in result.factors],
        "absent": [{"factor": each.factor, "title": titles[each.factor], "reason": each.reason} for each in result.absent],
        "counts": {level: sum(place.level == level for place in result.places) for level in levels},
        "areas": [place_answer(place) for place in result.places],
    }


def factor_answer(factor: Factor, scale: Scale, season: SeasonState | None = None) -> dict[str, Any]:
    """A factor with the numbers that turn its raw value into a score, its own levels, its season, and their source."""
    return {
        "id": factor.id,
        "role": factor.role,
        "title": factor.title,
        "unit": factor.unit,
        "measure": factor.measure,
        "curve": scale.curve,
        "low": scale.low,
        "high": scale.high,
        "weight": scale.weight,
        "source": scale.source,
        "checked": scale.checked,
        "levels": levels_answer(scheme(scale.scheme)) if scale.scheme else [],
        "season": season_answer(season) if season else None,
    }


def levels_answer(graded: Scheme) -> list[dict[str, Any]]:
    """The looks of a scheme's levels, the worst first, then unknown."""
    return [
        {
            "id": level.id, "numeral": level.numeral, "title": level.title, "colour": level.colour,
            "text_colour": level.text_colour, "shape": level.shape, "at_least": level.at_least,
        }
        for level in (*graded.levels, graded.unknown)
    ]


def season_answer(season: SeasonState) -> dict[str, Any]:
    """Whether a hazard is in season, on which day, by which rows."""
    return {
        "hazard": season.hazard, "state": season.state, "on": season.on.isoformat(), "region": season.region,
        "rows": [
            {
                "from": "{:02}-{:02}".format(*row.first), "to": "{:02}-{:02}".format(*row.last),
                "source": row.source, "checked": row.checked,
            }
            for row in season.seasons
        ],
    }


def place_answer(place: PlaceRisk) -> dict[str, Any]:
    """One place: score, level, each role's score, each reading."""
    return {
        "id": place.place,
        "name": place.name,
        "score": place.score,
        "level": place.level,
        "roles": place.roles,
        "readings": [
            {
                "factor": each.factor, "role": each.role, "raw": each.raw, "score": each.score, "weight": each.weight,
                "level": each.level, "season": each.season,
            }
            for each in place.readings
        ],
    }
