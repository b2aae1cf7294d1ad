"""Logins of the database that edit in a GIS, each for an account: what the account may read and change is what the login may.

Plain functions over a connection, as those of `accounts`; whoever calls them notes it in the audit in the same transaction.
"""

from typing import Final, NamedTuple

import sqlalchemy as sa

from geo_risk.errors import Conflict, NotFound, ParameterError, shown
from layers._store import accounts
from layers._store.records import is_clean, now
from layers._store.schema import TEXT

LONGEST: Final = 63
"""Bytes of a PostgreSQL name."""
TABLES: Final = sa.MetaData()
_EDITORS: Final = sa.Table(
    "editors", TABLES,
    sa.Column("login", TEXT, primary_key=True),
    sa.Column("account_id", TEXT, nullable=False),
    sa.Column("made_at", TEXT, nullable=False),
)


class Editor(NamedTuple):
    """A login, and the account whose rights it has."""

    login: str
    account: accounts.Account


def prepare(connection: sa.Connection) -> None:
    """Make the table where a store has none yet."""
    TABLES.create_all(connection)


def add(connection: sa.Connection, login: str, name: str) -> Editor:
    """Let a login edit with the rights of the account of that name.

    Raises
    ------
    ParameterError
        It is no name of a login.
    NotFound
        There is no such account.
    Conflict
        The login belongs to an account already.
    """
    if not 0 < len(login.encode()) <= LONGEST or not is_clean(login):
        raise ParameterError("this is no login", where="login", expected=f"1 to {LONGEST} bytes", got=shown(login), then="mend it")
    account = accounts.account_named(connection, name)
    if connection.execute(sa.select(_EDITORS.c.login).where(_EDITORS.c.login == login)).first():
        raise Conflict(
            "this login belongs to an account already", where="login", expected="one that belongs to none", got=shown(login),
            then="remove it first",
        )
    connection.execute(sa.insert(_EDITORS).values(login=login, account_id=account.id, made_at=now()))
    return Editor(login, account)


def remove(connection: sa.Connection, login: str) -> Editor:
    """Let a login see and edit nothing any more.

    Raises
    ------
    NotFound
        It belongs to no account.
    """
    found = next((each for each in listed(connection) if each.login == login), None)
    if found is None:
        raise NotFound(
            "this login belongs to no account", where="login", expected="one that is listed", got=shown(login),
            then="list them first",
        )
    connection.execute(sa.delete(_EDITORS).where(_EDITORS.c.login == login))
    return found


def listed(connection: sa.Connection) -> tuple[Editor, ...]:
    """All logins by name."""
    rows = connection.execute(sa.select(_EDITORS).order_by(_EDITORS.c.login)).all()
    return tuple(Editor(row.login, accounts.account_of(connection, row.account_id)) for row in rows)


def to_say(connection: sa.Connection, login: str, group: str) -> str:
    """What the database's administrator has yet to say so that the login may look through a window; nothing where all is said.

    A password is none of it: psql asks for one by a command of its own, and sends it hashed.
    """
    if connection.execute(_MEMBER, {"login": login, "group": group}).scalar_one():
        return ""
    name = '"' + login.replace('"', '""') + '"'
    there = connection.execute(_THERE, {"login": login}).scalar_one()
    return f"GRANT {group} TO {name};" if there else f"CREATE ROLE {name} LOGIN IN ROLE {group} CONNECTION LIMIT 20;"


_THERE: Final = sa.text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :login)")
_MEMBER: Final = sa.text(
    "SELECT EXISTS (SELECT FROM pg_auth_members held JOIN pg_roles g ON g.oid = held.roleid"
    " JOIN pg_roles m ON m.oid = held.member WHERE g.rolname = :group AND m.rolname = :login)"
)
