"""Taking back a revision or a batch: each feature it touched goes back to what it was before, as a batch of its own.

A feature goes back only if it still is what the change made of it; one that was changed since is somebody's later work. Nothing
is taken out of the log, so an undo is itself undone by the same rule. Late reports changed no current row: there is nothing
to take back of them.

What touched much goes back in parts, each a transaction and a batch of its own, so that other writes come in between and memory
stays bounded. One that was broken off is asked for again: what is back already stays. Taking back one part takes back them all.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Final, NamedTuple

import sqlalchemy as sa

from geo_risk.errors import Conflict, NotFound, ParameterError, shown
from layers._layer import Layer
from layers._store.differences import Course, State, recorded_between
from layers._store.log import Entry, Log, declared_here
from layers._store.records import Batch, Feature, Op
from layers._store.rows import Row, encoded_one, values_of
from layers._store.schema import BATCHES, REVISIONS, SOURCE, current_table, declared
from layers._store.sql import among, delete, insert_or_replace
from layers._store.writes import Judge, permit

AT_ONCE: Final = 20_000
"""Revisions that are taken back in one transaction at most."""
_TOGETHER: Final = 1_000
"""Features looked at, and written, at a time."""
_NAMED: Final = 5
"""Features that an error names."""
LISTED: Final = 200
"""Features of a kind that are listed; all are counted."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is to be taken back: one batch, or one revision."""

    batch_id: int | None = None
    revision: int | None = None

    @property
    def said(self) -> str:
        """As notes and errors call it."""
        return f"batch {self.batch_id}" if self.revision is None else f"revision {self.revision}"


@dataclass(frozen=True, kw_only=True)
class Reverted:
    """A feature that goes back: what it is now and what it becomes, None where it is not there."""

    layer: str
    fid: str
    op: Op
    before: State | None
    after: State | None


@dataclass(frozen=True, kw_only=True)
class Left:
    """A feature that was changed since, and by which revision; None where its row was made before revisions were kept."""

    layer: str
    fid: str
    since: int | None


@dataclass(frozen=True, kw_only=True)
class Undone:
    """What an undo did, or with ``batch_id`` 0 would do.

    ``reverted`` and ``left`` are the first features of their kind, ``undone`` and ``stay`` count them all. ``already`` counts those
    that are as they were before, ``late`` those of which the target told of an earlier time only. Of several ``parts``, each of
    them a batch, ``batch_id`` is the first.
    """

    revision: int = 0
    batch_id: int = 0
    reverted: tuple[Reverted, ...] = ()
    left: tuple[Left, ...] = ()
    undone: int = 0
    stay: int = 0
    already: int = 0
    late: int = 0
    parts: int = 1

    def with_more(self, more: "Undone") -> "Undone":
        """What this and a part that came after it did, listing no more than the first features."""
        return replace(
            self, revision=more.revision or self.revision, batch_id=self.batch_id or more.batch_id,
            reverted=(*self.reverted, *more.reverted)[:LISTED], left=(*self.left, *more.left)[:LISTED],
            undone=self.undone + more.undone, stay=self.stay + more.stay, already=self.already + more.already,
            late=self.late + more.late,
        )


class ChangedSince(Conflict):
    """Features were changed after what is to be undone; ``left`` names them."""

    left: tuple[Left, ...] = ()


class _Standing(NamedTuple):
    """A feature's current row, and the revision that made it."""

    state: State
    revision: int


class Sorted(NamedTuple):
    """What becomes of some features: those that go back, each with the revision that made its current row, and the others."""

    back: list[tuple[Reverted, int | None]]
    left: list[Left]
    already: int
    late: int

    def counted(self) -> Undone:
        """As what an undo would do."""
        return Undone(
            reverted=tuple(each for each, _ in self.back), left=tuple(self.left), undone=len(self.back), stay=len(self.left),
            already=self.already, late=self.late,
        )


def undo(
    connection: sa.Connection, layers: Mapping[str, Layer], target: Target, batch: Batch, *,
    judge: Judge = permit, only_clean: bool = False, dry: bool = False,
) -> Undone:
    """Take back what the target did, all of it or, with ``only_clean``, what nobody changed since.

    Parameters
    ----------
    batch
        Who takes it back and why. Its source is not used: each feature gets back the one it had.
    judge
        Called for each feature with what the target made of it and what it was before; raises to refuse all.
    dry
        Say what would be done, and do nothing.

    Raises
    ------
    NotFound
        There is no such batch or revision.
    ChangedSince
        Features were changed since, and not only the others were asked for.
    Conflict
        Nothing is left to take back.
    ParameterError
        It touched more than `AT_ONCE` revisions: `layers._store.undo_parts` takes it back in parts.
    """
    planned = _looked_at(connection, layers, target, judge)
    if dry:
        return planned
    require_clean(target, planned, only_clean=only_clean)
    revision, batch_id = put_back(connection, layers, planned.reverted, replace(batch, note=f"undo of {target.said}"))
    return replace(planned, revision=revision, batch_id=batch_id)


def put_back(
    connection: sa.Connection, layers: Mapping[str, Layer], reverted: Sequence[Reverted], batch: Batch
) -> tuple[int, int]:
    """Write features as they were, in the order of layers, as one batch; its last revision and its number."""
    source = _source(reverted)
    log = Log(connection, replace(batch, source=source))
    for layer_id, of_layer in groupby(reverted, key=lambda each: each.layer):
        _write(connection, log, layers[layer_id], list(of_layer), source)
    log.close()
    return log.seq, log.batch_id


def _looked_at(connection: sa.Connection, layers: Mapping[str, Layer], target: Target, judge: Judge) -> Undone:
    after, until = span(connection, target)
    if until - after > AT_ONCE:
        raise ParameterError(
            "this touched more than can be taken back in one piece", where=target.said, expected=f"at most {AT_ONCE:,} revisions",
            got=f"{until - after:,}", then="take it back in parts",
        )
    courses = recorded_between(connection, known_layers(connection, layers, target, after, until), after, until)
    found = Sorted([], [], 0, 0)
    while part := list(islice(courses, _TOGETHER)):
        more = sorted_out(connection, layers, part, judge)
        found = Sorted(found.back + more.back, found.left + more.left, found.already + more.already, found.late + more.late)
    return found.counted()


def sorted_out(connection: sa.Connection, layers: Mapping[str, Layer], courses: Sequence[Course], judge: Judge) -> Sorted:
    """What becomes of the features of these courses, each of which the judge lets pass."""
    standing = _standing(connection, layers, courses)
    back, left, counted = list[tuple[Reverted, int | None]](), list[Left](), Counter[str]()
    for course in courses:
        now = standing.get((course.layer, course.fid))
        state = now.state if now else None
        # who may not change this back is not told either that others changed it since
        each = _judged(layers, _reverted(course), judge)
        if course.only_late:
            counted["late"] += 1
        elif state == course.before:
            counted["already"] += 1
        elif state != course.after:
            left.append(Left(layer=course.layer, fid=course.fid, since=now.revision if now else None))
        else:
            back.append((each, now.revision if now else None))
    return Sorted(back, left, counted["already"], counted["late"])


def span(connection: sa.Connection, target: Target) -> tuple[int, int]:
    """The revisions of the target: above the first number up to the second. `NotFound` where there are none."""
    wanted = REVISIONS.c.seq == target.revision if target.revision is not None else REVISIONS.c.batch_id == target.batch_id
    first, last = connection.execute(sa.select(sa.func.min(REVISIONS.c.seq), sa.func.max(REVISIONS.c.seq)).where(wanted)).one()
    if first is None:
        raise NotFound(f"there is no {target.said}", expected="one that the log holds", got="none", then="see the history")
    return first - 1, last


def known_layers(
    connection: sa.Connection, layers: Mapping[str, Layer], target: Target, after: int, until: int
) -> Collection[str]:
    """The layers that the target touched; `Conflict` where one of them is not among these."""
    span = sa.and_(REVISIONS.c.seq > after, REVISIONS.c.seq <= until)
    touched = set(connection.execute(sa.select(REVISIONS.c.layer).distinct().where(span)).scalars())
    if not touched <= layers.keys():
        raise Conflict(
            "it touched more than the layers that are here", where=target.said, expected="layers that may be changed here",
            got="others too", then="ask an admin",
        )
    return touched


def _standing(
    connection: sa.Connection, layers: Mapping[str, Layer], courses: Sequence[Course]
) -> dict[tuple[str, str], _Standing]:
    """The current rows of these features, those that are there."""
    found = dict[tuple[str, str], _Standing]()
    for layer_id, of_layer in groupby(courses, key=lambda course: course.layer):
        table = current_table(layer_id, declared_here(connection, layers[layer_id]))
        rows = connection.execute(
            sa.select(table.c.fid, REVISIONS.c.properties, REVISIONS.c.geometry, SOURCE, table.c.revision)
            .join(REVISIONS, REVISIONS.c.seq == table.c.revision)
            .join(BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)
            .where(among(connection, table.c.fid, [course.fid for course in of_layer]))
        )
        for fid, properties, geometry, source, revision in rows:
            state = State(properties, None if geometry is None else bytes(geometry), source)
            found[layer_id, fid] = _Standing(state, revision)
    return found


def _reverted(course: Course) -> Reverted:
    op: Op = "delete" if course.before is None else "create" if course.after is None else "update"
    return Reverted(layer=course.layer, fid=course.fid, op=op, before=course.after, after=course.before)


def _judged(layers: Mapping[str, Layer], each: Reverted, judge: Judge) -> Reverted:
    if judge is permit:
        return each
    layer = layers[each.layer]
    judge(layer, _feature(layer, each.fid, each.before), _feature(layer, each.fid, each.after))
    return each


def _feature(layer: Layer, fid: str, state: State | None) -> Feature | None:
    if state is None:
        return None
    columns = declared(layer)
    held = values_of(columns, state.properties, f"layer {layer.id}")
    values = dict(zip((name for name, _ in columns), held, strict=True))
    derived = values.pop("derived")
    return Feature(
        layer=layer.id, fid=fid, values=values, geometry=state.geometry, source=state.source,
        derived=None if derived is None else str(derived),
    )  # fmt: skip


def require_clean(target: Target, planned: Undone, *, only_clean: bool) -> None:
    """Stop where features were changed since and not only the others are asked for, or where nothing is left to do."""
    if planned.left and not only_clean:
        named = ", ".join(f"{each.layer} {shown(each.fid)}" for each in planned.left[:_NAMED])
        error = ChangedSince(
            f"{planned.stay:,} features were changed since", where=target.said,
            expected="features that are as it made them", got=named + (" ..." if planned.stay > _NAMED else ""),
            then="undo the later changes first, or ask for those only that nobody changed since",
        )
        error.left = planned.left
        raise error
    if not planned.reverted:
        raise Conflict(
            "nothing is left to undo", where=target.said, expected="features that are as it made them",
            got=f"{planned.already} that are as before, {planned.late} late reports, {planned.stay} changed since",
        )


def _source(reverted: Sequence[Reverted]) -> str:
    """The source that most of the features get back; the others state theirs."""
    sources = Counter(each.after.source for each in reverted if each.after)
    return sources.most_common(1)[0][0] if sources else "undo"


def _write(connection: sa.Connection, log: Log, layer: Layer, reverted: Sequence[Reverted], source: str) -> None:
    for start in range(0, len(reverted), _TOGETHER):
        part = [(each, _row(layer, each)) for each in reverted[start : start + _TOGETHER]]
        numbers = log.append(layer.id, list(_entries(part, source)))
        table = current_table(layer.id, declared(layer))
        gone = [each.fid for each, row in part if row is None]
        back = [
            (each.fid, *row.values, row.geometry, each.after.source, log.recorded_at, seq)
            for (each, row), seq in zip(part, numbers, strict=True)
            if row is not None and each.after is not None
        ]
        delete(connection, table, gone)
        insert_or_replace(connection, table, back)


def _row(layer: Layer, each: Reverted) -> Row | None:
    feature = _feature(layer, each.fid, each.after)
    return None if feature is None else encoded_one(layer, feature)


def _entries(part: Sequence[tuple[Reverted, Row | None]], source: str) -> Iterator[Entry]:
    for each, row in part:
        own = each.after.source if each.after and each.after.source != source else None
        yield Entry(each.fid, each.op, row and row.properties, row and row.geometry, own)
