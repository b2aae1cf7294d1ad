"""Signing in and out, and one's own password."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from api.caller import ANONYMOUS, Caller
from api.credentials import COOKIE, csrf_token, shown_by
from api.gate import address_of
from api.policy import SIGN_IN, SIGNED_IN
from api.request import CallerNow, SettingsNow, known_parameters
from api.sign_in import Signed, SignIn
from api.strict_json import json_object
from geo_risk.errors import ParameterError, shown

router = APIRouter(tags=["session"])
_strict = [Depends(known_parameters)]
_LONGEST = 200
_BODY_BYTES = 10_000


def _sign_in(request: Request) -> SignIn:
    found: SignIn = request.app.state.sign_in
    return found


async def _body(request: Request, settings: SettingsNow) -> dict[str, str]:
    """A body of a few texts, none of them long."""
    given = await json_object(request, min(settings.body_max_bytes, _BODY_BYTES), settings.body_max_depth)
    strange = [name for name, text in given.items() if not isinstance(text, str) or len(text) > _LONGEST]
    if strange:
        raise ParameterError(
            "this is no sign-in", where="body", expected=f"texts of at most {_LONGEST} characters",
            got=", ".join(map(shown, strange[:5])),
        )
    return given


SignInNow = Annotated[SignIn, Depends(_sign_in)]
Texts = Annotated[dict[str, str], Depends(_body)]


@router.get("/session", dependencies=[*SIGN_IN, *_strict])
async def session(request: Request, caller: CallerNow) -> dict[str, Any]:
    """Who asks, or null; and the token that a change by cookie must carry."""
    cookie = shown_by(request).cookie if caller.by == "session" else None
    return {"caller": told(caller), "csrf": csrf_token(cookie) if cookie else None}


@router.post("/session", dependencies=[*SIGN_IN, *_strict])
async def sign_in(request: Request, response: Response, texts: Texts, signing: SignInNow) -> dict[str, Any]:
    """Sign in by ``name`` and ``password``, or as a wall display by ``key``; the answer sets the cookie of the session."""
    address = address_of(request)
    if set(texts) == {"name", "password"}:
        signed = await signing.by_password(texts["name"], texts["password"], address)
    elif set(texts) == {"key"}:
        signed = await signing.by_key(texts["key"], address)
    else:
        raise ParameterError("this is no sign-in", where="body", expected="name and password, or key", got="other members")
    _set_cookie(request, response, signed)
    return {"caller": told(signed.caller), "csrf": csrf_token(signed.cookie)}


@router.delete("/session", dependencies=[*SIGN_IN, *_strict])
async def sign_out(request: Request, response: Response, caller: CallerNow, signing: SignInNow) -> dict[str, Any]:
    """Sign out: the session ends here and in the store. Without one nothing happens."""
    await signing.end(caller, address_of(request))
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=_is_safe(request))
    return {"caller": None, "csrf": None}


@router.put("/session/password", dependencies=[*SIGNED_IN, *_strict], status_code=204)
async def password(request: Request, caller: CallerNow, texts: Texts, signing: SignInNow) -> None:
    """Change one's own password: ``old`` and ``new``. Every session of the account ends, this one too."""
    if set(texts) != {"old", "new"}:
        raise ParameterError("this changes no password", where="body", expected="old and new", got="other members")
    await signing.change_password(caller, texts["old"], texts["new"], address_of(request))


def told(caller: Caller) -> dict[str, Any] | None:
    """A caller as pages need it; null for nobody in particular."""
    if caller is ANONYMOUS:
        return None
    sets = {name: None if held is None else sorted(held) for name, held in (
        ("reads", caller.reads), ("writes", caller.writes), ("areas", caller.areas), ("scopes", caller.scopes),
    )}  # fmt: skip
    return {
        "name": caller.name, "display": caller.display or caller.name, "role": caller.role, "by": caller.by,
        "clearance": caller.clearance, **sets,
    }


def _set_cookie(request: Request, response: Response, signed: Signed) -> None:
    response.headers["Cache-Control"] = "no-store"
    response.set_cookie(
        COOKIE, signed.cookie, max_age=int(signed.lasts.total_seconds()), path="/", httponly=True, samesite="strict",
        secure=_is_safe(request),
    )


def _is_safe(request: Request) -> bool:
    return request.url.scheme == "https"
