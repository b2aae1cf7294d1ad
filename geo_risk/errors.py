"""Every error raised on purpose, as a tree.

    GeoRiskError
    ├── ParameterError        a caller's value is out of range, of a wrong type, or unknown
    ├── NotFound              no such layer, feature or page
    ├── CrsError              no CRS, two that differ, or one unfit for the question
    ├── DatumError            coordinates that may be shifted (GCJ-02, BD-09) and nobody said
    ├── FileError             a file that cannot be read, is empty, hostile or over a limit
    ├── ImportRejected        a readable file whose rows break the layer's rules; nothing was stored
    ├── Unauthenticated       nobody said who asks, or what they showed is not valid
    ├── Forbidden             whoever asks may not do this, or not here
    ├── ConditionRequired     a change that does not say which state it was made from
    ├── Stale                 a change made from a state that is no longer the current one
    ├── Conflict              what is to be made is there already, or cannot be undone any more
    ├── KeyReused             an idempotency key that came with another request before
    ├── TooLarge              a body, a header or a batch longer than it may be
    ├── TooSlow               a request that did not arrive in time
    ├── Busy                  too much work waits already: the same request is welcome later
    │   └── TooMany           the caller asks too often or too much at once
    ├── DeclarationError      a layer, factor or table that contradicts itself
    └── StoreError            the store cannot be reached, or does not agree with its own log
        ├── StoreUnavailable  locked, gone or not writable: reads go on, writes stop
        │   ├── StoreFull     the disk or the quota is full
        │   └── OutcomeUnknown  a write nobody can say of whether it was kept
        └── StoreCorrupt      the log's chain or the current rows do not verify

An error says five things: what, where, expected, got, and what to do next. ``got`` never repeats text
from outside: pass it through `shown` first.
"""

import re
from numbers import Real
from typing import Final, Self

_MAX_BITS: Final = 128
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.,:+-]{1,40}", re.ASCII)


class GeoRiskError(Exception):
    """Base of all errors raised on purpose; each part is one short sentence or empty."""

    def __init__(self, what: str, *, where: str = "", expected: str = "", got: str = "", then: str = "") -> None:
        self.what, self.where, self.expected, self.got, self.then = what, where, expected, got, then
        super().__init__(what, where, expected, got, then)

    def __str__(self) -> str:
        parts = (
            self.what,
            self.where and f"where: {self.where}",
            self.expected and f"expected: {self.expected}",
            self.got and f"got: {self.got}",
            self.then and f"next: {self.then}",
        )
        return "; ".join(part for part in parts if part)


class ParameterError(GeoRiskError):
    """A caller's value is out of range, of a wrong type, or unknown."""


class NotFound(GeoRiskError):
    """No such layer, feature or page."""


class CrsError(GeoRiskError):
    """No CRS, two that differ, or one unfit for the question."""


class DatumError(GeoRiskError):
    """Coordinates that may be shifted and nobody said."""


class FileError(GeoRiskError):
    """A file that cannot be read, is empty, hostile or over a limit."""


class ImportRejected(GeoRiskError):
    """A readable file whose rows break the layer's rules; nothing was stored."""


class Unauthenticated(GeoRiskError):
    """Nobody said who asks, or what they showed is not valid."""


class Forbidden(GeoRiskError):
    """Whoever asks may not do this, or not here."""


class ConditionRequired(GeoRiskError):
    """A change that does not say which state it was made from."""


class Stale(GeoRiskError):
    """A change made from a state that is no longer the current one; ``current`` is that, where it is known."""

    current: object = None

    def of(self, current: object) -> Self:
        """The same error, with the current state."""
        self.current = current
        return self


class Conflict(GeoRiskError):
    """What is to be made is there already, or cannot be undone any more."""


class KeyReused(GeoRiskError):
    """An idempotency key that came with another request before."""


class TooLarge(GeoRiskError):
    """A body, a header or a batch longer than it may be."""


class TooSlow(GeoRiskError):
    """A request that did not arrive in time."""


class Busy(GeoRiskError):
    """Too much work waits already; ``retry_after_s`` says when to come again."""

    retry_after_s = 10


class TooMany(Busy):
    """The caller asks too often, or too much at once."""


class DeclarationError(GeoRiskError):
    """A layer, factor or table that contradicts itself."""


class StoreError(GeoRiskError):
    """The store cannot be reached, or does not agree with its own log."""


class StoreUnavailable(StoreError):
    """The store is locked, gone or not writable: reads go on, writes stop."""


class StoreFull(StoreUnavailable):
    """The disk or the quota is full: reads go on, writes stop until there is room."""


class OutcomeUnknown(StoreUnavailable):
    """The store did not say in time whether a change was kept; the same request with the same key settles it."""


class StoreCorrupt(StoreError):
    """The log's chain or the current rows do not verify."""


def shown(value: object) -> str:
    """A value from outside, fit for an error text: plain short words and numbers as they are, else its size.

    >>> shown(-5), shown("aeds"), shown("<script>")
    ('-5', 'aeds', 'text of 8 characters')
    """
    if value is None:
        return "nothing"
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, Real):
        return str(value)[:40]
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else f"text of {len(value)} characters"
    return f"a {type(value).__name__}"
