"""What the store asks of a database; SQLite (`layers._store.sqlite`) and PostGIS (`layers._store.postgis`) are two."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Literal, Protocol

import sqlalchemy as sa

from layers._layer import Layer


class Database(Protocol):
    """One database, open. Everything else that the store does is SQL that both take (`layers._store.sql`)."""

    @property
    def name(self) -> Literal["sqlite", "postgis"]:
        """Which of the two."""

    @property
    def where(self) -> str:
        """What errors call it: a file's name, or host and database, without a password."""

    def connect(self, *, writes: bool = False) -> sa.Connection:
        """A connection whose transactions see one state from start to end, and with ``writes`` are the only ones that write."""

    def told(self) -> AbstractContextManager[None]:
        """Raise what the driver reports inside the block as one of the store's errors."""

    def require_there(self) -> None:
        """Stop with `StoreUnavailable` where the database that was opened is not there any more."""

    def let_go(self, connection: sa.Connection) -> None:
        """Close a connection on which something may have failed, without trying again what the disk did not take."""

    def made_sure(self, connection: sa.Connection) -> None:
        """After the disk refused something: write again what may be left unwritten, in a transaction that writes."""

    def faults(self, connection: sa.Connection) -> str:
        """What the database's own check of its pages and indexes finds, or nothing."""

    def announce(self, connection: sa.Connection, seq: int) -> None:
        """Tell other processes, when the transaction is committed, that the log goes on to this revision."""

    def listen(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """Call back when another process announced a change, until the function that is returned is called."""

    def is_ready(self, connection: sa.Connection, layers: Mapping[str, Layer]) -> bool:
        """Whether what `made_ready` makes is there, and as the layers declare it."""

    def made_ready(self, connection: sa.Connection, layers: Mapping[str, Layer]) -> None:
        """Called in the transaction that made tables anew: what must follow the declarations, such as views."""

    def close(self) -> None:
        """Let go of every connection."""
