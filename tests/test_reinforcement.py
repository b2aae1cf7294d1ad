"""The least addition at existing bases, against brute force and an independent formulation."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from geo_risk.access import reinforcement
from geo_risk.access.reinforcement import reinforce
from geo_risk.errors import ParameterError


def least(reach, short, choice="fewest_people", bases=None):
    at = np.where(np.asarray(reach, dtype=bool), 50.0, np.inf)
    return reinforce(
        at, np.asarray(short), 100, need="people", bases=bases or [f"b{i}" for i in range(len(at))],
        places=[f"p{i}" for i in range(at.shape[1])], choice=choice,
    )


def test_nothing_short_adds_nothing():
    found = least([[1, 1]], [0, 0])
    assert (found.added, found.beyond, found.exact) == ((), (), True)


@pytest.mark.parametrize(("choice", "added"), [("fewest_people", (("b0", 5), ("b1", 5))), ("fewest_bases", (("b0", 5), ("b1", 5)))])
def test_two_bases_where_none_reaches_both(choice, added):
    assert least([[1, 0], [0, 1]], [5, 5], choice).added == added


def test_fewest_people_may_take_more_bases_than_fewest_bases():
    """A ring of three pairs wants half of 2 at each of three bases; two bases suffice with 2 each."""
    reach, short = [[1, 1, 0], [0, 1, 1], [1, 0, 1]], [2, 2, 2]
    assert least(reach, short).added == (("b0", 1), ("b1", 1), ("b2", 1))
    found = least(reach, short, "fewest_bases")
    assert (found.total, len(found.added)) == (4, 2)


def test_of_equal_bases_the_soonest_and_then_the_lesser_id():
    at = np.array([[90.0, 10.0], [20.0, 80.0], [80.0, 80.0]])
    found = reinforce(at, np.array([1, 3]), 100, need="people", bases=["c", "b", "a"], places=["x", "y"])
    assert found.added == (("a", 3),)


def test_a_place_that_none_reaches_is_named_and_the_others_are_helped():
    found = least([[1, 0, 0], [0, 1, 0]], [1, 2, 3])
    assert (found.added, found.beyond) == ((("b0", 1), ("b1", 2)), ("p2",))


def test_an_unknown_choice():
    with pytest.raises(ParameterError, match="no such choice; where: reinforce; expected: fewest_people, fewest_bases"):
        least([[1]], [1], "cheapest")


CASES = st.integers(1, 4).flatmap(
    lambda bases: st.integers(1, 4).flatmap(
        lambda places: st.tuples(
            st.lists(st.lists(st.booleans(), min_size=places, max_size=places), min_size=bases, max_size=bases),
            st.lists(st.integers(0, 3), min_size=places, max_size=places),
        )
    )
)


@settings(max_examples=100, deadline=None)
@given(CASES)
def test_no_smaller_addition_exists(case):
    reach, short = (np.array(part) for part in case)
    helped = reach.any(axis=0)
    wanted = np.where(helped, short, 0)
    doing = [
        numbers for numbers in itertools.product(range(int(wanted.max(initial=0)) + 1), repeat=len(reach))
        if (numbers @ reach.astype(int) >= wanted).all()
    ]
    by_people = min((sum(numbers), np.count_nonzero(numbers)) for numbers in doing)
    by_bases = min((np.count_nonzero(numbers), sum(numbers)) for numbers in doing)
    people, bases = least(reach, short), least(reach, short, "fewest_bases")
    assert (people.total, len(people.added)) == by_people
    assert (len(bases.added), bases.total) == by_bases
    assert people.exact
    assert bases.exact
    assert (people.at_least, bases.at_least) == (by_people[0], by_bases[0])
    assert people.beyond == tuple(f"p{at}" for at in np.flatnonzero(~helped & (short > 0)))


def test_a_hundred_places_are_no_less_than_the_relaxed_problem():
    rng = np.random.default_rng(1)
    reach, short = rng.random((40, 100)) < 0.15, rng.integers(0, 400, 100)
    found = least(reach, short)
    wanted = np.where(reach.any(axis=0), short, 0)
    relaxed = linprog(np.ones(40), A_ub=-reach.T.astype(float), b_ub=-wanted)
    assert relaxed.fun - 1e-6 <= found.at_least <= found.total
    assert (found.total == found.at_least) or not found.exact


def test_beyond_the_size_it_is_greedy_does_it_and_says_so(monkeypatch):
    monkeypatch.setattr(reinforcement, "MAX_CELLS", 1)
    reach, short = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]]), np.array([2, 2, 2])
    found = least(reach, short)
    numbers = [dict(found.added).get(f"b{i}", 0) for i in range(3)]
    assert not found.exact
    assert (numbers @ reach >= short).all()


def test_within_no_time_there_is_an_addition_that_does_and_a_bound_that_holds():
    reach, short = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]]), np.array([2, 2, 2])
    at = np.where(reach == 1, 50.0, np.inf)
    found = reinforce(at, short, 100, need="people", bases=["a", "b", "c"], places=["x", "y", "z"], budget_s=0.0)
    assert found.total >= 3 >= found.at_least >= 2
    assert ([dict(found.added).get(base, 0) for base in "abc"] @ reach >= short).all()
