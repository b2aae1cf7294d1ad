"""Roll-ups over two squares, and over counted cells: the parts, the outside and the unplaced make the whole."""

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, Polygon, box
from test_zones import comb

from geo_risk.errors import CrsError, ParameterError
from geo_risk.risk.rollup import ROLL_UP_RULES, area_faults, roll_up, roll_up_chain, spread, tally

NAN = float("nan")
TWO = gpd.GeoSeries([box(0, 0, 1, 1), box(1, 0, 2, 1)], index=["a", "b"], crs=4326)
HOUSES = gpd.GeoSeries(
    [box(0.7, 0, 1.1, 0.4), Point(1, 0.5), box(1.8, 0, 2.2, 0.4), Point(9, 9), None, box(2, 0, 3, 1)], crs=4326
)  # mostly in a; on the border; half outside; outside; nowhere; only touches b


def series(*shapes):
    return gpd.GeoSeries(list(shapes), crs=4326)


def total(found):
    return math.fsum([*found.known, found.outside, found.unplaced])


@pytest.mark.parametrize(
    ("rule", "inside", "outside", "surplus"),
    [
        ("largest_share", [30, 40], 800 + 3200, 0),
        ("centroid", [30, 40], 800 + 3200, 0),  # the third house's centroid lies on the border of b
        ("split_by_share", [18, 32], 4020, 0),  # 7.5 + 10, 2.5 + 10 + 20: the odd one to the lesser id
        ("first_touched", [30, 3240], 800, 0),
        ("touch", [30, 3270], 800, 30),
    ],
)
def test_each_rule(rule, inside, outside, surplus):
    found = roll_up(pd.Series([10, 20, 40, 800, 1600, 3200]), HOUSES, TWO, rule)
    assert (found.inside.tolist(), found.outside, found.unplaced) == (inside, outside, 1600)
    assert (found.whole, found.surplus, found.in_several) == (5670, surplus, 2)
    assert total(found) == found.whole + found.surplus
    assert found.rule.chosen == rule


def test_split_of_numbers_that_are_no_counts():
    found = roll_up(pd.Series([10.0, 20, 40, 800, 1600, 3200]), HOUSES, TWO, "split_by_share")
    assert [*found.inside, found.outside] == pytest.approx([17.5, 32.5, 4020.0], rel=1e-4)


def test_a_missing_value_makes_its_area_unknown_and_the_rest_still_adds_up():
    found = roll_up(pd.Series([NAN, 20.0, 40.0, NAN, 1.0, 2.0]), HOUSES, TWO)
    assert found.inside.tolist() == pytest.approx([NAN, 40.0], nan_ok=True)
    assert (found.known.tolist(), found.unknown.tolist(), found.unknown_elsewhere) == ([20.0, 40.0], [1, 0], 1)
    assert total(found) == found.whole == 63.0


@pytest.mark.parametrize("rule", ROLL_UP_RULES)
def test_nothing_in_nothing(rule):
    nothing = gpd.GeoSeries([], crs=4326)
    assert roll_up(pd.Series([], dtype=int), nothing, TWO, rule).inside.tolist() == [0, 0]
    assert roll_up(pd.Series([3]), series(Point(0, 0)), nothing, rule).outside == 3


def test_a_line_goes_where_most_of_it_lies():
    road = series(LineString([(0.9, 0.5), (1.5, 0.5)]))
    assert roll_up(pd.Series([6.0]), road, TWO).inside.tolist() == [0.0, 6.0]
    assert roll_up(pd.Series([6.0]), road, TWO, "split_by_share").inside.tolist() == pytest.approx([1.0, 5.0])


def test_ids_of_numbers_are_ordered_as_numbers():
    areas = TWO.set_axis([10, 9])
    assert roll_up(pd.Series([1]), series(Point(1, 0.5)), areas).inside.to_dict() == {10: 0, 9: 1}


def test_where_areas_overlap_the_shares_are_scaled():
    areas = series(box(0, 0, 1, 1), box(0, 0, 1, 1))
    assert roll_up(pd.Series([5.0]), series(box(0, 0, 1, 1)), areas, "split_by_share").inside.tolist() == [2.5, 2.5]
    assert roll_up(pd.Series([5]), series(box(0, 0, 1, 1)), areas, "split_by_share").inside.tolist() == [3, 2]


def test_two_combs_are_unplaced_and_hide_nobody():
    areas = gpd.GeoSeries([comb(400), box(0, -1, 1, 0)], index=["comb", "box"], crs=4326)
    found = roll_up(pd.Series([7, 5]), series(comb(400, flipped=True), box(0.4, -0.9, 0.6, -0.1)), areas)
    assert (found.inside["box"], found.unplaced, found.whole) == (5, 7, 12)
    assert found.refused == ((0, "comb", "their borders cross too often"),)


def test_spread_shows_every_rule():
    found = spread(pd.Series([10, 20, 40, 800, 1600, 3200]), HOUSES, TWO)
    assert found.columns.tolist() == [*ROLL_UP_RULES, "least", "most"]
    assert found[["least", "most"]].to_numpy().tolist() == [[18, 30], [32, 3270]]


def test_a_chain_keeps_the_whole_and_what_is_unknown():
    cells = gpd.GeoSeries([box(x / 2, 0, x / 2 + 0.5, 1) for x in range(5)], crs=4326)
    homes = series(Point(0.2, 0.5), Point(1.7, 0.5), Point(2.2, 0.5), Point(7, 7), Point(0.7, 0.5))
    steps = roll_up_chain(pd.Series([1.0, 2.0, 4.0, 8.0, NAN]), homes, [cells, TWO, series(box(0, 0, 2, 1))])
    assert [total(step) for step in steps] == [step.whole for step in steps] == [15.0] * 3
    assert steps[1].inside.tolist() == pytest.approx([NAN, 2.0], nan_ok=True)
    assert [step.outside for step in steps] == [8.0, 12.0, 12.0]
    assert steps[2].unknown.tolist() == [1]


def test_a_tally_by_class_adds_up_and_can_weigh():
    readings = pd.DataFrame({"value": ["high", "low", None, None, None, "odd"], "zones": [1, 1, 1, 0, 0, 1]})
    found = tally(readings, HOUSES, TWO, order=("high", "low"), weights=pd.Series([1, 2, 4, 8, 16, 32]))
    assert found.inside.to_dict("list") == {"high": [1, 0], "low": [2, 0], "none": [0, 0], "unknown": [0, 4]}
    whole = [1, 2, 8, 52]  # the house nowhere is unknown
    assert (found.inside.sum() + found.outside + found.unplaced).tolist() == found.whole.tolist() == whole


def test_faults_of_areas():
    sound = area_faults(TWO)
    assert (len(sound.overlapping), sound.holes, sound.holes_m2) == (0, 0, 0.0)
    ring = box(0, 0, 3, 3) - box(1, 1, 2, 2)
    found = area_faults(gpd.GeoSeries([ring, box(2, 0, 4, 3)], index=["r", "s"], crs=4326))
    metric = gpd.GeoSeries([box(2, 0, 3, 3), box(1, 1, 2, 2)], crs=4326).to_crs(6933).area
    assert found.overlapping.to_numpy().tolist() == [["r", "s", pytest.approx(metric[0])]]
    assert (found.holes, found.holes_m2) == (1, pytest.approx(metric[1]))


@pytest.mark.parametrize(
    ("values", "areas", "rule", "text"),
    [
        (pd.Series([1]), TWO, "nearest", "no such rule.*expected: largest_share"),
        (pd.Series([1, 2]), TWO, "touch", "not those of the objects.*got: 2 values, 1 objects"),
        (pd.Series([1], index=["x"]), TWO, "touch", "not those of the objects"),
        (pd.Series(["many"]), TWO, "touch", "no numbers"),
        (pd.Series([math.inf]), TWO, "touch", "infinite"),
        (pd.Series([1]), TWO.set_axis(["a", "a"]), "touch", "an id stands twice; where: roll_up, areas"),
    ],
)
def test_what_is_refused(values, areas, rule, text):
    with pytest.raises(ParameterError, match=text):
        roll_up(values, series(Point(0, 0)), areas, rule)


def test_the_wrong_crs_is_refused():
    with pytest.raises(CrsError, match="to_crs"):
        roll_up(pd.Series([1]), series(Point(0, 0)), TWO.to_crs(3857))


# --- counted cells -----------------------------------------------------------------------------------------------

SPOT = st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(1, 4), st.integers(1, 4))
PLACES = [(0, 0, 4, 4), (4, 0, 4, 4), (0, 4, 4, 4)]


def shape(spot):
    west, south, wide, tall = spot
    return box(west * 1e-3, south * 1e-3, (west + wide) * 1e-3, (south + tall) * 1e-3)


def cells(spot):
    west, south, wide, tall = spot
    return {(x, y) for x in range(west, west + wide) for y in range(south, south + tall)}


AREAS = gpd.GeoSeries([shape(place) for place in PLACES], index=["p", "q", "r"], crs=4326)


@settings(max_examples=40, deadline=None)
@given(spots=st.lists(st.tuples(SPOT, st.integers(0, 50)), min_size=1, max_size=8), seed=st.integers(0, 99))
def test_every_rule_keeps_the_whole_in_any_order(spots, seed):
    things, counts = series(*[shape(spot) for spot, _ in spots]), pd.Series([count for _, count in spots])
    rows = np.random.default_rng(seed).permutation(len(spots))
    for rule in ROLL_UP_RULES:
        found = roll_up(counts, things, AREAS, rule)
        assert sum(found.inside) + found.outside == sum(counts) + found.surplus
        again = roll_up(counts.iloc[rows[::-1]], things.iloc[rows], AREAS.iloc[::-1], rule)
        assert again.inside.iloc[::-1].equals(found.inside)
        assert (again.outside, again.surplus) == (found.outside, found.surplus)


@settings(max_examples=40, deadline=None)
@given(spots=st.lists(st.tuples(SPOT, st.integers(0, 50)), min_size=1, max_size=8))
def test_split_by_counting_cells(spots):
    things = series(*[shape(spot) for spot, _ in spots])
    found = roll_up(pd.Series([float(count) for _, count in spots]), things, AREAS, "split_by_share")
    for place, sum_inside in zip(PLACES, found.inside, strict=True):
        expected = sum(count * len(cells(spot) & cells(place)) / len(cells(spot)) for spot, count in spots)
        assert sum_inside == pytest.approx(expected, abs=1e-4)
    assert total(found) == pytest.approx(found.whole, rel=1e-14)


def test_an_object_without_a_place_is_unknown_not_clear_of_every_zone():
    houses = gpd.GeoSeries([Point(0.5, 0.5), None, Polygon()], crs=4326)
    readings = pd.DataFrame({"value": [None] * 3, "zones": [0] * 3})
    found = tally(readings, houses, TWO, "centroid", order=("high",))
    assert found.inside.loc["a"].to_dict() == {"high": 0, "none": 1, "unknown": 0}
    assert found.unplaced.to_dict() == {"high": 0, "none": 0, "unknown": 2}
