"""Whether the store takes writes, found out by one: it stands in no log and changes no row of a layer."""

import datetime as dt
from typing import Final

import sqlalchemy as sa

from layers._store.records import stamp
from layers._store.schema import META

_KEY: Final = "probe"


def probe(connection: sa.Connection) -> None:
    """Write the time into a place kept for it; give it to `Store.transact`, which returns after COMMIT."""
    now = stamp(dt.datetime.now(dt.UTC))
    changed = connection.execute(sa.update(META).where(META.c.key == _KEY).values(value=now))
    if not changed.rowcount:
        connection.execute(sa.insert(META).values(key=_KEY, value=now))
