import math

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo_risk.errors import ParameterError
from geo_risk.hazard.contacts import area_contacts
from geo_risk.hazard.grid import Grid
from geo_risk.hazard.shares import crowded, shared_sum, whole_numbers

GRID = Grid(crs=pyproj.CRS(32650), x=0.0, y=0.0, dx=1.0, dy=1.0, columns=8, rows=6)


@pytest.mark.parametrize("count", [1, 5, 40])
def test_parts_and_outside_are_the_whole_exactly(count):
    made = np.random.default_rng(count)
    people = made.lognormal(3, 2, 48)
    towns = shapely.buffer(shapely.points(made.uniform([-1, -1], [9, 7], (count, 2))), made.uniform(0.2, 1.5, count))
    parts, outside = shared_sum(area_contacts(GRID, towns), people)
    assert math.fsum([*np.nan_to_num(parts), outside]) == math.fsum(people)
    assert outside >= -1e-9


def test_areas_that_overlap_share_a_cell_and_a_hole_between_areas_is_outside():
    towns = area_contacts(GRID, [shapely.box(0, 0, 1, 1), shapely.box(0, 0, 1, 1), shapely.box(2, 0, 3, 0.5)])
    parts, outside = shared_sum(towns, np.where(np.arange(48) < 3, 10.0, 0.0))
    assert (parts.tolist(), outside) == ([5.0, 5.0, 5.0], 15.0)
    assert crowded(towns).to_numpy().tolist() == [[0.0, 2.0, 2.0]]


def test_unknown_cells_add_nothing_and_an_area_of_unknown_alone_is_unknown():
    people = np.full(48, 1.0)
    people[:2] = np.nan
    towns = [shapely.box(0, 0, 2, 1), shapely.box(1, 0, 3, 1), shapely.box(99, 0, 100, 1)]
    parts, outside = shared_sum(area_contacts(GRID, towns), people)
    assert np.isnan(parts).tolist() == [True, False, True]
    assert (parts[1], outside) == (1.0, 45.0)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_whole_numbers_sum_to_the_total_and_move_none_by_one_or_more(parts):
    total = round(math.fsum(parts))
    found = whole_numbers(parts, total)
    assert found.sum() == total
    assert (np.abs(found - parts) < 1 + 1e-6).all()


def test_equal_remainders_go_to_the_larger_then_the_earlier_part():
    assert whole_numbers([0.5, 2.5, 0.5, 0.5], 4).tolist() == [1, 3, 0, 0]
    assert whole_numbers([2.9999999999, np.nan], 3).tolist() == [3, 0]


def test_equal_remainders_go_by_rank_where_there_is_one():
    assert whole_numbers([0.5, 2.5, 0.5], 4, rank=[2, 1, 0]).tolist() == [0, 3, 1]
    assert whole_numbers([0.4, 0.4, 0.2], 1, rank=[0, 1, 2]).tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("parts", "total", "message"), [([-1.0, 2.0], 1, "a part is negative.*got: -1.0"), ([1.0, 2.0], 9, "no rounding")]
)
def test_parts_that_cannot_be_rounded_are_refused(parts, total, message):
    with pytest.raises(ParameterError, match=message):
        whole_numbers(parts, total)
