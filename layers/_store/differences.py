"""What became of features between two moments: each change beside the state it was made from, feature by feature.

Two readings. *As it was recorded*: the revisions between two revisions of the log, in the order in which they came. *As it was
true*: those effective between two moments, by what was known at a revision, in the order in which they were effective.
"""

from bisect import bisect, insort
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from geo_risk.errors import ParameterError
from layers._store.changes import revision_at
from layers._store.cuts import first_kept, require_kept
from layers._store.moments import Horizon, effective, present
from layers._store.records import Op
from layers._store.schema import BATCHES, REVISIONS, SOURCE
from layers._store.sql import among

MOST: Final = 100_000
"""Revisions that are looked through one by one."""

_TOGETHER: Final = 2_000
"""Revisions whose states are held at a time."""
# as an expression no index has it: the numbers asked about are few, and a layer may be most of the log
_OWNER: Final = REVISIONS.c.layer.concat("")
_MINUTE: Final = len("2026-07-01T08:00")
_ASKED: Final = 900
"""Revisions asked for in one statement."""


class State(NamedTuple):
    """A feature as the log holds it: canonical JSON, WKB, where it comes from."""

    properties: str
    geometry: bytes | None
    source: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """One revision beside the state it was made from; None where the feature was not there.

    ``late``: in this reading it changed nothing that came after.
    """

    seq: int
    op: Op
    late: bool
    batch_id: int
    recorded_at: str
    observed_at: str | None
    skew_s: int | None
    actor: str
    reason: str
    note: str
    before: State | None
    after: State | None


@dataclass(frozen=True, kw_only=True)
class Course:
    """What became of one feature: its steps, in the order of the reading. Late steps changed nothing that came after."""

    layer: str
    fid: str
    steps: tuple[Step, ...]

    @property
    def before(self) -> State | None:
        """The state from which all began; of what only late reports tell, that before the first of them."""
        return self._lasting[0].before

    @property
    def after(self) -> State | None:
        """The state to which all led."""
        return self._lasting[-1].after

    @property
    def only_late(self) -> bool:
        """Whether nothing came but reports of earlier times."""
        return all(step.late for step in self.steps)

    @property
    def _lasting(self) -> Sequence[Step]:
        return [step for step in self.steps if not step.late] or self.steps


class _Link(NamedTuple):
    """A revision, and the one it was made from."""

    layer: str
    fid: str
    seq: int
    before: int | None


class _Listed(NamedTuple):
    layer: str
    fid: str
    seq: int
    op: str
    effective: str


def recorded_between(connection: sa.Connection, layers: Collection[str], after: int, until: int) -> Iterator[Course]:
    """The courses by the revisions above ``after`` up to ``until``, in the order of layers and ids.

    Raises
    ------
    ParameterError
        There are more than `MOST` revisions, or the log was cut after the first of them.
    """
    _require_kept(connection, after)
    listed = _listed(connection, layers, sa.and_(REVISIONS.c.seq > after, REVISIONS.c.seq <= until))
    base = _bases(connection, listed, after)
    late = _made_from(connection, [each for each in listed if each.op == "late"], until)
    return _courses(connection, _in_order_of_arrival(listed, base, late), late=True)


def recorded_of(connection: sa.Connection, layer_id: str, fids: Collection[str], after: int, until: int) -> Iterator[Course]:
    """As `recorded_between`, of some features of one layer; the others are not looked at."""
    _require_kept(connection, after)
    listed = _listed(connection, [layer_id], sa.and_(among(connection, REVISIONS.c.fid, fids), _within(after, until)), own=True)
    late = _made_from(connection, [each for each in listed if each.op == "late"], until)
    return _courses(connection, _in_order_of_arrival(listed, _bases(connection, listed, after), late), late=True)


def features_between(
    connection: sa.Connection, layer_id: str, after: int, until: int, *, beyond: str, most: int, most_bytes: int
) -> list[str]:
    """Features of a layer, by id from the one ``beyond``, that revisions above ``after`` up to ``until`` tell of.

    At most so many, and of geometries of about so many bytes; at least one, where there is one.
    """
    size = sa.func.coalesce(sa.func.sum(sa.func.length(REVISIONS.c.geometry)), 0)
    found = connection.execute(
        sa.select(REVISIONS.c.fid, size)
        .where(REVISIONS.c.layer == layer_id, REVISIONS.c.fid > beyond, _within(after, until))
        .group_by(REVISIONS.c.fid)
        .order_by(REVISIONS.c.fid)
        .limit(most)
    ).all()
    held = accumulate(length for _, length in found)
    return [fid for number, ((fid, _), so_far) in enumerate(zip(found, held, strict=True)) if number == 0 or so_far <= most_bytes]


def states_before(connection: sa.Connection, layer_id: str, fids: Collection[str], after: int) -> dict[str, State]:
    """What these features were after the revision ``after``; those that were not there are left out."""
    last = (
        sa.select(sa.func.max(REVISIONS.c.seq))
        .where(REVISIONS.c.layer == layer_id, among(connection, REVISIONS.c.fid, fids))
        .where(REVISIONS.c.seq + 0 <= after, REVISIONS.c.op != "late")
        .group_by(REVISIONS.c.fid)
    )
    rows = connection.execute(
        sa.select(REVISIONS.c.fid, REVISIONS.c.properties, REVISIONS.c.geometry, SOURCE.label("source"))
        .join(BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)
        .where(REVISIONS.c.seq.in_(last))
    )
    states = ((row.fid, _state(row)) for row in rows)
    return {fid: state for fid, state in states if state is not None}


def _within(after: int, until: int) -> sa.ColumnElement[bool]:
    """The span of revisions, looked at beside the features' own index: by number the span would be gone through for each part."""
    number = REVISIONS.c.seq + 0
    return sa.and_(number > after, number <= until)


def effective_between(connection: sa.Connection, layers: Collection[str], since: str, until: str, known: int) -> Iterator[Course]:
    """The courses by the revisions effective after ``since`` up to ``until`` (stamps), as known at the revision ``known``.

    In this order none is late: `Course.before` and `Course.after` are what was true at both moments. Errors as above.
    """
    require_kept(connection, since)
    # what was effective after a moment was recorded after it
    span = sa.and_(REVISIONS.c.seq > revision_at(connection, since), REVISIONS.c.seq <= known)
    listed = _listed(connection, layers, sa.and_(span, since < effective, until >= effective))
    start = Horizon(certain=0, known=known, true_at=since)
    base = {
        (layer_id, fid): seq
        for layer_id, ids in _ids(listed).items()
        for fid, seq in present(connection, layer_id, start, ids).items()
    }
    ordered = sorted(listed, key=lambda each: (each.layer, each.fid, each.effective, each.seq))
    return _courses(connection, _in_order(ordered, base), late=False)


def course_of(connection: sa.Connection, layer_id: str, fid: str, until: int) -> Course | None:
    """The whole course of one feature up to a revision, in the order of arrival; None where it never was."""
    span = sa.and_(REVISIONS.c.layer == layer_id, REVISIONS.c.fid == fid, REVISIONS.c.seq <= until)
    listed = _listed(connection, [layer_id], span)
    late = _made_from(connection, [each for each in listed if each.op == "late"], until)
    return next(_courses(connection, _in_order_of_arrival(listed, {}, late), late=True), None)


def _require_kept(connection: sa.Connection, after: int) -> None:
    first = first_kept(connection)
    if after < first:
        raise ParameterError(
            "the log before this revision was archived", where="since", expected=f"revision {first} or later", got=str(after),
            then="ask the archive that was made when the log was cut",
        )


def counts_by_minute(
    connection: sa.Connection, layers: Collection[str], after: int, until: int
) -> Iterator[tuple[str, int, int, int]]:
    """The revisions above ``after`` up to ``until`` by the minute they were recorded: how many, how many late, the last.

    A minute is the beginning of a stamp: ``2026-07-01T08:00``.
    """
    minute = sa.func.substr(BATCHES.c.recorded_at, 1, _MINUTE)
    late = sa.func.sum(sa.case((REVISIONS.c.op == "late", 1), else_=0))
    found = connection.execute(
        sa.select(minute, sa.func.count(), late, sa.func.max(REVISIONS.c.seq))
        .join_from(REVISIONS, BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)
        .where(REVISIONS.c.seq > after, REVISIONS.c.seq <= until, _OWNER.in_(sorted(layers)))
        .group_by(minute)
        .order_by(minute)
    )
    for at, changes, of_them_late, last in found:
        yield at, int(changes), int(of_them_late), int(last)


def _listed(
    connection: sa.Connection, layers: Collection[str], span: sa.ColumnElement[bool], *, own: bool = False
) -> list[_Listed]:
    """The revisions of a span; with ``own`` it is found by the features' index, else by number."""
    layer = REVISIONS.c.layer if own else _OWNER
    found = connection.execute(
        sa.select(REVISIONS.c.layer, REVISIONS.c.fid, REVISIONS.c.seq, REVISIONS.c.op, effective)
        .join(BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)
        .where(span, layer.in_(sorted(layers)))
        .limit(MOST + 1)
    ).all()
    if len(found) > MOST:
        raise ParameterError(
            "more changed in this time than can be compared one by one", where="since, until, layers",
            expected=f"at most {MOST:,} revisions", got="more", then="ask about less time, or name layers",
        )
    return sorted(_Listed(*row) for row in found)


def _ids(listed: Sequence[_Listed]) -> dict[str, list[str]]:
    return {
        layer_id: sorted({each.fid for each in of_layer}) for layer_id, of_layer in groupby(listed, key=lambda each: each.layer)
    }


def _bases(connection: sa.Connection, listed: Sequence[_Listed], after: int) -> dict[tuple[str, str], int]:
    """The revision that made each listed feature what it was after the revision ``after``."""
    last = sa.func.max(REVISIONS.c.seq)
    return {
        (layer_id, fid): seq
        for layer_id, ids in _ids(listed).items()
        for fid, seq in connection.execute(
            sa.select(REVISIONS.c.fid, last)
            .where(REVISIONS.c.layer == layer_id, among(connection, REVISIONS.c.fid, ids))
            .where(REVISIONS.c.seq <= after, REVISIONS.c.op != "late")
            .group_by(REVISIONS.c.fid)
        )
    }


def _made_from(connection: sa.Connection, late: Sequence[_Listed], until: int) -> dict[int, int | None]:
    """For each late revision that which was true when it was observed, by what was known when it came."""
    found = dict[int, int | None]()
    wanted = {each.seq for each in late}
    for layer_id, ids in _ids(late).items():
        whole = connection.execute(
            sa.select(REVISIONS.c.fid, REVISIONS.c.seq, effective)
            .join(BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)
            .where(REVISIONS.c.layer == layer_id, among(connection, REVISIONS.c.fid, ids), REVISIONS.c.seq <= until)
            .order_by(REVISIONS.c.seq)
        )
        earlier: dict[str, list[tuple[str, int]]] = {fid: [] for fid in ids}
        for fid, seq, began in whole:
            if seq in wanted:
                place = bisect(earlier[fid], (began, seq))
                found[seq] = earlier[fid][place - 1][1] if place else None
            insort(earlier[fid], (began, seq))
    return found


def _in_order_of_arrival(
    listed: Sequence[_Listed], base: Mapping[tuple[str, str], int], late: Mapping[int, int | None]
) -> Iterator[_Link]:
    lasting = {link.seq: link for link in _in_order([each for each in listed if each.op != "late"], base)}
    for each in listed:
        yield lasting.get(each.seq) or _Link(each.layer, each.fid, each.seq, late[each.seq])


def _in_order(listed: Sequence[_Listed], base: Mapping[tuple[str, str], int]) -> Iterator[_Link]:
    """Each revision made from the one before it in the list, the first of a feature from its base."""
    for key, of_feature in groupby(listed, key=lambda each: (each.layer, each.fid)):
        before = base.get(key)
        for each in of_feature:
            yield _Link(each.layer, each.fid, each.seq, before)
            before = each.seq


def _courses(connection: sa.Connection, links: Iterator[_Link], *, late: bool) -> Iterator[Course]:
    group, held = list[list[_Link]](), 0
    for _, of_feature in groupby(links, key=lambda link: (link.layer, link.fid)):
        group.append(list(of_feature))
        held += len(group[-1])
        if held >= _TOGETHER:
            yield from _read(connection, group, late=late)
            group, held = [], 0
    yield from _read(connection, group, late=late)


def _read(connection: sa.Connection, group: Sequence[Sequence[_Link]], *, late: bool) -> Iterator[Course]:
    rows = _rows(connection, sorted({seq for links in group for link in links for seq in (link.seq, link.before) if seq}))
    for links in group:
        steps = tuple(_step(rows[link.seq], rows.get(link.before or 0), late=late) for link in links)
        yield Course(layer=links[0].layer, fid=links[0].fid, steps=steps)


def _rows(connection: sa.Connection, seqs: Sequence[int]) -> dict[int, Any]:
    query = sa.select(
        REVISIONS.c.seq, REVISIONS.c.op, REVISIONS.c.properties, REVISIONS.c.geometry, REVISIONS.c.observed_at, REVISIONS.c.skew_s,
        SOURCE.label("source"), BATCHES.c.id, BATCHES.c.recorded_at, BATCHES.c.actor, BATCHES.c.reason, BATCHES.c.note,
    ).join(BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)  # fmt: skip
    parts = [seqs[start : start + _ASKED] for start in range(0, len(seqs), _ASKED)]
    return {row.seq: row for part in parts for row in connection.execute(query.where(REVISIONS.c.seq.in_(part)))}


def _step(row: Any, before: Any, *, late: bool) -> Step:
    return Step(
        seq=row.seq, op=row.op, late=late and row.op == "late", batch_id=row.id, recorded_at=row.recorded_at,
        observed_at=row.observed_at, skew_s=row.skew_s, actor=row.actor, reason=row.reason, note=row.note,
        before=_state(before), after=_state(row),
    )  # fmt: skip


def _state(row: Any) -> State | None:
    if row is None or row.properties is None:
        return None
    return State(row.properties, None if row.geometry is None else bytes(row.geometry), row.source)
