"""`migrate`: a store of an older version made this version's, backed up first."""

from typing import Annotated

import typer

from api.cli._show import line
from api.cli.data import StorePath, store_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("migrate")(migrate)


def migrate(
    backed_up: Annotated[bool, typer.Option("--backed-up", help="A PostgreSQL database was backed up by its own tools.")] = False,
    store: StorePath = None,
) -> None:
    """Bring a store of an older version forward, in one transaction; an embedded one is copied beside itself first."""
    from layers._store.migrate import migrate as migrated
    from layers._store.store import open_database

    database = open_database(store_of(store))
    try:
        done = migrated(database, backed_up=backed_up)
    finally:
        database.close()
    if done.before == done.after:
        line(f"nothing to do: the store has schema {done.after}")
        return
    line(f"migrated: schema {done.before} to {done.after}" + (f"; the store before is {done.backup}" if done.backup else ""))
    line("run geo-risk verify before the service starts")
