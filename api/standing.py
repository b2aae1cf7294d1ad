"""What every answer says of what it was made from: the revision, and while the store is lost how old that is and why."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.served import Follower, Served

REVISION: Final = b"geo-risk-revision"
AGE: Final = b"geo-risk-snapshot-age"
PROBLEM: Final = b"geo-risk-problem"


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
    if not served.problem:
        return revision
    return [*revision, (AGE, b"%d" % served.age_s()), (PROBLEM, served.problem.encode("ascii", "replace"))]
