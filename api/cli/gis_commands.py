"""`gis`: which logins of the database edit in a GIS, and with whose rights. No password comes by here: the database keeps those."""

import getpass
from collections.abc import Callable
from typing import Annotated

import typer

from api.cli._show import line, wide_table
from api.cli.data import StorePath, store_of
from api.use import gis_logins
from api.use.enrolment import Doer
from api.use.gis_logins import Login
from layers._store import open_store

Name = Annotated[str, typer.Argument(metavar="LOGIN", help="The login's name in PostgreSQL.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    group = typer.Typer(no_args_is_help=True, help="Who edits in QGIS, through PostgreSQL.")
    commands: dict[str, Callable[..., None]] = {"add": add, "list": listed, "remove": remove}
    for name, command in commands.items():
        group.command(name)(command)
    app.add_typer(group, name="gis")


def add(
    login: Name,
    account: Annotated[str, typer.Option(help="The account whose rights it has: role, layers, towns, clearance.")],
    store: StorePath = None,
) -> None:
    """Let a login edit in a GIS with the rights of an account."""
    with open_store(store_of(store), create=False) as opened:
        made = gis_logins.add_login(opened, login, account, _doer())
    line(f"login {made.login}: edits as {made.account}, in the schema {made.schema}")
    _say(made)


def listed(store: StorePath = None) -> None:
    """Every login that edits in a GIS, its account and its schema."""
    with open_store(store_of(store), create=False) as opened:
        found = gis_logins.listed_logins(opened)
    wide_table(("login", "account", "schema"), [(each.login, each.account, each.schema) for each in found])
    for each in found:
        _say(each)


def remove(login: Name, store: StorePath = None) -> None:
    """Let a login see and edit nothing any more; what it did stays."""
    with open_store(store_of(store), create=False) as opened:
        gone = gis_logins.remove_login(opened, login, _doer())
    line(f"login {gone.login}: edits no more; to end it altogether: DROP ROLE, by the database's administrator")


def _say(made: Login) -> None:
    if made.to_say:
        line(f"to be said by the database's administrator: {made.to_say}")


def _doer() -> Doer:
    return Doer(f"{getpass.getuser()} (command line)")
