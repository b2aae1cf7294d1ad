"""What the writes of one transaction know of the end of the log: asked by the first, stated by the last.

Each question to the database lets other threads of the service run, and waits for them to let go again: many writes that
are committed together ask as little as one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

_KEY: Final = "tail of the log"


@dataclass(frozen=True)
class Tail:
    """The head and the last batch, as far as they were asked for; layers whose columns were compared; whether the log grew."""

    head: tuple[int, bytes] | None = None
    last_batch: tuple[int, str] | None = None
    declared: frozenset[str] = frozenset()
    grew: bool = False


@contextmanager
def kept(connection: sa.Connection) -> Iterator[None]:
    """Know, through a transaction that nobody else writes beside; nothing any more when it is over."""
    # held here: a connection that was lost inside has no place for notes any more
    notes = connection.info
    notes[_KEY] = Tail()
    try:
        yield
    finally:
        notes.pop(_KEY, None)


def known(connection: sa.Connection) -> Tail | None:
    """What is known; None where it is not kept."""
    found: Tail | None = connection.info.get(_KEY)
    return found


def learn(connection: sa.Connection, **facts: Any) -> None:
    """Note what was found or written, where it is kept."""
    tail = known(connection)
    if tail is not None:
        connection.info[_KEY] = replace(tail, **facts)


def put_back(connection: sa.Connection, tail: Tail | None) -> None:
    """Know again what was known before something that was undone."""
    if tail is not None:
        connection.info[_KEY] = tail
