"""What is measured again after a change equals what is measured from scratch, to the last bit; and it is little."""

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, box

from geo_risk.model import Factor
from geo_risk.risk.changes import measured, measured_again, narrowed
from geo_risk.risk.measures import MEASURES


def frame(shapes, index, **columns):
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(list(shapes), crs=4326, index=index), index=index)


def cell(column, row, width=1.0, height=1.0):
    return box(0.01 * column, 0.01 * row, 0.01 * (column + width), 0.01 * (row + height))


def factor(measure):
    return Factor(id="f", role="hazard", measure=measure, column="n", unit="", title={})


NINE = frame([cell(x, y) for x in range(3) for y in range(3)], [f"p{x}{y}" for x in range(3) for y in range(3)], n=np.arange(9.0))
SHAPE = st.one_of(
    st.builds(lambda x, y, w, h: cell(x / 7, y / 7, w / 7, h / 7), *[st.integers(-3, 22)] * 2, *[st.integers(1, 9)] * 2),
    st.builds(lambda x, y: Point(0.005 * x, 0.005 * y), st.integers(-2, 8), st.integers(-2, 8)),
    st.builds(lambda x, y: Point(0.013 + x / 1e4, 0.01 + y / 1e4).buffer(0.007), st.integers(0, 40), st.integers(0, 40)),
    st.none(),
)
NUMBER = st.sampled_from([0.0, 0.3, 1.0, 2.0, np.nan])
ROW = st.tuples(SHAPE, NUMBER, NUMBER)
NAMES = [f"f{n}" for n in range(8)]
CITY = st.dictionaries(st.sampled_from(NAMES), ROW, min_size=1)
CHANGES = st.lists(st.tuples(st.sampled_from(NAMES), st.one_of(st.none(), ROW)), min_size=1, max_size=4)


def rows(city):
    names = sorted(city)
    return frame([city[n][0] for n in names], names, n=[city[n][1] for n in names], occupancy=[city[n][2] for n in names])


def changed(city, changes):
    now = dict(city)
    for name, row in changes:
        now.pop(name, None)
        if row is not None:
            now[name] = row
    return now


@pytest.mark.parametrize("measure", MEASURES)
@settings(max_examples=30, deadline=None)
@given(city=CITY, sequence=st.lists(CHANGES, min_size=1, max_size=3))
def test_equal_to_scratch_through_any_changes_of_features(measure, city, sequence):
    known = measured(NINE, rows(city), factor(measure))
    for changes in sequence:
        city = changed(city, changes)
        known, _ = measured_again(known, NINE, rows(city), factor(measure))
        assert known.raw.equals(measured(NINE, rows(city), factor(measure)).raw)


@pytest.mark.parametrize("measure", MEASURES)
@settings(max_examples=20, deadline=None)
@given(city=CITY, moves=st.dictionaries(st.sampled_from([*NINE.index, "new"]), SHAPE, min_size=1, max_size=3))
def test_equal_to_scratch_when_places_change(measure, city, moves):
    known = measured(NINE, rows(city), factor(measure))
    shapes = {**dict(zip(NINE.index, NINE.geometry, strict=True)), **moves}
    places = frame(shapes.values(), list(shapes), n=np.arange(float(len(shapes)))).iloc[::-1]
    now, _ = measured_again(known, places, rows(city), factor(measure))
    assert now.raw.equals(measured(places, rows(city), factor(measure)).raw)


@pytest.mark.parametrize("measure", [name for name in MEASURES if name != "own_value"])
@settings(max_examples=20, deadline=None)
@given(city=CITY, picks=st.lists(st.booleans(), min_size=9, max_size=9))
def test_narrowed_frames_give_the_wanted_places_the_same(measure, city, picks):
    wanted = np.array(picks)
    near_places, near_rows = narrowed(NINE, rows(city), measure, wanted)
    found = MEASURES[measure](near_places, near_rows, "n")
    assert found[NINE.index[wanted]].equals(MEASURES[measure](NINE, rows(city), "n")[wanted])


FAR_APART = {"a": (cell(0.2, 0.2, 0.5, 0.5), 1.0, 0.0), "b": (cell(2.2, 2.2, 0.5, 0.5), 1.0, 0.0)}


@pytest.mark.parametrize(
    ("measure", "places_measured"),
    [("share_in_zones", 1), ("mean_depth_m_in_zones", 1), ("sum_inside", 1), ("distance_m_to_nearest", 6), ("own_value", 9)],
)
def test_only_what_the_change_touches_is_measured(measure, places_measured):
    """b moves within its place; the 6 places that had b as their nearest look again, the 3 nearer to a do not."""
    moved = FAR_APART | {"b": (cell(2.3, 2.3, 0.5, 0.5), 2.0, 0.0)}
    _, count = measured_again(measured(NINE, rows(FAR_APART), factor(measure)), NINE, rows(moved), factor(measure))
    assert count == places_measured


def test_nothing_changed_measures_nothing():
    known = measured(NINE, rows(FAR_APART), factor("share_in_zones"))
    assert measured_again(known, NINE, rows(FAR_APART), factor("share_in_zones"))[1] == 0
