"""The map as it was: which moment is asked about, and the few past snapshots that are kept."""

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import sqlalchemy as sa

from api.use._remember import remember
from api.use.writing import moment_of
from geo_risk.errors import Busy, ParameterError, shown
from layers._store import Sight, Snapshot, Store, seen
from layers._store.moments import Horizon, Moment, horizon, snapshot_then
from layers._store.records import stamp

KEPT: Final = 4
"""Past snapshots that are kept, the last asked about; what did not change since is shared with the one of now."""
_AT_ONCE: Final = 2
"""Readings of the log at the same time."""
_WAIT_S: Final = 10.0
_OPEN: Final = frozenset({"", ".."})
_EARLIEST: Final = "1990-01-01T00:00:00.000000Z"


def moment_asked(datetime: str | None, as_known_at: str | None, now: dt.datetime, *, interval: bool = False) -> Moment | None:
    """The moment that ``datetime`` and ``as_known_at`` ask about; None is now.

    ``datetime`` is a moment by RFC 3339 with its offset or, where an ``interval`` can be answered, two with a slash between, either
    of them ``..`` for no bound. ``as_known_at`` alone asks for the map as it was known and shown then.

    Raises
    ------
    ParameterError
        It is no moment, lies in the future, or is an interval that begins after its end or is not answered here.

    >>> asked = moment_asked("2026-07-01T03:00:00+08:00", None, dt.datetime(2026, 7, 2, tzinfo=dt.UTC))
    >>> asked.true_at, asked.known_at
    ('2026-06-30T19:00:00.000000Z', None)
    """
    if datetime is None and as_known_at is None:
        return None
    known_at = None if as_known_at is None else _past(as_known_at, "as_known_at", now)
    if datetime is None or "/" not in datetime:
        return Moment(true_at=known_at or stamp(now) if datetime is None else _past(datetime, "datetime", now), known_at=known_at)
    if not interval:
        raise ParameterError(
            "this is answered for one moment", where="datetime", expected="a moment", got="an interval",
            then="ask for a moment; the items of a collection can be asked for an interval",
        )
    return _interval(datetime, known_at, now)


def _interval(text: str, known_at: str | None, now: dt.datetime) -> Moment:
    start, end, *more = text.split("/")
    since = _EARLIEST if start in _OPEN else _past(start, "datetime", now)
    until = known_at or stamp(now) if end in _OPEN else _past(end, "datetime", now)
    if more or since > until:
        raise ParameterError(
            "this is no interval of time", where="datetime", expected="begin/end, the begin first", got=shown(text),
            then="for example datetime=2026-07-01T00:00:00Z/..",
        )
    return Moment(true_at=until, known_at=known_at, since=since)


def _past(text: str, where: str, now: dt.datetime) -> str:
    # a plus sign in an address arrives as a space
    moment = moment_of(text.replace(" ", "+"), where)
    if moment > now:
        raise ParameterError(
            "this moment is yet to come", where=where, expected=f"a moment up to {stamp(now)}", got=stamp(moment),
            then="leave it out to see the map as it is",
        )
    return stamp(moment)


class _Kept(NamedTuple):
    """A past snapshot, and what each sight has of it."""

    whole: Snapshot
    seen: dict[Sight, Snapshot]


class Past:
    """The past snapshots of a store that were asked for last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[tuple[Horizon, dt.date], _Kept] = OrderedDict()
        self._lock, self._turn = threading.Lock(), threading.BoundedSemaphore(_AT_ONCE)

    def kept(self, now: Snapshot, moment: Moment, sight: Sight) -> Snapshot | None:
        """The map at a moment, as the sight allows, if it is kept: moments between which nothing happened are one map a day."""
        key = self._key(now, moment)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
        return None if found is None else self._as_seen(found, sight)

    def snapshot(self, now: Snapshot, moment: Moment, sight: Sight) -> Snapshot:
        """The map at a moment, as the sight allows, made if it is not kept; its frames are made when they are asked for.

        Raises
        ------
        Busy
            Others are reading the log, and did not end in time.
        """
        key = self._key(now, moment)
        made = _Kept(snapshot_then(self._read, now.whole, *key), {})
        with self._lock:
            kept = self._kept.setdefault(key, made)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return self._as_seen(kept, sight)

    def _key(self, now: Snapshot, moment: Moment) -> tuple[Horizon, dt.date]:
        with self._store.read() as connection:
            return horizon(connection, moment, now.whole.revision), day_of(moment.true_at)

    def _as_seen(self, kept: _Kept, sight: Sight) -> Snapshot:
        with self._lock:
            return kept.seen.setdefault(sight, seen(kept.whole, sight))

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        if not self._turn.acquire(timeout=_WAIT_S):
            raise Busy("others are reading the log", expected="a reading that begins in time", then="ask again in a while")
        try:
            with self._store.read() as connection:
                yield connection
        finally:
            self._turn.release()


def past_of(store: Store) -> Past:
    """The past snapshots of a store: one `Past` for each."""
    return remember(store, "past", Past)


def day_of(moment: str) -> dt.date:
    """The day of a stamp by the clock of this machine, as seasons and people count it."""
    return dt.datetime.fromisoformat(moment).astimezone().date()
