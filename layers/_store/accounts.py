"""People and programs who may use the service: accounts, their keys and their sessions, as tables beside the log.

Plain functions over a connection. Whoever calls the ones that write does so inside a transaction, with the audit entry of
the change in the same one (`layers._store.audit`). Secrets come in as digests: no password, key or cookie is here to be read.
"""

import json
import logging
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal, TypeVar

import sqlalchemy as sa

from geo_risk.errors import Conflict, NotFound, ParameterError, shown
from layers._layer import SENSITIVITIES, Layer, Sensitivity
from layers._store.records import is_clean, now
from layers._store.schema import META, TEXT, WHOLE_NUMBER

_log = logging.getLogger(__name__)
Read = TypeVar("Read")
Role = Literal["wall", "viewer", "field", "operator", "admin"]
ROLES: Final[tuple[Role, ...]] = ("wall", "viewer", "field", "operator", "admin")
"""From the least to the most: each may do what the one before it may."""
CLEARANCE: Final[Mapping[Role, Sensitivity]] = {
    "wall": "public", "viewer": "internal", "field": "internal", "operator": "personal", "admin": "personal",
}
"""What an account of a role may read where nothing else was said."""
_WALL_CLEARANCES: Final = ("public", "internal")
VERBS: Final[Mapping[str, Role]] = {
    "read": "wall", "metrics": "wall", "ask": "viewer", "write": "field", "close": "operator", "admin": "admin",
}
"""What a key may be allowed to do, and the least role whose key may be."""

SESSIONS_MOST: Final = 1_000
"""Of one account: everybody's are in memory, and read anew with each sign-in."""
_NOBODY: Final = "anonymous"
_GENERATION: Final = "people_generation"
GRANTED_BY: Final = ("counties", "towns")
"""The layers whose features a grant may name as the place where things are changed."""
_AREA: Final = re.compile(rf"({'|'.join(GRANTED_BY)}):\S.{{0,119}}")
_NAME: Final = re.compile(r"[^\W_][\w.@ -]{0,62}\w")
_SCOPE: Final = re.compile(r"([a-z]+)(?::([a-z][a-z0-9_]{0,40}))?")
_LAYERED: Final = ("read", "write")
_LONGEST: Final = 200

TABLES: Final = sa.MetaData()
_ACCOUNTS: Final = sa.Table(
    "accounts", TABLES,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("name", TEXT, nullable=False),
    sa.Column("compared", TEXT, nullable=False, unique=True),
    sa.Column("display", TEXT, nullable=False),
    sa.Column("role", TEXT, nullable=False),
    sa.Column("clearance", TEXT, nullable=False),
    sa.Column("reads", TEXT),
    sa.Column("writes", TEXT),
    sa.Column("areas", TEXT),
    sa.Column("password", TEXT),
    sa.Column("disabled", WHOLE_NUMBER, nullable=False),
    sa.Column("created_at", TEXT, nullable=False),
    sa.Column("created_by", TEXT, nullable=False),
    sqlite_strict=True,
)
_KEYS: Final = sa.Table(
    "keys", TABLES,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("account_id", TEXT, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("secret_sha256", TEXT, nullable=False),
    sa.Column("title", TEXT, nullable=False),
    sa.Column("scopes", TEXT, nullable=False),
    sa.Column("created_at", TEXT, nullable=False),
    sa.Column("created_by", TEXT, nullable=False),
    sa.Column("expires_at", TEXT, nullable=False),
    sa.Column("revoked_at", TEXT),
    sa.Column("used_at", TEXT),
    sqlite_strict=True,
)
_SESSIONS: Final = sa.Table(
    "sessions", TABLES,
    sa.Column("token_sha256", TEXT, primary_key=True),
    sa.Column("account_id", TEXT, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("key_id", TEXT),
    sa.Column("made_at", TEXT, nullable=False),
    sa.Column("seen_at", TEXT, nullable=False),
    sa.Column("expires_at", TEXT, nullable=False),
    sqlite_strict=True,
)


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody, or a screen. ``reads`` and ``writes`` are ids of layers, ``areas`` as ``towns:ID``; None is all, or everywhere.

    ``password`` is a hash; without one nobody signs in by password, only by a key.
    """

    id: str
    name: str
    display: str = ""
    role: Role
    clearance: Sensitivity
    reads: frozenset[str] | None = None
    writes: frozenset[str] | None = None
    areas: frozenset[str] | None = None
    password: str | None = None
    disabled: bool = False
    created_at: str
    created_by: str

    @property
    def compared(self) -> str:
        """The name as names are compared: no two accounts share it."""
        return compared(self.name)

    def __post_init__(self) -> None:
        """Refuse what no account may be."""
        for wrong, where, expected, got in (
            (not is_name(self.name), "name", "2 to 64 letters, digits, spaces and . _ @ -, a letter or digit first", self.name),
            (len(self.display) > _LONGEST or not is_clean(self.display), "display", f"at most {_LONGEST} characters", self.display),
            (self.role not in ROLES, "role", ", ".join(ROLES), self.role),
            (self.clearance not in clearances(self.role), "clearance", ", ".join(clearances(self.role)), self.clearance),
            (self.role == "admin" and self.areas is not None, "areas", "none: an admin is one everywhere", "some"),
            (not all(map(_AREA.fullmatch, self.areas or ())), "areas", "towns:ID or counties:ID", "another"),
        ):
            if wrong:
                raise ParameterError("this is no account", where=where, expected=expected, got=shown(got), then="mend it")


@dataclass(frozen=True, kw_only=True)
class Key:
    """A program's key: ``scopes`` are verbs (`VERBS`), ``read`` and ``write`` also for one layer: ``write:shelters``."""

    id: str
    account_id: str
    secret_sha256: str
    title: str = ""
    scopes: frozenset[str]
    created_at: str
    created_by: str
    expires_at: str
    revoked_at: str | None = None
    used_at: str | None = None

    @property
    def verbs(self) -> frozenset[str]:
        """What it may be used for at all."""
        return frozenset(scope.partition(":")[0] for scope in self.scopes)

    def layers(self, verb: str) -> frozenset[str] | None:
        """The layers it may do this with; None for all, where the verb stands alone."""
        named = (scope.partition(":") for scope in self.scopes)
        return None if verb in self.scopes else frozenset(layer for each, _, layer in named if each == verb)


@dataclass(frozen=True, kw_only=True)
class Session:
    """Somebody signed in; ``key_id`` where a key was shown instead of a password, as walls do."""

    token_sha256: str
    account_id: str
    key_id: str | None = None
    made_at: str
    seen_at: str
    expires_at: str


@dataclass(frozen=True, kw_only=True)
class Roll:
    """Everybody at one moment: accounts by id and by compared name, keys by id, sessions by the digest of their token."""

    generation: int
    accounts: Mapping[str, Account]
    named: Mapping[str, Account]
    keys: Mapping[str, Key]
    sessions: Mapping[str, Session]


def is_name(name: str) -> bool:
    """Whether a name may be an account's; it has no slash and no colon, which tell keys and outside providers' people apart.

    >>> is_name("值班员1"), is_name("a"), is_name(" x1"), is_name("jwt:x"), is_name("Anonymous")
    (True, False, False, False, False)
    """
    return _NAME.fullmatch(name) is not None and is_clean(name) and compared(name) != _NOBODY


def compared(name: str) -> str:
    """A name as names are compared: compatible characters and letter case are the same, spaces around count for nothing.

    >>> compared(" Duty１ ") == compared("duty1")
    True
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def shown_to_all(layers: Mapping[str, Layer]) -> frozenset[str]:
    """The layers that cannot be hidden from anybody, since figures are made of them: they must not depend on who asks."""
    return frozenset(
        each.id for each in layers.values() if each.factors or each.group in ("area", "base") or each.id in _FIGURES
    )


_FIGURES: Final = ("road_closures",)


def require_grants(account: Account, layers: Mapping[str, Layer]) -> None:
    """Stop where grants name layers that are none, or would hide one that figures are made of.

    Raises
    ------
    ParameterError
        Either of the two; it names the layers.
    """
    for name in ("reads", "writes"):
        _require_layers(name, getattr(account, name) or (), layers)
    hidden = sorted(shown_to_all(layers) - account.reads) if account.reads is not None else []
    if hidden:
        raise ParameterError(
            "layers that figures are made of cannot be hidden from anybody: a figure must not depend on who asks",
            where="reads", expected="also " + ", ".join(hidden), got=f"{len(account.reads or ())} layers without them",
            then="add them, or lower the clearance to hide what is sensitive in them",
        )


def require_scopes(account: Account, scopes: Collection[str], layers: Mapping[str, Layer]) -> None:
    """Stop where a key would be allowed what its account's role is not, or nothing that there is.

    Raises
    ------
    ParameterError
        A scope is unknown, above the role, or names no layer.
    """
    allowed = [verb for verb, least in VERBS.items() if at_least(account.role, least)]
    for scope in scopes or ("",):
        found = _SCOPE.fullmatch(scope)
        if found is None or found[1] not in allowed or (found[2] and found[1] not in _LAYERED):
            raise ParameterError(
                f"a key of role {account.role} cannot be allowed this", where="scopes",
                expected=", ".join(allowed) + "; read and write also as write:LAYER", got=shown(scope), then="choose of these",
            )
        _require_layers("scopes", filter(None, (found[2],)), layers)


def at_least(role: str, least: Role) -> bool:
    """Whether a role may do what the least of its row may.

    >>> at_least("admin", "field"), at_least("viewer", "field"), at_least("anonymous", "wall")
    (True, False, False)
    """
    return role in ROLES and ROLES.index(role) >= ROLES.index(least)


def clearances(role: str) -> tuple[Sensitivity, ...]:
    """What an account of a role may be cleared for at all: a screen on a wall shows nothing personal."""
    return _WALL_CLEARANCES if role == "wall" else SENSITIVITIES


def prepare(connection: sa.Connection) -> None:
    """Make the tables where a store has none yet."""
    TABLES.create_all(connection)


def generation(connection: sa.Connection) -> int:
    """How often accounts, keys or sessions were changed: whoever remembers them asks this to learn that they were."""
    found = connection.execute(sa.select(META.c.value).where(META.c.key == _GENERATION)).scalar_one_or_none()
    return int(found or 0)


def roll(connection: sa.Connection) -> Roll:
    """Everybody, as this transaction sees it.

    An account or a key whose row cannot be understood is let in nowhere; that of the others holds.
    """
    accounts = {each.id: each for each in _understood(connection, _ACCOUNTS, _account)}
    keys = [each for each in _understood(connection, _KEYS, _key) if each.account_id in accounts]
    sessions = (Session(**row) for row in connection.execute(sa.select(_SESSIONS)).mappings())
    return Roll(
        generation=generation(connection), accounts=accounts, named={each.compared: each for each in accounts.values()},
        keys={each.id: each for each in keys}, sessions={each.token_sha256: each for each in sessions},
    )


def account_named(connection: sa.Connection, name: str) -> Account:
    """The account of that name.

    Raises
    ------
    NotFound
        There is none.
    """
    return _one_account(connection, _ACCOUNTS.c.compared == compared(name), name)


def account_of(connection: sa.Connection, account_id: str) -> Account:
    """The account of that id.

    Raises
    ------
    NotFound
        There is none.
    """
    return _one_account(connection, _ACCOUNTS.c.id == account_id, account_id)


def add_account(connection: sa.Connection, account: Account) -> None:
    """Add an account.

    Raises
    ------
    Conflict
        One of that name is there already.
    """
    if connection.execute(sa.select(_ACCOUNTS.c.id).where(_ACCOUNTS.c.compared == account.compared)).first():
        raise Conflict(
            "there is an account of this name", where="name", expected="a name nobody has", got=shown(account.name),
            then="choose another, or change that account",
        )
    connection.execute(sa.insert(_ACCOUNTS).values(_row(account)))
    _changed(connection)


def change_account(connection: sa.Connection, account_id: str, **changes: Any) -> Account:
    """Change an account; the account as it is then. A new password or being disabled ends its sessions.

    Raises
    ------
    NotFound
        There is none of that id.
    Conflict
        It is the last admin who can get in, and would be one no more.
    """
    before = account_of(connection, account_id)
    after = replace(before, **changes)
    connection.execute(sa.update(_ACCOUNTS).where(_ACCOUNTS.c.id == account_id).values(_row(after)))
    if _rules(before) and not _rules(after):
        _require_admin(connection)
    if after.disabled or after.password != before.password or after.role != before.role:
        connection.execute(sa.delete(_SESSIONS).where(_SESSIONS.c.account_id == account_id))
    _changed(connection)
    return after


def add_key(connection: sa.Connection, key: Key) -> None:
    """Add a key of an account that is there."""
    connection.execute(sa.insert(_KEYS).values(asdict(key) | {"scopes": _as_text(key.scopes)}))
    _changed(connection)


def key_of(connection: sa.Connection, key_id: str) -> Key:
    """The key of that id.

    Raises
    ------
    NotFound
        There is none.
    """
    found = connection.execute(sa.select(_KEYS).where(_KEYS.c.id == key_id)).mappings().first()
    if found is None:
        raise NotFound("no such key", expected="the id of a key", got=shown(key_id), then="list the keys first")
    return _key(found)


def revoke_key(connection: sa.Connection, key_id: str, at: str) -> Key:
    """End a key and the sessions that were begun with it; one that ended before stays as it is.

    Raises
    ------
    NotFound
        There is none of that id.
    """
    key = key_of(connection, key_id)
    revoked = replace(key, revoked_at=key.revoked_at or at)
    connection.execute(sa.update(_KEYS).where(_KEYS.c.id == key_id).values(revoked_at=revoked.revoked_at))
    connection.execute(sa.delete(_SESSIONS).where(_SESSIONS.c.key_id == key_id))
    _changed(connection)
    return revoked


def add_session(connection: sa.Connection, session: Session) -> None:
    """Begin a session; those that are over are cleared away, and the oldest of an account that has too many."""
    connection.execute(sa.delete(_SESSIONS).where(_SESSIONS.c.expires_at <= session.made_at))
    own, age = _SESSIONS.c.account_id == session.account_id, _SESSIONS.c.made_at
    oldest = sa.select(age).where(own).order_by(age.desc()).offset(SESSIONS_MOST - 1).limit(1)
    if (too_old := connection.execute(oldest).scalar_one_or_none()) is not None:
        connection.execute(sa.delete(_SESSIONS).where(own, age <= too_old))
    connection.execute(sa.insert(_SESSIONS).values(asdict(session)))
    _changed(connection)


def end_session(connection: sa.Connection, token_sha256: str) -> None:
    """End a session; nothing happens where there is none."""
    connection.execute(sa.delete(_SESSIONS).where(_SESSIONS.c.token_sha256 == token_sha256))
    _changed(connection)


def end_sessions_of(connection: sa.Connection, account_id: str) -> None:
    """End every session of an account."""
    connection.execute(sa.delete(_SESSIONS).where(_SESSIONS.c.account_id == account_id))
    _changed(connection)


def note_use(connection: sa.Connection, sessions: Mapping[str, str], keys: Mapping[str, str]) -> None:
    """Note when sessions and keys were last used. Nobody need hear of it: the generation stays."""
    for token, at in sessions.items():
        later = sa.update(_SESSIONS).where(_SESSIONS.c.token_sha256 == token, _SESSIONS.c.seen_at < at)
        connection.execute(later.values(seen_at=at))
    for key_id, at in keys.items():
        connection.execute(sa.update(_KEYS).where(_KEYS.c.id == key_id).values(used_at=at))


def as_told(account: Account) -> dict[str, Any]:
    """An account as lists show it: never the password's hash, only whether there is one."""
    told = {each.name: getattr(account, each.name) for each in fields(account)}
    sets = {name: None if told[name] is None else sorted(told[name]) for name in ("reads", "writes", "areas")}
    return told | sets | {"password": account.password is not None}


def key_as_told(key: Key) -> dict[str, Any]:
    """A key as lists show it: never its secret's digest."""
    told = {each.name: getattr(key, each.name) for each in fields(key) if each.name != "secret_sha256"}
    return told | {"scopes": sorted(key.scopes)}


def _require_layers(where: str, named: Collection[str] | Any, layers: Mapping[str, Layer]) -> None:
    strange = sorted(set(named) - set(layers))
    if strange:
        raise ParameterError(
            "there are no such layers", where=where, expected=", ".join(layers), got=", ".join(map(shown, strange[:5])),
            then="check the spelling",
        )


def _rules(account: Account) -> bool:
    return account.role == "admin" and not account.disabled


def _require_admin(connection: sa.Connection) -> None:
    """Stop where no admin is left who can get in: by a password, or by a key that may manage accounts and is not over."""
    left = sa.select(_ACCOUNTS).where(_ACCOUNTS.c.role == "admin", _ACCOUNTS.c.disabled == 0)
    good = sa.select(_KEYS).where(_KEYS.c.revoked_at.is_(None), _KEYS.c.expires_at > now())
    keyed = {key.account_id for key in map(_key, connection.execute(good).mappings()) if "admin" in key.verbs}
    if not any(each.password or each.id in keyed for each in map(_account, connection.execute(left).mappings())):
        raise Conflict(
            "this is the last admin: nobody could manage accounts any more",
            expected="another admin who is not disabled and can get in by password or key", got="none",
            then="make another admin first",
        )


def _changed(connection: sa.Connection) -> None:
    number = generation(connection) + 1
    where = META.c.key == _GENERATION
    if connection.execute(sa.update(META).where(where).values(value=str(number))).rowcount == 0:
        connection.execute(sa.insert(META).values(key=_GENERATION, value=str(number)))


def _one_account(connection: sa.Connection, where: sa.ColumnElement[bool], asked: str) -> Account:
    found = connection.execute(sa.select(_ACCOUNTS).where(where)).mappings().first()
    if found is None:
        raise NotFound("no such account", expected="the name of an account", got=shown(asked), then="list the accounts first")
    return _account(found)


def _understood(connection: sa.Connection, table: sa.Table, read: Callable[[Mapping[Any, Any]], Read]) -> Iterator[Read]:
    for row in connection.execute(sa.select(table)).mappings():
        try:
            yield read(row)
        except (ParameterError, ValueError, TypeError) as error:
            _log.error("a row of %s cannot be understood, and lets nobody in: %s", table.name, type(error).__name__)


def _account(row: Mapping[Any, Any]) -> Account:
    sets = {name: _from_text(row[name]) for name in ("reads", "writes", "areas")}
    plain = {name: value for name, value in row.items() if name != "compared"}
    return Account(**{**plain, **sets, "disabled": bool(row["disabled"])})


def _key(row: Mapping[Any, Any]) -> Key:
    return Key(**{**row, "scopes": _from_text(row["scopes"])})


def _row(account: Account) -> dict[str, Any]:
    sets = {name: _as_text(getattr(account, name)) for name in ("reads", "writes", "areas")}
    return asdict(account) | sets | {"compared": account.compared, "disabled": int(account.disabled)}


def _as_text(names: Collection[str] | None) -> str | None:
    return None if names is None else json.dumps(sorted(names), ensure_ascii=False)


def _from_text(text: str | None) -> frozenset[str] | None:
    return None if text is None else frozenset(json.loads(text))
