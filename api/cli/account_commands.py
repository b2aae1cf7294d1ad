"""`account`, `key`: who may use the service. The first admin is made here; passwords are prompted for, piped in, or generated.

A password is never an argument: arguments are in the shell's history, and on the screen of whoever lists processes.
"""

import getpass
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from api.cli._show import line, wide_table
from api.cli.data import StorePath, store_of
from api.passwords import generated, hashed, require_fit
from api.use import enrolment
from api.use.enrolment import Changes, Doer, NewAccount, NewKey, said
from geo_risk.errors import ParameterError
from layers._store import Store, open_store

_ACCOUNT: Final = ("name", "display", "role", "clearance", "reads", "writes", "areas", "password", "disabled", "created_at")
_LISTED: Final = (*_ACCOUNT, "sessions", "signed_in_at")
_KEY: Final = ("id", "account", "title", "scopes", "expires_at", "revoked_at", "used_at")
_ALL: Final = "all"
_GRANTS: Final = ("reads", "writes", "areas")

Name = Annotated[str, typer.Argument(help="The account's name.")]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password and print it, this once.")]
_ROLE: Final = typer.Option(help="wall, viewer, field, operator or admin.")


@dataclass(frozen=True, kw_only=True)
class Grants:
    """What may be said of an account beside its role: the options of making one and of changing one, from this one list."""

    clearance: Annotated[str | None, typer.Option(help="public, internal or personal; the role's own without.")] = None
    reads: Annotated[str | None, typer.Option(help="Layers that are there for this account, by comma; 'all' for every one.")] = None
    hide: Annotated[str | None, typer.Option(help="Layers that are not there for this account, by comma.")] = None
    writes: Annotated[str | None, typer.Option(help="Layers that may be changed, by comma; 'all' for every one.")] = None
    areas: Annotated[str | None, typer.Option(help="Where things may be changed: towns:ID, counties:ID, by comma; 'all'.")] = None
    display: Annotated[str | None, typer.Option(help="The name that is shown.")] = None

    def stated(self, store: Store) -> dict[str, Any]:
        """What was said, as accounts keep it; what was not said is not there."""
        plain = {what: getattr(self, what) for what in ("clearance", "display") if getattr(self, what) is not None}
        named = {what: _names(getattr(self, what)) for what in ("writes", "areas") if getattr(self, what) is not None}
        reads = {} if self.reads is None and self.hide is None else {"reads": _reads(store, self.reads, self.hide)}
        return plain | named | reads


def with_grants(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each field of `Grants` in the place of its parameter ``grants``."""
    names = [each.name for each in fields(Grants)]
    own = [each for each in inspect.signature(command).parameters.values() if each.name != "grants"]
    options = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in inspect.signature(Grants).parameters.values()]

    @wraps(command)
    def expanded(**given: Any) -> None:
        command(grants=Grants(**{name: given.pop(name) for name in names}), **given)

    asked = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
    expanded.__signature__ = inspect.Signature([*asked, *options])  # type: ignore[attr-defined]
    return expanded


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    for group, (told, commands) in _GROUPS.items():
        typed = typer.Typer(no_args_is_help=True, help=told)
        for name, command in commands.items():
            typed.command(name)(command)
        app.add_typer(typed, name=group)


@with_grants
def account_add(
    name: Name,
    role: Annotated[str, _ROLE],
    grants: Grants,
    no_password: Annotated[bool, typer.Option("--no-password", help="Only keys belong to it, as to a wall display.")] = False,
    generate: Generate = False,
    store: StorePath = None,
) -> None:
    """Add somebody. The password is asked for, or read from standard input."""
    with _opened(store, create=True) as opened:
        given = said(NewAccount, {"name": name, "role": role, **grants.stated(opened)})
        password = None if no_password else _password(generate, given.name)
        made = enrolment.add_account(opened, given, None if password is None else hashed(password), _doer())
    line(f"account {made.name}: {made.role}, may read what is {made.clearance}")
    if generate and password is not None:
        line(f"password (shown this once): {password}")


def account_list(store: StorePath = None) -> None:
    """Everybody: role, clearance and grants."""
    with _opened(store) as opened:
        rows = enrolment.listed_accounts(opened)
    wide_table(_LISTED, [_cells(row, _LISTED) for row in rows])


def account_password(name: Name, generate: Generate = False, store: StorePath = None) -> None:
    """Give somebody another password; their sessions end."""
    with _opened(store) as opened:
        enrolment.account_told(opened, name)
        password = _password(generate, name)
        enrolment.set_password(opened, name, hashed(password), _doer())
    line(f"account {name}: another password, sessions ended")
    if generate:
        line(f"password (shown this once): {password}")


def account_disable(name: Name, store: StorePath = None) -> None:
    """Let somebody in no more, neither by password nor by key; what they did stays."""
    _change(store, name, {"disabled": True})


def account_enable(name: Name, store: StorePath = None) -> None:
    """Let somebody in again."""
    _change(store, name, {"disabled": False})


def account_sign_out(name: Name, store: StorePath = None) -> None:
    """End every session of somebody: whoever is signed in must sign in again."""
    with _opened(store) as opened:
        enrolment.end_sessions(opened, name, _doer())
    line(f"account {name}: sessions ended")


@with_grants
def account_grant(name: Name, grants: Grants, role: Annotated[str | None, _ROLE] = None, store: StorePath = None) -> None:
    """Change what somebody may; what is not said stays."""
    with _opened(store) as opened:
        changes = ({} if role is None else {"role": role}) | grants.stated(opened)
        enrolment.change_account(opened, name, said(Changes, changes), _doer())
    _print_one(store, name)


def key_add(
    account: Annotated[str, typer.Argument(help="Whose key it is.")],
    scopes: Annotated[str, typer.Option(help="By comma: read, ask, write, close, admin, metrics; also as write:LAYER.")],
    title: Annotated[str, typer.Option(help="What it is for.")] = "",
    days: Annotated[int, typer.Option(help="How long it lasts; a wall's up to 400.")] = enrolment.DAYS,
    store: StorePath = None,
) -> None:
    """Make a key and print it, this once."""
    given = said(NewKey, {"account": account, "scopes": _names(scopes) or [], "title": title, "days": days})
    with _opened(store) as opened:
        made, text = enrolment.add_key(opened, given, _doer())
    line(f"key {made.id} until {made.expires_at[:10]} (shown this once):")
    line(text)


def key_list(store: StorePath = None) -> None:
    """Every key: whose, for what, until when, when it was used last."""
    with _opened(store) as opened:
        rows = enrolment.listed_keys(opened)
    wide_table(_KEY, [tuple(_cell(row[name]) for name in _KEY) for row in rows])


def key_revoke(key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id.")], store: StorePath = None) -> None:
    """End a key at once, and the sessions begun with it."""
    with _opened(store) as opened:
        enrolment.revoke_key(opened, key_id, _doer())
    line(f"key {key_id}: revoked")


@contextmanager
def _opened(store: Path | None, *, create: bool = False) -> Iterator[Store]:
    """The store, with the tables that accounts need."""
    with open_store(store_of(store), create=create) as opened:
        opened.transact(enrolment.prepare)
        yield opened


def _change(store: Path | None, name: str, changes: Mapping[str, Any]) -> None:
    with _opened(store) as opened:
        enrolment.change_account(opened, name, said(Changes, changes), _doer())
    _print_one(store, name)


def _print_one(store: Path | None, name: str) -> None:
    with _opened(store) as opened:
        told = enrolment.account_told(opened, name)
    line("; ".join(f"{what}: {cell}" for what, cell in zip(_ACCOUNT, _cells(told, _ACCOUNT), strict=True)))


def _doer() -> Doer:
    return Doer(f"{getpass.getuser()} (command line)")


def _password(generate: bool, name: str) -> str:
    """One that is generated, typed twice, or the first line of standard input."""
    if generate:
        return generated()
    if sys.stdin.isatty():
        password = str(typer.prompt("password", hide_input=True, confirmation_prompt=True))
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    require_fit(password, name)
    return password


def _names(text: str | None) -> list[str] | None:
    """Names by comma; nothing, or ``all``, is no limit."""
    return None if text is None or text.strip() == _ALL else [name.strip() for name in text.split(",") if name.strip()]


def _reads(store: Store, reads: str | None, hide: str | None) -> list[str] | None:
    if reads is not None and hide is not None:
        raise ParameterError("say what may be read, or what is hidden", where="--reads, --hide", expected="one of them", got="both")
    if hide is None:
        return _names(reads)
    hidden = _names(hide) or []
    strange = [name for name in hidden if name not in store.layers]
    return strange + [name for name in store.layers if name not in hidden] if hidden else None


def _cells(account: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    """An account's facts; a grant that is not limited says so."""
    return tuple(_ALL if name in _GRANTS and account[name] is None else _cell(account[name]) for name in names)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


_GROUPS: Final[Mapping[str, tuple[str, Mapping[str, Callable[..., None]]]]] = {
    "account": (
        "Who may use the service.",
        {
            "add": account_add, "list": account_list, "password": account_password, "disable": account_disable,
            "enable": account_enable, "grant": account_grant, "sign-out": account_sign_out,
        },
    ),
    "key": ("Keys of programs and walls.", {"add": key_add, "list": key_list, "revoke": key_revoke}),
}  # fmt: skip
