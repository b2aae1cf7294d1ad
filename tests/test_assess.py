"""The assessment against sums by hand and against plain loops over hand-made squares."""

import datetime as dt
import itertools
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, box

from geo_risk.errors import CrsError, DeclarationError, NotFound, ParameterError
from geo_risk.levels import Level, Scheme
from geo_risk.model import Absent, Factor, PlaceRisk, Reading, Rule, Scale, SeasonState
from geo_risk.risk.assess import assess, assessment_frame, kept
from geo_risk.risk.explain import explain, reasons, reasons_text
from geo_risk.risk.spread import spread

LOOK = {"title": {}, "colour": "", "text_colour": "", "shape": "", "advice": {}}
SCHEME = Scheme(
    id="four", title={}, unit="score", source="", checked="", unknown=Level(id="unknown", numeral="?", **LOOK),
    levels=tuple(
        Level(id=name, numeral=name, at_least=bound, **LOOK) for name, bound in (("I", 6.5), ("II", 5.0), ("III", 3.5), ("IV", 0.0))
    ),
)


def frame(shapes, index=None, **columns):
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(list(shapes), crs=4326, index=index), index=index)


def factor(factor_id, role, measure, column=None, **where):
    title = {"en": factor_id.capitalize(), "zh": factor_id}
    return Factor(id=factor_id, role=role, measure=measure, column=column, unit="u", title=title, where=where)


def scale(low, high, weight=1.0):
    return Scale(curve="linear", low=low, high=high, weight=weight, source="", checked="")


A, B, C = (box(0.01 * column, 0, 0.01 * (column + 1), 0.01) for column in range(3))
TOWNS = frame([A, B, C], index=["a", "b", "c"], name=["Ash", "Birch", "Cedar"], population=[100.0, 50.0, 0.0])
FLOOD = factor("flood", "hazard", "share_in_zones")
SLIDE = factor("slide", "hazard", "count_inside")
PEOPLE = factor("people", "exposure", "own_value", "population")
BEDS = factor("beds", "coping", "free_places_inside", "capacity", status=("open", None))
SCALES = {"flood": scale(0, 1), "slide": scale(0, 2), "people": scale(0, 100), "beds": scale(10, 0)}
HALF_OF_A_ALL_OF_B = frame([box(0.005, 0, 0.01, 0.01), B])
ONE_SLIDE_IN_A = frame([Point(0.005, 0.005)])
SHELTERS = frame(
    [Point(0.005, 0.005), Point(0.015, 0.005), Point(0.025, 0.005)], capacity=[5.0, 10.0, 10.0], status=["open", None, "closed"],
)


def result(places=TOWNS, inputs=((FLOOD, HALF_OF_A_ALL_OF_B), (PEOPLE, TOWNS)), **options):
    return assess(places, list(inputs), SCALES, SCHEME, **options)


def scores(assessment):
    return {place.place: place.score for place in assessment.places}


def coping(assessment):
    return {place.place: place.roles["coping"] for place in assessment.places}


def test_a_sum_by_hand():
    # a: flood 5, people 10 -> sqrt(50); b: flood 10, people 5 -> sqrt(50); c: 0
    assert scores(result()) == pytest.approx({"a": 50**0.5, "b": 50**0.5, "c": 0}, abs=1e-6)


def test_worst_first_equal_ones_by_id_and_named():
    assert [(place.name, place.level) for place in result().places] == [("Ash", "I"), ("Birch", "I"), ("Cedar", "IV")]


@pytest.mark.parametrize(
    ("rule", "a"), [("worst", 5.0), ("mean", 5.0), ("noisy_or", 7.5), ("product", 2.5), ("geometric_mean", 5.0)],
)
def test_hazards_meet_by_the_rule_named(rule, a):
    found = result(inputs=[(FLOOD, HALF_OF_A_ALL_OF_B), (SLIDE, ONE_SLIDE_IN_A)], hazards_by=rule)
    assert scores(found)["a"] == pytest.approx(a, abs=1e-4)
    assert Rule(id="hazards_by", chosen=rule, options=found.rules[0].options) in found.rules


def test_lack_of_coping_scores_high_and_closed_shelters_do_not_count():
    # free places 5, 10 (status unknown, allowed), 0 (closed) of the 10 that score 0
    assert coping(result(inputs=[(BEDS, SHELTERS)])) == pytest.approx({"a": 5, "b": 0, "c": 10})


def test_without_any_hazard_there_is_no_risk_to_speak_of():
    assert set(scores(result(inputs=[(BEDS, SHELTERS), (PEOPLE, TOWNS)])).values()) == {None}


def test_weights_within_a_role():
    lack = replace(BEDS, id="lack")
    found = assess(TOWNS, [(BEDS, SHELTERS), (lack, SHELTERS)], {"beds": scale(10, 0, 3), "lack": scale(5, 0, 1)}, SCHEME)
    assert coping(found)["a"] == pytest.approx((3 * 5 + 1 * 0) / 4)


def test_a_factor_of_weight_0_is_read_but_does_not_count():
    found = assess(TOWNS, [(FLOOD, HALF_OF_A_ALL_OF_B), (PEOPLE, TOWNS)], SCALES | {"people": scale(0, 100, 0)}, SCHEME)
    assert scores(found)["b"] == pytest.approx(10)
    assert [reading.factor for reading in reasons(found.places[0])] == ["flood"]
    assert [reading.factor for reading in found.places[0].readings] == ["flood", "people"]


def test_an_unknown_figure_makes_the_place_unknown_and_last():
    places = TOWNS.assign(population=[np.nan, 50.0, 0.0])
    found = result(places=places, inputs=[(FLOOD, HALF_OF_A_ALL_OF_B), (PEOPLE, places)])
    assert [(place.place, place.level) for place in found.places] == [("b", "I"), ("c", "IV"), ("a", "unknown")]
    assert found.places[-1].score is None
    assert found.places[-1].roles == {"hazard": pytest.approx(5), "exposure": None}


@pytest.mark.parametrize(
    ("asked", "features", "reason"),
    [
        (FLOOD, HALF_OF_A_ALL_OF_B.iloc[:0], "no features"),
        (FLOOD, frame([None]), "no features"),
        (BEDS, SHELTERS.iloc[2:], "no features"),
        (BEDS, SHELTERS.assign(capacity=np.nan), "no values"),
        (PEOPLE, TOWNS.assign(population=np.nan), "no values"),
        (PEOPLE, TOWNS.drop(columns="population"), "no values"),
        (PEOPLE, TOWNS.set_axis(["x", "y", "z"]), "no values"),
    ],
    ids=["empty", "no geometry", "all filtered out", "no capacity", "no population", "no such column", "other ids"],
)
def test_what_cannot_be_read_anywhere_is_absent_and_left_out(asked, features, reason):
    rest = (SLIDE, ONE_SLIDE_IN_A)
    found = result(inputs=[(asked, features), rest])
    assert found.absent == (Absent(factor=asked.id, reason=reason),)
    assert scores(found) == scores(result(inputs=[rest]))
    assert [known.id for known in found.factors] == [asked.id, "slide"]


def test_a_layer_with_features_elsewhere_is_a_known_0():
    assert scores(result(inputs=[(FLOOD, frame([box(5, 5, 6, 6)]))])) == {"a": 0, "b": 0, "c": 0}


def test_one_place_with_one_unknown_point_is_unknown_not_absent():
    threat = factor("flood", "hazard", "sum_inside", "people")
    points = frame([Point(0.005, 0.005), Point(9, 9)], people=[np.nan, 5.0])
    found = result(places=TOWNS.iloc[:1], inputs=[(threat, points)])
    assert (found.absent, found.places[0].level) == ((), "unknown")


def test_nothing_to_go_by_is_unknown():
    assert {place.level for place in result(inputs=[]).places} == {"unknown"}


def test_no_places():
    assert result(places=TOWNS.iloc[:0], inputs=[(FLOOD, HALF_OF_A_ALL_OF_B)]).places == ()


def test_a_place_without_a_name_goes_by_its_id():
    assert [place.name for place in result(places=TOWNS.assign(name=[None, "Birch", "Cedar"])).places] == ["a", "Birch", "Cedar"]
    assert [place.name for place in result(places=TOWNS.drop(columns="name")).places] == ["a", "b", "c"]


def test_the_choices_made_are_stamped_once_each():
    unlocated = pd.concat([HALF_OF_A_ALL_OF_B, frame([None])])
    rules = result(inputs=[(FLOOD, unlocated), (SLIDE, ONE_SLIDE_IN_A), (BEDS, SHELTERS)]).rules
    chosen = {rule.id: rule.chosen for rule in rules}
    assert len(chosen) == len(rules)
    assert chosen["unreported_occupancy"] == "counted as none"
    assert chosen["roles_present"] == "hazard, coping"
    assert chosen["features_without_geometry"] == "left out: 1"


@pytest.mark.parametrize(
    ("values", "allowed", "passing"),
    [
        (["open", "closed", None], ("open",), [0]), (["open", "closed", None], ("open", None), [0, 2]),
        (["open", "closed", None], (None,), [2]), (["open", "closed", None], (), []),
        (pd.array([True, False, None], dtype="boolean"), (True, None), [0, 2]), (pd.array([1, 2, None], dtype="Int64"), (2,), [1]),
    ],
)
def test_where_keeps_values_and_lets_missing_pass_if_none_is_listed(values, allowed, passing):
    features = frame([A, B, C], status=values)
    assert kept(features, factor("f", "hazard", "count_inside", status=allowed)).index.tolist() == passing


@pytest.mark.parametrize(
    ("asked", "options", "error", "text"),
    [
        (factor("flood", "hazard", "share"), {}, DeclarationError, "no such measure; where: factor flood; expected: share_in"),
        (factor("flood", "luck", "share_in_zones"), {}, DeclarationError, "no such role.*got: luck"),
        (factor("new", "hazard", "share_in_zones"), {}, DeclarationError, "a factor has no scale; where: factor new"),
        (factor("flood", "hazard", "share_in_zones", kind=("past",)), {}, ParameterError, "lack a column to filter.*column kind"),
        (FLOOD, {"hazards_by": "best"}, ParameterError, "no such rule.*got: best"),
        (FLOOD, {"roles_by": "sum"}, ParameterError, "no such rule.*got: sum"),
    ],
)
def test_what_is_refused(asked, options, error, text):
    with pytest.raises(error, match=text):
        result(inputs=[(asked, HALF_OF_A_ALL_OF_B)], **options)


def test_twice_the_same_is_refused():
    with pytest.raises(DeclarationError, match="a factor stands twice; where: flood"):
        result(inputs=[(FLOOD, HALF_OF_A_ALL_OF_B)] * 2)
    with pytest.raises(ParameterError, match="a place's id stands twice"):
        result(places=TOWNS.set_axis(["a", "a", "c"]))
    with pytest.raises(CrsError, match="where: places"):
        result(places=TOWNS.to_crs(3857))


def test_the_frame_holds_every_figure_under_its_place():
    found = result(inputs=[(FLOOD, HALF_OF_A_ALL_OF_B), (BEDS, SHELTERS)])
    table = assessment_frame(found, TOWNS)
    columns = "name score level numeral role_hazard role_coping flood flood_score beds beds_score reasons geometry"
    assert list(table.columns) == columns.split()
    assert table.index.tolist() == [place.place for place in found.places]
    assert table.loc["a", ["flood", "beds", "beds_score"]].tolist() == pytest.approx([0.5, 5, 5], abs=1e-5)
    assert table.loc["a", "geometry"].equals(A)
    assert table.crs == TOWNS.crs


def test_the_frame_of_no_places():
    assert assessment_frame(result(places=TOWNS.iloc[:0]), TOWNS.iloc[:0]).empty


def test_the_frame_keeps_unknown_as_nan():
    table = assessment_frame(result(inputs=[]), TOWNS)
    assert table["score"].isna().all()
    assert set(table["numeral"]) == {"?"}


# --- normalisation, seasons, own levels, role weights, what was measured before, spread -----------------------------

OUT = SeasonState(hazard="flood", region="33", on=dt.date(2026, 1, 1), state="out", seasons=())


def chosen(assessment):
    return {rule.id: rule.chosen for rule in assessment.rules}


def test_relative_scores_carry_a_warning_in_words_and_fixed_ones_none():
    ranked = SCALES | {"flood": replace(SCALES["flood"], curve="rank", low=0, high=100)}
    rules = chosen(assess(TOWNS, [(FLOOD, HALF_OF_A_ALL_OF_B), (PEOPLE, TOWNS)], ranked, SCHEME))
    assert rules["normalisation"] == "linear: people; rank: flood"
    assert "flood: scores are relative to the 3 places assessed here; compare them only" in rules["relative_scores"]
    assert "relative_scores" not in chosen(result())


@pytest.mark.parametrize(("rule", "a"), [("said_only", 5), ("halved", (0.5 * 5 + 5) / 1.5), ("not_counted", 5)])
def test_out_of_season_is_said_and_weighs_by_the_rule_named(rule, a):
    inputs = [(FLOOD, HALF_OF_A_ALL_OF_B), (SLIDE, ONE_SLIDE_IN_A)]
    found = result(inputs=inputs, hazards_by="weighted", seasons={"flood": OUT}, out_of_season=rule)
    place = next(place for place in found.places if place.place == "a")
    assert place.score == pytest.approx(a, abs=1e-4)
    assert [(each.factor, each.season) for each in place.readings] == [("flood", "out"), ("slide", "")]
    assert chosen(found)["seasons"] == "on 2026-01-01: out of season: flood"
    assert chosen(found)["out_of_season"] == rule


def test_a_hazard_out_of_season_that_is_not_counted_leaves_the_place_unknown_not_safe():
    found = result(inputs=[(FLOOD, HALF_OF_A_ALL_OF_B)], seasons={"flood": OUT}, out_of_season="not_counted")
    assert {place.level for place in found.places} == {"unknown"}
    assert len(found.places[0].readings) == 1


def test_without_a_day_seasons_are_said_not_to_be_considered():
    assert chosen(result())["seasons"] == "not considered: no day was given"


def test_a_reading_has_the_level_of_its_own_scheme_and_unknown_is_one():
    own = replace(SCHEME, levels=tuple(replace(level, at_least=level.at_least / 10) for level in SCHEME.levels))
    zones = frame([box(0.005, 0, 0.01, 0.01), B, C], depth=[1.0, 1.0, np.nan])
    depth = factor("flood", "hazard", "mean_depth_m_in_zones", "depth")
    found = assess(TOWNS, [(depth, zones)], SCALES, SCHEME, own_schemes={"flood": own})
    assert {place.place: place.readings[0].level for place in found.places} == {"a": "II", "b": "I", "c": "unknown"}


def test_role_weights_are_exponents_and_are_published():
    weights = {"hazard": 0.5, "exposure": 0.5, "vulnerability": 1.0, "coping": 1.0}
    found = result(inputs=[(FLOOD, HALF_OF_A_ALL_OF_B), (BEDS, SHELTERS.iloc[:2])], role_weights=weights)
    assert scores(found)["a"] == pytest.approx((5**0.5 * 5**1.0) ** (1 / 1.5), abs=1e-4)
    assert found.role_weights == {"hazard": 0.5, "coping": 1.0}
    with pytest.raises(ParameterError, match="every role needs a weight; where: role_weights; expected: hazard, exposure"):
        result(role_weights={"hazard": 1.0})


def test_what_was_measured_before_is_not_measured_again():
    found = result(measured={"flood": pd.Series([1.0, 0.0, 0.0], index=TOWNS.index)})
    assert {place.place: place.readings[0].raw for place in found.places} == {"a": 1.0, "b": 0.0, "c": 0.0}


def test_the_spread_holds_the_figure_and_every_rule():
    found = result(inputs=[(FLOOD, HALF_OF_A_ALL_OF_B), (SLIDE, ONE_SLIDE_IN_A)])
    spans = {each.place: each for each in spread(found, SCHEME, hazards_by=["worst", "noisy_or"], roles_by=["mean"])}
    assert (spans["a"].least, spans["a"].most) == pytest.approx((5, 7.5), abs=1e-4)
    assert spans["a"].levels == ("I", "II")
    assert all(each.least <= each.score <= each.most for each in spans.values())


def test_the_spread_of_the_unknown_is_unknown():
    places = TOWNS.assign(population=[np.nan, 50.0, 0.0])
    found = result(places=places, inputs=[(FLOOD, HALF_OF_A_ALL_OF_B), (PEOPLE, places)])
    last = spread(found, SCHEME)[-1]
    assert (last.place, last.score, last.least, last.levels) == ("a", None, None, ("unknown",))
    assert spread(result(places=TOWNS.iloc[:0]), SCHEME) == ()


# --- explanation -------------------------------------------------------------------------------------------------


def reading(name, points, weight=1.0):
    return Reading(factor=name, role="hazard", raw=points, score=points, weight=weight)


@pytest.mark.parametrize(
    ("readings", "top"),
    [
        ([reading("x", 1), reading("y", 9), reading("z", 5)], ["y", "z", "x"]),
        ([reading("x", 9), reading("y", None)], ["y", "x"]),
        ([reading("x", 4), reading("y", 3, 2)], ["y", "x"]),
        ([reading("y", 5), reading("x", 5)], ["x", "y"]),
        ([reading("x", 9, 0), reading("y", 1)], ["y"]),
        ([reading(name, 5) for name in "dcba"], ["a", "b", "c"]),
        ([], []),
    ],
    ids=["by score", "unknown first", "by weight", "by name", "weight 0", "three", "none"],
)
def test_reasons(readings, top):
    place = PlaceRisk(place="p", name="P", score=None, level="unknown", roles={}, readings=tuple(readings))
    assert [found.factor for found in reasons(place)] == top


def test_reasons_in_words():
    places = TOWNS.assign(population=[None, 50.0, 12345.0])
    found = result(places=places, inputs=[(FLOOD, HALF_OF_A_ALL_OF_B), (PEOPLE, places)])
    words = {place.place: reasons_text(found, place) for place in found.places}
    assert words == {
        "a": "People: unknown; Flood 0.5 u (score 5.0)",
        "b": "Flood 1 u (score 10.0); People 50 u (score 5.0)",
        "c": "People 12,345 u (score 10.0); Flood 0 u (score 0.0)",
    }
    assert reasons_text(found, found.places[-1], "zh-CN") == "people：未知; flood 0.5 u（5.0 分）"


def test_an_explanation_repeats_the_figures_that_made_the_level():
    found = result()
    why = explain(found, "b")
    assert why.place is found.places[1]
    assert {line.reading for line in why.readings} == set(why.place.readings)
    assert [line.factor.id for line in why.readings] == ["flood", "people"]
    assert [(line.scale.high, line.rule) for line in why.readings] == [(1, "worst"), (100, "mean")]
    assert (why.roles_by, why.band.level, why.band.at_least, why.band.below) == ("geometric_mean", "I", 6.5, None)


def test_no_explanation_of_a_place_that_is_not_there():
    with pytest.raises(NotFound, match="no such place in the assessment; expected: one of its 3 places; got: z"):
        explain(result(), "z")


# --- brute force -------------------------------------------------------------------------------------------------
# Three towns of 2 x 2 cells in a row; zones are cells, points stand on corners and middles of cells.

CELL = 1e-3
ROW = [(0, 0), (2, 0), (4, 0)]
ZONES = st.lists(st.tuples(st.integers(-1, 6), st.integers(-1, 2)), min_size=1, max_size=8)
POINTS = st.lists(st.tuples(st.integers(-1, 13), st.integers(-1, 5), st.sampled_from([0, 3, 20, None])), min_size=1, max_size=8)
PEOPLE_OF = st.lists(st.sampled_from([None, 0, 10, 100]), min_size=3, max_size=3)
BASE = {"flood": scale(0, 1), "threat": scale(0, 20), "people": scale(0, 100)}


def threat_by_loops(town, points):
    """People threatened in a town, points one by one, those on a border split; None if one is not known."""
    total = 0.0
    for x, y, n in points:
        homes = [(west, south) for west, south in ROW if 2 * west <= x <= 2 * west + 4 and 0 <= y <= 4]
        if town in homes:
            total = None if n is None or total is None else total + n / len(homes)
    return total


def by_loops(zones, points, people):
    """The score of each town, or None: cells counted, the worst hazard, the geometric mean of the roles there are."""
    some_threat, some_people = any(n is not None for *_, n in points), any(n is not None for n in people)
    found = []
    for town, number in zip(ROW, people, strict=True):
        hazards = [10 * sum((town[0] + x, town[1] + y) in zones for x in range(2) for y in range(2)) / 4]
        if some_threat:
            threat = threat_by_loops(town, points)
            hazards.append(None if threat is None else min(threat / 2, 10))
        roles = [None if None in hazards else max(hazards)]
        if some_people:
            roles.append(None if number is None else number / 10)
        found.append(None if None in roles else float(np.prod(roles)) ** (1 / len(roles)))
    return found


@settings(max_examples=80, deadline=None)
@given(zones=ZONES, points=POINTS, people=PEOPLE_OF, seed=st.integers(0, 999))
def test_as_by_loops_in_any_order_of_rows(zones, points, people, seed):
    shapes = [box(x * CELL, y * CELL, (x + 2) * CELL, (y + 2) * CELL) for x, y in ROW]
    towns = frame(shapes, index=["a", "b", "c"], population=np.array(people, dtype=float))
    flood = frame([box(x * CELL, y * CELL, (x + 1) * CELL, (y + 1) * CELL) for x, y in zones])
    threats = frame([Point(x * CELL / 2, y * CELL / 2) for x, y, _ in points], n=pd.array([n for *_, n in points], dtype="Int64"))
    threat = factor("threat", "hazard", "sum_inside", "n")

    def run(*orders):
        given_towns, zones_given, points_given = (
            table.iloc[order] for table, order in zip((towns, flood, threats), orders, strict=True)
        )
        inputs = [(FLOOD, zones_given), (threat, points_given), (PEOPLE, given_towns)]
        return assess(given_towns, inputs, BASE, SCHEME)

    random = np.random.default_rng(seed)
    found = run(*(random.permutation(len(table)) for table in (towns, flood, threats)))
    assert found == run(*(np.arange(len(table)) for table in (towns, flood, threats)))
    by_place = scores(found)
    for place, expected in zip("abc", by_loops(zones, points, people), strict=True):
        assert by_place[place] == (None if expected is None else pytest.approx(expected, abs=1e-4))


def test_worst_first_whatever_the_scores():
    ranks = [(place.score is None, -(place.score or 0), place.place) for place in result().places]
    assert all(one <= other for one, other in itertools.pairwise(ranks))
