"""Why a place has its level: the readings behind it, those that weigh most, in words. No second formula."""

from dataclasses import dataclass

from geo_risk.errors import NotFound, shown
from geo_risk.model import Assessment, Band, Factor, PlaceRisk, Reading, Rule, Scale


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
