"""Taking back what touched much, in parts: each a transaction and a batch of its own, between which other writers come in.

Before the first part all is looked at, so that what may not be taken back refuses all of it. A part is worked out beside the
writer, and is put in only where the rows are still those it was worked out from. What somebody changed meanwhile stays.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

import sqlalchemy as sa

from layers._layer import Layer
from layers._store.differences import features_between, recorded_of
from layers._store.log import Report, declared_here
from layers._store.records import Batch
from layers._store.schema import BATCHES, current_table
from layers._store.sql import among, at_once
from layers._store.undo import (
    AT_ONCE,
    Left,
    Sorted,
    Target,
    Undone,
    known_layers,
    put_back,
    require_clean,
    sorted_out,
    span,
)
from layers._store.writes import Judge, permit

_FEATURES: Final = 2_500
_BYTES: Final = 32_000_000
"""Features of a part, and bytes of their geometries, at most."""
_BEGINS_S: Final = 60.0
_PART: Final = re.compile(r"(undo of (?:batch|revision) [0-9]+), part ([0-9]+)", re.ASCII)
Result = TypeVar("Result")
Noted = Callable[[sa.Connection, Undone], None]


class Writable(Protocol):
    """What is asked of a store."""

    def read(self) -> AbstractContextManager[sa.Connection]:
        """A connection that sees one state."""

    def transact(self, work: Callable[[sa.Connection], Result], deadline_s: float | None = None) -> Result:
        """Do something in the one writer's next transaction."""


@dataclass(frozen=True)
class _Span:
    """A batch of the target: the revisions above ``after`` up to ``until``, and the layers they are of."""

    after: int
    until: int
    layers: tuple[str, ...]


def is_large(connection: sa.Connection, target: Target) -> bool:
    """Whether it must be taken back in parts: it touched much, or was itself an undo in parts. `NotFound` where there is none."""
    after, until = span(connection, target)
    return until - after > AT_ONCE or len(_batches(connection, target)) > 1


def undo_in_parts(
    store: Writable, layers: Mapping[str, Layer], target: Target, batch: Batch, *,
    judge: Judge = permit, only_clean: bool = False, dry: bool = False, noted: Noted = lambda connection, done: None,
    report: Report = lambda share: None,
) -> Undone:  # fmt: skip
    """Take back what the target did, part after part; parameters and errors as `layers._store.undo.undo`, without a limit.

    Parameters
    ----------
    noted
        Called in the transaction of each part, with what it did.
    report
        Told the share done; the first half is looking. What it raises ends the undo between two parts: asked for again, it goes on.
    """
    with store.read() as connection:
        spans = [_span_of(connection, layers, each) for each in _batches(connection, target)]
    planned = Undone()
    for share, part in _parts(store, layers, spans, judge):
        planned = planned.with_more(part.counted())
        report(share / 2)
    if dry:
        return planned
    require_clean(target, planned, only_clean=only_clean)
    # what the log tells of the target never changes, and the judge has seen all of it
    return _taken_back(store, layers, target, batch, _parts(store, layers, spans, permit), noted, report)


def _taken_back(
    store: Writable, layers: Mapping[str, Layer], target: Target, batch: Batch, parts: Iterator[tuple[float, Sorted]],
    noted: Noted, report: Report,
) -> Undone:  # fmt: skip
    done, number = Undone(), 0
    for share, part in parts:
        named = replace(batch, note=f"undo of {target.said}, part {number + 1}")
        made = store.transact(_writing(layers, part, named, noted), _BEGINS_S) if part.back else part.counted()
        number += int(made.batch_id > 0)
        done = done.with_more(made)
        report((1 + share) / 2)
    return replace(done, parts=number)


def _writing(layers: Mapping[str, Layer], part: Sorted, batch: Batch, noted: Noted) -> Callable[[sa.Connection], Undone]:
    def work(connection: sa.Connection) -> Undone:
        still = _still(connection, layers, part)
        made = still.counted()
        if still.back:
            revision, batch_id = put_back(connection, layers, made.reverted, batch)
            made = replace(made, revision=revision, batch_id=batch_id)
            noted(connection, made)
        return made

    return work


def _still(connection: sa.Connection, layers: Mapping[str, Layer], part: Sorted) -> Sorted:
    """The part, without features whose rows are others by now."""
    layer = layers[part.back[0][0].layer]
    now = _revisions(connection, layer, [each.fid for each, _ in part.back])
    overtaken = [Left(layer=layer.id, fid=each.fid, since=now.get(each.fid)) for each, was in part.back if now.get(each.fid) != was]
    return part._replace(
        back=[(each, was) for each, was in part.back if now.get(each.fid) == was], left=[*part.left, *overtaken]
    )


def _revisions(connection: sa.Connection, layer: Layer, fids: Sequence[str]) -> dict[str, int]:
    table = current_table(layer.id, declared_here(connection, layer))
    found = at_once(connection, sa.select(table.c.fid, table.c.revision).where(among(connection, table.c.fid, fids)))
    return {str(fid): int(revision) for fid, revision in found}


def _parts(
    store: Writable, layers: Mapping[str, Layer], spans: Sequence[_Span], judge: Judge
) -> Iterator[tuple[float, Sorted]]:
    """What becomes of the features of the spans, some thousands at a time, with the share of all that is looked at by then."""
    total, seen = sum(each.until - each.after for each in spans), 0
    for each in spans:
        for layer_id in each.layers:
            beyond = ""
            while part := _next_part(store, layers, each, layer_id, beyond, judge):
                beyond, revisions, found = part
                seen += revisions
                yield min(seen / total, 1.0), found


def _next_part(
    store: Writable, layers: Mapping[str, Layer], each: _Span, layer_id: str, beyond: str, judge: Judge
) -> tuple[str, int, Sorted] | None:
    """The last feature of the next part, its revisions, and what becomes of its features; None after the last."""
    with store.read() as connection:
        fids = features_between(
            connection, layer_id, each.after, each.until, beyond=beyond, most=_FEATURES, most_bytes=_BYTES
        )
        if not fids:
            return None
        courses = list(recorded_of(connection, layer_id, fids, each.after, each.until))
        return fids[-1], sum(len(course.steps) for course in courses), sorted_out(connection, layers, courses, judge)


def _span_of(connection: sa.Connection, layers: Mapping[str, Layer], target: Target) -> _Span:
    after, until = span(connection, target)
    return _Span(after, until, tuple(sorted(known_layers(connection, layers, target, after, until))))


def _batches(connection: sa.Connection, target: Target) -> list[Target]:
    """The target, or all parts of the undo that it is a part of, the newest first."""
    if target.batch_id is None:
        return [target]
    of = _PART.fullmatch(connection.execute(sa.select(BATCHES.c.note).where(BATCHES.c.id == target.batch_id)).scalar() or "")
    if of is None:
        return [target]
    alike = sa.and_(BATCHES.c.note >= f"{of[1]}, part ", BATCHES.c.note < f"{of[1]}, part ~")
    found = connection.execute(sa.select(BATCHES.c.id, BATCHES.c.note).where(alike).order_by(BATCHES.c.id)).all()
    runs: list[list[int]] = []
    for batch_id, note in found:
        if note.endswith(" part 1"):
            runs.append([])
        if runs:
            runs[-1].append(batch_id)
    own = next((run for run in runs if target.batch_id in run), [target.batch_id])
    return [Target(batch_id=batch_id) for batch_id in reversed(own)]
