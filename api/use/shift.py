"""What changed since a moment, such as the beginning of a shift: feature by feature, by layer, by town and by person.

Each feature counts once, by what became of it in all: *created*, *changed*, *removed*, *back* where it is again what it was, *late*
where nothing came but reports of earlier times. Only what the caller may read is looked at, so that a change of a hidden column
is no change to him.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import shapely
import sqlalchemy as sa
from numpy.typing import NDArray

from api.use._remember import remember_few
from api.use.changed_columns import ColumnChange, column_changes, values
from api.use.clock_times import last_time_of_day
from api.use.records import called
from api.use.writing import moment_of
from geo_risk.errors import NotFound, ParameterError, shown
from layers._layer import Layer, Sensitivity
from layers._store import Snapshot, Store
from layers._store.changes import revision_at
from layers._store.cuts import first_kept, require_kept
from layers._store.differences import Course, State, Step, effective_between, recorded_between, recorded_of
from layers._store.records import stamp

Net = Literal["created", "changed", "removed", "back", "late"]
NETS: Final[tuple[Net, ...]] = ("created", "changed", "removed", "back", "late")
OUTSIDE, UNPLACED = "outside", "unplaced"
TOWN_RULE: Final = "the town that a point surely inside the feature lies in; on a border the least id; without a place by code"

_KEPT: Final = 4
_REVISION: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_CODE: Final = r"[0-9]{12}"
_TOWN_DIGITS: Final = 9


@dataclass(frozen=True, kw_only=True)
class Bound:
    """One end of the time asked about: the log's revision there and the moment, if a moment was named."""

    revision: int
    moment: str | None = None


@dataclass(frozen=True, kw_only=True)
class Span:
    """The time asked about. ``true``: by what was true at both ends as it is known now, not by what was recorded between."""

    since: Bound
    until: Bound
    true: bool = False


class Made(NamedTuple):
    """One change that can be seen: who made it, when, why; ``late`` if in this reading it changed nothing that came after."""

    seq: int
    op: str
    batch_id: int
    actor: str
    reason: str
    recorded_at: str
    observed_at: str | None
    late: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of one feature. ``town``: its id, or *outside* or *unplaced*; ``towns`` also those where it was before.

    ``made`` are the changes that can be seen, in the order of the reading; ``changes`` is what they come to. Of a feature that came
    or went they are its name and what its card shows.
    """

    layer: str
    fid: str
    name: str
    net: Net
    changes: tuple[ColumnChange, ...]
    made: tuple[Made, ...]
    town: str = UNPLACED
    towns: frozenset[str] = frozenset()

    @property
    def last(self) -> Made:
        """The last change that can be seen."""
        return self.made[-1]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many features came to what, and how many changes that took."""

    features: int = 0
    changes: int = 0
    nets: Mapping[Net, int] = field(default_factory=dict)


def span(store: Store, snapshot: Snapshot, since: str, until: str | None, *, by: str, now: dt.datetime) -> Span:
    """The time between two ends; up to now without the second.

    Each end is a revision, a moment by RFC 3339 with its offset, or a time of day such as ``08:00``: the last such time.

    Raises
    ------
    ParameterError
        An end is none of these or in the future, or the ends are not in order.
    """
    if by not in ("known", "true"):
        raise ParameterError("changes go by one of two times", where="by", expected="known or true", got=shown(by))
    with store.read() as connection:
        first = _bound(connection, snapshot, since, "since", now)
        last = _bound(connection, snapshot, until, "until", now) if until else _newest(snapshot, first)
    if first.revision > last.revision or (first.moment or "") > (last.moment or "~"):
        raise ParameterError("the time ends before it begins", where="since, until", expected="since first", got="the reverse")
    if by == "true" and None in (first.moment, last.moment):
        raise ParameterError(
            "what was true is asked for by moments", where="since, until", expected="moments, with by=true", got="a revision",
            then="name moments, or ask by=known",
        )
    return Span(since=first, until=last, true=by == "true")


def _newest(snapshot: Snapshot, first: Bound) -> Bound:
    """Up to the last change: until another comes, the same question each time."""
    return Bound(revision=snapshot.revision, moment=max(snapshot.whole.recorded_at or "", first.moment or "") or None)


def _bound(connection: sa.Connection, snapshot: Snapshot, text: str, where: str, now: dt.datetime) -> Bound:
    if _REVISION.fullmatch(text):
        first = first_kept(connection)
        if not first <= int(text) <= snapshot.revision:
            expected = f"{first} to {snapshot.revision}"
            raise ParameterError("there is no such revision", where=where, expected=expected, got=shown(text))
        return Bound(revision=int(text))
    clock = _CLOCK.fullmatch(text)
    moment = last_time_of_day(int(clock[1]), int(clock[2]), now) if clock else moment_of(text.replace(" ", "+"), where)
    if moment > now:
        raise ParameterError("this moment is yet to come", where=where, expected=f"up to {stamp(now)}", got=stamp(moment))
    require_kept(connection, stamp(moment))
    return Bound(revision=min(revision_at(connection, stamp(moment)), snapshot.revision), moment=stamp(moment))


def rows(store: Store, snapshot: Snapshot, asked: Span, layers: Collection[str] = ()) -> tuple[Row, ...]:
    """What became of each feature of the layers (of all without any), in the order of layers and ids.

    Raises
    ------
    NotFound
        There is no such layer for whoever asks.
    ParameterError
        More changed than can be compared one by one.
    """
    wanted = tuple(sorted(snapshot.layer(each).id for each in (layers or snapshot.layers)))
    key = asked, snapshot.readable, wanted
    return remember_few(snapshot.whole, "changes", key, lambda _: tuple(_rows(store, snapshot, asked, wanted)), most=_KEPT)


def of_town(found: Iterable[Row], snapshot: Snapshot, town: str) -> tuple[Row, ...]:
    """The rows of features that are or were in a town, which is named by id or name; or *outside*, or *unplaced*."""
    towns = snapshot.whole.frames["towns"]
    named = {*towns.index[towns["name"] == town], *({town} & {OUTSIDE, UNPLACED, *towns.index})}
    if not named:
        raise NotFound(f"no town {shown(town)}", where="town", expected="the id or the name of a town", got=shown(town))
    return tuple(row for row in found if not named.isdisjoint(row.towns))


def of_person(found: Iterable[Row], person: str) -> tuple[Row, ...]:
    """The rows of features that somebody changed, who is named as the log names them, with or without a key's id."""
    return tuple(row for row in found if any(person in (each.actor, each.actor.partition("/")[0]) for each in row.made))


def tally(found: Iterable[Row]) -> Tally:
    """The features by what became of them, and their changes."""
    counted = list(found)
    nets = Counter(row.net for row in counted)
    changes = sum(len(row.made) for row in counted)
    return Tally(features=len(counted), changes=changes, nets={net: nets[net] for net in NETS})


def tallies(found: Iterable[Row], by: Callable[[Row], Iterable[str]]) -> dict[str, Tally]:
    """A tally for each group that a row is in."""
    groups: dict[str, list[Row]] = {}
    for row in found:
        for name in dict.fromkeys(by(row)):
            groups.setdefault(name, []).append(row)
    return {name: tally(groups[name]) for name in sorted(groups)}


def by_actor(found: Sequence[Row]) -> dict[str, Tally]:
    """A tally for each who made changes: features that several changed count for each, changes for who made them only."""
    made = Counter(each.actor for row in found for each in row.made)
    groups = tallies(found, lambda row: (each.actor for each in row.made))
    return {actor: replace(each, changes=made[actor]) for actor, each in groups.items()}


def batches(found: Iterable[Row]) -> list[tuple[Made, int]]:
    """The batches that changed more than one feature, the newest first: the last change of each, and of how many features.

    An import is one, and so is what somebody sent together.
    """
    last, features = dict[int, Made](), Counter[int]()
    for row in found:
        own = {each.batch_id: each for each in row.made}
        features.update(own.keys())
        last |= {batch: max(each, last.get(batch, each)) for batch, each in own.items()}
    return [(last[batch], features[batch]) for batch in sorted(last, reverse=True) if features[batch] > 1]


def exact_rows(
    connection: sa.Connection, snapshot: Snapshot, asked: Span, layer_id: str, fids: Collection[str]
) -> list[Row]:
    """What became of some features of a layer, in the order of their ids, by what was recorded."""
    courses = recorded_of(connection, layer_id, fids, asked.since.revision, asked.until.revision)
    return list(_rows_of(snapshot, courses))


def _rows(store: Store, snapshot: Snapshot, asked: Span, layers: Sequence[str]) -> Iterator[Row]:
    with store.read() as connection:
        yield from _rows_of(snapshot, _courses(connection, snapshot, asked, layers))


def _rows_of(snapshot: Snapshot, courses: Iterable[Course]) -> Iterator[Row]:
    found, places = list[Row](), list[_Places]()
    for course in courses:
        layer = snapshot.layers[course.layer]
        row = _row(layer, course, snapshot.readable)
        if row is not None:
            found.append(row)
            places.append(_places(layer, course, snapshot.readable))
    towns = _towns(snapshot, places)
    for row, (before, after) in zip(found, towns, strict=True):
        yield replace(row, town=after, towns=frozenset((before, after)))


def _courses(connection: sa.Connection, snapshot: Snapshot, asked: Span, layers: Sequence[str]) -> Iterator[Course]:
    since, until = asked.since, asked.until
    if asked.true and since.moment and until.moment:
        return effective_between(connection, layers, since.moment, until.moment, snapshot.revision)
    return recorded_between(connection, layers, since.revision, until.revision)


def _row(layer: Layer, course: Course, readable: tuple[Sensitivity, ...]) -> Row | None:
    """The course as a row, or None where nothing of it can be seen."""
    made = tuple(_made(step) for step in course.steps if is_seen(layer, step, readable))
    if not made:
        return None
    before, after = course.before, course.after
    changes = column_changes(layer, before, after, readable)
    came_or_went = (before is None) != (after is None)
    if came_or_went:
        changes = tuple(change for change in changes if change.column in {"name", *layer.style.card})
    name = called(values(layer, after or before or State("{}", None, ""), readable), course.fid)
    return Row(
        layer=layer.id, fid=course.fid, name=name, changes=changes, made=made,
        net=_net(made, before, after, changed=bool(changes)),
    )  # fmt: skip


def is_seen(layer: Layer, step: Step, readable: tuple[Sensitivity, ...]) -> bool:
    """Whether a step changed anything that may be read."""
    return (step.before is None) != (step.after is None) or bool(column_changes(layer, step.before, step.after, readable))


def _made(step: Step) -> Made:
    return Made(
        seq=step.seq, op=step.op, batch_id=step.batch_id, actor=step.actor, reason=step.reason, recorded_at=step.recorded_at,
        observed_at=step.observed_at, late=step.late,
    )  # fmt: skip


def _net(made: Sequence[Made], before: State | None, after: State | None, *, changed: bool) -> Net:
    if all(each.late for each in made):
        return "late"
    if (before is None) != (after is None):
        return "created" if before is None else "removed"
    return "changed" if changed else "back"


class _Places(NamedTuple):
    """Where a feature was and is: a point surely inside it, and its administrative code."""

    before: Any
    after: Any
    code_before: str | None
    code_after: str | None


def _places(layer: Layer, course: Course, readable: tuple[Sensitivity, ...]) -> _Places:
    """Of what came, its place is that where it is; of what went, that where it was."""
    before, after = course.before or course.after, course.after or course.before
    return _Places(_point(before), _point(after), code_of(layer, before, readable), code_of(layer, after, readable))


def _point(state: State | None) -> Any:
    return None if state is None or state.geometry is None else shapely.from_wkb(state.geometry).representative_point()


def code_of(layer: Layer, state: State | None, readable: tuple[Sensitivity, ...]) -> str | None:
    """The administrative code of a feature, where it may be read."""
    name = next((column.name for column in layer.readable(readable) if column.pattern == _CODE), None)
    if state is None or name is None:
        return None
    code = values(layer, state, readable).get(name)
    return code if isinstance(code, str) else None


def _towns(snapshot: Snapshot, places: Sequence[_Places]) -> list[tuple[str, str]]:
    """The town of each place before and after; by point, else by code."""
    before = towns_of(snapshot, [place.before for place in places], [place.code_before for place in places])
    after = towns_of(snapshot, [place.after for place in places], [place.code_after for place in places])
    return list(zip(before, after, strict=True))


def towns_of(snapshot: Snapshot, points: Sequence[Any], coded: Sequence[str | None]) -> list[str]:
    """The town of each point, or without one (None) that of its code."""
    towns = snapshot.whole.frames["towns"]
    codes = {code[:_TOWN_DIGITS]: fid for fid, code in sorted(towns["code"].dropna().items(), reverse=True)}
    return _town_of(points, coded, towns, towns.index.to_numpy(), codes)


def _town_of(
    points: Sequence[Any], coded: Sequence[str | None], towns: Any, ids: NDArray[Any], codes: Mapping[str, str]
) -> list[str]:
    found = [UNPLACED if code is None else codes.get(code[:_TOWN_DIGITS], OUTSIDE) for code in coded]
    placed = np.array([place for place, point in enumerate(points) if point is not None], dtype=int)
    for place in placed:
        found[place] = OUTSIDE
    if len(placed) and len(towns):
        at, town = towns.sindex.query(np.array([points[place] for place in placed], dtype=object), predicate="intersects")
        # towns are in the order of ids: read from the greatest, the least of several stands last
        for point, inside in sorted(zip(at.tolist(), town.tolist(), strict=True), reverse=True):
            found[placed[point]] = str(ids[inside])
    return found
