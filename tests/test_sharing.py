"""Teams shared among all places at once, against a linear programme and brute force."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from geo_risk.access import sharing
from geo_risk.access.mobilisation import promise
from geo_risk.access.sharing import together
from geo_risk.errors import ParameterError

NAN = np.nan


def stated(reach, people, target, **more):
    at = np.array([[np.nan if cell is None else 50.0 if cell else np.inf for cell in row] for row in reach])
    amounts = {"people": people, **{name: own for name, (own, _) in more.items()}}
    targets = {"people": target, **{name: wanted for name, (_, wanted) in more.items()}}
    return promise(
        at, amounts, targets, within_s=100, teams=[f"t{i}" for i in range(at.shape[0])],
        places=[f"p{i}" for i in range(at.shape[1])],
    )


def test_a_team_split_over_two_places_serves_both():
    found = together(stated([[1, 1]], [8], 4))
    assert (found.state, found.sent["number"].tolist(), found.idle["people"]) == ("proven", [4, 4], 0)


def test_a_whole_team_goes_to_one():
    found = together(stated([[1, 1]], [8], 4), teams="whole")
    assert (found.state, found.shortfall["people"].sum(), found.idle["people"]) == ("refuted", 4, 0)


def test_the_bottleneck_is_who_shares_too_few():
    """p0 and p1 have only t0's 5 for twice 4; p2 has plenty of its own."""
    found = together(stated([[1, 1, 0], [0, 0, 1]], [5, 90], 4))
    (cut,) = found.bottlenecks
    assert (cut.places, cut.wanted, cut.there) == (("p0", "p1"), 8, 5)
    assert found.shortfall["people"].sum() == 3
    assert found.idle["people"] == 86


def test_a_whole_team_brings_all_it_has():
    found = together(stated([[1, 1], [1, 1]], [5, 5], 5, boats=([1, 1], 1)), teams="whole")
    assert found.state == "proven"
    assert sorted(found.sent.groupby("place")["need"].count()) == [2, 2]


@pytest.mark.parametrize("teams", sharing.TEAMS)
@pytest.mark.parametrize(
    ("reach", "people", "state"), [([[1, 1], [None, None]], [4, 8], "unknown"), ([[1, 1], [1, 0]], [4, NAN], "unknown"),
                                   ([[1, 0], [1, 0]], [4, NAN], "refuted")],
)  # fmt: skip
def test_the_unknown_might_save_it(reach, people, state, teams):
    assert together(stated(reach, people, 4), teams=teams).state == state


@pytest.mark.parametrize("teams", sharing.TEAMS)
def test_nobody_in_time(teams):
    found = together(stated([[0, 0]], [8], 4), teams=teams)
    assert (found.state, found.shortfall["people"].tolist(), len(found.sent)) == ("refuted", [4, 4], 0)


def test_limits_are_said():
    with pytest.raises(ParameterError, match="no such rule; where: together; expected: split, whole"):
        together(stated([[1]], [1], 1), teams="halves")
    many = stated(np.ones((201, 100)), [1] * 201, 1)
    with pytest.raises(ParameterError, match=r"too many pairs of team and place .* got: 20100; next: ask with teams split"):
        together(many, teams="whole")
    with pytest.raises(ParameterError, match="too large to share; where: together, people; expected: at most 2147483647"):
        together(stated([[1]] * 3, [10**9] * 3, 1))


CASES = st.integers(1, 4).flatmap(
    lambda teams: st.integers(1, 3).flatmap(
        lambda places: st.tuples(
            st.lists(st.lists(st.booleans(), min_size=places, max_size=places), min_size=teams, max_size=teams),
            st.lists(st.integers(0, 6), min_size=teams, max_size=teams),
            st.integers(1, 6),
        )
    )
)


@settings(max_examples=50, deadline=None)
@given(CASES)
def test_what_is_met_by_split_teams_is_the_linear_optimum(case):
    reach, people, target = np.array(case[0]), np.array(case[1]), case[2]
    found = together(stated(*case))
    pairs = np.argwhere(reach)
    rows = np.vstack([*(pairs[:, 0] == t for t in range(len(reach))), *(pairs[:, 1] == p for p in range(reach.shape[1]))])
    most = -linprog(-np.ones(len(pairs)), A_ub=rows, b_ub=[*people, *[target] * reach.shape[1]]).fun if len(pairs) else 0
    short = target * reach.shape[1] - round(most)
    assert found.shortfall["people"].sum() == short
    assert sum(cut.wanted - cut.there for cut in found.bottlenecks) == short
    assert found.sent["number"].sum() + found.idle["people"] == people.sum()
    by_team = found.sent.groupby("team")["number"].sum()
    assert all(by_team.get(f"t{t}", 0) <= people[t] for t in range(len(people)))
    assert all(reach[int(row.team[1:]), int(row.place[1:])] for row in found.sent.itertuples())


@settings(max_examples=50, deadline=None)
@given(CASES)
def test_whole_teams_by_trying_all(case):
    reach, people, target = case
    places = len(reach[0])

    def short(goes):
        return sum(max(target - sum(n for n, to in zip(people, goes, strict=True) if to == p), 0) for p in range(places))

    options = [[-1, *(p for p in range(places) if row[p])] for row in reach]
    found = together(stated(*case), teams="whole")
    assert found.shortfall["people"].sum() == min(short(goes) for goes in itertools.product(*options))
    assert not found.sent.duplicated(["team", "need"]).any()
