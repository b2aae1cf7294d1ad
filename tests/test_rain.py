"""Rain over windows: sums a reader can do, and loops over every reading as the oracle."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.errors import ParameterError
from geo_risk.hazard.rain import accumulate, accumulate_cube, from_counter, known_at, over_areas

START = pd.Timestamp("2026-06-20T00:00+08:00")


def after(minutes: float) -> pd.Timestamp:
    return START + pd.Timedelta(minutes=minutes)


def readings(*rows: tuple[float, float, float], station: str = "a") -> pd.DataFrame:
    """Rows of (minutes after the start, mm, minutes that the reading covers)."""
    frame = pd.DataFrame(rows, columns=["after", "value", "minutes"]).assign(station=station)
    return frame.assign(time=[after(each) for each in frame["after"]])


def test_five_minutes_and_hours_add_up() -> None:
    found = accumulate(readings((60, 10.0, 60), (65, 1.5, 5), (70, 0.5, 5)), (1, 3), at=pd.DatetimeIndex([after(70)]))
    assert found["mm_at_least"].tolist() == [2.0, 12.0]
    assert found["missing_share"].tolist() == pytest.approx([50 / 60, 110 / 180])


def test_a_hundred_tenths_of_a_millimetre_are_ten_millimetres() -> None:
    found = accumulate(readings(*((6 * (n + 1), 0.1, 6) for n in range(100))), (10,))
    assert found["mm_at_least"].iloc[-1] == 10.0
    assert found["missing_share"].iloc[-1] == 0.0


def test_rain_of_a_longer_stretch_may_have_fallen_outside_the_window() -> None:
    found = accumulate(readings((180, 90.0, 180)), (1, 3))
    assert found["mm_at_least"].isna().tolist() == [True, False]
    assert found["missing_share"].tolist() == [1.0, 0.0]


def test_a_gap_makes_a_lower_bound_and_nothing_known_is_nan() -> None:
    at = pd.DatetimeIndex([after(120), after(600)])
    found = accumulate(readings((60, 5.0, 60), (120, np.nan, 60)), (2,), at=at)
    assert found["mm_at_least"].tolist()[0] == 5.0
    assert found["missing_share"].tolist() == [0.5, 1.0]
    assert np.isnan(found["mm_at_least"].iloc[1])


def test_stations_do_not_mix_and_the_zone_is_kept() -> None:
    both = pd.concat([readings((60, 5.0, 60)), readings((60, 7.0, 60), station="b")])
    found = accumulate(both, (24,))
    assert found[["station", "mm_at_least"]].to_numpy().tolist() == [["a", 5.0], ["b", 7.0]]
    assert found["time"].dt.tz is both["time"].dt.tz


def test_a_counter_that_fell_was_reset_and_gives_a_lower_bound() -> None:
    totals = readings((0, 5, 0), (60, 12, 0), (120, 3, 0), (180, 3, 0), (240, np.nan, 0), (300, 10, 0))
    found = from_counter(totals.drop(columns="minutes"))
    assert found[["value", "minutes", "at_least"]].to_numpy().tolist() == [
        [7.0, 60.0, False], [3.0, 60.0, True], [0.0, 60.0, False], [7.0, 120.0, False],
    ]  # fmt: skip
    five_h = accumulate(found, (5,)).iloc[-1]
    assert (five_h["mm_at_least"], five_h["missing_share"]) == (17.0, pytest.approx(0.2))


def test_what_was_known_leaves_out_what_came_later() -> None:
    all_of_them = readings((60, 5.0, 60), (120, 7.0, 60)).assign(received_at=[after(300), pd.NaT])
    assert known_at(all_of_them, after(200))["value"].tolist() == [7.0]
    assert known_at(all_of_them, after(300))["value"].tolist() == [5.0, 7.0]


def test_no_rain_in_a_longer_stretch_is_none_in_its_parts() -> None:
    found = accumulate(readings((180, 0.0, 180)), (1, 6), at=pd.DatetimeIndex([after(150), after(240)]))
    assert found["mm_at_least"].fillna(-1).tolist() == [0.0, 0.0, -1, 0.0]
    assert found["missing_share"].tolist() == pytest.approx([0.0, 3.5 / 6, 1.0, 0.5])


LONG, GAP = st.sampled_from([5, 10, 60, 180]), st.sampled_from([0, 0, 5, 70, 400])
INTERVALS = st.lists(st.tuples(LONG, GAP, st.sampled_from([0.0, 0.1, 0.254, 3.7, np.nan])), min_size=1, max_size=40)


def by_loop(rows: list[tuple[float, float, float]], at: float, window: float) -> tuple[float, float]:
    inside = [(mm, long) for end, mm, long in rows if end - long >= at - window and end <= at and not np.isnan(mm)]
    edges = [(end - long, end) for end, mm, long in rows if mm == 0 and (end - long < at - window or end > at)]
    inside += [(0.0, min(end, at) - max(start, at - window)) for start, end in edges if min(end, at) > max(start, at - window)]
    return (sum(mm for mm, _ in inside) if inside else np.nan, 1 - sum(long for _, long in inside) / window)


@settings(max_examples=40, deadline=None)
@given(INTERVALS, st.sampled_from([1, 3, 6, 12, 24]), st.randoms())
def test_it_agrees_with_a_loop_over_every_reading_in_any_order(series, window_h, chance):
    end, rows = 0.0, []
    for long, gap, mm in series:
        end += gap + long
        rows.append((end, mm, float(long)))
    shuffled = chance.sample(rows, len(rows))
    at = [row[0] for row in rows] + [row[0] - 30 for row in rows] + [end + 30]
    at = sorted(set(at))
    found = accumulate(readings(*shuffled), (window_h,), at=pd.DatetimeIndex([after(each) for each in at]))
    if found.empty:
        assert all(np.isnan(mm) for _, mm, _ in rows)
        return
    expected = np.array([by_loop(rows, each, window_h * 60.0) for each in at])
    np.testing.assert_allclose(found[["mm_at_least", "missing_share"]].to_numpy(), expected, atol=1e-9)


def test_hourly_sums_equal_those_of_pandas() -> None:
    hours = pd.date_range(START, periods=200, freq="h")
    mm = np.random.default_rng(3).integers(0, 400, 200) / 10.0
    found = accumulate(pd.DataFrame({"station": "a", "time": hours, "value": mm, "minutes": 60}), (1, 3, 6, 12, 24))
    for hours_long, part in found.groupby("window_h"):
        full = pd.Series(mm).rolling(int(hours_long)).sum().to_numpy()
        np.testing.assert_allclose(part["mm_at_least"].to_numpy()[part["missing_share"] == 0], full[~np.isnan(full)], atol=1e-9)


def test_a_cube_equals_the_rolling_sums_of_xarray(shared_data):
    with xr.open_dataset(shared_data / "rasters" / "test_stageiv_xyt.nc", engine="scipy") as opened:
        rain = next(each for each in opened.data_vars.values() if each.ndim == 3).transpose("time", ...).load()
    mm = np.where(rain.to_numpy() < 0, np.nan, rain.to_numpy()).astype(float)
    ends = pd.DatetimeIndex(rain["time"].to_numpy()).tz_localize("UTC")
    known = xr.DataArray(np.where(np.isnan(mm), 0.0, mm), dims=("time", "y", "x"))
    for sums in accumulate_cube(mm, ends, 1.0, (1, 3, 6, 12)):
        steps = int(sums.window_h)
        theirs = known.rolling(time=steps, min_periods=1).sum().to_numpy()
        np.testing.assert_allclose(np.nan_to_num(sums.mm_at_least), theirs, atol=1e-3 * steps)
        count = xr.DataArray(~np.isnan(mm) * 1.0, dims=("time", "y", "x")).rolling(time=steps, min_periods=1).sum().to_numpy()
        np.testing.assert_allclose(sums.missing_share, 1 - count / steps, atol=1e-12)
    assert len(mm) == 23


def test_a_step_left_out_of_a_cube_is_missing() -> None:
    ends = pd.DatetimeIndex([after(60), after(180)])
    (three,) = accumulate_cube(np.array([[2.0], [4.0]]), ends, 1.0, (3,))
    assert three.mm_at_least.tolist() == [[2.0], [6.0]]
    assert three.missing_share.ravel().tolist() == pytest.approx([2 / 3, 1 / 3])


class Two:
    """Two areas on four cells: the first has one cell and half of the next, the second lies half outside on an unknown one."""

    objects = 3
    of = np.array([0, 0, 1])
    cell = np.array([0, 1, 3])
    amount = np.array([1.0, 0.5, 1.0])
    whole = np.array([1.5, 2.0, 1.0])


def test_areas_take_their_mean_or_their_wettest_cell() -> None:
    mm, missing = np.array([30.0, 60.0, 99.0, np.nan]), np.array([0.0, 0.5, 0.0, 1.0])
    mean = over_areas(mm, missing, Two(), "area_mean")
    most = over_areas(mm, missing, Two(), "max_cell")
    assert mean["mm_at_least"].tolist()[0] == 40.0
    assert mean["missing_share"].tolist() == [pytest.approx(1 - 1.25 / 1.5), 1.0, 1.0]
    assert most["mm_at_least"].tolist()[0] == 60.0
    assert most["missing_share"].tolist() == [0.5, 1.0, 1.0]
    assert mean["mm_at_least"].isna().tolist() == most["mm_at_least"].isna().tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: rows.drop(columns="minutes"), "lack a column; .*got: no minutes"),
        (lambda rows: rows.assign(time=rows["time"].dt.tz_localize(None)), "times have no time zone; .*say the zone"),
        (lambda rows: rows.assign(value=-0.1), "rain is negative or without end; .*got: -0.1"),
        (lambda rows: rows.assign(value=np.inf), "without end"),
        (lambda rows: rows.assign(value=9.96921e36), "without end; .*0 to 1000000"),  # a fill value nobody declared
        (lambda rows: rows.assign(minutes=0), "an interval is out of range"),
        (lambda rows: rows.assign(minutes=np.nan), "an interval is out of range; .*got: nan"),
        (lambda rows: rows.assign(station=None), "no station or no time"),
        (lambda rows: pd.concat([rows, rows]), "two readings of one station overlap; where: station a; .*1 that do not"),
    ],
)
def test_readings_that_cannot_be_summed_are_refused(change, says):
    with pytest.raises(ParameterError, match=says):
        accumulate(change(readings((60, 5.0, 60))))


@pytest.mark.parametrize("window", [0, -1, np.nan, 1e9])
def test_a_window_out_of_range_is_refused(window: float) -> None:
    with pytest.raises(ParameterError, match="a window is out of range"):
        accumulate(readings((60, 5.0, 60)), (window,))


def test_times_asked_for_need_a_zone() -> None:
    with pytest.raises(ParameterError, match="times asked for have no time zone"):
        accumulate(readings((60, 5.0, 60)), at=pd.DatetimeIndex(["2026-06-20"]))


@pytest.mark.parametrize(
    ("mm", "says"),
    [([[1.0]], "do not rise by a step"), ([[1.0], [-1.0]], "got: -1.0"), ([[1.0], [9.96921e36]], "without end; .*declare")],
)
def test_a_cube_that_cannot_be_summed_is_refused(mm: list[list[float]], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        list(accumulate_cube(np.array(mm), pd.date_range(START, periods=2, freq="h"), 1.0, (1,)))


def test_the_wettest_cell_of_an_area_that_reaches_beyond_the_grid_is_a_lower_bound() -> None:
    found = over_areas(np.array([30.0, 60.0, 99.0, 5.0]), np.zeros(4), Two(), "max_cell")
    assert found["missing_share"].tolist() == [0.0, 1.0, 1.0]  # the second lies half outside, the third wholly


def test_an_unknown_rule_of_areas_is_refused() -> None:
    with pytest.raises(ParameterError, match="expected: area_mean, max_cell; got: median"):
        over_areas(np.zeros(4), np.zeros(4), Two(), "median")


def test_no_readings_no_sums() -> None:
    assert accumulate(readings((60, 5.0, 60)).iloc[:0]).empty
    assert accumulate(readings((60, np.nan, 60))).empty
