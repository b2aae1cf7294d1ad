"""People by class and area."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geo_risk.errors import ParameterError
from geo_risk.hazard.contacts import Contacts
from geo_risk.impact.people import (
    affected,
    band,
    class_names,
    classes_of,
    count_by_class,
    displaced,
    length_by_class,
    overlap,
    people_band,
    people_by_class,
    people_by_class_and_area,
)

BOUNDS = (0, 0.5, 1)
CELLS = 12


def shares(table):
    """Contacts from a table areas x cells of shares."""
    of, cell = np.nonzero(table)
    amount = np.asarray(table, dtype=float)[of, cell]
    return Contacts(objects=len(table), of=of, cell=cell, amount=amount, whole=np.sum(table, axis=1))


@pytest.mark.parametrize(
    ("depth", "above", "at_least"),
    [
        (-1, "to 0", "to 0"), (0, "to 0", "0 to 0.5"), (0.5, "0 to 0.5", "0.5 to 1"), (1, "0.5 to 1", "over 1"),
        (np.nan, "unknown", "unknown"),
    ],
)
def test_a_bound_belongs_to_the_class_that_is_named(depth, above, at_least):
    names = class_names(BOUNDS)
    assert (names[classes_of(depth, BOUNDS)], names[classes_of(depth, BOUNDS, "from")]) == (above, at_least)


def test_nobody_is_dropped():
    table = people_by_class([[0, 0.2], [9, np.nan]], [[1, 2], [np.nan, 8]], (0, 0.5))
    assert table["people"].tolist() == [1, 2, 0, 8]
    assert table["cells_uncounted"].tolist() == [0, 0, 1, 0]


def test_affected_tells_what_it_does_not_know():
    found = affected([0, 0.1, 1, np.nan], [1, 2, 4, 8], 0.1)
    assert (found.affected, found.not_affected, found.unknown) == (4, 3, 8)
    assert affected([0.1], [2], 0.1, at="from").affected == 2


@pytest.mark.parametrize(
    ("depth", "people", "bounds", "what"),
    [
        ([1], [-1], (0,), "negative or without end; where: 1 cells; .* got: -1.0; .* nodata"), ([1], [np.inf], (0,), "without end"),
        ([1, 2], [1], (0,), "differ in shape; .* expected: 2; got: 1"), ([1], [1], (), "bounds do not cut classes; .* got: none"),
        ([1], [1], (1, 0), "bounds do not cut"), ([1], [1], (0, np.nan), "bounds do not cut"),
    ],
)
def test_unsound_people_and_bounds_are_refused(depth, people, bounds, what):
    with pytest.raises(ParameterError, match=what):
        people_by_class(depth, people, bounds)


def test_an_unknown_side_is_refused():
    with pytest.raises(ParameterError, match=r"no such side of a bound; .* expected: above, from; got: left"):
        classes_of([1], (0,), "left")


@pytest.mark.parametrize("rate", [-1, 100.1, np.nan])
def test_a_per_cent_is_0_to_100(rate):
    with pytest.raises(ParameterError, match="a per cent is not 0 to 100; where: displaced, class wet"):
        displaced(pd.Series({"wet": 1.0}), {"wet": rate})


def test_a_cell_on_a_border_is_split_by_share():
    contacts = shares([[1, 0.25, 0], [0, 0.75, 0]])
    found = people_by_class_and_area(contacts, [1, 1, 0], [4, 8, 5], (0,), index=["a", "b"], whole=False)
    assert found["over 0"].to_dict() == {"a": 6, "b": 6, "outside": 0}
    assert found["to 0"].to_dict() == {"a": 0, "b": 0, "outside": 5}


def test_areas_that_overlap_share_and_nobody_counts_twice():
    contacts = shares([[1.0], [1.0]])
    assert people_by_class_and_area(contacts, [1], [10], (0,))["total"].tolist() == [5, 5, 0]
    assert overlap(contacts, 1) == 1


@settings(max_examples=40)
@given(st.data())
def test_areas_and_outside_sum_to_the_raster_to_the_last_person(data):
    depth = data.draw(arrays(float, CELLS, elements=st.sampled_from([0.0, 0.3, 0.7, 2.0, np.nan])))
    people = data.draw(arrays(float, CELLS, elements=st.floats(0, 1000).map(lambda x: round(x, 3))))
    few, many = (data.draw(arrays(float, (count, CELLS), elements=st.floats(0, 1 / count))) for count in (2, 5))
    tables = [people_by_class_and_area(shares(table), depth, people, BOUNDS) for table in (few, many)]
    plain = [people_by_class_and_area(shares(few), depth, people, BOUNDS, whole=False)]
    assert tables[0].sum().to_dict() == tables[1].sum().to_dict()
    assert tables[0]["total"].sum() == round(people.sum())
    assert (tables[0].iloc[:, :-1] - plain[0].iloc[:, :-1]).abs().to_numpy().max() < 2


@given(st.permutations(range(4)))
def test_the_order_of_areas_does_not_matter(order):
    table, names = np.full((4, 1), 0.25), np.array(["d", "a", "c", "b"])
    found = people_by_class_and_area(shares(table[order]), [1], [2], (0,), index=names[order])
    assert found["total"].to_dict() == {"a": 1, "b": 1, "c": 0, "d": 0, "outside": 0}


def test_contacts_of_another_grid_are_refused():
    with pytest.raises(ParameterError, match=r"the contacts are of another grid; .* expected: cells 0 to 0; got: 0 to 1"):
        people_by_class_and_area(shares([[1.0, 1.0]]), [1], [1], (0,))


def test_the_band_names_the_choices_at_its_ends():
    covered, centre = shares([[1, 0.5]]), shares([[1.0, 0.0]])
    found = people_band({"covered": covered, "centre": centre}, [0.05, 1], [10, 20], (0, 0.5), index=["a"]).loc[("a", "over 0.5")]
    assert (found["low"], found["high"]) == (0, 10)
    assert found["low_by"].startswith("cells=centre")
    dry = people_band({"covered": covered}, [0.05, 1], [10, 20], (0, 0.5), index=["a"]).loc[("a", "to 0")]
    assert (dry["low_by"], dry["high_by"]) == ("cells=covered at=above dry=0", "cells=covered at=above dry=0.1")


def test_a_band_of_unknown_is_unknown():
    assert np.isnan(band({"a": pd.Series([np.nan]), "b": pd.Series([1.0])})["low"]).all()


def test_metres_of_road_by_class_and_off_the_raster():
    roads = Contacts(
        objects=2, of=np.array([0, 0, 1]), cell=np.array([0, 1, 5]), amount=np.array([3.0, 4.0, 2.0]), whole=np.array([8.0, 2.0]),
    )
    found = length_by_class(roads, [0.0, 0.7, np.nan], BOUNDS)
    assert found.to_numpy().tolist() == [[3, 0, 4, 0, 1], [0, 0, 0, 0, 2]]
    assert found.sum(axis=1).tolist() == roads.whole.tolist()


def test_facilities_are_counted_with_the_unknown():
    assert count_by_class([0, 0.6, np.nan], BOUNDS).tolist() == [1, 0, 1, 0, 1]


@pytest.mark.parametrize("people", [1e300, 1e19])
def test_people_that_leave_whole_numbers_are_refused(people: float) -> None:
    with pytest.raises(ParameterError, match=r"people are more than can be counted; .*at most 1000000000000 in all"):
        people_by_class([1.0], [people], (0,))


def test_classes_of_near_bounds_have_names_of_their_own() -> None:
    assert class_names((1.0000001, 1.0000002)) == ("to 1.0000001", "1.0000001 to 1.0000002", "over 1.0000002", "unknown")
