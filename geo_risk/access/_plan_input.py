"""What an evacuation is asked, checked: groups, shelters and ways made rows of people and whole numbers, in the order of ids."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geo_risk.access._transport import expand, starts_of
from geo_risk.access.road_graph import Floats, Ints, Mask
from geo_risk.access.shortfall import Question
from geo_risk.errors import ParameterError, shown

NEEDS: Final = ("none", "wheels", "care")
MAX_GROUPS: Final = 10_000
MAX_SHELTERS: Final = 2_000
MAX_CELLS: Final = 5_000_000
MAX_WAYS: Final = 3_000_000
FEW_WAYS: Final = 300_000  # as quick with any number of cells
MAX_PEOPLE: Final = 10_000_000_000
MAX_SECONDS: Final = 604_800.0
_WHERE: Final = "evacuate"
_COLUMNS: Final = ("group", "need", "shelter", "people")


@dataclass(frozen=True, eq=False)
class Ways:
    """Known ways alone, where most are none: positions of group and shelter from 0, and seconds.

    Of two ways of one pair the quicker counts.
    """

    group: Ints
    shelter: Ints
    seconds: Floats


@dataclass(frozen=True, eq=False)
class Case:
    """Rows of people (group and need by position in the sorted ids), shelters, and every way known."""

    groups: tuple[Hashable, ...]
    shelters: tuple[Hashable, ...]
    reasons: tuple[str, ...]
    unknown_groups: tuple[Hashable, ...]
    needs_unknown: tuple[Hashable, ...]
    row_group: Ints
    row_need: Ints
    people: Ints
    free: Floats
    usable: Mask
    fit: Mask
    starts: Ints
    shelter: Ints
    seconds: Floats

    def row_ways(self) -> tuple[Ints, Ints]:
        """For each row and each way of its group: the row, and the way's position."""
        return expand(self.starts, self.row_group)

    def question(self, people: Ints, places: Ints, limit_s: float) -> Question:
        """The transport of ``people`` into ``places`` on the ways that fit each row's need."""
        row, way = self.row_ways()
        kept = self.fit[self.row_need[row], self.shelter[way]]
        row, way = row[kept], way[kept]
        require_at_most("ways of groups by need to shelters", len(way), MAX_WAYS, "keep the shelters near each, or join groups")
        if len(way) > FEW_WAYS:
            cells, then = len(people) * len(places), "join groups to towns or cells, or keep the shelters near each"
            require_at_most("groups by need x shelters", cells, MAX_CELLS, then)
        return Question(people, places, self.usable, starts_of(row, len(people)), self.shelter[way], self.seconds[way], limit_s)


def order_of(ids: Sequence[Hashable], what: str) -> Ints:
    """Positions in the order of the ids as text; refuses two that read alike."""
    texts = np.array([str(each) for each in ids], dtype=object)
    order = np.argsort(texts, kind="stable").astype(np.int64)
    if (texts[order][1:] == texts[order][:-1]).any():
        raise ParameterError(f"two {what} have one id", where=_WHERE, expected="an id for each", then="tell them apart")
    return order


def whole(values: ArrayLike, count: int, what: str, *, rounded: bool = False) -> Floats:
    """Whole numbers from 0, nan where unknown; with ``rounded`` down to whole ones."""
    found = np.array(values, dtype=float)
    if found.shape != (count,):
        raise ParameterError(
            f"{what} are of another length", where=_WHERE, expected=f"({count},)", got=str(found.shape), then="give one for each id"
        )
    found = np.floor(found) if rounded else found
    wrong = ~np.isnan(found) & ~((found >= 0) & (found <= MAX_PEOPLE) & (found == np.floor(found)))
    if wrong.any():
        raise ParameterError(
            f"{what} must be whole numbers", where=f"{_WHERE}, position {int(np.argmax(wrong))}",
            expected=f"0 to {MAX_PEOPLE:,}, or nan for unknown", got=shown(float(found[wrong][0])), then="correct the count",
        )
    return found


def require_at_most(what: str, count: int, most: int, then: str) -> None:
    """Refuse a question that would take longer than stated."""
    if count > most:
        raise ParameterError(f"too many {what}", where=_WHERE, expected=f"at most {most:,}", got=shown(count), then=then)


def counts_by_need(people: Floats, wheels: Floats, care: Floats) -> Ints:
    """People by group and need, shape (groups, 3); 0 in a group whose people are unknown, and by need where that is unknown."""
    by_need = np.nan_to_num(np.stack([wheels, care], axis=1), nan=0.0)
    others = people - by_need.sum(axis=1)
    if (others < 0).any():
        raise ParameterError(
            "more people with needs than people", where=f"{_WHERE}, group {int(np.argmax(others < 0))}",
            expected="wheels + care at most people", got=shown(float(others.min())),
            then="count a person who needs both once, in care",
        )
    counts = np.column_stack([others, by_need])
    return np.where(np.isnan(others)[:, None], 0.0, counts).astype(np.int64)


def ways_of(seconds: NDArray[np.float64] | Ways, groups: Ints, shelters: Ints) -> tuple[Ints, Ints, Floats]:
    """Known ways sorted by group and shelter: where each group's start, the shelter, seconds. inf and nan are no way."""
    size = (len(groups), len(shelters))
    group, shelter, times = _listed(seconds, size) if isinstance(seconds, Ways) else _of_matrix(seconds, size, groups, shelters)
    if isinstance(seconds, Ways):
        group, shelter = np.argsort(groups)[group], np.argsort(shelters)[shelter]
        order = np.lexsort((times, shelter, group))
        order = order[np.append(True, np.diff(group[order] * size[1] + shelter[order]) != 0)] if len(order) else order
        group, shelter, times = group[order], shelter[order], times[order]
    if len(times) and not (times.min() >= 0 and times.max() <= MAX_SECONDS):
        wrong = float(times.min() if times.min() < 0 else times.max())
        raise ParameterError(
            "seconds are out of range", where=_WHERE, expected=f"0 to {MAX_SECONDS:,.0f}, inf for no way", got=shown(wrong),
            then="give seconds, not milliseconds",
        )
    return starts_of(group, size[0]), shelter, times


def _of_matrix(
    seconds: NDArray[np.float64], size: tuple[int, int], groups: Ints, shelters: Ints
) -> tuple[Ints, Ints, Floats]:
    require_at_most("cells in the matrix of seconds", size[0] * size[1], MAX_CELLS, "give Ways, or join groups to towns or cells")
    table = np.asarray(seconds, dtype=float)
    if table.shape != size:
        raise ParameterError(
            "the matrix of seconds is of another shape", where=_WHERE, expected=str(size), got=str(table.shape),
            then="give a row a group, a column a shelter",
        )
    ordered = table[np.ix_(groups, shelters)]
    group, shelter = np.nonzero(np.isfinite(ordered) | np.isneginf(ordered))
    return group, shelter, ordered[group, shelter]


def _listed(ways: Ways, size: tuple[int, int]) -> tuple[Ints, Ints, Floats]:
    group, shelter = (np.asarray(found, dtype=np.int64) for found in (ways.group, ways.shelter))
    times = np.asarray(ways.seconds, dtype=float)
    if not group.shape == shelter.shape == times.shape == (len(times),):
        raise ParameterError("ways are of different lengths", where=_WHERE, expected="group, shelter, seconds for each way")
    require_at_most("ways", len(times), MAX_CELLS, "keep the shelters near each group")
    for found, most in ((group, size[0]), (shelter, size[1])):
        if len(found) and not (found.min() >= 0 and found.max() < most):
            raise ParameterError(
                "a way names no group or shelter", where=_WHERE, expected=f"positions 0 to {most - 1}",
                got=f"{found.min()} to {found.max()}", then="count positions from 0",
            )
    known = np.isfinite(times) | np.isneginf(times)
    return group[known], shelter[known], times[known]


@dataclass(frozen=True, eq=False)
class Assigned:
    """People of rows in shelters, one entry a pair; ``homeless`` people of each row, whose shelter is no part of the case.

    ``gone`` people are of a group or need that is no part of it.
    """

    row: Ints
    shelter: Ints
    people: Ints
    homeless: Ints
    gone: int


def assigned(frame: pd.DataFrame | None, case: Case, what: str) -> Assigned:
    """A table of assignments (group, need, shelter, people) in positions, equal pairs summed."""
    if frame is None or not len(frame):
        none = np.empty(0, dtype=np.int64)
        return Assigned(none, none, none, np.zeros(len(case.people), dtype=np.int64), 0)
    lacking = [column for column in _COLUMNS if column not in frame.columns]
    if lacking:
        raise ParameterError(
            f"columns of {what} are missing", where=_WHERE, expected=", ".join(_COLUMNS), got=f"none named {', '.join(lacking)}",
            then="give a plan's transfers, or a table like them",
        )
    people = whole(frame["people"], len(frame), f"people of {what}")
    if np.isnan(people).any():
        raise ParameterError(f"people of {what} are unknown", where=_WHERE, expected="whole numbers", then="count them")
    rows = zip(case.row_group, case.row_need, strict=True)
    at = {(case.groups[group], NEEDS[need]): row for row, (group, need) in enumerate(rows)}
    column = {each: position for position, each in enumerate(case.shelters)}
    row = np.array([at.get(pair, -1) for pair in zip(frame["group"], frame["need"], strict=True)], dtype=np.int64)
    shelter = np.array([column.get(each, -1) for each in frame["shelter"]], dtype=np.int64)
    known = (row >= 0) & (shelter >= 0) & (people > 0)
    pairs, which = np.unique(row[known] * len(column) + shelter[known], return_inverse=True)
    summed = np.bincount(which, weights=people[known], minlength=len(pairs)).astype(np.int64)
    lost = (row >= 0) & (shelter < 0)
    homeless = np.bincount(row[lost], weights=people[lost], minlength=len(case.people)).astype(np.int64)
    rows_of, shelters_of = np.divmod(pairs, max(len(column), 1))
    return Assigned(rows_of, shelters_of, summed, homeless, int(people[row < 0].sum()))
