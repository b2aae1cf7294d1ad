"""`account`, `key`: who may use the service. The first admin is made here; passwords are prompted for, piped in, or generated.

A password is never an argument: arguments are in the shell's history, and on the screen of whoever lists processes.
"""

import getpass
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
_KEY: Final = ("id", "account", "title", "scopes", "expires_at", "revoked_at", "used_at")
_ALL: Final = "all"
_GRANTS: Final = ("reads", "writes", "areas")

Name = Annotated[str, typer.Argument(help="The account's name.")]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password and print it, this once.")]
Layers = Annotated[str | None, typer.Option(help="Layers, by comma; 'all' for every one.")]
Role = Annotated[str | None, typer.Option(help="wall, viewer, field, operator or admin.")]
Clearance = Annotated[str | None, typer.Option(help="public, internal or personal; the role's own without.")]
Areas = Annotated[str | None, typer.Option(help="Where things may be changed: towns:ID, counties:ID, by comma; 'all'.")]
Hide = Annotated[str | None, typer.Option(help="Layers that are not there for this account, by comma.")]
Display = Annotated[str | None, typer.Option(help="The name that is shown.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    for group, (told, commands) in _GROUPS.items():
        typed = typer.Typer(no_args_is_help=True, help=told)
        for name, command in commands.items():
            typed.command(name)(command)
        app.add_typer(typed, name=group)


def account_add(
    name: Name,
    role: Annotated[str, typer.Option(help="wall, viewer, field, operator or admin.")],
    clearance: Clearance = None,
    reads: Layers = None,
    hide: Hide = None,
    writes: Layers = None,
    areas: Areas = None,
    display: Display = None,
    no_password: Annotated[bool, typer.Option("--no-password", help="Only keys belong to it, as to a wall display.")] = False,
    generate: Generate = False,
    store: StorePath = None,
) -> None:
    """Add somebody. The password is asked for, or read from standard input."""
    with _opened(store, create=True) as opened:
        grants = {"reads": _reads(opened, reads, hide), "writes": _names(writes), "areas": _names(areas)}
        stated = {"role": role, "clearance": clearance, "display": display}
        given = said(NewAccount, {"name": name, **{what: value for what, value in stated.items() if value is not None}, **grants})
        password = None if no_password else _password(generate, given.name)
        made = enrolment.add_account(opened, given, None if password is None else hashed(password), _doer())
    line(f"account {made.name}: {made.role}, may read what is {made.clearance}")
    if generate and password is not None:
        line(f"password (shown this once): {password}")


def account_list(store: StorePath = None) -> None:
    """Everybody: role, clearance and grants."""
    with _opened(store) as opened:
        rows = enrolment.listed_accounts(opened)
    wide_table(_ACCOUNT, [_cells(row) for row in rows])


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


def account_grant(
    name: Name,
    role: Role = None,
    clearance: Clearance = None,
    reads: Layers = None,
    hide: Hide = None,
    writes: Layers = None,
    areas: Areas = None,
    display: Display = None,
    store: StorePath = None,
) -> None:
    """Change what somebody may; what is not said stays."""
    with _opened(store) as opened:
        stated: dict[str, Any] = {"role": role, "clearance": clearance, "display": display}
        changes = {what: value for what, value in stated.items() if value is not None}
        if reads is not None or hide is not None:
            changes["reads"] = _reads(opened, reads, hide)
        changes |= {what: _names(text) for what, text in (("writes", writes), ("areas", areas)) if text is not None}
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
    line("; ".join(f"{what}: {cell}" for what, cell in zip(_ACCOUNT, _cells(told), strict=True)))


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


def _cells(account: Mapping[str, Any]) -> tuple[str, ...]:
    """An account's facts; a grant that is not limited says so."""
    return tuple(_ALL if name in _GRANTS and account[name] is None else _cell(account[name]) for name in _ACCOUNT)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


_GROUPS: Final[Mapping[str, tuple[str, Mapping[str, Callable[..., None]]]]] = {
    "account": (
        "Who may use the service.",
        {
            "add": account_add, "list": account_list, "password": account_password, "disable": account_disable,
            "enable": account_enable, "grant": account_grant,
        },
    ),
    "key": ("Keys of programs and walls.", {"add": key_add, "list": key_list, "revoke": key_revoke}),
}  # fmt: skip
