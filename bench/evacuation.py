"""200,000 people of 5,000 groups to 300 shelters: ours beside OR-tools and HiGHS on all ways, networkx, and nearest-first.

Times are of straight lines with detours, towns and shelters crowd. All begin with the same matrix of seconds, people and free
places; ours ends with its frames and certificate, the others with flows. Answers are people placed and person-seconds, which
must be equal. Nearest-first is no solver: it says how many people it puts over capacity, or how much longer they travel.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow
from scipy.optimize import linprog
from scipy.sparse import coo_array

from bench.versus import peer, timed, versus
from geo_risk.access.evacuation import Groups, Plan, Shelters, evacuate

LIMIT_S = 14_400.0


def city(groups: int, shelters: int, people: int, slack: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """People, free places, whole seconds."""
    random = np.random.default_rng(seed)
    towns = random.uniform(0, 40_000, (30, 2))
    at = towns[random.integers(0, 30, groups)] + random.normal(0, 3_000, (groups, 2))
    to = random.uniform(0, 40_000, (shelters, 2))
    metres = np.hypot(*(at[:, None] - to[None]).transpose(2, 0, 1)) * random.uniform(1.0, 1.5, (groups, shelters))
    return (
        random.multinomial(people, random.dirichlet(np.ones(groups))),
        random.multinomial(int(people * slack), random.dirichlet(np.full(shelters, 2.0))),
        np.floor(metres / 8 + 0.5),
    )


def ours(people: np.ndarray, free: np.ndarray, seconds: np.ndarray) -> Plan:
    none = np.zeros(len(people))
    groups = Groups(ids=range(len(people)), people=people, wheels=none, care=none)
    return evacuate(groups, Shelters(ids=range(len(free)), free=free), seconds, LIMIT_S)


def or_tools(people: np.ndarray, free: np.ndarray, seconds: np.ndarray) -> tuple[int, int]:
    """Min-cost flow on all ways; who finds no place goes to nobody at a cost above all."""
    groups, shelters = seconds.shape
    group, shelter = np.nonzero(seconds <= LIMIT_S)
    cost = seconds[group, shelter].astype(np.int64)
    nobody, sink = groups + shelters, groups + shelters + 1
    solver = SimpleMinCostFlow()
    ways = solver.add_arcs_with_capacity_and_unit_cost(
        group.astype(np.int32), (shelter + groups).astype(np.int32), people[group], cost
    )
    each = np.arange(groups, dtype=np.int32)
    dear = np.full(groups, (shelters + 2) * int(cost.max()) + 1)
    solver.add_arcs_with_capacity_and_unit_cost(each, np.full(groups, nobody, dtype=np.int32), people, dear)
    last = np.arange(groups, nobody + 1, dtype=np.int32)
    end, room = np.full(len(last), sink, dtype=np.int32), np.append(free, people.sum())
    solver.add_arcs_with_capacity_and_unit_cost(last, end, room, np.zeros(len(last), dtype=np.int64))
    solver.set_nodes_supplies(each, people)
    solver.set_node_supply(sink, -int(people.sum()))
    if solver.solve() != solver.OPTIMAL:
        raise RuntimeError("not solved")
    flow = solver.flows(ways)
    return int(flow.sum()), int(flow @ cost)


def highs(people: np.ndarray, free: np.ndarray, seconds: np.ndarray, timeout_s: float) -> tuple[int, int] | str:
    """The same as a linear programme, whose corners are whole persons; told of as many as fit."""
    groups, shelters = seconds.shape
    group, shelter = np.nonzero(seconds <= LIMIT_S)
    each = np.tile(np.arange(len(group)), 2)
    rows = coo_array((np.ones(len(each)), (np.r_[group, shelter + groups], each)), shape=(groups + shelters, len(group)))
    cost = seconds[group, shelter] - (shelters + 2) * seconds.max() - 1
    found = linprog(cost, A_ub=rows.tocsr(), b_ub=np.r_[people, free], method="highs", options={"time_limit": timeout_s})
    if found.status:
        return f"not done after {timeout_s:.0f} s"
    flow = np.round(found.x).astype(np.int64)
    return int(flow.sum()), int(flow @ seconds[group, shelter].astype(np.int64))


def nearest_first(people: np.ndarray, free: np.ndarray, seconds: np.ndarray) -> str:
    """Each group to its nearest shelter: people over its places; and in turn to the nearest with a place left: the time."""
    sent = np.bincount(seconds.argmin(axis=1), weights=people, minlength=len(free))
    over, left, total, room = int(np.maximum(sent - free, 0).sum()), 0, 0, free.copy()
    for group, asking in enumerate(people):
        without = int(asking)
        for shelter in np.argsort(seconds[group], kind="stable"):
            if seconds[group, shelter] > LIMIT_S or not without:
                break
            taken = min(without, int(room[shelter]))
            room[shelter] -= taken
            without -= taken
            total += int(taken * seconds[group, shelter])
        left += without
    blind = f"nearest: {over:,} of {people.sum():,} people over capacity"
    return f"{blind}; nearest with a place, in turn: {total / 1e6:.1f} million s, {left:,} left"


def same(one: Plan, other: object) -> str:
    if isinstance(other, str):
        return other
    told = (one.placed, one.person_seconds)
    return "same optimum" if [*told] == [*other] else f"{told} against {other}"  # type: ignore[misc]


def measure(groups: int, shelters: int, people: int, slack: float, rounds: int, timeout_s: float) -> None:
    ours(*city(groups // 10, shelters, people, slack))
    case = city(groups, shelters, people, slack)
    work = f"{people:,} people, {groups:,} groups, {shelters} shelters, places {slack:.2f} x people"
    mine = timed("geo_risk", lambda: ours(*case), rounds)
    others = [timed("OR-tools, all ways", lambda: or_tools(*case), rounds)]
    if groups * shelters <= 200_000:
        others.append(timed("HiGHS, all ways", lambda: highs(*case, timeout_s), 1))
        with tempfile.TemporaryDirectory(prefix="geo-risk-bench-") as folder:
            data = Path(folder) / "evacuation.npz"
            np.savez(data, people=case[0], free=case[1], seconds=case[2], limit_s=LIMIT_S)
            others.append(peer("networkx", "roads", "evacuation_networkx.py", str(data), timeout_s=timeout_s))
    versus(work, mine, others, same)
    proof = mine.answer.certificate
    print("\t".join((
        work, "nearest-first", nearest_first(*case),
        f"ours: {mine.answer.person_seconds / 1e6:.1f} million s, {mine.answer.left:,} left; "
        f"{proof.arcs_used:,} of {proof.arcs:,} ways searched, the rest proved",
    )))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=5_000)
    parser.add_argument("--shelters", type=int, default=300)
    parser.add_argument("--people", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--timeout-s", type=float, default=300.0)
    given = parser.parse_args()
    for slack in (1.05, 1.5, 0.9):
        measure(given.groups, given.shelters, given.people, slack, given.rounds, given.timeout_s)
    measure(given.groups // 5, given.shelters // 3, given.people // 5, 1.05, 1, given.timeout_s)


if __name__ == "__main__":
    sys.exit(main())
