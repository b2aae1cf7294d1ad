"""What a request shows of who sends it: a cookie, or a bearer key or token; and that a change was sent by a page of ours."""

import hashlib
import hmac
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request

from api.caller import Caller
from geo_risk.errors import Forbidden, Unauthenticated

COOKIE: Final = "geo_risk_session"
CSRF_HEADER: Final = "X-CSRF-Token"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST: Final = 8192


class Shown(NamedTuple):
    """The one credential of a request; both are empty where nobody in particular asks."""

    cookie: str | None = None
    bearer: str | None = None


def shown_by(request: Request) -> Shown:
    """The credential of a request.

    Raises
    ------
    Unauthenticated
        There is more than one, or one of another kind: which of them counts would be a guess.
    """
    given = request.headers.getlist("authorization")
    cookies = [part.strip().partition("=") for each in request.headers.getlist("cookie") for part in each.split(";")]
    tokens = [value for name, _, value in cookies if name == COOKIE]
    if len(given) + len(tokens) > 1:
        raise Unauthenticated(
            "the request shows more than one credential", expected="a cookie, or one Authorization header", got="several",
            then="send one of them",
        )
    if not given:
        return Shown(cookie=tokens[0]) if tokens else Shown()
    scheme, _, bearer = given[0].partition(" ")
    if scheme.lower() != "bearer" or not bearer.strip() or len(bearer) > _LONGEST:
        raise Unauthenticated(
            "the request shows a credential of another kind", where="Authorization", expected="Bearer, then a key or a token",
            got="another", then="send a key as Authorization: Bearer grk_...",
        )
    return Shown(bearer=bearer.strip())


def require_same_origin(request: Request) -> None:
    """Stop a change that a browser sent from a page of another site.

    Raises
    ------
    Forbidden
        The browser says that it came from elsewhere.
    """
    if request.method in SAFE:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    elsewhere = site not in (None, "same-origin", "none")
    if elsewhere or (origin is not None and _place(origin) != request.headers.get("host", "")):
        raise Forbidden(
            "the change was sent by a page of another site", where="Origin", expected="a page of this service",
            then="use the map itself, or a key without a browser",
        )


def _place(origin: str) -> str | None:
    """Host and port that an origin names; None where it names none."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def require_csrf(request: Request, caller: Caller) -> None:
    """Stop a change by cookie that does not carry the session's token, which no other site's page can know.

    Raises
    ------
    Forbidden
        The token is missing or another's.
    """
    if caller.by != "session" or request.method in SAFE:
        return
    wanted = csrf_token(shown_by(request).cookie or "")
    if not hmac.compare_digest(request.headers.get(CSRF_HEADER, "").encode(), wanted.encode()):
        raise Forbidden(
            "a change by cookie must carry the session's token", where=CSRF_HEADER, expected="the token that /session tells",
            then="load the page anew",
        )


def csrf_token(cookie: str) -> str:
    """The token of a session: only who has the cookie, which no script can read, can make it."""
    return hmac.new(cookie.encode(), b"geo-risk csrf", hashlib.sha256).hexdigest()
