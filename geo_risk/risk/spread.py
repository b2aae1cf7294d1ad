"""The spread of a figure: the same readings under the other rules, so that a choice of rule is never mistaken for knowledge."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import pandas as pd

from geo_risk.levels import Scheme, level_of
from geo_risk.model import ROLES, Assessment, PlaceRisk
from geo_risk.risk.assess import risk_score, role_scores

HAZARDS_BY: Final = ("worst", "noisy_or", "weighted")
ROLES_BY: Final = ("floored_geometric_mean", "geometric_mean", "product_over_coping")


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """What a place would have under a pair of rules."""

    hazards_by: str
    roles_by: str
    score: float | None
    level: str


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A place's figure with the least and the most that the other rules give it; None where it is unknown.

    ``levels`` are those it would have under one rule or another, the worst first.
    """

    place: str
    score: float | None
    least: float | None
    most: float | None
    levels: tuple[str, ...]
    alternatives: tuple[Alternative, ...]


def spread(
    assessment: Assessment,
    scheme: Scheme,
    places: Sequence[PlaceRisk] | None = None,
    *,
    hazards_by: Sequence[str] = HAZARDS_BY,
    roles_by: Sequence[str] = ROLES_BY,
) -> tuple[Spread, ...]:
    """The places of an assessment under every pair of the rules named, and under the pair that was chosen.

    Scores and weights are those of the readings; nothing is measured again. The rule within the other roles stays.

    Parameters
    ----------
    assessment : Assessment
    scheme : Scheme
        That of the assessment.
    places : sequence of PlaceRisk, optional
        Some of its places; all by default.
    hazards_by, roles_by : sequence of str
        Rules of `geo_risk.risk.score.RULES`.
    """
    wanted = assessment.places if places is None else places
    chosen = {rule.id: rule.chosen for rule in assessment.rules}
    pairs = dict.fromkeys([(chosen["hazards_by"], chosen["roles_by"]), *product(hazards_by, roles_by)])
    columns = [_under(assessment, wanted, scheme, pair, chosen["within_role_by"]) for pair in pairs]
    order = [band.level for band in scheme.bands()]
    return tuple(
        _spread(place, alternatives, order) for place, alternatives in zip(wanted, zip(*columns, strict=True), strict=True)
    )


def _under(
    assessment: Assessment, places: Sequence[PlaceRisk], scheme: Scheme, pair: tuple[str, str], within_role_by: str
) -> list[Alternative]:
    hazards_by, roles_by = pair
    readings = {reading.factor: reading for place in places[:1] for reading in place.readings}
    scores = pd.DataFrame(
        [[reading.score for reading in place.readings] for place in places],
        columns=list(readings), index=[place.place for place in places], dtype=float,
    )
    within = {role: hazards_by if role == "hazard" else within_role_by for role in ROLES}
    role_of = {factor: reading.role for factor, reading in readings.items()}
    weights = {factor: reading.weight for factor, reading in readings.items()}
    roles = role_scores(scores, role_of, weights, within)
    overall = risk_score(roles, assessment.role_weights, roles_by)
    return [
        Alternative(hazards_by=hazards_by, roles_by=roles_by, score=None if pd.isna(score) else float(score), level=level)
        for score, level in zip(overall, level_of(overall, scheme), strict=True)
    ]


def _spread(place: PlaceRisk, alternatives: Sequence[Alternative], order: Sequence[str]) -> Spread:
    known = [each.score for each in alternatives if each.score is not None]
    return Spread(
        place=place.place, score=place.score, least=min(known, default=None), most=max(known, default=None),
        levels=tuple(sorted({each.level for each in alternatives}, key=order.index)), alternatives=tuple(alternatives),
    )
