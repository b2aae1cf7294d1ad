import numpy as np
import pytest

from geo_risk.access.depots import stock_by, stock_curve, unknown_depots
from geo_risk.errors import ParameterError

NAN, INF = np.nan, np.inf
SECONDS, STOCK = [[600, 900], [900, INF], [60, NAN], [INF, 60]], [10, 5, NAN, 7]


def test_stock_by_a_time_is_what_has_come_to_the_second():
    found = stock_by(SECONDS, STOCK, [60, 600, 900])
    assert found.to_numpy().tolist() == [[0, 10, 15], [7, 7, 17]]
    assert unknown_depots(SECONDS, STOCK).tolist() == [1, 1]
    assert unknown_depots([[INF]], [NAN]).tolist() == [0]


def test_the_curve_ends_at_all_that_can_come():
    for place in (0, 1):
        curve = stock_curve([row[place] for row in SECONDS], STOCK, ["a", "b", "c", "d"])
        assert curve["total"].iloc[-1] == stock_by(SECONDS, STOCK, [1e9]).iloc[place, 0]
        assert curve["at_s"].is_monotonic_increasing


def test_equal_times_stand_by_id_and_none_is_an_empty_curve():
    assert list(stock_curve([60, 60], [1, 2], ["b", "a"]).index) == ["a", "b"]
    assert stock_curve([], [], []).empty
    assert stock_by(np.empty((0, 2)), [], [60]).to_numpy().tolist() == [[0], [0]]


@pytest.mark.parametrize(("seconds", "stock"), [([[1]], [1, 2]), ([[-1]], [1]), ([[1]], [-1]), ([[1]], [INF])])
def test_stock_of_no_sense_is_refused(seconds, stock):
    with pytest.raises(ParameterError, match="times and stock do not pair up, or are below 0 or endless; where: depots"):
        stock_by(seconds, stock, [60])
