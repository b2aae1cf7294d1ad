"""A store of an older schema made one of this version's: backed up first, in one transaction, by alembic's steps."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from geo_risk.errors import StoreUnavailable
from layers._store.database import Database
from layers._store.log import head
from layers._store.schema import META, SCHEMA
from layers._store.sqlite import SqliteDatabase
from layers._store.sqlite_copies import copied

AT_START_BYTES: Final = 1_000_000_000
"""Stores up to this long are migrated when they are opened."""


@dataclass(frozen=True, kw_only=True)
class Migrated:
    """From which schema to which; ``backup`` is the name of the copy made before, None where the caller vouched for one."""

    before: int
    after: int
    backup: str | None


def migrate(database: Database, *, backed_up: bool = False) -> Migrated:
    """Bring the store to this version's schema; a store that is at it is left alone.

    Parameters
    ----------
    backed_up
        The caller has a backup made by the database's own tools. An embedded store is copied beside itself in any case.

    Raises
    ------
    StoreUnavailable
        The store is on a server, and nobody says that it was backed up.
    StoreCorrupt
        The log does not end where it says it does.
    """
    with database.told(), database.connect(writes=True) as connection, connection.begin():
        before = stated_schema(connection)
        if before is None or before >= SCHEMA:
            return Migrated(before=before or SCHEMA, after=before or SCHEMA, backup=None)
        head(connection)
        # in the transaction that migrates: no write comes between the copy and the change
        backup = _BACKUPS[database.name](database, before, backed_up)
        upgrade(connection, before)
    return Migrated(before=before, after=SCHEMA, backup=backup)


def at_start(database: Database) -> Migrated:
    """What opening a store does about its schema: an embedded one that is soon copied is migrated, others wait for the command."""
    if isinstance(database, SqliteDatabase) and database.path.stat().st_size > AT_START_BYTES:
        raise StoreUnavailable(
            "the store was made by an older version, and copying it first takes a while", where=database.where,
            expected=f"schema {SCHEMA}", got="a lower one", then="stop the service, then run geo-risk migrate",
        )
    return migrate(database)


def upgrade(connection: sa.Connection, before: int | None, to: int = SCHEMA) -> None:
    """Run the steps from one schema (None: an empty database) to another, in the connection's transaction."""
    config = Config()
    config.set_main_option("script_location", str(files("layers._store.migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    if before is not None:
        # the store's own word stands: alembic's table follows it
        command.stamp(config, f"{before:04}", purge=True)
    command.upgrade(config, f"{to:04}")


def stated_schema(connection: sa.Connection) -> int | None:
    """The schema that the store states, or None where there is no store, or none that can be read."""
    if not sa.inspect(connection).has_table(META.name):
        return None
    stated = connection.execute(sa.select(META.c.value).where(META.c.key == "schema")).scalar_one_or_none() or ""
    return int(stated) if stated.isdecimal() else None


def _copied_beside(database: Database, before: int, _: bool) -> str:
    assert isinstance(database, SqliteDatabase)  # noqa: S101 - says to mypy what the table below says
    moment = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    to = database.path.with_name(f"{database.path.name}.schema-{before}.{moment}.backup")
    # a connection of its own: SQLite copies nothing over one that is about to write
    with database.connect() as connection, connection.begin():
        copied(connection, to, lambda _share: None)
    return to.name


def _vouched_for(database: Database, before: int, backed_up: bool) -> None:
    if not backed_up:
        raise StoreUnavailable(
            "the store was made by an older version, and is not changed before it was backed up", where=database.where,
            expected=f"schema {SCHEMA}", got=f"schema {before}",
            then="back it up (pg_dump --format=custom), then run geo-risk migrate --backed-up",
        )


_BACKUPS: Final[Mapping[str, Callable[[Database, int, bool], str | None]]] = {
    "sqlite": _copied_beside, "postgis": _vouched_for,
}
