"""The risk of places now: the engine's `assess` over the factors that the layers declare, at one revision."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd

import geo_risk
from api.use._remember import remember
from geo_risk.errors import ParameterError, shown
from geo_risk.levels import Scheme
from geo_risk.model import Absent, Assessment, Factor, PlaceRisk, Provenance, Scale
from geo_risk.risk.areas import square_cells
from geo_risk.risk.assess import assess
from layers._catalog import catalog, layer
from layers._layer import Geometry
from layers._store import Snapshot
from layers._tables import combining, scales, scheme

SCHEME = "risk_index"


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
    snapshot: Snapshot, area_layer: str = "towns", only: tuple[str, ...] = (), rules: Mapping[str, str] | None = None
) -> Assessed:
    """The areas of a layer assessed by the factors named (all without names), by the table's rules unless others are given."""
    chosen = layer(area_layer)
    if chosen.geometry is not Geometry.AREA:
        raise ParameterError("only areas can be assessed", where="layer", expected="an area layer such as towns", got=area_layer)
    return _assess(snapshot, snapshot.frames[chosen.id], chosen.id, only, rules)


def current(snapshot: Snapshot) -> Assessed:
    """The towns assessed by every factor at this snapshot, computed once for it."""
    return remember(snapshot, "towns assessed", assess_layer)


def assess_cells(
    snapshot: Snapshot, size_m: float, only: tuple[str, ...] = (), rules: Mapping[str, str] | None = None
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
    cells = square_cells(towns, size_m)
    return _assess(snapshot, cells, "cells", only, rules), cells


def _assess(
    snapshot: Snapshot, places: gpd.GeoDataFrame, places_layer: str, only: tuple[str, ...], rules: Mapping[str, str] | None
) -> Assessed:
    known = {factor.id for _, factor in factors()}
    strange = sorted(set(only) - known)
    if strange:
        raise ParameterError(
            "no such factor", where="factors", expected=", ".join(sorted(known)), got=", ".join(map(shown, strange))
        )
    inputs = [
        (factor, places if owner == places_layer else snapshot.frames[owner])
        for owner, factor in factors()
        if (not only or factor.id in only) and _readable(factor, owner, places_layer)
    ]
    table: dict[str, Scale] = {factor.id: scales()[factor.id] for factor, _ in inputs}
    grading = scheme(SCHEME)
    name_column = "name" if "name" in places else None
    named = places if name_column else places.assign(name=places.index)
    chosen = rules or combining()
    result = assess(
        named, inputs, table, grading,
        hazards_by=chosen["hazards_by"], within_role_by=chosen["within_role_by"], roles_by=chosen["roles_by"],
    )
    unread = [
        factor.id for owner, factor in factors() if (not only or factor.id in only) and not _readable(factor, owner, places_layer)
    ]
    result = replace(
        result, absent=(*result.absent, *(Absent(factor=each, reason="not a value of these places") for each in unread))
    )
    used = {owner for owner, factor in factors() if factor.id in table}
    revisions = {owner: int(snapshot.frames[owner]["revision"].max()) for owner in sorted(used) if len(snapshot.frames[owner])}
    return Assessed(
        assessment=result,
        scheme=grading,
        provenance=Provenance(
            inputs=revisions,
            revision=snapshot.revision,
            rules=result.rules,
            engine=f"geo-risk {geo_risk.__version__}",
            made_at=dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
        ),
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
        "factors": [factor_answer(factor, result.scales[factor.id]) for factor in result.factors],
        "absent": [{"factor": each.factor, "title": titles[each.factor], "reason": each.reason} for each in result.absent],
        "counts": {level: sum(place.level == level for place in result.places) for level in levels},
        "areas": [place_answer(place) for place in result.places],
    }


def factor_answer(factor: Factor, scale: Scale) -> dict[str, Any]:
    """A factor with the numbers that turn its raw value into a score, and their source."""
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
            {"factor": each.factor, "role": each.role, "raw": each.raw, "score": each.score, "weight": each.weight}
            for each in place.readings
        ],
    }
