import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_risk.access.coverage import coverage
from geo_risk.errors import ParameterError

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("there", "back", "state", "seconds"),
    [
        ([[100]], [[140]], 1, 240),
        ([[100]], [[141]], 0, 241),
        ([[INF]], [[1]], 0, INF),
        ([[1]], [[INF]], 0, INF),  # one goes and does not come back
        ([[NAN]], [[1]], -1, NAN),
        ([[NAN, 100]], [[1], [100]], 1, 200),
        ([[NAN, 200]], [[1], [200]], -1, 400),
        ([[INF]], [[NAN]], 0, INF),
    ],
)
def test_there_and_back_in_four_minutes(there, back, state, seconds):
    found = coverage(there, [1], within_s=240, seconds_back=back)
    assert (found.state.tolist(), found.seconds[0]) == ([state], pytest.approx(seconds, nan_ok=True))


def test_people_are_covered_not_covered_undecided_or_uncounted():
    found = coverage([[10], [500], [NAN], [10]], [60, 30, 10, NAN], within_s=100)
    assert (found.covered, found.uncovered, found.undecided, found.uncounted) == (60, 30, 10, 1)
    assert (found.share, found.share_most) == (0.6, 0.7)


def test_to_take_it_off_the_wall_takes_its_time():
    assert coverage([[100]], [1], within_s=220, fetch_s=20).state[0] == 1
    assert coverage([[100]], [1], within_s=220, fetch_s=21).state[0] == 0


def test_nothing_anywhere_covers_nobody_and_nobody_has_no_share():
    found = coverage(np.empty((2, 0)), [3, 4], within_s=60)
    assert (found.state.tolist(), found.nearest.tolist(), found.share) == ([0, 0], [-1, -1], 0)
    assert np.isnan(coverage(np.empty((0, 2)), [], within_s=60).share)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"people": [1.5]}, "people are no whole numbers; where: coverage"), ({"people": [1, 2]}, "do not pair up"),
        ({"within_s": -1}, "a time is none; .* got: within -1 s"), ({"within_s": NAN}, "a time is none"),
        ({"ways": "round"}, "no such rule; where: coverage; expected: there_and_back, one_way"),
        ({"seconds_there": [[-1]]}, "a time is none"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked(change, says):
    asked = {"seconds_there": [[1]], "people": [1], "within_s": 60, "ways": "there_and_back"} | change
    with pytest.raises(ParameterError, match=says):
        coverage(asked["seconds_there"], asked["people"], within_s=asked["within_s"], ways=asked["ways"])


TIME = st.sampled_from([0.0, 30.0, 60.0, 90.0, INF, NAN])


@given(st.lists(st.tuples(st.lists(TIME, min_size=2, max_size=2), st.sampled_from([0, 3, 8, NAN])), min_size=1, max_size=5))
def test_each_place_by_itself(rows):
    found = coverage([times for times, _ in rows], [people for _, people in rows], within_s=120)
    for (times, _), state in zip(rows, found.state, strict=True):
        assert state == (1 if any(2 * at <= 120 for at in times) else -1 if any(at != at for at in times) else 0)
    assert found.covered + found.uncovered + found.undecided == sum(people for _, people in rows if people == people)
