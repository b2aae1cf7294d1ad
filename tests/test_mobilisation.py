"""A promise of help within a time, proven or refuted, against sums by hand and by brute force."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.access.mobilisation import arrivals, arriving, compare, promise, prove, units
from geo_risk.errors import ParameterError

NAN, INF = np.nan, np.inf


def stated(seconds, people, target, within_s=100, **more):
    teams, places = ([f"t{i}" for i in range(len(seconds))], [f"p{i}" for i in range(len(seconds[0]))])
    amounts = {"people": people, **{name: own for name, (own, _) in more.items()}}
    return promise(
        seconds, amounts, {"people": target, **{name: wanted for name, (_, wanted) in more.items()}}, within_s=within_s,
        teams=teams, places=places,
    )


def test_a_promise_that_holds_to_the_second_and_the_person():
    found = prove(stated([[100, 100], [40, 60]], [3, 5], 8))
    assert (found.state, found.places["teams"].tolist(), found.places["at_s"].tolist()) == ("proven", [2, 2], [100, 100])
    assert (found.worst.place, found.worst.shortfall, found.changes.more) == ("p0", 0, ())


def test_a_second_late_or_a_person_short_refutes_it():
    assert prove(stated([[100.5]], [8], 8)).state == prove(stated([[100]], [7], 8)).state == "refuted"


def test_the_worst_place_is_where_the_least_share_of_a_target_comes():
    found = prove(stated([[10, 10], [10, 999]], [50, 50], 100, boats=([1, 0], 4)))
    assert (found.worst.place, found.worst.need, found.worst.shortfall) == ("p0", "boats", 3)
    assert found.shortfall.to_numpy().tolist() == [[0, 3], [50, 3]]


def test_the_least_time_and_the_greatest_target_make_it_true_and_no_less_does():
    seconds, people = [[50, 300], [200, 150], [400, INF]], [10, 20, 30]
    found = prove(stated(seconds, people, 30))
    assert (found.changes.within_s, found.changes.targets) == (300, {"people": 0})
    assert prove(stated(seconds, people, 30, within_s=300)).state == "proven"
    assert prove(stated(seconds, people, 30, within_s=299.999)).state == "refuted"


def test_what_can_never_come_has_no_time_limit():
    found = prove(stated([[10, INF]], [5], 5))
    assert (found.changes.within_s, found.places["at_s"].tolist()) == (INF, [10, INF])
    assert found.changes.more[0].beyond == ("p1",)


def test_one_base_that_reaches_all_that_is_short_needs_the_greatest_shortfall():
    found = prove(stated([[10, 90, 200], [99, 20, 30]], [5, 1], 6)).changes.more[0]
    assert (found.added, found.one_base, found.exact) == ((("t1", 5),), True, True)


@pytest.mark.parametrize(
    ("seconds", "people", "state"),
    [
        ([[10], [NAN]], [6, 4], "unknown"),  # it may be in time
        ([[10], [NAN]], [6, 3], "refuted"),  # nor would it do
        ([[10], [20]], [6, NAN], "unknown"),  # it may be four
        ([[10], [200]], [6, NAN], "refuted"),  # it is late
        ([[10], [NAN]], [10, NAN], "proven"),
        ([[10], [NAN]], [0, NAN], "unknown"),
    ],
)
def test_unknown_counts_for_nothing_and_is_listed(seconds, people, state):
    found = prove(stated(seconds, people, 10))
    assert (found.state, found.arrived["people"].tolist()[0]) == (state, people[0])
    assert list(found.unknown.index) == (["t1"] if np.isnan(seconds[1][0]) or np.isnan(people[1]) else [])


def test_who_is_unknown_says_of_what():
    found = prove(stated([[10, NAN], [20, 20], [1, 1]], [1, NAN, 2], 1)).unknown
    assert found.to_dict("index") == {"t0": {"arrivals": 1, "people": False}, "t1": {"arrivals": 0, "people": True}}


def test_no_team_at_all_refutes():
    found = prove(promise(np.empty((0, 2)), {"people": []}, {"people": 1}, within_s=60, teams=[], places=["x", "y"]))
    assert (found.state, found.worst.shortfall, found.changes.more[0].beyond) == ("refuted", 1, ("x", "y"))


def test_teams_of_a_kind_are_a_target_too():
    kinds = ["water", "medical", "water", None]
    found = prove(stated([[10], [10], [500], [10]], [9, 9, 9, 9], 20, water=(units(kinds, "water"), 2)))
    assert (found.arrived["water"].tolist(), found.shortfall["water"].tolist(), found.state) == ([1], [1], "unknown")


def test_what_only_the_closures_break():
    now, free = (prove(stated([[10, at]], [5], 5)) for at in (INF, 70))
    found = compare(now, free)
    assert found["by_closures"].tolist() == [False, True]
    assert found.loc["p1", ["at_s", "at_open_s"]].tolist() == [INF, 70]


def test_two_promises_are_not_compared():
    with pytest.raises(ParameterError, match="two verdicts are of different promises; where: compare"):
        compare(prove(stated([[1]], [1], 1)), prove(stated([[1]], [1], 2)))


def test_who_comes_to_a_place_in_order():
    found = arriving(stated([[300], [10], [NAN], [INF], [10]], [1, 2, 3, 4, NAN], 1), "p0")
    assert list(found.index) == ["t1", "t4", "t0", "t2"]
    assert found["in_time"].tolist() == [True, True, False, False]


def test_ready_and_way():
    found = arrivals([60, NAN, INF], [[5, INF], [5, INF], [5, 5]])
    assert np.array_equal(found, [[65, INF], [NAN, INF], [INF, INF]], equal_nan=True)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"people": [1.5]}, "no whole number for each team; where: promise, amount people; .* got: 1.5"),
        ({"people": [-1]}, "no whole number for each team"),
        ({"people": [1, 2]}, r"no whole number for each team; .* got: shape \(2,\)"),
        ({"target": 0}, "a target is no whole number; where: promise, target people; .* got: 0"),
        ({"target": 2.5}, "a target is no whole number"),
        ({"within_s": -1}, "the time limit is no time"),
        ({"within_s": NAN}, "the time limit is no time"),
        ({"seconds": [[-1]]}, "a time is below 0; .* got: -1"),
        ({"places": []}, "do not pair up"),
        ({"places": ["x", "x"], "seconds": [[1, 1]]}, "a place's id stands twice"),
        ({"teams": []}, "do not pair up; .*expected: 0 x 1 seconds; got: 1x1"),
    ],
)
def test_what_is_no_promise_is_refused(change, says):
    asked = {"seconds": [[1]], "people": [1], "target": 1, "within_s": 60, "teams": ["a"], "places": ["x"]} | change
    with pytest.raises(ParameterError, match=says):
        promise(
            asked["seconds"], {"people": asked["people"]}, {"people": asked["target"]}, within_s=asked["within_s"],
            teams=asked["teams"], places=asked["places"],
        )


def test_a_promise_to_no_place_is_none():
    with pytest.raises(ParameterError, match="no place is promised anything"):
        promise(np.empty((1, 0)), {"people": [1]}, {"people": 1}, within_s=60, teams=["a"], places=[])


TIMES = st.sampled_from([0.0, 50.0, 100.0, 150.0, INF, NAN])


@st.composite
def promises(draw):
    teams, places = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    seconds = [[draw(TIMES) for _ in range(places)] for _ in range(teams)]
    people = [draw(st.sampled_from([0, 1, 2, 5, NAN])) for _ in range(teams)]
    return seconds, people, draw(st.integers(1, 8))


@settings(max_examples=80, deadline=None)
@given(promises())
def test_each_place_by_brute_force(case):
    seconds, people, target = case
    found = prove(stated(seconds, people, target))

    def there(place, limit):
        return sum(own for row, own in zip(seconds, people, strict=True) if row[place] <= limit and own == own)

    for place in range(len(seconds[0])):
        row = found.places.iloc[place]
        assert found.arrived["people"].iloc[place] == there(place, 100)
        assert row["at_s"] == next((at for at in (0, 50, 100, 150) if there(place, at) >= target), INF)
        assert (row["state"] == "proven") == (there(place, 100) >= target)
    assert found.changes.within_s == found.places["at_s"].max()
    assert found.changes.targets["people"] == min(there(place, 100) for place in range(len(seconds[0])))
    assert (found.state == "proven") == (found.places["state"] == "proven").all()


@settings(max_examples=40, deadline=None)
@given(promises(), st.randoms(use_true_random=False))
def test_rows_and_columns_may_stand_in_any_order(case, random):
    first = stated(*case)
    rows, columns = list(range(len(first.teams))), list(range(len(first.places)))
    random.shuffle(rows)
    random.shuffle(columns)
    second = promise(
        first.arrivals_s[np.ix_(rows, columns)], {"people": first.amounts["people"][rows]}, first.targets, within_s=100,
        teams=[first.teams[at] for at in rows], places=[first.places[at] for at in columns],
    )
    one, other = prove(first), prove(second)
    assert (one.state, one.worst, one.changes) == (other.state, other.worst, other.changes)
    pd.testing.assert_frame_equal(one.places, other.places.loc[one.places.index])


def test_five_hundred_teams_and_two_thousand_places_answer():
    rng = np.random.default_rng(4)
    found = prove(
        promise(
            rng.uniform(0, 40_000, (500, 2000)), {"people": rng.integers(5, 60, 500)}, {"people": 5_000}, within_s=10_800,
            teams=[f"t{i:04}" for i in range(500)], places=[f"p{i:04}" for i in range(2000)],
        )
    )
    assert found.state == "refuted"
    assert found.changes.more[0].total >= found.worst.shortfall
