"""The features behind a figure: their parts add up to it, by hand and for random towns."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, box

from geo_risk.errors import NotFound
from geo_risk.model import Factor
from geo_risk.risk.changes import REACH
from geo_risk.risk.contributions import CONTRIBUTIONS
from geo_risk.risk.explain import evidence
from geo_risk.risk.measures import MEASURES, RULES_OF_MEASURE


def frame(shapes, index=None, **columns):
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(list(shapes), crs=4326, index=index), index=index)


def cell(column, row=0, width=1.0, height=1.0):
    return box(0.01 * column, 0.01 * row, 0.01 * (column + width), 0.01 * (row + height))


TWO = frame([cell(0), cell(1)], index=["a", "b"], population=[7.0, np.nan])
MIDDLE, EDGE = Point(0.005, 0.005), Point(0.01, 0.005)


def test_every_measure_can_be_taken_apart_and_brought_forward():
    assert set(MEASURES) == set(CONTRIBUTIONS) == set(RULES_OF_MEASURE) == set(REACH)


@pytest.mark.parametrize(
    ("measure", "features", "column", "parts"),
    [
        ("share_in_zones", frame([cell(0, width=0.5), cell(0.25, width=0.75)], index=["w", "e"]), None,
         [("a", "e", 0.75, 0.75, 0.75), ("a", "w", 0.5, 0.5, 0.25)]),
        ("share_in_zones", frame([cell(0, width=0.5), cell(0, width=0.5)], index=["x", "y"]), None,
         [("a", "x", 0.5, 0.5, 0.5), ("a", "y", 0.5, 0.5, 0.0)]),
        ("mean_depth_m_in_zones", frame([cell(0), cell(0, width=0.5)], index=["wide", "deep"], d=[1.0, 3.0]), "d",
         [("a", "deep", 3.0, 0.5, 1.5), ("a", "wide", 1.0, 1.0, 0.5)]),
        ("mean_depth_m_in_zones", frame([cell(0, width=0.5)], index=["x"], d=[np.nan]), "d", [("a", "x", np.nan, 0.5, np.nan)]),
        ("sum_inside", frame([MIDDLE, EDGE, Point(9, 9)], index=["in", "edge", "out"], n=[4.0, 10.0, 99.0]), "n",
         [("a", "in", 4, 1, 4), ("a", "edge", 10, 0.5, 5), ("b", "edge", 10, 0.5, 5)]),
        ("count_inside", frame([EDGE], index=["edge"]), None, [("a", "edge", 1, 0.5, 0.5), ("b", "edge", 1, 0.5, 0.5)]),
        ("free_places_inside", frame([MIDDLE], index=["s"], capacity=[9.0], occupancy=[4.0]), "capacity", [("a", "s", 5, 1, 5)]),
        ("own_value", TWO, "population", [("a", "a", 7, 1, 7), ("b", "b", np.nan, 1, np.nan)]),
    ],
)
def test_parts_by_hand(measure, features, column, parts):
    found = CONTRIBUTIONS[measure](TWO, features, column)
    assert list(zip(found["place"], found["feature"], strict=True)) == [part[:2] for part in parts]
    expected = np.array([part[2:] for part in parts], dtype=float)
    assert found[["value", "share", "contribution"]].to_numpy(float) == pytest.approx(expected, abs=1e-5, nan_ok=True)


def test_the_nearest_of_two_equally_near_is_the_first_by_id():
    east, west = Point(0.005 + 0.02, 0.005), Point(0.005 - 0.02, 0.005)
    found = CONTRIBUTIONS["distance_m_to_nearest"](TWO.iloc[:1], frame([east, west, Point(5, 5)], index=["z", "m", "a"]), None)
    assert found["feature"].tolist() == ["m"]
    assert found["contribution"].tolist() == pytest.approx([0.02 * 111_319.49], rel=1e-6)


@pytest.mark.parametrize("measure", MEASURES)
def test_nothing_behind_an_empty_layer_or_a_place_without_shape(measure):
    nothing = frame([None], index=["x"], n=[1.0])
    places = frame([None], index=["x"], n=[1.0])
    found = CONTRIBUTIONS[measure](places, nothing, "n")
    assert found.empty or measure == "own_value"
    assert list(found.columns) == ["place", "feature", "value", "share", "contribution"]


RECTANGLE = st.tuples(st.integers(-1, 4), st.integers(-1, 4), st.integers(1, 4), st.integers(1, 4))
ROWS = st.lists(st.tuples(RECTANGLE, st.sampled_from([0.0, 0.5, 1.0, 2.0, None])), min_size=1, max_size=7)
FOUR = frame([cell(x, y, 2, 2) for x in (0, 2) for y in (0, 2)], index=list("abcd"), n=[1.0, 2.0, 3.0, np.nan])


@pytest.mark.parametrize("measure", [name for name in MEASURES if name != "own_value"])
@settings(max_examples=20, deadline=None)
@given(rows=ROWS)
def test_parts_add_up_to_the_figure(measure, rows):
    shapes = [cell(*rectangle) for rectangle, _ in rows]
    features = frame(shapes, index=[f"f{n}" for n in range(len(rows))], n=np.array([value for _, value in rows], dtype=float))
    raw = MEASURES[measure](FOUR, features, "n")
    sums = CONTRIBUTIONS[measure](FOUR, features, "n").groupby("place")["contribution"].sum(skipna=False)
    assert sums.reindex(FOUR.index, fill_value=0.0).tolist() == pytest.approx(raw.tolist(), nan_ok=True, abs=1e-9)


def factor(measure, column=None, **where):
    return Factor(id="f", role="hazard", measure=measure, column=column, unit="", title={}, where=where)


@pytest.mark.parametrize("measure", [name for name in MEASURES if name != "own_value"])
@settings(max_examples=12, deadline=None)
@given(rows=ROWS, top=st.integers(0, 4))
def test_evidence_of_one_place_is_the_same_as_among_all(measure, rows, top):
    features = frame([cell(*rectangle) for rectangle, _ in rows], n=np.array([value for _, value in rows], dtype=float))
    raw = MEASURES[measure](FOUR, features, "n")
    for found in evidence(FOUR, features, factor(measure, "n"), list("ca"), top):
        parts = [*(each.contribution for each in found.shown), found.rest]
        total = np.nan if None in parts else sum(parts)
        assert total == pytest.approx(raw[found.place], nan_ok=True, abs=1e-9)
        assert len(found.shown) == min(top, found.features)


def test_evidence_keeps_to_the_factors_features_and_shows_the_unknown_first():
    points = frame([Point(0.005, 0.005)] * 4, index=list("wxyz"), n=[50.0, None, 4.0, 900.0], open=[True, True, True, False])
    found, = evidence(TWO, points, factor("sum_inside", "n", open=(True,)), ["a"], top=2)
    assert [(each.feature, each.contribution) for each in found.shown] == [("x", None), ("w", 50.0)]
    assert (found.features, found.rest) == (3, 4.0)


def test_evidence_of_a_place_that_is_not():
    with pytest.raises(NotFound, match="no such place; where: evidence; expected: ids of 2 places; got: nowhere"):
        evidence(TWO, TWO, factor("count_inside"), ["nowhere"])


def test_a_missing_value_is_unknown_whatever_its_dtype():
    points = frame([Point(0.005, 0.005)], n=pd.array([None], dtype="Int64"))
    found, = evidence(TWO, points, factor("sum_inside", "n"), ["a"])
    assert found.shown[0].value is None
