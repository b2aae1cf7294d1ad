"""What the writes of one transaction share: the end of the log, current rows they ask for, and what they put in.

Each question to the database lets other threads of the service run, and waits for them to let go again; to a server it is a
journey. Many writes that are committed together ask as little as one, and are put in by one statement a table.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import sqlalchemy as sa

from layers._store.draft import Draft
from layers._store.standing import FeatureKey, ReplyOwner, Standing, StoredReply, Told

_KEY: Final = "group of writes"


@dataclass(frozen=True)
class Tail:
    """The head and the last batch, as far as they were asked for; layers whose columns were compared; whether the log grew."""

    head: tuple[int, bytes] | None = None
    last_batch: tuple[int, str] | None = None
    declared: frozenset[str] = frozenset()
    grew: bool = False


@dataclass
class Group:
    """``draft`` has what the writes up to now put in; ``standings`` and ``replies`` what the next ones find, where it is known."""

    tail: Tail = field(default_factory=Tail)
    draft: Draft = field(default_factory=Draft)
    standings: dict[FeatureKey, Standing | None] = field(default_factory=dict)
    replies: dict[ReplyOwner, StoredReply | None] = field(default_factory=dict)
    told: dict[FeatureKey, list[Told]] = field(default_factory=dict)

    def learn(self, **facts: Any) -> None:
        """Note what was found or written at the end of the log."""
        self.tail = replace(self.tail, **facts)

    def take(
        self, draft: Draft, standings: Mapping[FeatureKey, Standing | None], told: Mapping[FeatureKey, Sequence[Told]],
        replies: Mapping[ReplyOwner, StoredReply | None],
    ) -> None:  # fmt: skip
        """Take over what a write that is whole would put in, and what stands after it."""
        self.draft.add(draft)
        self.standings |= standings
        self.replies |= replies
        for key, more in told.items():
            self.told.setdefault(key, []).extend(more)

    def put_in(self, connection: sa.Connection) -> None:
        """Put in what waits, and look at what stands there anew from now on."""
        self.draft.put_in(connection)
        self.draft = Draft()
        self.forget()

    def forget(self) -> None:
        """Something else may have changed what stands there."""
        self.standings, self.replies, self.told = {}, {}, {}


def group_of(connection: sa.Connection) -> Group | None:
    """The group whose transaction this is; None where nobody else writes in it."""
    found: Group | None = connection.info.get(_KEY)
    return found


@contextmanager
def together(connection: sa.Connection) -> Iterator[Group]:
    """A group for the transaction of this connection; over when the block is."""
    # held here: a connection that was lost inside has no place for notes any more
    notes, made = connection.info, Group()
    notes[_KEY] = made
    try:
        yield made
    finally:
        notes.pop(_KEY, None)
