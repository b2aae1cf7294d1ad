"""What every answer says of what it was made from: the revision, and while the store is lost how old that is and why."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.served import Follower, Served
from layers._store.moments import Moment

REVISION: Final = b"geo-risk-revision"
AGE: Final = b"geo-risk-snapshot-age"
PROBLEM: Final = b"geo-risk-problem"
DATETIME: Final = b"geo-risk-datetime"
KNOWN: Final = b"geo-risk-as-known-at"


class Standing:
    """Puts the headers on every answer; a door that answered from another snapshot names it in ``request.state.served``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the service does, with the headers."""
        follower: Follower | None = getattr(scope["app"].state, "follower", None) if "app" in scope else None
        if scope["type"] != "http" or follower is None:
            await self._app(scope, receive, send)
            return
        at_first, state = follower.served(), scope.setdefault("state", {})

        async def with_standing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers_of(state.get("served", at_first), message["headers"])]
            await send(message)

        await self._app(scope, receive, with_standing)


def headers_of(served: Served, there: list[tuple[bytes, bytes]] = []) -> list[tuple[bytes, bytes]]:  # noqa: B006 - never changed
    """The headers of an answer that was made from this, without a revision where there is one already."""
    named = any(name == REVISION for name, _ in there)
    revision = [] if named else [(REVISION, b"%d" % served.snapshot.revision)]
    shown = [*revision, *([] if served.moment is None else _moment(served.moment))]
    if not served.problem:
        return shown
    return [*shown, (AGE, b"%d" % served.age_s()), (PROBLEM, served.problem.encode("ascii", "replace"))]


def _moment(moment: Moment) -> list[tuple[bytes, bytes]]:
    """Which moment of the past the answer shows, and if it was asked for as it was known then."""
    shown = moment.true_at if moment.since is None else f"{moment.since}/{moment.true_at}"
    known = [] if moment.known_at is None else [(KNOWN, moment.known_at.encode())]
    return [(DATETIME, shown.encode()), *known]
