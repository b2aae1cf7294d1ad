"""Accounts, keys and the audit, for admins; what is changed here holds at once in this process, and within a second elsewhere."""

from dataclasses import asdict
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from api.gate import Gate, address_of
from api.passwords import generated
from api.policy import ADMINS
from api.request import CallerNow, Language, ServedNow, SettingsNow, StoreNow, asks_for_page, known_parameters
from api.sign_in_routes import SignInNow
from api.strict_json import json_object
from api.use import enrolment, parameters
from api.use.enrolment import Changes, Doer, NewAccount, NewKey, said
from geo_risk.errors import ParameterError, shown
from layers._store import accounts

_NOWHERE: Final = {"Cache-Control": "no-store"}


def _kept_nowhere(response: Response) -> None:
    response.headers.update(_NOWHERE)


router = APIRouter(tags=["accounts"], dependencies=[*ADMINS, Depends(known_parameters), Depends(_kept_nowhere)])


async def _body(request: Request, settings: SettingsNow) -> dict[str, Any]:
    return await json_object(request, settings.body_max_bytes, settings.body_max_depth)


def _gate(request: Request) -> Gate:
    found: Gate = request.app.state.gate
    return found


def _doer(request: Request, caller: CallerNow) -> Doer:
    return Doer(caller.actor, address_of(request))


Body = Annotated[dict[str, Any], Depends(_body)]
GateNow = Annotated[Gate, Depends(_gate)]
DoerNow = Annotated[Doer, Depends(_doer)]


@router.get("/accounts", response_model=None)
def accounts_list(
    request: Request,
    store: StoreNow,
    served: ServedNow,
    settings: SettingsNow,
    lang: Language | None = None,
) -> Response:
    """Every account, and the areas that can be granted; to browsers the page, which asks for these."""
    if asks_for_page(request):
        from api.maps_routes import accounts_view  # noqa: PLC0415 - the views stand behind the engine; programs need not wait

        return accounts_view(request, served, settings, lang)
    told = {"accounts": enrolment.listed_accounts(store), "areas": enrolment.areas_to_grant(served.snapshot)}
    return JSONResponse(told, headers={"Vary": "Accept", **_NOWHERE})


@router.post("/accounts", status_code=201)
async def account_add(
    store: StoreNow, gate: GateNow, doer: DoerNow, signing: SignInNow, body: Body, response: Response
) -> dict[str, Any]:
    """Make an account. ``password`` is one that is chosen, ``generated`` for one that the answer tells once, or left out."""
    chosen = body.pop("password", None)
    given = said(NewAccount, body)
    password = generated() if chosen == "generated" else _text(chosen)
    kept = None if password is None else await signing.hashed(password, given.name)
    made = await signing.beside(lambda: enrolment.add_account(store, given, kept, doer))
    await signing.beside(gate.refresh)
    response.headers["Location"] = f"/accounts/{quote(made.name)}"
    return accounts.as_told(made) | ({"generated": password} if chosen == "generated" else {})


@router.get("/accounts/{name}")
def account(store: StoreNow, name: str) -> dict[str, Any]:
    """One account."""
    return enrolment.account_told(store, name)


@router.patch("/accounts/{name}")
async def account_change(
    store: StoreNow, gate: GateNow, doer: DoerNow, signing: SignInNow, name: str, body: Body
) -> dict[str, Any]:
    """Change role, clearance, grants, the name shown; or disable and enable."""
    changes = said(Changes, body)
    changed = await signing.beside(lambda: enrolment.change_account(store, name, changes, doer))
    await signing.beside(gate.refresh)
    return accounts.as_told(changed)


@router.put("/accounts/{name}/password")
async def account_password(
    store: StoreNow, gate: GateNow, doer: DoerNow, signing: SignInNow, name: str, body: Body
) -> dict[str, Any]:
    """Give an account another ``password``, or one that is ``generated`` and told once; its sessions end."""
    if set(body) != {"password"}:
        raise ParameterError("this gives no password", where="body", expected="password", got="other members")
    chosen = _text(body["password"])
    password = generated() if chosen == "generated" else chosen or ""
    kept = await signing.hashed(password, name)
    changed = await signing.beside(lambda: enrolment.set_password(store, name, kept, doer))
    await signing.beside(gate.refresh)
    return accounts.as_told(changed) | ({"generated": password} if chosen == "generated" else {})


@router.delete("/accounts/{name}/sessions")
async def account_sessions_end(store: StoreNow, gate: GateNow, doer: DoerNow, signing: SignInNow, name: str) -> dict[str, Any]:
    """End every session of an account: whoever is signed in with it must sign in again."""
    ended = await signing.beside(lambda: enrolment.end_sessions(store, name, doer))
    await signing.beside(gate.refresh)
    return accounts.as_told(ended)


@router.get("/keys")
def keys_list(store: StoreNow) -> dict[str, Any]:
    """Every key: whose, for what, until when, when it was used last."""
    return {"keys": enrolment.listed_keys(store)}


@router.post("/keys", status_code=201)
async def key_add(store: StoreNow, gate: GateNow, doer: DoerNow, signing: SignInNow, body: Body) -> dict[str, Any]:
    """Make a key of an account; the answer tells it, this once."""
    given = said(NewKey, body)
    made, text = await signing.beside(lambda: enrolment.add_key(store, given, doer))
    await signing.beside(gate.refresh)
    return accounts.key_as_told(made) | {"account": given.account, "key": text}


@router.delete("/keys/{key_id}")
async def key_revoke(store: StoreNow, gate: GateNow, doer: DoerNow, signing: SignInNow, key_id: str) -> dict[str, Any]:
    """End a key, and the sessions that were begun with it."""
    revoked = await signing.beside(lambda: enrolment.revoke_key(store, key_id, doer))
    await signing.beside(gate.refresh)
    return accounts.key_as_told(revoked)


@router.get("/audit")
def audit_page(store: StoreNow, limit: str = "100", before: str | None = None) -> dict[str, Any]:
    """The audit, the newest entry first; ``before`` an entry's id for the next page."""
    least = None if before is None else parameters.whole(before, "before", 1, 2**62)
    found = enrolment.audited(store, least, parameters.whole(limit, "limit", 1, 1000))
    return {"entries": [asdict(each) for each in found], "next": found[-1].id if found and found[-1].id > 1 else None}


def _text(given: object) -> str | None:
    if given is not None and not isinstance(given, str):
        raise ParameterError("the password is no text", where="password", expected="text", got=shown(given))
    return given
