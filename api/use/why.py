"""Why a place has its figure: the features behind each reading, the spread over the rules, what the level spans."""

from dataclasses import asdict
from typing import Any, Final

import geopandas as gpd

from api.use.assessments import Assessed, current, factors, inputs_of, place_answer
from geo_risk.errors import NotFound, ParameterError, shown
from geo_risk.model import Factor
from geo_risk.risk.explain import Evidence, evidence, explain
from geo_risk.risk.spread import Spread, spread
from layers._store import Snapshot

_SHOWN: Final = 5


def why_place(snapshot: Snapshot, area_layer: str, fid: str) -> dict[str, Any]:
    """Why an area of a layer has its figure."""
    if not snapshot.layer(area_layer).places_by:
        raise ParameterError("only places are assessed", where="layer", expected="a layer of places, such as towns", got=area_layer)
    return why(snapshot, current(snapshot), snapshot.whole.frames[area_layer], area_layer, fid)


def why(
    snapshot: Snapshot,
    assessed: Assessed,
    places: gpd.GeoDataFrame,
    places_layer: str,
    place_id: str,
) -> dict[str, Any]:
    """The figure of one place taken apart, from the readings that made it and the same measures over the same features."""
    place = assessed.area(place_id)
    if place is None:
        raise NotFound(
            "no such place", where=places_layer, expected="the id of a place assessed", got=shown(place_id), then="list them first",
        )
    told = explain(assessed.assessment, place_id)
    spans = spread(assessed.assessment, assessed.scheme, [place])[0]
    behind = {
        factor.id: evidence(places, features, factor, [place_id], _SHOWN)[0]
        for factor, features in inputs_of(snapshot.whole, places, places_layer)
        if any(reading.factor == factor.id for reading in place.readings)
    }
    owners = {factor.id: (owner, factor) for owner, factor in factors()}
    return {
        "revision": snapshot.revision,
        "risk": place_answer(place),
        "band": asdict(told.band) if told.band else None,
        "role_weights": assessed.assessment.role_weights,
        "rules": [{"id": rule.id, "chosen": rule.chosen, "options": list(rule.options)} for rule in told.rules],
        "spread": spread_answer(spans),
        "evidence": {each: _evidence(snapshot, *owners[each], found) for each, found in behind.items()},
    }


def spread_answer(spans: Spread) -> dict[str, Any]:
    """The least and the most under the other rules, and the levels they would give."""
    return {
        "least": spans.least, "most": spans.most, "levels": list(spans.levels),
        "alternatives": [asdict(each) for each in spans.alternatives],
    }


def _evidence(snapshot: Snapshot, owner: str, factor: Factor, found: Evidence) -> dict[str, Any]:
    """The features by name where their layer has one that may be read; a value is shown only if its column may be."""
    frame, readable = snapshot.frames[owner], {column.name for column in snapshot.layer(owner).readable(snapshot.readable)}
    seen = factor.column is None or factor.column in readable
    named = "name" in readable
    return {
        "layer": owner,
        "features": found.features,
        "rest": found.rest if seen else None,
        "shown": [
            {
                "id": each.feature,
                "name": _name(frame, each.feature) if named else None,
                "value": each.value if seen else None,
                "share": each.share,
                "contribution": each.contribution if seen else None,
            }
            for each in found.shown
        ],
    }


def _name(frame: gpd.GeoDataFrame, fid: str) -> str | None:
    value = frame["name"].get(fid)
    return value if isinstance(value, str) else None
