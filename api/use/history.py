"""A feature's history as its reader may know it; when things changed; and taking changes back."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from api.caller import Caller
from api.use._remember import remember_few
from api.use.changed_columns import Naming, column_changes, said_freely
from api.use.rights import rights_of
from api.use.shift import is_seen
from api.use.shift_answer import change_answer
from geo_risk.errors import Forbidden, NotFound, shown
from layers._layer import Layer, Sensitivity
from layers._store import Batch, Feature, Snapshot, Store, audit, undo_parts
from layers._store.changes import revision_at
from layers._store.cuts import first_kept, retained
from layers._store.differences import Step, counts_by_minute, course_of, recorded_between
from layers._store.records import stamp
from layers._store.undo import Left, Reverted, Target, Undone, undo
from layers._store.writes import Judge, permit

HOURS_MOST: Final = 24 * 31
UNDO_SHOWN: Final = 200
"""Features that an answer about an undo lists; all are counted."""
_REASON: Final = "undone"
_UNDO_BEGINS_S: Final = 10.0
_KEPT: Final = 4


def history(
    store: Store, snapshot: Snapshot, layer_id: str, fid: str, named: Naming, *, before: int | None, limit: int, most_skew_s: float
) -> dict[str, Any]:
    """A page of a feature's revisions, the newest first, each with what it changed of what may be read.

    A revision that changed nothing that may be read is not there. ``next`` is the ``before`` of the next page. What was before
    ``archived_before`` is in an archive; the first revision of the log then holds all that the feature had.

    Raises
    ------
    NotFound
        There is no such layer for whoever asks, or it never had this feature.
    """
    layer = snapshot.layer(layer_id)
    with store.read() as connection:
        course, cut = course_of(connection, layer.id, fid, snapshot.revision), retained(connection)
    seen = [step for step in reversed(course.steps if course else ()) if _is_told(layer, step, snapshot.readable)]
    if not seen:
        raise NotFound(
            f"layer {layer.id} never had this feature", where=f"layer {layer.id}",
            expected="the id of a feature, as the map shows it", got=shown(fid), then="check the id",
        )
    later = [step for step in seen if before is None or step.seq < before]
    page = later[:limit]
    return {
        "layer": layer.id, "id": fid, "revision": snapshot.revision, "archived_before": cut.until if cut else None,
        "revisions": [_revision(layer, step, snapshot, named, most_skew_s) for step in page],
        "numberMatched": len(seen), "numberReturned": len(page),
        "next": page[-1].seq if len(later) > limit else None,
    }  # fmt: skip


def _is_told(layer: Layer, step: Step, readable: tuple[Sensitivity, ...]) -> bool:
    """Whether a revision changed what may be read, or nothing at all: it says that somebody saw that all is as it was."""
    return step.before == step.after or is_seen(layer, step, readable)


def _revision(layer: Layer, step: Step, snapshot: Snapshot, named: Naming, most_skew_s: float) -> dict[str, Any]:
    readable = snapshot.readable
    changes = column_changes(layer, step.before, step.after, readable)
    return {
        "revision": step.seq, "op": step.op, "batch": step.batch_id, "received_at": step.recorded_at,
        "observed_at": step.observed_at, "late": step.late, **_clock(step, most_skew_s), **named(step.actor)._asdict(),
        "reason": said_freely(step.reason, readable), "note": said_freely(step.note, readable),
        "source": step.after.source if step.after else None, "changes": [change_answer(change) for change in changes],
    }  # fmt: skip


def _clock(step: Step, most_skew_s: float) -> dict[str, Any]:
    """What is known of the device's clock, where it said anything."""
    if step.observed_at is None and step.skew_s is None:
        return {}
    ahead_s = _seconds_between(step.recorded_at, step.observed_at or step.recorded_at)
    flagged = ahead_s > most_skew_s or abs(step.skew_s or 0) > most_skew_s
    return {"clock": {"skew_s": step.skew_s, "flagged": flagged}}


def _seconds_between(earlier: str, later: str) -> float:
    return (dt.datetime.fromisoformat(later) - dt.datetime.fromisoformat(earlier)).total_seconds()


def moments(store: Store, snapshot: Snapshot, hours: int, now: dt.datetime) -> dict[str, Any]:
    """When things changed in the last hours, minute by minute, and how much: what a slider over the past is drawn by.

    Only changes that can be seen are counted; a late report counts when it came.
    """
    since = now - dt.timedelta(hours=hours)
    with store.read() as connection:
        after = max(min(revision_at(connection, stamp(since)), snapshot.revision), first_kept(connection))
    key = after, snapshot.readable, frozenset(snapshot.layers)
    counted = remember_few(snapshot.whole, "moments", key, lambda _: _counted(store, snapshot, after), most=_KEPT)
    return {
        "revision": snapshot.revision, "from": stamp(since), "to": stamp(now), "changes": sum(each["changes"] for each in counted),
        "moments": counted,
    }  # fmt: skip


def _counted(store: Store, snapshot: Snapshot, after: int) -> list[dict[str, Any]]:
    layers = snapshot.layers.values()
    whole = [each.id for each in layers if len(each.readable(snapshot.readable)) == len(each.columns)]
    sums = _Sums()
    with store.read() as connection:
        for minute, changes, late, last in counts_by_minute(connection, whole, after, snapshot.revision):
            sums.add(minute, changes, late, last)
        for course in recorded_between(connection, snapshot.layers.keys() - set(whole), after, snapshot.revision):
            for step in course.steps:
                if _is_told(snapshot.layers[course.layer], step, snapshot.readable):
                    sums.add(step.recorded_at[:16], 1, int(step.op == "late"), step.seq)
    return sums.answer()


class _Sums:
    """Changes by minute: how many, how many of them late, and the last revision."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[int, int, int]] = {}

    def add(self, minute: str, changes: int, late: int, last: int) -> None:
        have = self._of.get(minute, (0, 0, 0))
        self._of[minute] = have[0] + changes, have[1] + late, max(have[2], last)

    def answer(self) -> list[dict[str, Any]]:
        return [
            {"at": f"{minute}:00Z", "changes": changes, "late": late, "revision": last}
            for minute, (changes, late, last) in sorted(self._of.items())
        ]


def take_back(
    store: Store, snapshot: Snapshot, actor: str, target: Target, *, judge: Judge = permit,
    reason: str | None = None, only_clean: bool = False, dry: bool = False, address: str = "",
) -> Undone:
    """Take back a batch or a revision of the layers that are in the snapshot. Errors as `layers._store.undo.undo`."""
    batch = _batch(actor, reason)

    def work(connection: sa.Connection) -> Undone:
        done = undo(connection, snapshot.layers, target, batch, judge=judge, only_clean=only_clean, dry=dry)
        if not dry:
            audit.prepare(connection)
            audit.append(connection, _noted(actor, target, done, address))
            store.database.announce(connection, done.revision)
        return done

    if dry:
        with store.read() as connection:
            return work(connection)
    return store.transact(work, deadline_s=_UNDO_BEGINS_S)


def _batch(actor: str, reason: str | None) -> Batch:
    return Batch(actor=actor, reason=reason or _REASON, source="undo")


def is_large(store: Store, target: Target) -> bool:
    """Whether so much is to be taken back that it goes in parts, as a job. `NotFound` where the log has no such batch."""
    with store.read() as connection:
        return undo_parts.is_large(connection, target)


def take_back_in_parts(
    store: Store, snapshot: Snapshot, actor: str, target: Target, *, judge: Judge = permit, reason: str | None = None,
    only_clean: bool = False, dry: bool = False, address: str = "", report: Callable[[float], None] = lambda share: None,
) -> Undone:  # fmt: skip
    """As `take_back`, of any size: part after part, each with its entry in the audit (`layers._store.undo_parts`)."""

    def noted(connection: sa.Connection, done: Undone) -> None:
        audit.prepare(connection)
        audit.append(connection, _noted(actor, target, done, address))
        store.database.announce(connection, done.revision)

    return undo_parts.undo_in_parts(
        store, snapshot.layers, target, _batch(actor, reason), judge=judge, only_clean=only_clean, dry=dry, noted=noted,
        report=report,
    )  # fmt: skip


def judge_of(caller: Caller, snapshot: Snapshot) -> Judge:
    """Holds what goes back to the caller's rights, on each feature as it is and as it was; and to his sight.

    What he may not read he cannot change back; which column that is, is not said.
    """
    rights = rights_of(caller, snapshot)

    def judge(layer: Layer, before: Feature | None, after: Feature | None) -> Feature | None:
        rights(layer, before, after)
        if _hidden(layer, before, snapshot) != _hidden(layer, after, snapshot):
            raise Forbidden(
                "this reaches beyond what the caller may change", where="undo", expected="changes of what the caller may read",
                got="others too", then="ask an admin",
            )
        return after

    return judge


def _hidden(layer: Layer, feature: Feature | None, snapshot: Snapshot) -> list[Any]:
    values = {} if feature is None else feature.values
    return [values.get(column.name) for column in layer.columns if column.sensitivity not in snapshot.readable]


def _noted(actor: str, target: Target, done: Undone, address: str) -> audit.Event:
    return audit.Event(
        actor=actor, action="undo", subject=target.said, address=address, batch_id=done.batch_id,
        detail={"features": done.undone, "left": done.stay},
    )


def undo_answer(snapshot: Snapshot, done: Undone, *, dry: bool) -> dict[str, Any]:
    """What an undo did or would do, with the first features of each kind; all are counted."""
    return {
        "dry": dry, "revision": done.revision or None, "batch": done.batch_id or None,
        "counts": {"undone": done.undone, "left": done.stay, "already": done.already, "late": done.late}, "parts": done.parts,
        "rows": [_reverted_answer(snapshot.layers[each.layer], each, snapshot) for each in done.reverted[:UNDO_SHOWN]],
        "left": left_answer(done.left, snapshot),
    }  # fmt: skip


def left_answer(left: Sequence[Left], snapshot: Snapshot) -> list[dict[str, Any]]:
    """The features that were changed since, as far as the caller may know of them."""
    seen = [each for each in left if each.layer in snapshot.layers]
    return [{"layer": each.layer, "id": each.fid, "changed_by_revision": each.since} for each in seen[:UNDO_SHOWN]]


def _reverted_answer(layer: Layer, each: Reverted, snapshot: Snapshot) -> dict[str, Any]:
    changes = column_changes(layer, each.before, each.after, snapshot.readable)
    return {"layer": each.layer, "id": each.fid, "op": each.op, "changes": [change_answer(change) for change in changes]}
