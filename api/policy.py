"""Deny by default: each route names its policy, and a route without one fails a test (docs/roles.md).

A policy is a dependency: it finds out who asks, keeps it in ``request.state.caller``, and stops who may not. It decides by
credentials and method, never by the request's path or Host.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from fastapi import Depends, Request
from fastapi.params import Depends as Dependency

from api.caller import ANONYMOUS, Caller, Verb
from api.credentials import require_csrf, require_same_origin
from api.forwarded import is_beside
from api.gate import Gate, address_of
from geo_risk.errors import Forbidden, Unauthenticated
from layers._store.attempts import place_of


async def admit(request: Request, admission: str) -> None:
    """Wait for a place in that class, in the caller's name or address; one held in another class is given back first."""
    await request.app.state.admission.enter(request.scope, admission, counted_as(request))


@asynccontextmanager
async def out_of_place(request: Request) -> AsyncIterator[None]:
    """Let others have the request's place while it waits for what takes no work, such as its body; then wait for one again."""
    admission = request.app.state.admission.step_out(request.scope)
    yield
    if admission is not None:
        await admit(request, admission)


def counted_as(request: Request) -> str:
    """Whom a request counts for where one caller's share is limited: the account, for nobody in particular the address."""
    caller: Caller = request.state.caller
    return place_of(address_of(request)) if caller.by == "nobody" else caller.id


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One row of the table below.

    ``verb`` is what a caller must be allowed; without one anybody may. ``anonymous``: nobody in particular may too, if the
    setting ``anonymous_reads`` allows it. ``lenient``: a credential that is no longer valid is nobody's, not an error, so that
    pages and signing in work with an old cookie. ``by_form``: a change by cookie must carry the session's token; all but
    signing in do. ``beside``: whoever asks on this machine itself, through no proxy, may too. ``page``: where a browser
    that asks for a page and must sign in first is led. ``admission`` is the class in which the request waits for its place
    (`api.admission`).
    """

    name: str
    verb: Verb | None = None
    anonymous: bool = False
    lenient: bool = False
    by_form: bool = True
    beside: bool = False
    page: str = ""
    admission: str = "reads"

    async def __call__(self, request: Request) -> None:
        """Let the request in, or raise."""
        gate: Gate = request.app.state.gate
        request.state.page = self.page
        caller = gate.caller(request, lenient=self.lenient)
        request.state.caller = caller
        require_same_origin(request)
        if self.by_form:
            require_csrf(request, caller)
        if not (self.beside and is_beside(request.scope)):
            self.require(caller, anonymous_reads=gate.anonymous_reads)
        await admit(request, self.admission)

    def require(self, caller: Caller, *, anonymous_reads: bool) -> None:
        """Stop a caller who may not.

        Raises
        ------
        Unauthenticated
            Nobody in particular asks, and this is not for everybody.
        Forbidden
            Role or key do not allow it.
        """
        if self.verb is None or (caller is ANONYMOUS and self.anonymous and anonymous_reads):
            return
        if caller is ANONYMOUS:
            raise Unauthenticated(
                "this needs somebody who is signed in", expected="a session, a key, or a token of the bureau's provider",
                got="none", then="sign in at /sign-in, or send Authorization: Bearer",
            )
        if not caller.may(self.verb):
            raise Forbidden(
                "this caller may not do this", expected=f"a role or a key that may {self.verb}", got=f"role {caller.role}",
                then="ask an admin",
            )


_ROWS: Final = {
    row.name: row
    for row in (
        Policy(name="health", lenient=True, admission="health"),
        Policy(name="static", lenient=True, admission="static"),
        Policy(name="everybody", lenient=True, admission="static"),
        Policy(name="sign_in", lenient=True, by_form=False, admission="sign_in"),
        Policy(name="signed_in", verb="read", admission="sign_in"),
        Policy(name="pages", verb="read", anonymous=True, lenient=True, page="/sign-in", admission="reads"),
        Policy(name="readers", verb="read", anonymous=True, admission="reads"),
        Policy(name="events", verb="read", anonymous=True, admission="events"),
        Policy(name="exports", verb="read", anonymous=True, admission="exports"),
        Policy(name="overlays", verb="read", anonymous=True, admission="overlays"),
        Policy(name="askers", verb="ask", anonymous=True, admission="overlays"),
        Policy(name="reporters", verb="write", admission="writes"),
        Policy(name="closers", verb="close", admission="writes"),
        Policy(name="admins", verb="admin", page="/sign-in?next=accounts", admission="reads"),
        Policy(name="metrics", verb="metrics", beside=True, admission="health"),
    )
}
POLICIES: Final = frozenset(_ROWS.values())


def policy(name: str) -> Sequence[Dependency]:
    """The dependencies of a route or a router with that policy."""
    return [Depends(_ROWS[name])]


HEALTH: Final = policy("health")
STATIC: Final = policy("static")
EVERYBODY: Final = policy("everybody")
SIGN_IN: Final = policy("sign_in")
SIGNED_IN: Final = policy("signed_in")
PAGES: Final = policy("pages")
READERS: Final = policy("readers")
EVENTS: Final = policy("events")
EXPORTS: Final = policy("exports")
OVERLAYS: Final = policy("overlays")
ASKERS: Final = policy("askers")
REPORTERS: Final = policy("reporters")
CLOSERS: Final = policy("closers")
ADMINS: Final = policy("admins")
METRICS: Final = policy("metrics")
