"""Making and changing accounts and keys: each in one transaction with its entry in the audit; no HTTP, no terminal."""

import datetime as dt
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.keys import digest, key_text, new_key
from geo_risk.errors import NotFound, ParameterError, shown
from layers._layer import Sensitivity
from layers._store import Snapshot, Store, accounts, audit
from layers._store.accounts import CLEARANCE, Account, Key, Role, require_grants, require_scopes
from layers._store.audit import Entry, Event
from layers._store.records import now, stamp

DAYS: Final = 90
DAYS_MOST: Final = 366
DAYS_OF_A_WALL: Final = 400
_WRITE_S: Final = 5.0
Names = frozenset[str] | None
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Doer:
    """Who makes the change, and from where."""

    actor: str
    address: str = ""


_THE_AUDITS: Final = frozenset({"unknown", "several", "retention"})
"""Whom the audit names where it was no account."""
_ONE_LINE: Final = r"^[^\p{C}\p{Zl}\p{Zp}]*$"
"""Text without characters that break a line, reverse it or cannot be seen."""
Line = Annotated[str, Field(max_length=200, pattern=_ONE_LINE)]


class NewAccount(BaseModel):
    """What is said of a new account; what is not said follows from the role."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    display: Line = ""
    role: Role
    clearance: Sensitivity | None = None
    reads: Names = None
    writes: Names = None
    areas: Names = None


class Changes(BaseModel):
    """What is to change of an account; what is not said stays. A change of role alone takes over the role's clearance."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    display: Line | None = None
    role: Role | None = None
    clearance: Sensitivity | None = None
    reads: Names = None
    writes: Names = None
    areas: Names = None
    disabled: bool | None = None


class NewKey(BaseModel):
    """What is said of a new key."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    account: str
    scopes: frozenset[str] = Field(min_length=1, max_length=100)
    title: Line = ""
    days: int = Field(default=DAYS, ge=1, le=DAYS_OF_A_WALL)


def said(model: type[Model], given: Mapping[str, Any]) -> Model:
    """A model of what was said; `ParameterError` names the members that are wrong, never their content."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        faults = [(".".join(map(str, fault["loc"])), fault["type"]) for fault in error.errors(include_input=False)][:5]
        raise ParameterError(
            "this is not understood", where=", ".join(shown(where) for where, _ in faults) or "body",
            expected=", ".join(model.model_fields), got="; ".join(kind for _, kind in faults), then="mend these and send it again",
        ) from None


def prepare(connection: sa.Connection) -> None:
    """Make the tables of accounts and of the audit where a store has none yet."""
    accounts.prepare(connection)
    audit.prepare(connection)


def add_account(store: Store, given: NewAccount, password: str | None, doer: Doer) -> Account:
    """Make an account; ``password`` is a hash, None for one that only keys belong to.

    Raises
    ------
    ParameterError
        Name, role or grants may not be so.
    Conflict
        Somebody has the name.
    """
    account = Account(
        id=f"acc-{secrets.token_hex(8)}", name=given.name.strip(), display=given.display, role=given.role,
        clearance=given.clearance or CLEARANCE[given.role], reads=given.reads, writes=given.writes, areas=given.areas,
        password=password, created_at=now(), created_by=doer.actor,
    )  # fmt: skip
    require_grants(account, store.layers)
    if account.compared in _THE_AUDITS:
        raise ParameterError(
            "this name means somebody else in the audit", where="name", expected="another", got=shown(account.name),
            then="choose another",
        )

    def add(connection: sa.Connection) -> None:
        prepare(connection)
        accounts.add_account(connection, account)
        audit.append(connection, _noted(doer, "account_added", account.name, _facts(account)))

    store.transact(add, _WRITE_S)
    return account


def change_account(store: Store, name: str, changes: Changes, doer: Doer) -> Account:
    """Change what an account may; a change of role or being disabled ends its sessions.

    Raises
    ------
    NotFound
        There is no such account.
    ParameterError
        Role or grants may not be so.
    Conflict
        It is the last admin.
    """

    def change(connection: sa.Connection) -> Account:
        before = accounts.account_named(connection, name)
        after = accounts.change_account(connection, before.id, **_changed(changes))
        require_grants(after, store.layers)
        old, new = _facts(before), _facts(after)
        differing = {what: {"before": old[what], "after": new[what]} for what in new if old[what] != new[what]}
        audit.append(connection, _noted(doer, "account_changed", after.name, differing))
        return after

    return store.transact(change, _WRITE_S)


def set_password(store: Store, name: str, password: str, doer: Doer) -> Account:
    """Give an account another password, as a hash; its sessions end."""

    def change(connection: sa.Connection) -> Account:
        account = accounts.account_named(connection, name)
        after = accounts.change_account(connection, account.id, password=password)
        audit.append(connection, _noted(doer, "password", account.name))
        return after

    return store.transact(change, _WRITE_S)


def end_sessions(store: Store, name: str, doer: Doer) -> Account:
    """End every session of an account; whoever still has the password or a key may begin another.

    Raises
    ------
    NotFound
        There is no such account.
    """

    def end(connection: sa.Connection) -> Account:
        account = accounts.account_named(connection, name)
        accounts.end_sessions_of(connection, account.id)
        audit.append(connection, _noted(doer, "sessions_ended", account.name))
        return account

    return store.transact(end, _WRITE_S)


def add_key(store: Store, given: NewKey, doer: Doer) -> tuple[Key, str]:
    """Make a key of an account; the key's text is shown this once and kept nowhere.

    Raises
    ------
    NotFound
        There is no such account.
    ParameterError
        A scope is unknown or above the account's role, or the key would last too long.
    """
    key_id, secret = new_key()
    made = dt.datetime.now(dt.UTC)

    def add(connection: sa.Connection) -> Key:
        account = accounts.account_named(connection, given.account)
        require_scopes(account, given.scopes, store.layers)
        _require_days(account, given.days)
        key = Key(
            id=key_id, account_id=account.id, secret_sha256=digest(secret), title=given.title, scopes=given.scopes,
            created_at=stamp(made), created_by=doer.actor, expires_at=stamp(made + dt.timedelta(days=given.days)),
        )  # fmt: skip
        accounts.add_key(connection, key)
        facts = {"key": key.id, "scopes": sorted(key.scopes), "expires_at": key.expires_at}
        audit.append(connection, _noted(doer, "key_added", account.name, facts))
        return key

    return store.transact(add, _WRITE_S), key_text(key_id, secret)


def revoke_key(store: Store, key_id: str, doer: Doer) -> Key:
    """End a key at once, and the sessions that were begun with it.

    Raises
    ------
    NotFound
        There is no such key.
    """

    def revoke(connection: sa.Connection) -> Key:
        key = accounts.revoke_key(connection, key_id, now())
        owner = accounts.account_of(connection, key.account_id)
        audit.append(connection, _noted(doer, "key_revoked", owner.name, {"key": key.id}))
        return key

    return store.transact(revoke, _WRITE_S)


def listed_accounts(store: Store) -> list[dict[str, Any]]:
    """All accounts by name, without their passwords' hashes; how many sessions each has, and when it signed in last."""
    with store.read() as connection:
        roll, signed = accounts.roll(connection), audit.last_sign_ins(connection)
    at = now()
    live = Counter(each.account_id for each in roll.sessions.values() if each.expires_at > at)
    return [
        accounts.as_told(each) | {"sessions": live[each.id], "signed_in_at": signed.get(each.name)}
        for each in sorted(roll.accounts.values(), key=lambda each: each.compared)
    ]


def areas_to_grant(snapshot: Snapshot) -> list[dict[str, str]]:
    """The areas that an account can be limited to, counties first, each by the id that grants name it by, and its name."""
    return [
        {"id": f"{layer_id}:{fid}", "layer": layer_id, "name": fid if name is None else str(name)}
        for layer_id in accounts.GRANTED_BY
        for fid, name in _names_of(snapshot, layer_id)
    ]


def _names_of(snapshot: Snapshot, layer_id: str) -> Iterator[tuple[str, object]]:
    names = snapshot.frames[layer_id]["name"]
    return zip(map(str, names.index), names.where(names.notna(), None), strict=True)


def listed_keys(store: Store) -> list[dict[str, Any]]:
    """All keys with the names of their accounts, the newest first; no secrets."""
    roll = _roll(store)
    held = sorted(roll.keys.values(), key=lambda each: each.created_at, reverse=True)
    return [accounts.key_as_told(each) | {"account": roll.accounts[each.account_id].name} for each in held]


def account_told(store: Store, name: str) -> dict[str, Any]:
    """One account; `NotFound` where there is none of that name."""
    found = _roll(store).named.get(accounts.compared(name))
    if found is None:
        raise NotFound("no such account", expected="the name of an account", got=shown(name), then="list the accounts first")
    return accounts.as_told(found)


def audited(store: Store, before: int | None, limit: int) -> tuple[Entry, ...]:
    """A page of the audit, the newest first."""
    with store.read() as connection:
        return audit.entries(connection, before=before, limit=limit)


def _roll(store: Store) -> accounts.Roll:
    with store.read() as connection:
        return accounts.roll(connection)


def _changed(changes: Changes) -> dict[str, Any]:
    stated = {name: getattr(changes, name) for name in changes.model_fields_set}
    for name in ("display", "role", "clearance", "disabled"):
        if name in stated and stated[name] is None:
            raise ParameterError("this cannot be nothing", where=name, expected="a value", got="nothing", then="leave it out")
    if changes.role is not None and changes.clearance is None:
        stated["clearance"] = CLEARANCE[changes.role]
    return stated


def _require_days(account: Account, days: int) -> None:
    most = DAYS_OF_A_WALL if account.role == "wall" else DAYS_MOST
    if days > most:
        raise ParameterError("the key would last too long", where="days", expected=f"1 to {most}", got=shown(days), then="renew it")


def _facts(account: Account) -> dict[str, Any]:
    told = accounts.as_told(account)
    return {name: told[name] for name in ("display", "role", "clearance", "reads", "writes", "areas", "disabled")}


def _noted(doer: Doer, action: str, subject: str, detail: Mapping[str, Any] | None = None) -> Event:
    return Event(actor=doer.actor, address=doer.address, action=action, subject=subject, detail=detail)
