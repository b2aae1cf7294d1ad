"""Why a place has its level: the readings behind it, the features behind each reading, in words. No second formula."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_risk.errors import NotFound, shown
from geo_risk.model import Assessment, Band, Factor, PlaceRisk, Reading, Rule, Scale
from geo_risk.risk.changes import narrowed
from geo_risk.risk.contributions import CONTRIBUTIONS
from geo_risk.risk.measures import kept


@dataclass(frozen=True, kw_only=True)
class ExplainedReading:
    """One reading with all it was made from; ``rule`` says how it met the others of its role."""

    factor: Factor
    reading: Reading
    scale: Scale
    rule: str


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """A place's figure taken apart: readings, those that weigh most first; how roles met; what the level spans."""

    place: PlaceRisk
    readings: tuple[ExplainedReading, ...]
    roles_by: str
    band: Band | None
    rules: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """One feature behind a raw value: its own figure, the share that counts, and its part of the raw value; None is unknown."""

    feature: str
    value: float | None
    share: float
    contribution: float | None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The features behind one factor's raw value of one place: how many, those that make most of it, and what the rest makes.

    ``shown`` and ``rest`` add up to the raw value; ``rest`` is None where one of the rest is unknown.
    """

    factor: str
    place: str
    features: int
    shown: tuple[Contribution, ...]
    rest: float | None


def reasons(place: PlaceRisk, top: int = 3) -> tuple[Reading, ...]:
    """The readings that weigh most: unknown ones first, then by score x weight; a reading of weight 0 is no reason.

    Examples
    --------
    >>> flood = Reading(factor="flood", role="hazard", raw=0.2, score=8.0, weight=1)
    >>> people = Reading(factor="people", role="exposure", raw=None, score=None, weight=1)
    >>> place = PlaceRisk(place="a", name="A", score=None, level="unknown", roles={}, readings=(flood, people))
    >>> [reading.factor for reading in reasons(place)]
    ['people', 'flood']
    """
    counted = [reading for reading in place.readings if reading.weight > 0]
    return tuple(sorted(counted, key=_weighing_most)[:top])


def explain(assessment: Assessment, place_id: str) -> Explanation:
    """All that stands behind one place's level, with the same values that made it.

    Raises
    ------
    NotFound
        The assessment has no such place.
    """
    place = next((found for found in assessment.places if found.place == place_id), None)
    if place is None:
        raise NotFound(
            "no such place in the assessment", expected=f"one of its {len(assessment.places)} places", got=shown(place_id),
            then="list the places first",
        )
    factors = {factor.id: factor for factor in assessment.factors}
    rules = {rule.id: rule.chosen for rule in assessment.rules}
    return Explanation(
        place=place,
        readings=tuple(
            ExplainedReading(
                factor=factors[reading.factor], reading=reading, scale=assessment.scales[reading.factor],
                rule=rules["hazards_by" if reading.role == "hazard" else "within_role_by"],
            )
            for reading in sorted(place.readings, key=_weighing_most)
        ),
        roles_by=rules["roles_by"],
        band=next((band for band in assessment.bands if band.level == place.level), None),
        rules=assessment.rules,
    )


def evidence(
    places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, factor: Factor, place_ids: Sequence[str], top: int = 5
) -> tuple[Evidence, ...]:
    """The features behind a factor's raw value in some of the places, unknown ones first, then those that make most of it.

    The measure's own code makes the parts, so they add up to the raw value (`geo_risk.risk.contributions`).

    Parameters
    ----------
    places : GeoDataFrame, EPSG:4326
        All places: a feature on a border is shared among those it touches.
    features : GeoDataFrame, EPSG:4326
        The factor's layer; its ``where`` is applied here.
    place_ids : sequence of str
        Whose evidence is wanted.
    top : int
        How many features to name a place; the others are summed in ``rest``.

    Raises
    ------
    NotFound
        One of the ids is no place's.

    Examples
    --------
    >>> import shapely
    >>> towns = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], index=["a"], crs=4326)
    >>> points = gpd.GeoDataFrame({"people": [5, 40, 3]}, geometry=[shapely.Point(0.5, 0.5)] * 3, index=["x", "y", "z"], crs=4326)
    >>> threatened = Factor(id="t", role="hazard", measure="sum_inside", column="people", unit="people", title={})
    >>> found = evidence(towns, points, threatened, ["a"], top=1)[0]
    >>> found.features, [(each.feature, each.contribution) for each in found.shown], found.rest
    (3, [('y', 40.0)], 8.0)
    """
    rows = kept(features, factor)
    wanted = np.asarray(places.index.isin(place_ids))
    if wanted.sum() != len(set(place_ids)):
        raise NotFound(
            "no such place", where="evidence", expected=f"ids of {len(places)} places", got=", ".join(map(shown, place_ids)),
            then="list the places first",
        )
    near_places, near_rows = narrowed(places, rows, factor.measure, wanted)
    found = CONTRIBUTIONS[factor.measure](near_places, near_rows, factor.column)
    by_place = {str(place): part for place, part in found.groupby("place", sort=False)}
    return tuple(_evidence(factor.id, place, by_place.get(place, found.iloc[:0]), top) for place in place_ids)


def _evidence(factor: str, place: str, found: pd.DataFrame, top: int) -> Evidence:
    columns = (found[name].tolist() for name in ("feature", "value", "share", "contribution"))
    parts = [
        Contribution(feature=str(feature), value=_known(value), share=share, contribution=_known(part))
        for feature, value, share, part in zip(*columns, strict=True)
    ]
    order = sorted(parts, key=lambda each: (each.contribution is not None, -(each.contribution or 0.0), -each.share, each.feature))
    rest = [math.nan if each.contribution is None else each.contribution for each in order[top:]]
    return Evidence(factor=factor, place=place, features=len(parts), shown=tuple(order[:top]), rest=_known(math.fsum(rest)))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def reasons_text(assessment: Assessment, place: PlaceRisk, language: str = "en", top: int = 3) -> str:
    """The reasons in one line: ``Population: unknown; Mean depth 0.4 m (score 8.0)``."""
    factors = {factor.id: factor for factor in assessment.factors}
    return "; ".join(_in_words(factors[reading.factor], reading, language) for reading in reasons(place, top))


def _in_words(factor: Factor, reading: Reading, language: str) -> str:
    words = _WORDS["zh" if language.startswith("zh") else "en"]
    title = factor.title.get(words["language"], factor.id)
    if reading.raw is None or reading.score is None:
        return words["unknown"].format(title=title)
    unit = factor.unit_title.get(words["language"], factor.unit)
    return words["known"].format(title=title, raw=_rounded(reading.raw), unit=unit, score=reading.score)


def _rounded(raw: float) -> str:
    """Whole numbers from 100 up, three digits below.

    >>> _rounded(12345.6), _rounded(0.40501), _rounded(0.0)
    ('12,346', '0.405', '0')
    """
    return f"{raw:,.0f}" if abs(raw) >= 100 else f"{raw:.3g}"


def _weighing_most(reading: Reading) -> tuple[bool, float, str]:
    unknown = reading.score is None and reading.weight > 0
    return (not unknown, -(reading.score or 0.0) * reading.weight, reading.factor)


_WORDS = {
    "en": {"language": "en", "known": "{title} {raw} {unit} (score {score:.1f})", "unknown": "{title}: unknown"},
    "zh": {"language": "zh", "known": "{title} {raw} {unit}（{score:.1f} 分）", "unknown": "{title}：未知"},
}
