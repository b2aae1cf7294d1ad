"""The risk of places: every factor measured, scored, combined within its role, the roles combined, a level given."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_risk.areas import has_shape
from geo_risk.crs import require_lonlat
from geo_risk.errors import DeclarationError, ParameterError, shown
from geo_risk.levels import Scheme, level_of
from geo_risk.model import ROLES, Absent, Assessment, Factor, InSeason, PlaceRisk, Reading, Role, Rule, Scale, SeasonState
from geo_risk.risk.explain import reasons_text
from geo_risk.risk.measures import MEASURES, RULES_OF_MEASURE, kept
from geo_risk.risk.score import CURVES, RELATIVE, RULES, combine, score
from geo_risk.risk.seasons import OUT_OF_SEASON, season_weight

EQUAL_ROLES: Final[Mapping[str, float]] = MappingProxyType(dict.fromkeys(ROLES, 1.0))
NO_SEASONS: Final[Mapping[str, SeasonState]] = MappingProxyType({})
NO_SCHEMES: Final[Mapping[str, Scheme]] = MappingProxyType({})
_SEASON_WORDS: Final[Mapping[InSeason, str]] = MappingProxyType({
    "in": "in season",
    "out": "out of season",
    "unknown": "no season known for the region, counted as in season",
    "all year": "no season anywhere",
})
_UNKNOWN: Final = Rule(id="unknown", chosen="one unknown score that counts makes the place unknown")


def assess(
    places: gpd.GeoDataFrame,
    inputs: Sequence[tuple[Factor, gpd.GeoDataFrame]],
    scales: Mapping[str, Scale],
    scheme: Scheme,
    *,
    name_column: str = "name",
    hazards_by: str = "worst",
    within_role_by: str = "mean",
    roles_by: str = "geometric_mean",
    role_weights: Mapping[str, float] = EQUAL_ROLES,
    seasons: Mapping[str, SeasonState] = NO_SEASONS,
    out_of_season: str = "said_only",
    own_schemes: Mapping[str, Scheme] = NO_SCHEMES,
    measured: Mapping[str, "pd.Series[float]"] | None = None,
) -> Assessment:
    """The risk of each place from factors over layers.

    Each factor's measure gives a raw value a place, its scale a score of 0 to 10. The scores of a role are combined
    with their weights, hazards by ``hazards_by``, the other roles by ``within_role_by``; then the roles present by
    ``roles_by`` with ``role_weights``. Coping scores are lack of coping: their scales fall. The default, the worst hazard
    and the geometric mean of roles, is after INFORM Risk (European Commission, Joint Research Centre), whose index is
    the geometric mean of three dimensions: hazard and exposure, vulnerability, lack of coping capacity; role weights of
    1/2, 1/2, 1 and 1 are its exponents.

    A factor without features once its ``where`` is applied, or without a single value, is *absent*: it is listed and
    left out everywhere, since it cannot rank places. A place that lacks a value where the layer has some is unknown,
    and so is its risk. A layer with features but none in a place gives that place 0, which is known. With no hazard
    factor left there is no risk to speak of: every place is unknown, however well exposure and coping are known.

    Parameters
    ----------
    places : GeoDataFrame, EPSG:4326
        Areas to rank; the index holds their ids, each once.
    inputs : sequence of (Factor, GeoDataFrame)
        Each factor with the features it reads, EPSG:4326. For ``own_value`` these are the places themselves.
    scales : mapping of Scale
        By factor id.
    scheme : Scheme
        The levels of the combined score.
    name_column : str
        The column of ``places`` with their names; the id stands in where it is missing.
    hazards_by, within_role_by, roles_by : str
        Rules of `geo_risk.risk.score.RULES`.
    role_weights : mapping of float
        By role, above 0; equal ones by default.
    seasons : mapping of SeasonState
        By factor id: what `geo_risk.risk.seasons.in_season` says of its hazard. Without any, seasons are not considered.
    out_of_season : str
        A rule of `geo_risk.risk.seasons.OUT_OF_SEASON`: what becomes of the weight of a hazard out of season. Its
        reading stays in the result and says so under every rule.
    own_schemes : mapping of Scheme
        By factor id: the levels of its raw values, for ``Reading.level``.
    measured : mapping of Series
        By factor id: raw values already measured on these places (`measure`), which are then not measured again.

    Returns
    -------
    Assessment
        Places worst first, unknown last, equal ones by id: the order of rows does not matter.

    Raises
    ------
    CrsError
        A frame is not longitude, latitude.
    ParameterError
        An id stands twice, a rule is unknown, or features lack a column that a factor's ``where`` names.
    DeclarationError
        A factor without a scale, of an unknown measure or role, or twice.

    Examples
    --------
    >>> import shapely
    >>> from geo_risk.levels import Level
    >>> look = {"title": {}, "colour": "", "text_colour": "", "shape": "", "advice": {}}
    >>> scheme = Scheme(
    ...     id="two", title={}, unit="score", source="", checked="",
    ...     levels=(Level(id="I", numeral="I", at_least=5, **look), Level(id="IV", numeral="IV", at_least=0, **look)),
    ...     unknown=Level(id="unknown", numeral="?", **look),
    ... )
    >>> towns = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], index=["a", "b"], crs=4326)
    >>> flood = gpd.GeoDataFrame(geometry=[shapely.box(1, 0, 1.5, 1)], crs=4326)
    >>> factor = Factor(id="flood", role="hazard", measure="share_in_zones", unit="share", title={"en": "Flooded"})
    >>> half = {"flood": Scale(curve="linear", low=0, high=0.5, weight=1, source="", checked="")}
    >>> [(place.place, round(place.score, 6), place.level) for place in assess(towns, [(factor, flood)], half, scheme).places]
    [('b', 10.0, 'I'), ('a', 0.0, 'IV')]
    """
    _require_sound(places, [factor for factor, _ in inputs], scales, (hazards_by, within_role_by, roles_by))
    _require_role_weights(role_weights)
    read = [(factor, kept(features, factor)) for factor, features in inputs]
    absent = [Absent(factor=factor.id, reason=reason) for factor, rows in read if (reason := absence(factor, rows))]
    known = measured or {}
    raw = {
        factor.id: known[factor.id] if factor.id in known else measure(places, rows, factor)
        for factor, rows in read
        if factor.id not in {gone.factor for gone in absent}
    }
    absent += [Absent(factor=factor.id, reason="no values") for factor in _valueless(read, raw)]
    present = [factor for factor, _ in read if factor.id not in {gone.factor for gone in absent}]
    scores = pd.DataFrame({factor.id: score(raw[factor.id], scales[factor.id]) for factor in present}, index=places.index)
    weights = {
        factor.id: scales[factor.id].weight * season_weight(seasons.get(factor.id), out_of_season) for factor in present
    }
    within = {role: hazards_by if role == "hazard" else within_role_by for role in ROLES}
    roles = role_scores(scores, {factor.id: factor.role for factor in present}, weights, within)
    counted = {role: float(role_weights[role]) for role in roles.columns}
    overall = risk_score(roles, counted, roles_by)
    readings = [
        _readings(factor, raw[factor.id], scores[factor.id], weights[factor.id], own_schemes.get(factor.id), seasons.get(factor.id))
        for factor in present
    ]
    return Assessment(
        places=_sorted(_place_risks(places, name_column, readings, roles, overall, level_of(overall, scheme))),
        factors=tuple(factor for factor, _ in inputs),
        scales={factor.id: scales[factor.id] for factor, _ in inputs},
        absent=tuple(absent),
        scheme=scheme.id,
        rules=(
            *_rules(read, present, list(roles.columns), hazards_by, within_role_by, roles_by),
            *_normalisation_rules(present, scales, len(places)),
            *_season_rules(present, seasons, out_of_season),
        ),
        bands=scheme.bands(),
        role_weights=counted,
        seasons={factor.id: seasons[factor.id] for factor, _ in inputs if factor.id in seasons},
    )


def measure(places: gpd.GeoDataFrame, rows: gpd.GeoDataFrame, factor: Factor) -> "pd.Series[float]":
    """The raw value of a factor in each place, from the features that it reads (`kept`)."""
    return MEASURES[factor.measure](places, rows, factor.column)


def assessment_frame(assessment: Assessment, places: gpd.GeoDataFrame, *, language: str = "en") -> gpd.GeoDataFrame:
    """The assessment as a frame, for a GeoPackage or a table; worst first, on the places' ids.

    Columns: ``name``, ``score``, ``level``, ``numeral``, ``role_<role>`` a role, ``<factor>`` (raw) and
    ``<factor>_score`` a factor read, ``reasons`` in words, and the geometry of ``places``.
    """
    ids = [place.place for place in assessment.places]
    numerals = {band.level: band.numeral for band in assessment.bands}
    rows = [_flat(place, numerals, assessment, language) for place in assessment.places]
    geometry = gpd.GeoSeries(places.geometry.to_numpy(), index=_ids(places), crs=places.crs).reindex(ids)
    index = pd.Index(ids, dtype="object", name="id")
    return gpd.GeoDataFrame(pd.DataFrame(rows, index=index), geometry=geometry.to_numpy(), crs=places.crs)


def _flat(place: PlaceRisk, numerals: Mapping[str, str], assessment: Assessment, language: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": place.name, "score": _number(place.score), "level": place.level, "numeral": numerals.get(place.level, ""),
    }
    row |= {f"role_{role}": _number(value) for role, value in place.roles.items()}
    for reading in place.readings:
        row |= {reading.factor: _number(reading.raw), f"{reading.factor}_score": _number(reading.score)}
    return row | {"reasons": reasons_text(assessment, place, language)}


def role_scores(
    scores: pd.DataFrame, role_of: Mapping[str, Role], weights: Mapping[str, float], role_rules: Mapping[Role, str]
) -> pd.DataFrame:
    """A column a role that has a factor that counts: the scores of its factors by the role's rule."""
    columns = {}
    for role in ROLES:
        counted = {factor: weights[factor] for factor in scores.columns if role_of[factor] == role}
        if any(counted.values()):
            columns[role] = combine(scores[list(counted)], counted, role_rules[role])
    return pd.DataFrame(columns, index=scores.index)


def risk_score(roles: pd.DataFrame, role_weights: Mapping[str, float], roles_by: str) -> "pd.Series[float]":
    """The score of each place from its roles'; unknown everywhere where no hazard could be read."""
    if "hazard" not in roles:
        return pd.Series(np.nan, index=roles.index, dtype=float)
    return combine(roles, role_weights, roles_by)


def _place_risks(
    places: gpd.GeoDataFrame,
    name_column: str,
    readings: Sequence[Sequence[Reading]],
    roles: pd.DataFrame,
    overall: "pd.Series[float]",
    levels: "pd.Series[str]",
) -> list[PlaceRisk]:
    """One value a place, read across the columns; ``readings`` holds a list a factor."""
    ids = _ids(places)
    names = places[name_column].astype(object).where(places[name_column].notna(), ids) if name_column in places else ids
    across = list(zip(*readings, strict=True)) if readings else [()] * len(ids)
    role_values = [dict(zip(roles.columns, map(_known, row), strict=True)) for row in roles.to_numpy(dtype=float)]
    return [
        PlaceRisk(place=place, name=str(name), score=_known(value), level=level, roles=by_role, readings=found)
        for place, name, value, level, by_role, found in zip(
            ids, names, overall, levels, role_values, across, strict=True
        )
    ]


def _readings(
    factor: Factor,
    raw: "pd.Series[float]",
    scores: "pd.Series[float]",
    weight: float,
    own: Scheme | None,
    season: SeasonState | None,
) -> list[Reading]:
    levels = level_of(raw, own) if own else pd.Series("", index=raw.index)
    said: InSeason | Literal[""] = season.state if season else ""
    return [
        Reading(
            factor=factor.id, role=factor.role, raw=_known(value), score=_known(points), weight=weight, level=level, season=said,
        )
        for value, points, level in zip(raw, scores, levels, strict=True)
    ]


def _sorted(risks: Iterable[PlaceRisk]) -> tuple[PlaceRisk, ...]:
    """Worst first, unknown last, equal ones by id."""
    return tuple(sorted(risks, key=lambda risk: (risk.score is None, -(risk.score or 0.0), risk.place)))


def absence(factor: Factor, rows: gpd.GeoDataFrame) -> Literal["no features", "no values"] | None:
    """Why a factor cannot be read at all from the features that are its own (`kept`), if so."""
    if not has_shape(rows.geometry.to_numpy()).any():
        return "no features"
    if factor.column is not None and (factor.column not in rows or rows[factor.column].isna().all()):
        return "no values"
    return None


def _valueless(read: Sequence[tuple[Factor, gpd.GeoDataFrame]], raw: dict[str, "pd.Series[float]"]) -> list[Factor]:
    """Factors of the places' own column where no place has a value, as with rows of other ids."""
    own = [factor for factor, _ in read if factor.measure == "own_value" and factor.id in raw]
    return [factor for factor in own if raw[factor.id].isna().all()]


def _rules(
    read: Sequence[tuple[Factor, gpd.GeoDataFrame]], present: Sequence[Factor], roles: Sequence[str],
    hazards_by: str, within_role_by: str, roles_by: str,
) -> tuple[Rule, ...]:
    """Every choice the result was made by, each once."""
    options = tuple(RULES)
    unlocated = sum(int((~has_shape(rows.geometry.to_numpy())).sum()) for _, rows in read)
    stamped = [
        Rule(id="hazards_by", chosen=hazards_by, options=options),
        Rule(id="within_role_by", chosen=within_role_by, options=options),
        Rule(id="roles_by", chosen=roles_by, options=options),
        Rule(id="roles_present", chosen=", ".join(roles) or "none", options=ROLES),
        _UNKNOWN,
        *(rule for factor in present for rule in RULES_OF_MEASURE[factor.measure]),
        *([Rule(id="features_without_geometry", chosen=f"left out: {unlocated}")] if unlocated else []),
    ]
    return tuple(dict.fromkeys(stamped))


def _normalisation_rules(present: Sequence[Factor], scales: Mapping[str, Scale], places: int) -> tuple[Rule, ...]:
    """How raw values became scores; and a warning where that hangs on which places were assessed."""
    curves = sorted({scales[factor.id].curve for factor in present})
    named = [f"{curve}: {', '.join(sorted(f.id for f in present if scales[f.id].curve == curve))}" for curve in curves]
    relative = sorted(factor.id for factor in present if scales[factor.id].curve in RELATIVE)
    warning = (
        f"{', '.join(relative)}: scores are relative to the {places} places assessed here; "
        "compare them only with results over the same places"
    )
    said = [Rule(id="normalisation", chosen="; ".join(named) or "none", options=CURVES)]
    return (*said, *([Rule(id="relative_scores", chosen=warning)] if relative else []))


def _season_rules(present: Sequence[Factor], seasons: Mapping[str, SeasonState], out_of_season: str) -> tuple[Rule, ...]:
    if not seasons:
        return (Rule(id="seasons", chosen="not considered: no day was given", options=tuple(OUT_OF_SEASON)),)
    stated = [(factor.id, seasons[factor.id]) for factor in present if factor.id in seasons]
    states = [(words, sorted(each for each, season in stated if season.state == state)) for state, words in _SEASON_WORDS.items()]
    days = sorted({season.on.isoformat() for _, season in stated})
    said = "; ".join(f"{words}: {', '.join(factors)}" for words, factors in states if factors)
    return (
        Rule(id="seasons", chosen=f"on {', '.join(days)}: {said}" if stated else "no factor present has one"),
        Rule(id="out_of_season", chosen=out_of_season, options=tuple(OUT_OF_SEASON)),
    )


def _require_role_weights(weights: Mapping[str, float]) -> None:
    if set(weights) != set(ROLES) or not all(0 < weight < np.inf for weight in weights.values()):
        raise ParameterError(
            "every role needs a weight", where="role_weights", expected=f"{', '.join(ROLES)}, each above 0",
            got=", ".join(f"{shown(role)} {shown(weight)}" for role, weight in weights.items()) or "none", then="give all four",
        )


def _require_sound(
    places: gpd.GeoDataFrame, factors: Sequence[Factor], scales: Mapping[str, Scale], rules: Iterable[str]
) -> None:
    require_lonlat(places, "places")
    if not places.index.is_unique:
        raise ParameterError("a place's id stands twice", where="places", expected="each id once", got="duplicates")
    for rule in rules:
        if rule not in RULES:
            raise ParameterError("no such rule", where="assess", expected=", ".join(RULES), got=shown(rule), then="name one")
    for factor_id, same in groupby(sorted(factors, key=lambda factor: factor.id), key=lambda factor: factor.id):
        first, *others = same
        _require_declared(first, scales)
        if others:
            raise DeclarationError("a factor stands twice", where=factor_id, expected="each factor once", got=str(len(others) + 1))


def _require_declared(factor: Factor, scales: Mapping[str, Scale]) -> None:
    for what, value, known in (("measure", factor.measure, tuple(MEASURES)), ("role", factor.role, ROLES)):
        if value not in known:
            raise DeclarationError(
                f"no such {what}", where=f"factor {factor.id}", expected=", ".join(known), got=shown(value), then="mend the factor",
            )
    if factor.id not in scales:
        raise DeclarationError(
            "a factor has no scale", where=f"factor {factor.id}", expected="a row in table factors", got="none", then="add the row",
        )


def _ids(places: gpd.GeoDataFrame) -> list[str]:
    return [str(place) for place in places.index]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _number(value: float | None) -> float:
    return np.nan if value is None else value
