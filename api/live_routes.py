"""`GET /events`: what changes, as it changes."""

import asyncio
from collections.abc import Awaitable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from api.caller import Caller
from api.live import Live, Stream, Watch
from api.policy import counted_as, policy
from api.request import CallerNow, ServedNow, known_parameters
from api.use import parameters

_LAST_MOST: Final = 2**63 - 1
router = APIRouter(tags=["live"], dependencies=policy("events"))


class Events(Response):
    """A stream of events as an answer that goes on until either side ends it."""

    media_type = "text/event-stream"

    def __init__(self, live: Live, watch: Watch, caller: Caller, who: str, last: int | None) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._live, self._watch, self._caller, self._who, self._last = live, watch, caller, who, last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the reader leaves, falls behind, or may no longer read."""
        stream = self._live.join(self._watch, self._caller, self._who)

        def sent(content: bytes) -> Awaitable[None]:
            return send({"type": "http.response.body", "body": content, "more_body": True})

        watcher = asyncio.create_task(_until_gone(receive, stream))
        try:
            await self._live.begin(stream, self._last)
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await stream.run(sent)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            watcher.cancel()
            self._live.leave(stream)


async def _until_gone(receive: Receive, stream: Stream) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.end()


@router.get("/events", dependencies=[Depends(known_parameters)], response_class=Response)
async def events(
    request: Request, served: ServedNow, caller: CallerNow, layers: str | None = None, bbox: str | None = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Events:  # fmt: skip
    """Changes of the layers named (all without), within the box, as server-sent events.

    ``changes`` names what changed up to a revision, which what is served already has; ``resync`` says that the reader must look
    at everything anew, and ends the stream. A reader that comes back with ``Last-Event-ID`` goes on where it was.
    """
    live: Live = request.app.state.live
    named = frozenset(served.snapshot.layer(name).id for name in layers.split(",")) if layers else None
    watch = Watch(sight=caller.sight, layers=named, box=parameters.box(bbox) if bbox else None)
    last = parameters.whole(last_event_id, "Last-Event-ID", 0, _LAST_MOST) if last_event_id else None
    return Events(live, watch, caller, counted_as(request), last)
