"""Live screens: each hears of the changes that it may see and asked for, once what is served has them (docs/live.md).

One `Live` a service. The follower tells it of each new snapshot; what changed is put once into an event for all streams that
watch the same, and waits there in a bounded queue. Everything but the reading of the log happens in the event loop.
"""

import asyncio
import json
import random
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

import shapely

from api.caller import Caller
from api.served import Served
from api.use.parameters import Box
from geo_risk.errors import Busy, GeoRiskError, TooMany
from layers._catalog import catalog
from layers._store import Changed, Sight

HEARTBEAT_S: Final = 15.0
RING: Final = 10_000
"""Changes that are held in memory for who comes back."""
AT_ONCE: Final = 1000
"""Changes in one event; whoever watches more of them at once is told to look at everything anew."""
_LAG_BYTES: Final = 256_000
_SEND_S: Final = 10.0
_LOOK_S: Final = 0.5
_STILL_S: Final = 5.0
_SHARE: Final = 0.9
"""Of all streams, what one caller may have: the others' screens come in beside any number of his."""
Bounds = tuple[float, float, float, float]
Send = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class News:
    """One change of a feature. ``columns`` are those that differ, None where all of the feature came or went.

    ``places`` are the bounds of where it was and where it is.
    """

    seq: int
    layer: str
    fid: str
    op: str
    recorded_at: str
    columns: frozenset[str] | None
    moved: bool
    places: tuple[Bounds, ...]


@dataclass(frozen=True)
class Watch:
    """What a stream is for: the sight of who asks, layers (None: all) and a box (None: everywhere)."""

    sight: Sight
    layers: frozenset[str] | None = None
    box: Box | None = None

    def concerns(self, news: News) -> bool:
        """Whether the change is one to be told of: a difference only in what may not be read is none."""
        layer = catalog().get(news.layer)
        if layer is None or not self.sight.sees(layer) or not (self.layers is None or news.layer in self.layers):
            return False
        hidden = {column.name for column in layer.columns if column.sensitivity not in self.sight.sensitivities}
        if not news.moved and news.columns and news.columns <= hidden:
            return False
        return self.box is None or any(_meet(self.box, place) for place in news.places)


class Log(Protocol):
    """What is asked of a store."""

    def changes_since(self, revision: int, limit: int = 10_000) -> tuple[Changed, ...]:
        """The log's changes after a revision, the oldest first."""


def news_of(changed: Changed) -> News:
    """A logged change, without what it says of the feature."""
    before, after = (json.loads(text) if text else None for text in (changed.properties_before, changed.properties))
    places = dict.fromkeys(place for place in (changed.geometry_before, changed.geometry) if place is not None)
    return News(
        seq=changed.seq, layer=changed.layer, fid=changed.fid, op=changed.op, recorded_at=changed.recorded_at,
        columns=None if before is None or after is None else _differing(before, after),
        moved=changed.geometry != changed.geometry_before, places=tuple(_bounds(place) for place in places),
    )  # fmt: skip


def _differing(before: dict[str, Any], after: dict[str, Any]) -> frozenset[str]:
    return frozenset(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def event_of(watch: Watch, news: Iterable[News], revision: int) -> bytes:
    """One event for all of a watch's changes; nothing where there are none, and where there are too many the word to look anew."""
    wanted = [each for each in news if watch.concerns(each)]
    if not wanted:
        return b""
    if len(wanted) > AT_ONCE:
        return resync(revision)
    said = {
        "revision": revision,
        "changes": [{"layer": each.layer, "id": each.fid, "op": each.op} for each in wanted],
        "recorded_at": wanted[-1].recorded_at,
    }
    return f"event: changes\nid: {revision}\ndata: {json.dumps(said, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def resync(revision: int) -> bytes:
    """The event that says: what you know may be old, look at everything anew. The stream ends after it."""
    return f'event: resync\nid: {revision}\ndata: {{"revision":{revision}}}\n\n'.encode()


_RESYNC: Final = b"event: resync"


class Ring:
    """The last changes, in memory: after a revision as far back as ``floor``."""

    def __init__(self, revision: int, most: int = RING) -> None:
        self.floor = self.revision = revision
        self._most = most
        self._news: deque[News] = deque()

    def put(self, news: Iterable[News], revision: int) -> None:
        """Add what came up to a revision."""
        self._news.extend(news)
        self.revision = revision
        while len(self._news) > self._most:
            self.floor = self._news.popleft().seq

    def lose(self, revision: int) -> None:
        """Begin anew: what came up to this revision was too much to hold."""
        self._news.clear()
        self.floor = self.revision = revision

    def since(self, revision: int) -> tuple[News, ...] | None:
        """What came after a revision; None where that is further back than is held, or still to come."""
        if not self.floor <= revision <= self.revision:
            return None
        return tuple(news for news in self._news if news.seq > revision)


class Stream:
    """One open screen: what it watches, for whom, and what waits to be sent."""

    def __init__(self, watch: Watch, caller: Caller, who: str = "") -> None:
        self.watch, self.caller, self.who = watch, caller, who
        self.spoke_at = time.monotonic()
        self._chunks: list[bytes] = []
        self._waits = 0
        self._over = False
        self._ready = asyncio.Event()

    def push(self, chunk: bytes, revision: int) -> None:
        """Queue an event; a reader who is too far behind is told to look at everything anew instead, and let go."""
        if self._over or not chunk:
            return
        if self._waits + len(chunk) > _LAG_BYTES:
            self._chunks, chunk = [], resync(revision)
        self._chunks.append(chunk)
        self._waits, self._over = sum(map(len, self._chunks)), chunk.startswith(_RESYNC)
        self.spoke_at = time.monotonic()
        self._ready.set()

    def open_with(self, chunk: bytes) -> None:
        """Put what a reader missed before what came while that was looked up."""
        self._chunks.insert(0, chunk)
        self._over = self._over or _RESYNC in chunk
        self._ready.set()

    def end(self) -> None:
        """Close the stream after what waits is sent."""
        self._over = True
        self._ready.set()

    async def run(self, send: Send) -> None:
        """Send what comes until the stream is over.

        Raises
        ------
        TimeoutError
            The reader takes nothing.
        """
        while not self._over or self._chunks:
            await self._ready.wait()
            self._ready.clear()
            content, self._chunks, self._waits = b"".join(self._chunks), [], 0
            if content:
                async with asyncio.timeout(_SEND_S):
                    await send(content)


class Live:
    """All open streams. `published` may be called from any thread, all else in the event loop that `run` runs in."""

    def __init__(self, log: Log, revision: int, still: Callable[[Caller], bool], most: int) -> None:
        self._log, self._still, self._most = log, still, most
        self._ring, self._heard = Ring(revision), revision
        self._streams: set[Stream] = set()
        self._held: Counter[str] = Counter()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    @property
    def open(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    async def run(self) -> None:
        """Let streams breathe and end those whose caller is one no more, until cancelled."""
        self._loop, looked = asyncio.get_running_loop(), time.monotonic()
        while True:
            await asyncio.sleep(_LOOK_S)
            now = time.monotonic()
            self._breathe(now)
            if now - looked > _STILL_S:
                looked = now
                self._let_go()

    def published(self, _: Served, served: Served) -> None:
        """Read what changed since the last snapshot, and tell the streams; called by the follower, in its thread."""
        revision = served.snapshot.revision
        if revision == self._heard or self._loop is None:
            return
        news = self._read(self._heard, revision)
        self._heard = revision
        with suppress(RuntimeError):  # the loop ended: nobody is left to tell
            self._loop.call_soon_threadsafe(self._tell, news, revision)

    def join(self, watch: Watch, caller: Caller, who: str = "") -> Stream:
        """A new stream; `Busy` where too many are open, `TooMany` where ``who`` has more than a share of them."""
        if self._closed or self.open >= self._most:
            raise Busy("too many live screens are open", expected=f"at most {self._most}", then="close some, or come again")
        each = max(1, round(self._most * _SHARE))
        if self._held[who] >= each:
            raise TooMany("this caller has too many live screens open", expected=f"at most {each}", then="close some")
        stream = Stream(watch, caller, who)
        self._streams.add(stream)
        self._held[who] += 1
        return stream

    async def begin(self, stream: Stream, last: int | None) -> None:
        """Bring a stream up to now from the revision it knows: from memory, else from the log, else it is told to look anew."""
        revision = self._ring.revision
        hello = f"retry: {random.randint(1000, 3000)}\nid: {revision}\n: live\n\n".encode()  # noqa: S311 - so that not all come at once
        if last is None or last == revision:
            stream.open_with(hello)
            return
        news = self._ring.since(last)
        if news is None and last < revision:
            news = await asyncio.to_thread(self._read, last, revision)
        stream.open_with(hello + (resync(revision) if news is None else event_of(stream.watch, news, revision)))

    def leave(self, stream: Stream) -> None:
        """Forget a stream."""
        if stream in self._streams:
            self._streams.remove(stream)
            self._held[stream.who] -= 1
            if not self._held[stream.who]:
                del self._held[stream.who]

    def close(self) -> None:
        """End all streams; new ones are refused."""
        self._closed = True
        for stream in tuple(self._streams):
            stream.end()

    def _read(self, since: int, revision: int) -> tuple[News, ...] | None:
        """The log's changes between two revisions; None where they are too many, the log was set back, or cannot be asked."""
        if not 0 <= revision - since <= RING:
            return None
        try:
            found = self._log.changes_since(since, RING)
        except GeoRiskError:
            return None
        return tuple(news_of(changed) for changed in found if changed.seq <= revision and changed.op != "late")

    def _tell(self, news: tuple[News, ...] | None, revision: int) -> None:
        if news is None:
            self._ring.lose(revision)
        else:
            self._ring.put(news, revision)
        events: dict[Watch, bytes] = {}
        for stream in self._streams:
            if stream.watch not in events:
                events[stream.watch] = resync(revision) if news is None else event_of(stream.watch, news, revision)
            stream.push(events[stream.watch], revision)

    def _breathe(self, now: float) -> None:
        """Say where the log is to those who heard nothing for long: a proxy keeps the line, and a new start is near."""
        breath = f": {int(HEARTBEAT_S)} s\nid: {self._ring.revision}\n\n".encode()
        for stream in self._streams:
            if now - stream.spoke_at >= HEARTBEAT_S:
                stream.push(breath, self._ring.revision)

    def _let_go(self) -> None:
        good: dict[Caller, bool] = {}
        for stream in tuple(self._streams):
            if stream.caller not in good:
                good[stream.caller] = self._still(stream.caller)
            if not good[stream.caller]:
                stream.end()


def _bounds(place: bytes) -> Bounds:
    west, south, east, north = shapely.from_wkb(place).bounds
    return float(west), float(south), float(east), float(north)


def _meet(box: Box, bounds: Bounds) -> bool:
    west, south, east, north = bounds
    if south > box.north or north < box.south:
        return False
    if box.west <= box.east:
        return west <= box.east and east >= box.west
    return east >= box.west or west <= box.east
