"""Who asks: what is known of them, what they may read, and the name that the log and the audit give them."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

from layers._catalog import catalog
from layers._layer import SENSITIVITIES, Sensitivity
from layers._store.accounts import VERBS, Account, Key, Role, at_least, shown_to_all
from layers._store.sight import Sight, sight_up_to

By = Literal["nobody", "session", "key", "jwt"]
CLOSURES: Final = "road_closures"
Verb = Literal["read", "metrics", "ask", "write", "close", "admin"]


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Somebody who asks. ``reads``, ``writes``: ids of layers; ``areas``: as ``towns:ID``; ``scopes``: verbs. None is no limit.

    ``session`` is the digest of the cookie and ``key_id`` the key shown, where it was one; ``until`` (seconds since 1970) ends a
    token of an outside provider.
    """

    id: str
    name: str
    role: Role | Literal["anonymous"]
    by: By
    clearance: Sensitivity
    reads: frozenset[str] | None = None
    writes: frozenset[str] | None = None
    areas: frozenset[str] | None = None
    scopes: frozenset[str] | None = None
    display: str = ""
    key_id: str | None = None
    session: str | None = None
    until: float = math.inf

    @cached_property
    def sight(self) -> Sight:
        """What of a snapshot is there for this caller."""
        return sight_up_to(self.clearance, self.reads)

    @cached_property
    def actor(self) -> str:
        """What batches and the audit say: the name, with the key's id where a key writes."""
        return f"{self.name}/{self.key_id}" if self.key_id else self.name

    def may(self, verb: Verb) -> bool:
        """Whether role and scopes allow this at all; which layers and where is another question (`api.use.rights`)."""
        return at_least(self.role, VERBS[verb]) and (self.scopes is None or verb in self.scopes)

    def clears(self, other: Sensitivity) -> bool:
        """Whether what somebody of this clearance made may be read."""
        return SENSITIVITIES.index(self.clearance) >= SENSITIVITIES.index(other)


ANONYMOUS: Final = Caller(
    id="anonymous", name="anonymous", role="anonymous", by="nobody", clearance="public", writes=frozenset(),
)


def caller_of(account: Account, by: By, key: Key | None = None, session: str | None = None) -> Caller:
    """The caller that an account is, narrowed by the key that was shown."""
    caller = Caller(
        id=account.id, name=account.name, display=account.display, role=account.role, by=by, clearance=account.clearance,
        reads=account.reads, writes=account.writes, areas=account.areas, session=session,
    )
    if key is None:
        return _with_figures(caller)
    return _with_figures(
        replace(
            caller, key_id=key.id, scopes=key.verbs, writes=_both(caller.writes, _writes(key)),
            reads=_both(caller.reads, key.layers("read") if "read" in key.verbs else None),
        )
    )


def _writes(key: Key) -> frozenset[str] | None:
    named = key.layers("write")
    return named if named is None or "close" not in key.verbs else named | {CLOSURES}


def _with_figures(caller: Caller) -> Caller:
    """A grant made before a layer came that figures need does not hide it."""
    return caller if caller.reads is None else replace(caller, reads=caller.reads | shown_to_all(catalog()))


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    return other if one is None else one if other is None else one & other
