"""Logins of a test's database that edit in a GIS."""

from contextlib import suppress
from typing import Any

import psycopg
import sqlalchemy as sa

from layers._store import accounts, editors, views
from layers._store.accounts import Account, Role
from layers._store.records import now
from postgis_server import Server


def let_in(connection: sa.Connection, login: str, role: Role = "operator", **grants: Any) -> Account:
    """An account of the login's name, whose rights the login has."""
    given = {"clearance": "personal", "created_at": now(), "created_by": "test"} | grants
    account = Account(id=f"acc-{login}", name=login, role=role, **given)
    accounts.add_account(connection, account)
    editors.add(connection, login, login)
    return account


def make_logins(server: Server, **windows: views.Window) -> None:
    """The group roles of all windows, and a login for each name in the window's; those that the server has stay."""
    roles = [f"{window.role} NOLOGIN" for window in views.WINDOWS]
    logins = [f"{login} LOGIN IN ROLE {window.role}" for login, window in windows.items()]
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for role in (*roles, *logins):
            with suppress(psycopg.errors.DuplicateObject):
                connection.execute(f"CREATE ROLE {role}")
