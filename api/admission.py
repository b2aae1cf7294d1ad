"""How many requests of a class are answered at once, how many may wait and how long, and what share one caller may take.

The class is that of the route's policy, never of the path. Over it a request is told when to come again: health is never
asked to wait, and a rush of one kind leaves the others their places.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, NoReturn

from starlette.types import Scope

from api.settings import LaneSetting
from geo_risk.errors import Busy, ParameterError, TooMany, shown


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One class: places (None: as many as come), how many may wait for one and how long.

    One caller may hold and wait for ``share`` of places and waiting places together, and always for one.
    """

    at_once: int | None
    waiting: int = 0
    wait_s: float = 5.0
    share: float = 0.5

    @property
    def each(self) -> int:
        """What one caller may hold and wait for."""
        return max(1, round(((self.at_once or 0) + self.waiting) * self.share))


LANES: Final[Mapping[str, Lane]] = {
    "health": Lane(at_once=None),
    "static": Lane(at_once=32, waiting=1000),
    "reads": Lane(at_once=8, waiting=500),
    "writes": Lane(at_once=64, waiting=500, wait_s=2),
    "exports": Lane(at_once=2, waiting=8, wait_s=10),
    "overlays": Lane(at_once=2, waiting=16, wait_s=10),
    "events": Lane(at_once=None),
    "sign_in": Lane(at_once=4, waiting=32),
}
"""Reads and overlays share two cores, so more at once would only make each slower; writes wait together for one commit.

Streams of events take no core while nothing happens, and are counted where they are kept (`api.live`).
"""


def lanes_of(changes: Mapping[str, LaneSetting]) -> Mapping[str, Lane]:
    """The classes with what a deployment changes.

    Raises
    ------
    ParameterError
        There is no such class, or it has no limit to change.
    """
    able = [name for name, lane in LANES.items() if lane.at_once is not None]
    for name in changes:
        if name not in able:
            raise ParameterError(
                "no such class of admission", where="admission", expected=", ".join(able), got=shown(name),
                then="mend GEO_RISK_ADMISSION",
            )
    stated = {name: change.model_dump(exclude_none=True) for name, change in changes.items()}
    return {name: replace(lane, **stated.get(name, {})) for name, lane in LANES.items()}


def threads_for(lanes: Mapping[str, Lane]) -> int:
    """Threads for the doors that block: as many as may be at work at once."""
    return sum(lane.at_once or 0 for lane in lanes.values())


class Load(NamedTuple):
    """How a class stands: at work, waiting, and refused since the start."""

    working: int
    waiting: int
    refused: int


class _Turns:
    """Who waits for a place: callers in turn, each one's requests in their order, so that nobody stands behind another's many."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def append(self, caller: str, place: asyncio.Future[None]) -> None:
        self._of.setdefault(caller, deque()).append(place)
        self._number += 1

    def take(self) -> asyncio.Future[None]:
        """The next caller's first; whoever has more waiting goes to the end."""
        caller, places = self._of.popitem(last=False)
        first = places.popleft()
        self._number -= 1
        if places:
            self._of[caller] = places
        return first

    def discard(self, caller: str, place: asyncio.Future[None]) -> None:
        """Let go of one who waits no more, if he still stands here."""
        places = self._of.get(caller)
        if places and place in places:
            places.remove(place)
            self._number -= 1
            if not places:
                del self._of[caller]


class _Queue:
    """One class at work. Only the event loop's thread touches it."""

    def __init__(self, name: str, lane: Lane) -> None:
        self.name, self.lane = name, lane
        self.working = self.refused = 0
        self.waiting = _Turns()
        self.held: Counter[str] = Counter()

    async def enter(self, caller: str) -> None:
        if self.held[caller] >= self.lane.each:
            self._refuse(TooMany("this caller asks too much at once", got=f"{self.held[caller]} at work and waiting"))
        self.held[caller] += 1
        try:
            await self._place(caller)
        except BaseException:
            self._let_go(caller)
            raise

    def leave(self, caller: str) -> None:
        self._let_go(caller)
        self._hand_on()

    def _hand_on(self) -> None:
        """Give the place to whoever's turn it is."""
        while self.waiting:
            first = self.waiting.take()
            if not first.done():
                first.set_result(None)
                return
        self.working -= 1

    async def _place(self, caller: str) -> None:
        if self.working < (self.lane.at_once or 0):
            self.working += 1
            return
        if len(self.waiting) >= self.lane.waiting:
            self._refuse(Busy("the service has more to do than it can", got=f"{len(self.waiting)} waiting"))
        await self._wait(caller)

    async def _wait(self, caller: str) -> None:
        loop = asyncio.get_running_loop()
        place: asyncio.Future[None] = loop.create_future()
        self.waiting.append(caller, place)
        late = loop.call_later(self.lane.wait_s, self._give_up, place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self._hand_on()  # the place came when nobody wanted it any more
            raise
        finally:
            late.cancel()
            self.waiting.discard(caller, place)

    def _give_up(self, place: asyncio.Future[None]) -> None:
        if not place.done():
            self.refused += 1
            place.set_exception(self._say(Busy("no place came free in time", got=f"{len(self.waiting)} waiting")))

    def _let_go(self, caller: str) -> None:
        self.held[caller] -= 1
        if not self.held[caller]:
            del self.held[caller]

    def _refuse(self, error: Busy) -> NoReturn:
        self.refused += 1
        raise self._say(error)

    def _say(self, error: Busy) -> Busy:
        lane = self.lane
        said = type(error)(
            error.what, where=self.name, expected=f"{lane.at_once} at once, {lane.waiting} waiting, {lane.each} a caller",
            got=error.got, then="ask again after the seconds in Retry-After",
        )
        said.retry_after_s = max(1, round(lane.wait_s))
        return said


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place that a request holds until it is over."""

    queue: _Queue
    caller: str

    def release(self) -> None:
        """Give it back."""
        self.queue.leave(self.caller)


class Admission:
    """All classes of one service."""

    def __init__(self, lanes: Mapping[str, Lane] = LANES) -> None:
        self.lanes = lanes
        self._queues = {name: _Queue(name, lane) for name, lane in lanes.items()}

    async def enter(self, scope: Scope, name: str, caller: str) -> None:
        """Wait for a place in a class; the guard gives it back when the request is over.

        Raises
        ------
        Busy
            Too many wait, or none came free in time.
        TooMany
            This caller takes more than a share already.
        """
        queue = self._queues[name]
        held: Ticket | None = scope.get("ticket")
        if queue.lane.at_once is None or (held is not None and held.queue is queue):
            return
        if held is not None:
            del scope["ticket"]
            held.release()
        await queue.enter(caller)
        scope["ticket"] = Ticket(queue, caller)

    def step_out(self, scope: Scope) -> str | None:
        """Give a request's place back while it waits for something else; the class to enter again, None where it has no place."""
        held: Ticket | None = scope.pop("ticket", None)
        if held is None:
            return None
        held.release()
        return held.queue.name

    def loads(self) -> Iterator[tuple[str, Load]]:
        """How each class stands."""
        for name, queue in self._queues.items():
            yield name, Load(queue.working, len(queue.waiting), queue.refused)
