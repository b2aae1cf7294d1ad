"""Evacuation against an independent solver on every way, and by sums done by hand."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from geo_risk.access import _plan_input, _staying
from geo_risk.access._transport import NONE_DROPPED, Arcs, least_cost
from geo_risk.access.evacuation import REASONS, Groups, Shelters, Ways, evacuate
from geo_risk.access.evacuation_words import sentences
from geo_risk.errors import ParameterError

INF, NAN = float("inf"), float("nan")
NEEDS = ("none", "wheels", "care")
NO_WAY, EXCLUDED, UNKNOWN, UNFIT, BEYOND, SHORT = REASONS


def town(people, wheels=None, care=None):
    zero = [0] * len(people)
    ids = [f"g{at}" for at in range(len(people))]
    return Groups(ids=ids, people=people, wheels=wheels or zero, care=care or zero)


def halls(free, **more):
    return Shelters(ids=[f"s{at}" for at in range(len(free))], free=free, **more)


def plan_of(people, free, seconds, limit_s=INF, **more):
    return evacuate(town(people), halls(free), np.array(seconds, dtype=float).reshape(len(people), len(free)), limit_s, **more)


def rows(plan, *columns):
    return plan.transfers[list(columns or ("group", "shelter", "people"))].to_numpy().tolist()


def pins(*rows):
    return pd.DataFrame(rows, columns=["group", "need", "shelter", "people"])


# An independent solver: integers on every cell of rows x shelters, first most people, then least of anything else.


class Oracle:
    """HiGHS on all cells: ``allowed`` (rows, shelters), people, places."""

    def __init__(self, people, places, allowed):
        self.people, self.places, self.allowed = np.array(people), np.array(places), np.array(allowed, dtype=bool)
        r, s = self.allowed.shape
        self.by_row = np.kron(np.eye(r), np.ones(s))
        self.by_shelter = np.kron(np.ones(r), np.eye(s))
        self.found = None
        self.limits = [LinearConstraint(self.by_row, 0, self.people), LinearConstraint(self.by_shelter, 0, self.places)]

    def least(self, cost, *more):
        most = np.where(self.allowed.ravel(), np.repeat(self.people, len(self.places)), 0)
        found = milp(
            np.ravel(cost), integrality=np.ones(most.size), bounds=Bounds(0, most), constraints=[*self.limits, *more],
            options={"mip_rel_gap": 0},
        )
        return round(found.fun)

    def most(self):
        if self.found is None:
            self.found = -self.least(-np.ones(self.allowed.shape))
        return self.found

    def all_placed(self):
        return LinearConstraint(np.ones((1, self.allowed.size)), self.most(), INF)


@st.composite
def questions(draw, most=5):
    g, s = draw(st.integers(1, most)), draw(st.integers(1, most))
    small = st.integers(0, 6)
    parts = [draw(st.tuples(small, small, small)) for _ in range(g)]
    cell = st.one_of(st.just(INF), st.integers(0, 30).map(float), st.floats(0, 30))
    seconds = np.array(draw(st.lists(st.lists(cell, min_size=s, max_size=s), min_size=g, max_size=g)))
    flags = st.lists(st.sampled_from([True, False, None]), min_size=s, max_size=s)
    free = draw(st.lists(st.one_of(st.integers(0, 12).map(float), st.just(NAN)), min_size=s, max_size=s))
    excluded = draw(st.lists(st.sampled_from(["", "", "", "closed"]), min_size=s, max_size=s))
    groups = Groups(
        ids=[f"g{at}" for at in range(g)], people=[sum(part) for part in parts], wheels=[part[1] for part in parts],
        care=[part[2] for part in parts],
    )
    shelters = halls(free, wheels_fit=draw(flags), care_fit=draw(flags), excluded=excluded)
    return groups, shelters, seconds, draw(st.sampled_from([5.0, 14.5, INF]))


def fit(shelters, need):
    wheels, care = (np.array([flag is True for flag in flags]) for flags in (shelters.wheels_fit, shelters.care_fit))
    return {"none": np.ones(len(wheels), dtype=bool), "wheels": wheels, "care": wheels & care}[need]


def oracle(question, opened=None, limit_s=None):
    """The rows as (group, need), and the solver; ``opened`` a shelter that is no longer excluded."""
    groups, shelters, seconds, own = question
    free = np.array(shelters.free)
    names = zip(shelters.excluded, shelters.ids, strict=True)
    usable = ~np.isnan(free) & np.array([not why or name == opened for why, name in names])
    wheels, care = np.array(groups.wheels), np.array(groups.care)
    counts = dict(zip(NEEDS, (np.array(groups.people) - wheels - care, wheels, care), strict=True))
    listed = [(g, need) for g in range(len(wheels)) for need in NEEDS]
    allowed = [usable & fit(shelters, need) & (seconds[g] <= (limit_s or own)) & np.isfinite(seconds[g]) for g, need in listed]
    return listed, Oracle([counts[need][g] for g, need in listed], np.nan_to_num(free), allowed)


def costs(question, listed):
    whole = np.floor(np.where(np.isfinite(question[2]), question[2], 0) + 0.5)
    return whole[[g for g, _ in listed]]


def require_sound(plan, question):
    """No shelter over its places, no unfit, excluded or too far one, all people told of."""
    groups, shelters, seconds, limit_s = question
    load = plan.load
    assert (load["incoming"] <= load["free"].fillna(0)).all()
    assert (load["incoming"][load["state"] != "open"] == 0).all()
    assert plan.transfers["people"].sum() + plan.unplaced["people"].sum() == plan.people == sum(groups.people)
    assert (plan.transfers["people"] > 0).all()
    for row in plan.transfers.itertuples():
        at, to = groups.ids.index(row.group), shelters.ids.index(row.shelter)
        assert seconds[at, to] <= limit_s
        assert fit(shelters, row.need)[to]


@settings(max_examples=200, deadline=None)
@given(questions())
def test_as_many_and_as_little_time_as_an_independent_solver(question):
    plan = evacuate(*question)
    listed, solver = oracle(question)
    require_sound(plan, question)
    assert plan.placed == solver.most()
    assert plan.person_seconds == solver.least(costs(question, listed), solver.all_placed())


@settings(max_examples=35, deadline=None)
@given(questions(most=7), st.integers(1, 3))
def test_dropped_ways_are_priced_out(question, few):
    listed, solver = oracle(question)
    cost = costs(question, listed).astype(np.int64)
    row, shelter = np.nonzero(solver.allowed)
    starts = np.concatenate([[0], np.cumsum(solver.allowed.sum(axis=1))])
    arcs = Arcs(starts, shelter, cost[row, shelter], solver.people[row])
    found = least_cost(solver.people, solver.places.astype(np.int64), arcs, few=few, whole_below=-1)
    assert found.people.sum() == solver.most()
    assert found.people @ arcs.cost == solver.least(cost, solver.all_placed())
    assert found.least_reduced_cost >= 0
    assert (found.least_reduced_cost == NONE_DROPPED) == (found.arcs_used == len(row))


@settings(max_examples=35, deadline=None)
@given(questions())
def test_a_shortage_adds_up_and_each_opening_saves_what_the_solver_says(question):
    plan = evacuate(*question)
    short = plan.unplaced.loc[plan.unplaced["reason"] == SHORT, "people"].sum()
    assert sum(each.short for each in plan.shortages) == short
    for each in plan.shortages:
        assert each.people - each.places == each.short > 0
        assert each.places == plan.load.loc[list(each.shelters), "free"].sum()
    for opening in plan.openings:
        if opening.saves is not None:
            assert plan.placed + opening.saves == oracle(question, opened=opening.shelter)[1].most()


@settings(max_examples=25, deadline=None)
@given(questions(most=4))
def test_each_limit_told_is_the_least_that_helps(question):
    """Every whole second above the limit is tried: those told are the first where more are placed, and the first for all."""
    plan = evacuate(*question)
    if question[3] == INF or not plan.left:
        assert plan.limits == ()
        return
    curve = {limit: oracle(question, limit_s=limit)[1].most() for limit in range(int(question[3]) + 1, 32)}
    steps = [limit for limit in curve if curve[limit] > max([plan.placed, *(curve[low] for low in curve if low < limit)])]
    told = [(each.limit_s, plan.placed + each.saves) for each in plan.limits]
    assert told == [(limit, curve[limit]) for limit in sorted({*steps[:3], *steps[-1:]})]
    assert plan.limits_searched


@settings(max_examples=35, deadline=None)
@given(questions(), questions())
def test_fewest_people_are_moved_and_then_least_time(question, other):
    """The former plan is that of another day: other ways, the same town."""
    before = evacuate(question[0], question[1], np.roll(question[2], 1, axis=1), INF)
    plan = evacuate(*question, previous=before.transfers, stay="people")
    listed, solver = oracle(question)
    former = np.zeros(solver.allowed.shape)
    for row in before.transfers.itertuples():
        former[listed.index((question[0].ids.index(row.group), row.need)), question[1].ids.index(row.shelter)] = row.people
    cost = costs(question, listed)
    stay, time = most_stay_then_least_time(solver, former, cost)
    require_sound(plan, question)
    assert (plan.placed, plan.change.stay, plan.person_seconds) == (solver.most(), stay, time)
    assert plan.change.moved == former.sum() - stay
    assert plan.change.price_person_s == time - solver.least(cost, solver.all_placed())


def most_stay_then_least_time(solver, former, cost, held=()):
    """Each cell twice: who stays (at most as many as were there), and who is new; in rows ``held`` all stay, None if they can't."""
    size = solver.allowed.size
    both = np.hstack([np.eye(size), np.eye(size)])
    most = np.where(solver.allowed.ravel(), np.repeat(solver.people, len(solver.places)), 0)
    bounds = Bounds(0, np.r_[np.minimum(most, former.ravel()), most])
    rules = [
        LinearConstraint(solver.by_row @ both, 0, solver.people), LinearConstraint(solver.by_shelter @ both, 0, solver.places),
        LinearConstraint(np.ones((1, 2 * size)), solver.most(), INF),
    ]
    for row in held:
        all_of_it = min(former[row].sum(), solver.people[row])
        rules.append(LinearConstraint(np.r_[solver.by_row[row], np.zeros(size)][None], all_of_it, INF))

    def least(values, *more):
        found = milp(values, integrality=np.ones(2 * size), bounds=bounds, constraints=[*rules, *more])
        return None if found.fun is None else round(found.fun)

    staying = np.r_[np.ones(size), np.zeros(size)]
    lost = least(-staying)
    if lost is None:
        return None
    stay = -lost
    return stay, least(np.r_[cost.ravel(), cost.ravel()], LinearConstraint(staying[None], stay, INF))


@st.composite
def former_plans(draw, question):
    """Anybody anywhere: more or fewer people than there are now, needs and shelters that are no more."""
    ids, to = ([*each.ids, "gone"] for each in question[:2])
    cells = st.tuples(st.sampled_from(ids), st.sampled_from(NEEDS), st.sampled_from(to))
    found = draw(st.dictionaries(cells, st.integers(1, 6), max_size=8))
    return pins(*((*cell, people) for cell, people in found.items()))


@st.composite
def full_towns(draw):
    """Shelters all but full by a former plan, and then ways are shut: who must go may have to make others go."""
    g, s = draw(st.integers(2, 4)), draw(st.integers(2, 4))

    def table(*cells):
        return np.array(draw(st.lists(st.lists(st.sampled_from(cells), min_size=s, max_size=s), min_size=g, max_size=g)))

    sent, seconds, shut = table(0, 0, 1, 2, 4), table(1.0, 2.0, 9.0, INF), table(False, False, False, False, True)
    spare = np.array(draw(st.lists(st.sampled_from([0, 0, 0, 1, 3]), min_size=s, max_size=s)))
    seconds = np.where((sent > 0) & np.isinf(seconds), 5.0, np.where(shut, INF, seconds))
    fewer = draw(st.sampled_from([0, 0, 1]))
    rows = [(f"g{at}", "none", f"s{to}", int(sent[at, to])) for at, to in np.argwhere(sent)]
    shelters = halls((sent.sum(axis=0) + spare).tolist(), wheels_fit=[False] * s, care_fit=[False] * s, excluded=[""] * s)
    return (town(np.maximum(sent.sum(axis=1) - fewer, 0).tolist()), shelters, seconds, INF), pins(*rows)


def with_any_former():
    return questions(most=4).flatmap(lambda question: st.tuples(st.just(question), former_plans(question)))


@settings(max_examples=40, deadline=None)
@given(st.one_of(full_towns(), full_towns(), with_any_former()))
def test_fewest_groups_change_as_every_set_of_them_tried(both):
    """Each set of groups is let go while all others are held; of the smallest sets that will do, fewest people and least time."""
    question, previous = both
    plan = evacuate(*question, previous=previous)
    listed, solver = oracle(question)
    best = fewest_groups_by_trying(question, previous, listed, solver)
    require_sound(plan, question)
    assert plan.placed == solver.most()
    assert (len(plan.change.groups), -plan.change.stay, plan.person_seconds) == best
    assert plan.change.fewest_proved
    assert plan.certificate.proved


def fewest_groups_by_trying(question, previous, listed, solver):
    ids, to = question[0].ids, [*question[1].ids, "gone"]
    former = np.zeros((len(listed), len(to)))
    for row in previous.itertuples():
        if row.group in ids:
            former[listed.index((ids.index(row.group), row.need)), to.index(row.shelter)] = row.people
    nowhere = Oracle(solver.people, [*solver.places, 0], np.column_stack([solver.allowed, np.zeros(len(listed), dtype=bool)]))
    cost = np.column_stack([costs(question, listed), np.zeros(len(listed))])
    for size in range(len(ids) + 1):
        found = [
            most_stay_then_least_time(nowhere, former, cost, [at for at, (group, _) in enumerate(listed) if group not in free])
            for free in combinations(range(len(ids)), size)
        ]
        if any(found):
            return min((size, -stay, time) for stay, time in filter(None, found))
    return None


@settings(max_examples=25, deadline=None)
@given(questions(most=3))
def test_fewest_shelters_as_every_set_of_them_tried(question):
    plan = evacuate(*question, fewest=True)
    listed, solver = oracle(question)
    cost, best = costs(question, listed), (INF, INF)
    for chosen in range(2 ** len(question[1].ids)):
        opened = np.array([chosen >> at & 1 for at in range(len(question[1].ids))], dtype=bool)
        some = Oracle(solver.people, solver.places, solver.allowed & opened)
        if some.most() == solver.most():
            best = min(best, (int(opened.sum()), some.least(cost, some.all_placed())))
    require_sound(plan, question)
    assert (plan.opened.count, plan.person_seconds, plan.placed) == (*best, solver.most())
    assert plan.opened.at_least == plan.opened.count
    assert plan.certificate.proved


@settings(max_examples=35, deadline=None)
@given(questions(), st.data())
def test_pinned_people_stay_and_the_rest_is_optimal(question, data):
    """What an earlier plan gave is pinned in part; the solver then has those people and places less."""
    first = evacuate(*question)
    keep = [data.draw(st.integers(0, people)) for people in first.transfers["people"]]
    pinned = first.transfers.assign(people=keep)
    plan = evacuate(*question, pinned=pinned)
    listed, solver = oracle(question)
    cost, fixed = costs(question, listed), 0
    for row in pinned.itertuples():
        at, to = listed.index((question[0].ids.index(row.group), row.need)), question[1].ids.index(row.shelter)
        solver.people[at] -= row.people
        solver.places[to] -= row.people
        fixed += row.people * cost[at, to]
    rest = Oracle(solver.people, solver.places, solver.allowed)
    require_sound(plan, question)
    assert plan.transfers.loc[plan.transfers["pinned"], "people"].tolist() == [people for people in keep if people]
    assert plan.placed == rest.most() + sum(keep)
    assert plan.person_seconds == rest.least(cost, rest.all_placed()) + fixed


@settings(max_examples=20, deadline=None)
@given(questions(), st.randoms(use_true_random=False))
def test_the_same_plan_in_any_order(question, random):
    groups, shelters, seconds, limit_s = question
    g, s = list(range(len(groups.ids))), list(range(len(shelters.ids)))
    random.shuffle(g)
    random.shuffle(s)
    shuffled = Groups(**{name: [values[at] for at in g] for name, values in vars(groups).items()})
    others = Shelters(**{name: [values[at] for at in s] for name, values in vars(shelters).items()})
    one, other = evacuate(*question), evacuate(shuffled, others, seconds[np.ix_(g, s)], limit_s)
    pd.testing.assert_frame_equal(one.transfers, other.transfers)
    assert one.shortages == other.shortages


@settings(max_examples=20, deadline=None)
@given(questions())
def test_a_list_of_ways_as_the_matrix(question):
    groups, shelters, seconds, limit_s = question
    group, shelter = np.nonzero(np.isfinite(seconds))
    slower = Ways(np.r_[group, group], np.r_[shelter, shelter], np.r_[seconds[group, shelter] + 1, seconds[group, shelter]])
    pd.testing.assert_frame_equal(evacuate(groups, shelters, slower, limit_s).transfers, evacuate(*question).transfers)


# By hand.


def test_a_group_larger_than_any_shelter_is_split():
    plan = plan_of([10], [4, 7], [[60, 30]])
    assert rows(plan) == [["g0", "s0", 3], ["g0", "s1", 7]]
    assert (plan.person_seconds, plan.split) == (3 * 60 + 7 * 30, ("g0",))
    assert plan.load["free_after"].tolist() == [1, 0]


def test_the_nearest_is_left_to_who_has_no_other():
    assert rows(plan_of([1, 1], [1, 1], [[10, 20], [30, INF]])) == [["g0", "s1", 1], ["g1", "s0", 1]]


def test_needs_go_where_they_fit_and_care_must_be_accessible_too():
    groups = Groups(ids=["g"], people=[9], wheels=[2], care=[3])
    shelters = halls([9, 9, 9, 9], wheels_fit=[None, True, None, True], care_fit=[None, None, True, True])
    plan = evacuate(groups, shelters, np.array([[1.0, 2.0, 3.0, 4.0]]), 60)
    assert rows(plan, "need", "shelter", "people") == [["none", "s0", 4], ["wheels", "s1", 2], ["care", "s3", 3]]


def test_unknown_is_told_and_never_zero_or_endless():
    groups = Groups(ids=["a", "b", "c"], people=[NAN, 5, 2], wheels=[0, NAN, 0], care=[0, 0, 0])
    plan = evacuate(groups, halls([NAN, 5]), np.array([[1.0, 1.0], [1.0, 2.0], [1.0, INF]]), 60)
    assert rows(plan) == [["b", "s1", 5]]
    assert (plan.unknown_groups, plan.needs_unknown, plan.people) == (("a",), ("b",), 7)
    assert plan.unplaced.to_numpy().tolist() == [["c", "none", 2, UNKNOWN]]
    assert plan.load.loc["s0", "state"] == "unknown room"
    assert np.isnan(plan.load.loc["s0", "free_after"])


@pytest.mark.parametrize(("seconds", "more", "why"), [
    ([INF, INF], {}, NO_WAY),
    ([NAN, INF], {}, NO_WAY),
    ([60, INF], {"excluded": ["inside the flood", ""]}, EXCLUDED),
    ([INF, 60], {}, UNKNOWN),
    ([60, INF], {}, UNFIT),
    ([601, INF], {"wheels_fit": [True, True]}, BEYOND),
    ([600, INF], {"wheels_fit": [True, True]}, SHORT),
])
def test_why_somebody_has_no_place(seconds, more, why):
    plan = evacuate(town([3], wheels=[3]), halls([2, NAN], **more), np.array([seconds], dtype=float), 600)
    assert plan.unplaced["reason"].tolist() == [why]
    assert bool(plan.shortages) == (why == SHORT)


def test_a_shortage_names_the_towns_and_the_full_shelters_alone():
    """g0 and g1 can only reach s0, 12 people for 5 places; g2 has s1 to itself; g3 reaches nothing."""
    plan = plan_of([4, 8, 3, 2], [5, 9], [[60, INF], [70, INF], [INF, 60], [INF, INF]], 600)
    assert [(each.groups, each.shelters, each.people, each.places, each.short) for each in plan.shortages] == [
        (("g0", "g1"), ("s0",), 12, 5, 7)
    ]
    assert plan.unplaced.loc[plan.unplaced["reason"] == NO_WAY, "group"].tolist() == ["g3"]


def test_who_could_move_on_makes_no_shortage_and_two_valleys_are_two():
    plan = plan_of([4, 3, 9], [2, 1, 5], [[60, INF, INF], [INF, 60, INF], [INF, INF, 60]])
    assert [(each.groups, each.short) for each in plan.shortages] == [(("g2",), 4), (("g0",), 2), (("g1",), 2)]


def test_opening_a_shelter_and_raising_the_limit_save_so_many():
    shelters = halls([2, 3, 9, NAN], excluded=["", "closed", "", "closed"])
    plan = evacuate(town([8]), shelters, np.array([[60.0, 60.0, 900.2, 60.0]]), 600)
    assert [(each.shelter, each.saves) for each in plan.openings] == [("s1", 3), ("s3", None)]
    assert [(each.limit_s, each.saves, each.left) for each in plan.limits] == [(901, 6, 0)]


def test_opening_helps_by_moving_others():
    """g1 reaches only s0; g0 sits there too, and would leave for s1 if that were open."""
    shelters = halls([4, 4], excluded=["", "closed"])
    plan = evacuate(town([4, 4]), shelters, np.array([[60.0, 70.0], [60.0, INF]]), 600)
    assert (plan.left, plan.openings[0].saves) == (4, 4)


def test_the_limit_is_met_by_seconds_as_they_are_and_costs_are_whole():
    assert plan_of([1], [1], [[600.4]], 600).left == 1
    assert rows(plan_of([1, 1], [1, 1], [[0.5, INF], [INF, 0.49]], 600), "seconds") == [[1.0], [0.0]]


def test_a_road_closes_and_only_who_must_is_moved():
    first = plan_of([3, 3], [3, 3], [[10, 20], [20, 10]])
    closed = [[INF, 20], [5, 10]]
    second = plan_of([3, 3], [3, 3], closed, previous=first.transfers)
    assert second.change.groups == ("g0", "g1")
    roomy = plan_of([3, 3], [3, 6], closed, previous=first.transfers)
    assert (roomy.change.groups, roomy.change.moved, roomy.change.price_person_s) == (("g0",), 3, 3 * 5)
    assert rows(roomy) == [["g0", "s1", 3], ["g1", "s1", 3]]


# s0 and s1 hold two groups each, g2 and g3 wait for neither: whom g4 pushes out depends on what is counted.
PUSHED = pins(("g0", "none", "s0", 2), ("g1", "none", "s0", 2), ("g2", "none", "s1", 5), ("g3", "none", "s3", 4))
PUSHED_SECONDS = [[10, INF, 11, INF], [10, INF, 11, INF], [INF, 10, 50, INF], [20, 20, INF, INF]]


@pytest.mark.parametrize(("stay", "groups"), [("groups", ("g2", "g3")), ("people", ("g0", "g1", "g3"))])
def test_fewest_groups_and_fewest_people_are_two_rules(stay, groups):
    """g3's way is gone, and its 4 must sit where 2 + 2 of g0 and g1 sit, or 5 of g2; these find another place in s2."""
    plan = plan_of([2, 2, 5, 4], [4, 5, 9, 4], PUSHED_SECONDS, previous=PUSHED, stay=stay)
    assert (plan.change.groups, plan.change.moved, plan.left) == (groups, 8, 0)
    assert (plan.change.at_least, plan.change.fewest_proved) == ((2, True) if stay == "groups" else (1, False))
    assert plan.change.rule == stay


def chain(**more):
    """g0 has lost its way and can only go to s1, so g1 to s2, so g2 to s3: three groups, though only one is bound to change."""
    seconds = np.full((3, 4), INF)
    seconds[[0, 1, 1, 2, 2], [1, 1, 2, 2, 3]] = 60.0
    before = pins(*((f"g{at}", "none", f"s{at}", 3) for at in range(3)))
    return plan_of([3, 3, 3], [3, 3, 3, 3], seconds, previous=before, **more)


def test_one_group_pushes_the_next():
    change = chain().change
    assert (change.groups, change.at_least, change.fewest_proved, change.moved) == (("g0", "g1", "g2"), 3, True, 9)


def test_what_is_too_large_to_search_is_not_called_proved(monkeypatch):
    monkeypatch.setattr(_staying, "MAX_ARCS", 0)
    plan = chain()
    assert (len(plan.change.groups), plan.change.at_least, plan.change.fewest_proved) == (3, 2, False)
    assert not plan.certificate.proved
    assert "at least 2 must" in sentences(plan)[-1].en


def test_who_is_held_comes_before_who_has_to_change_anyway():
    """g0 had 2 + 2 places and is now 3; g1's shelter is gone but for one person, who would be quicker in s1's last place."""
    before = pins(("g0", "none", "s0", 2), ("g0", "none", "s1", 2), ("g1", "none", "s1", 1), ("g1", "none", "s2", 2))
    plan = plan_of([3, 3], [2, 1, 0], [[10, 10, INF], [INF, 1, INF]], previous=before)
    assert (plan.change.groups, plan.placed, plan.change.moved) == (("g1",), 3, 3)


def test_people_without_a_place_before_are_no_change():
    plan = plan_of([5, 2], [2, 9], [[1, 2], [1, 2]], previous=pins(("g0", "none", "s0", 2)))
    assert (plan.change.groups, plan.change.stay, plan.left) == ((), 2, 0)


def test_a_shelter_that_is_no_longer_there_has_to_be_left():
    change = plan_of([3], [3], [[10]], previous=pins(("g0", "none", "s9", 2))).change
    assert (change.groups, change.moved, change.gone, change.at_least, change.fewest_proved) == (("g0",), 2, 0, 1, True)


def test_a_pin_elsewhere_changes_its_group():
    plan = plan_of([2], [2, 2], [[1, 1]], previous=pins(("g0", "none", "s0", 2)), pinned=pins(("g0", "none", "s1", 1)))
    assert (plan.change.groups, plan.change.stay, plan.change.moved, plan.change.fewest_proved) == (("g0",), 1, 1, True)


def test_people_of_a_former_plan_that_are_no_longer_asked_about():
    change = plan_of([3], [3], [[10]], previous=pins(("g0", "none", "s0", 2), ("g9", "none", "s0", 4))).change
    assert (change.stay, change.moved, change.gone, change.groups) == (2, 0, 4, ())


def test_pinned_people_may_be_where_no_road_leads():
    plan = plan_of([3], [2, 5], [[INF, 60]], 600, pinned=pins(("g0", "none", "s0", 2)))
    assert rows(plan, "shelter", "people", "pinned") == [["s0", 2, True], ["s1", 1, False]]
    assert (plan.without_way, plan.person_seconds) == (2, 60)


def test_one_large_hall_instead_of_two_near_ones():
    plan = plan_of([3, 3], [3, 3, 6], [[10, INF, 60], [INF, 10, 60]], fewest=True)
    assert (plan.opened.count, plan.opened.at_least, plan.person_seconds) == (1, 1, 360)


def test_nobody_and_nowhere():
    assert plan_of([], [5], []).placed == 0
    assert plan_of([5], [], [[]]).unplaced["reason"].tolist() == [NO_WAY]
    assert plan_of([], [], []).transfers.empty
    assert plan_of([0], [0], [[1]], fewest=True, previous=None).opened.count == 0
    assert plan_of([4], [0], [[1]]).shortages[0].short == 4


@pytest.mark.parametrize(("made", "text"), [
    (lambda: plan_of([1.5], [1], [[1]]), r"people must be whole numbers; where: evacuate, position 0; .*got: 1\.5"),
    (lambda: plan_of([-1], [1], [[1]]), r"people must be whole numbers.*got: -1\.0"),
    (lambda: plan_of([INF], [1], [[1]]), "people must be whole numbers.*got: inf"),
    (lambda: plan_of([1], [-2], [[1]]), "free places must be whole numbers.*got: -2"),
    (lambda: plan_of([1], [INF], [[1]]), "free places must be whole numbers.*got: inf"),
    (lambda: plan_of([1], [1], [[-1]]), r"seconds are out of range.*got: -1\.0"),
    (lambda: plan_of([1], [1], [[-INF]]), "seconds are out of range.*got: -inf"),
    (lambda: plan_of([1], [1], [[1e9]]), "seconds are out of range.*not milliseconds"),
    (lambda: plan_of([1], [1], [[1]], NAN), "the limit is out of range"),
    (lambda: plan_of([1], [1], [[1]], fewest=True, budget_s=1e9), "budget_s is out of range"),
    (lambda: plan_of([1], [1], [[1]], fewest=True, previous=pins()), "exclude each other"),
    (lambda: plan_of([1], [1], [[1]], stay="shelters"), "no such rule to stay by.*groups or people.*shelters"),
    (lambda: evacuate(town([3], wheels=[2], care=[2]), halls([1]), np.ones((1, 1)), 9), "more people with needs than people"),
    (lambda: evacuate(town([3]), halls([1]), np.ones((2, 1)), 9), r"another shape.*expected: \(1, 1\); got: \(2, 1\)"),
    (lambda: evacuate(town([3, 4]), halls([1, 2], excluded=[""]), np.ones((2, 2)), 9), "excluded is of another length"),
    (lambda: evacuate(Groups(ids=["a", "a"], people=[1, 1], wheels=[0, 0], care=[0, 0]), halls([1]), np.ones((2, 1)), 9), "one id"),
    (lambda: evacuate(town([3]), halls([1]), Ways([0], [1], [1.0]), 9), "a way names no group or shelter"),
    (lambda: evacuate(town([3]), halls([1]), Ways([0], [0, 0], [1.0]), 9), "different lengths"),
    (lambda: evacuate(town([1] * 1_000_000), halls([1]), np.ones((1, 1)), 9), r"too many groups.*10,000.*join them"),
    (lambda: evacuate(town([1] * 9_000), halls([1] * 2000), np.ones((1, 1)), 9), r"too many cells.*give Ways"),
])
def test_refused(made, text):
    with pytest.raises(ParameterError, match=text):
        made()


def test_many_ways_are_refused_where_groups_by_need_times_shelters_are_too_many(monkeypatch):
    monkeypatch.setattr(_plan_input, "FEW_WAYS", 3)
    monkeypatch.setattr(_plan_input, "MAX_CELLS", 5)
    with pytest.raises(ParameterError, match=r"too many groups by need x shelters.*at most 5; got: 6"):
        evacuate(town([1, 1, 1]), halls([1, 1]), Ways([0, 0, 1, 1], [0, 1, 0, 1], [1.0, 1.0, 1.0, 1.0]), 9)
    assert evacuate(town([1, 1, 1]), halls([1, 1]), Ways([0, 0, 1], [0, 1, 0], [1.0, 1.0, 1.0]), 9).placed == 2


@pytest.mark.parametrize(("pin", "text"), [
    (("g9", "none", "s0", 1), "name no group"),
    (("g0", "wheels", "s0", 1), "name no group with such people"),
    (("g0", "none", "s0", 9), "more than the group has"),
    (("g0", "none", "s0", 3), "more than the shelter's free places"),
    (("g0", "none", "s1", 1), "excluded or of unknown room"),
    (("g0", "none", "s2", 1), "excluded or of unknown room"),
    (("g0", "none", "s0", NAN), "people of pinned are unknown"),
    (("g0", "none", "s0", 0.5), "people of pinned must be whole"),
])
def test_pins_that_cannot_hold_are_refused(pin, text):
    with pytest.raises(ParameterError, match=text):
        evacuate(town([4]), halls([2, 9, NAN], excluded=["", "closed", ""]), np.ones((1, 3)), 9, pinned=pins(pin))


def test_a_table_of_pins_without_its_columns_is_refused():
    with pytest.raises(ParameterError, match=r"columns of pinned are missing.*got: none named need, shelter"):
        plan_of([1], [1], [[1]], pinned=pd.DataFrame({"group": ["g0"], "people": [1]}))


# In words.


def test_a_commander_s_sentences_in_both_languages():
    shelters = halls([40, 4, NAN], excluded=["", "closed", ""])
    groups = Groups(ids=["quay", "hill", "mill"], people=[50, 7, NAN], wheels=[0, 0, 0], care=[0, 0, 0])
    plan = evacuate(groups, shelters, np.array([[90.0, 60.0, INF], [INF, INF, INF], [1.0, 1.0, 1.0]]), 900.0)
    told = sentences(plan)
    assert [each.en for each in told] == [
        "40 of 57 people have a place within 15 min; 60 person-minutes in all.",
        "Short of 10 places in quay: 50 people can reach only s0, with 40 places.",
        "7 people, no way to any shelter: hill.",
        "Opening s1 (closed) saves 4.",
        "Not counted, people unknown: mill.",
        "Not used, places unknown: s2.",
    ]
    assert told[1].zh == "quay缺 10 个床位：50 人只能到达s0，共 40 个床位。"


def test_sentences_of_limits_changes_and_openings():
    first = plan_of([3, 3], [3, 3], [[10, 20], [20, 10]])
    said = [each.en for each in sentences(plan_of([3, 3], [2, 4], [[90, 30], [30, 40]], 60, previous=first.transfers))]
    assert said[1:] == [
        "2 groups change, 5 people: g0, g1; fewer groups cannot; 1 person stays as before; staying costs 0 person-minutes."
    ]
    later = plan_of([3], [2, 4], [[30, 90]], 60)
    assert sentences(later)[-1].en == "Raising the limit to 1.5 min saves 1; 0 would still have no place."
    assert sentences(plan_of([3], [2, 4], [[30, 90]], fewest=True))[-1].en == "1 shelter is opened; fewer are not enough."


# At size, pruned: against nearest-first, and the same optimum with all ways given.


def scattered(groups=900, shelters=80, slack=1.1, seed=3):
    random = np.random.default_rng(seed)
    people = random.multinomial(20_000, random.dirichlet(np.ones(groups)))
    free = random.multinomial(int(20_000 * slack), random.dirichlet(np.full(shelters, 2.0)))
    at, to = random.normal(0, 9_000, (groups, 2)), random.uniform(-20_000, 20_000, (shelters, 2))
    return people, free, np.hypot(*(at[:, None] - to[None]).transpose(2, 0, 1)) / 8


@pytest.mark.parametrize("slack", [0.8, 1.01, 2.0])
def test_pruned_is_the_optimum_of_all_ways(slack):
    people, free, seconds = scattered(slack=slack)
    rows, shelters = seconds.shape
    cost = np.floor(seconds + 0.5).astype(np.int64).ravel()
    arcs = Arcs(np.arange(rows + 1) * shelters, np.tile(np.arange(shelters), rows), cost, np.repeat(people, shelters))
    pruned, whole = least_cost(people, free, arcs), least_cost(people, free, arcs, whole_below=10**9)
    assert pruned.people @ cost == whole.people @ cost
    assert pruned.people.sum() == whole.people.sum() == min(people.sum(), free.sum())
    assert pruned.arcs_used < whole.arcs_used == rows * shelters
    assert pruned.least_reduced_cost >= 0
    assert whole.least_reduced_cost == NONE_DROPPED
