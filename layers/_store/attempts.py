"""Attempts to sign in that failed: counted in the store, so that all processes know of them and a new start forgives none.

An attempt is counted before it is looked at, in the one transaction that also finds that nobody need wait, so that many at
once, in one process or several, are no way round the wait. Rows are few: what is quiet is forgotten, and of the rest the newest
are kept. Of what was typed as a name, which may be a password in the wrong field, 16 bits of a digest are kept: names that share
them wait together.
"""

import datetime as dt
import hashlib
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import sqlalchemy as sa

from layers._store.records import stamp
from layers._store.schema import TEXT, WHOLE_NUMBER
from layers._store.sql import insert_or_replace

Kind = Literal["name", "key", "address"]
KEPT: Final = 10_000
_QUIET_S: Final = 3600.0
_DOUBLINGS: Final = 60
_NAME_DIGITS: Final = 4
TABLES: Final = sa.MetaData()
ATTEMPTS: Final = sa.Table(
    "attempts", TABLES,
    sa.Column("kind", TEXT, primary_key=True),
    sa.Column("who", TEXT, primary_key=True),
    sa.Column("failures", WHOLE_NUMBER, nullable=False),
    sa.Column("last_at", TEXT, nullable=False),
    sa.Index("attempts_by_age", "last_at"),
    sqlite_strict=True, sqlite_with_rowid=False,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How failures slow down: some are free, then each doubles the wait from the first to the most; quiet forgets them."""

    free: int
    first_s: float = 1.0
    most_s: float

    def wait_s(self, failures: int, since_s: float) -> float:
        """How long to wait still, so many seconds after the last of so many failures.

        A clock that was set back makes nobody wait: what is left of a wait cannot be told by it.

        >>> [Patience(free=4, most_s=60.0).wait_s(failures, 0) for failures in (4, 5, 6, 99)]
        [0.0, 1.0, 2.0, 60.0]
        >>> [Patience(free=4, most_s=60.0).wait_s(99, since_s) for since_s in (-1, 50, 60)]
        [0.0, 10.0, 0.0]
        """
        if failures <= self.free or since_s < 0:
            return 0.0
        wait = min(self.first_s * 2.0 ** min(failures - self.free - 1, _DOUBLINGS), self.most_s)
        return max(wait - since_s, 0.0)


PATIENCE: Final[Mapping[Kind, Patience]] = {
    # not longer: else whoever knows a name could lock its owner out
    "name": Patience(free=4, most_s=60.0),
    "key": Patience(free=4, most_s=60.0),
    # more free ones: a whole office may share an address
    "address": Patience(free=19, most_s=900.0),
}


class Tried(NamedTuple):
    """What an attempt counts for."""

    kind: Kind
    who: str


def by_name(compared: str, address: str) -> tuple[Tried, Tried]:
    """What an attempt by a name (`accounts.compared`) from an address counts for."""
    digest = hashlib.sha256(compared.encode("utf-8", "surrogateescape")).hexdigest()
    return Tried("name", digest[:_NAME_DIGITS]), Tried("address", place_of(address))


def by_key(address: str) -> tuple[Tried, Tried]:
    """What an attempt by a key from an address counts for."""
    place = place_of(address)
    return Tried("key", place), Tried("address", place)


@lru_cache(maxsize=4096)
def place_of(address: str) -> str:
    """What stands for an address where callers are counted: of IPv6 the network of 64 bits, all of which one caller may have.

    >>> place_of("2001:db8:1:2:3:4:5:6"), place_of("::ffff:10.0.0.7"), place_of("")
    ('2001:db8:1:2::', '10.0.0.7', '')
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    plain = getattr(found, "ipv4_mapped", None) or found
    if plain.version == 4:
        return str(plain)
    return str(ipaddress.ip_network((int(plain), 64), strict=False).network_address)


def prepare(connection: sa.Connection) -> None:
    """Make the table where a store has none yet."""
    TABLES.create_all(connection)


def clock(connection: sa.Connection) -> dt.datetime:
    """The moment, by one clock for all who share the database: a server's own, or this machine's."""
    if connection.dialect.name == "postgresql":
        told: dt.datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return told
    return dt.datetime.now(dt.UTC)


def wait_s(connection: sa.Connection, tried: Sequence[Tried], at: dt.datetime) -> float:
    """How long whoever tries must still wait; 0 where he need not."""
    found = _counted(connection, tried, at)
    return max((PATIENCE[each.kind].wait_s(*found[each]) for each in tried if each in found), default=0.0)


def count(connection: sa.Connection, tried: Sequence[Tried], at: dt.datetime) -> None:
    """Count an attempt as failed, and let go of what is quiet or too much."""
    found = _counted(connection, tried, at)
    insert_or_replace(connection, ATTEMPTS, [(*each, found.get(each, (0, 0))[0] + 1, stamp(at)) for each in tried])
    _let_go(connection, at)


def forgive(connection: sa.Connection, tried: Sequence[Tried]) -> None:
    """An attempt was right: all failures of a name or key are forgotten, of an address this one."""
    for each in tried:
        one_less = sa.update(ATTEMPTS).where(*_is(each)).values(failures=ATTEMPTS.c.failures - 1)
        connection.execute(one_less if each.kind == "address" else sa.delete(ATTEMPTS).where(*_is(each)))


def _counted(connection: sa.Connection, tried: Iterable[Tried], at: dt.datetime) -> dict[Tried, tuple[int, float]]:
    """Failures, and seconds since the last one, of what is not forgotten."""
    found = {}
    for each in tried:
        row = connection.execute(sa.select(ATTEMPTS.c.failures, ATTEMPTS.c.last_at).where(*_is(each))).first()
        since_s = (at - dt.datetime.fromisoformat(row.last_at)).total_seconds() if row else 0.0
        if row and since_s <= _QUIET_S:
            found[each] = (row.failures, since_s)
    return found


def _is(each: Tried) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return ATTEMPTS.c.kind == each.kind, ATTEMPTS.c.who == each.who


def _let_go(connection: sa.Connection, at: dt.datetime) -> None:
    age = ATTEMPTS.c.last_at
    connection.execute(sa.delete(ATTEMPTS).where(age < stamp(at - dt.timedelta(seconds=_QUIET_S))))
    too_old = connection.execute(sa.select(age).order_by(age.desc()).offset(KEPT).limit(1)).scalar_one_or_none()
    if too_old is not None:
        connection.execute(sa.delete(ATTEMPTS).where(age <= too_old))
