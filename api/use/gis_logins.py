"""Letting a login of the database edit in a GIS with the rights of an account: each change with its entry in the audit."""

from typing import Final, NamedTuple

import sqlalchemy as sa

from api.use.enrolment import Doer, prepare
from geo_risk.errors import ParameterError
from layers._store import Store, audit, editors, views
from layers._store.editors import Editor

_WRITE_S: Final = 5.0


class Login(NamedTuple):
    """A login, its account, the schema that it works in, and what the database's administrator has yet to say (or nothing)."""

    login: str
    account: str
    schema: str
    to_say: str


def add_login(store: Store, login: str, name: str, doer: Doer) -> Login:
    """Let a login see and edit what the account of that name may.

    Raises
    ------
    ParameterError
        The store is not in PostgreSQL, or this is no login.
    NotFound
        There is no such account.
    Conflict
        The login belongs to an account already.
    """
    _require_shared(store)

    def add(connection: sa.Connection) -> Login:
        _prepare(connection)
        editor = editors.add(connection, login, name)
        audit.append(connection, _noted(doer, "gis_login_added", editor))
        return _told(connection, editor)

    return store.transact(add, _WRITE_S)


def remove_login(store: Store, login: str, doer: Doer) -> Login:
    """Let a login see and edit nothing any more, from its next statement on.

    Raises
    ------
    ParameterError
        The store is not in PostgreSQL.
    NotFound
        It belongs to no account.
    """
    _require_shared(store)

    def remove(connection: sa.Connection) -> Login:
        _prepare(connection)
        editor = editors.remove(connection, login)
        audit.append(connection, _noted(doer, "gis_login_removed", editor))
        return _told(connection, editor)

    return store.transact(remove, _WRITE_S)


def listed_logins(store: Store) -> tuple[Login, ...]:
    """All logins by name."""
    _require_shared(store)
    with store.read() as connection:
        return tuple(_told(connection, editor) for editor in editors.listed(connection))


def _require_shared(store: Store) -> None:
    if store.database.name != "postgis":
        raise ParameterError(
            "only a store in PostgreSQL has logins that edit in a GIS", where="store", expected="GEO_RISK_DATABASE_URL",
            got="a file", then="see docs/postgis.md",
        )


def _prepare(connection: sa.Connection) -> None:
    prepare(connection)
    editors.prepare(connection)


def _told(connection: sa.Connection, editor: Editor) -> Login:
    window = views.window_of(editor.account.clearance)
    return Login(editor.login, editor.account.name, window.schema, editors.to_say(connection, editor.login, window.role))


def _noted(doer: Doer, action: str, editor: Editor) -> audit.Event:
    return audit.Event(
        actor=doer.actor, address=doer.address, action=action, subject=editor.account.name, detail={"login": editor.login}
    )
