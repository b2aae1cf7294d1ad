"""What crosses the store's door: frozen values that say who wrote, what was written, and what the log holds."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from shapely.geometry.base import BaseGeometry

from geo_risk.errors import GeoRiskError, ParameterError, shown

Op = Literal["create", "update", "delete", "late"]
"""What a revision did. ``late`` changed no current row: it tells of a time before what the current row says."""
Act = Literal["create", "put", "patch", "delete"]
Value = str | int | float | bool | None

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_UNCLEAN: Final = re.compile("[\0\ud800-\udfff]")
_LONGEST: Final = 2000
_STAMP: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


def stamp(moment: dt.datetime) -> str:
    """A moment as the store writes it: UTC with microseconds, so that texts sort as time.

    >>> stamp(dt.datetime(2026, 7, 1, 8, 0, tzinfo=dt.timezone(dt.timedelta(hours=8))))
    '2026-07-01T00:00:00.000000Z'
    """
    return moment.astimezone(dt.UTC).strftime(_STAMP)


def now() -> str:
    """The present moment, by this machine's clock."""
    return stamp(dt.datetime.now(dt.UTC))


def effective(observed_at: str | None, recorded_at: str) -> str:
    """From when a revision tells: when it was observed, but never later than when it was recorded."""
    return recorded_at if observed_at is None else min(observed_at, recorded_at)


@dataclass(frozen=True)
class Batch:
    """Who writes, why, and where the rows come from. ``source`` is what a feature shows as its origin."""

    actor: str
    reason: str
    source: str
    file_sha256: str | None = None
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("actor", "reason", "source"):
            _require_text(name, getattr(self, name), shortest=1)
        _require_text("note", self.note, shortest=0)
        if self.file_sha256 is not None and not _SHA256.fullmatch(self.file_sha256):
            raise ParameterError(
                "a batch's file_sha256 is not one", where="file_sha256", expected="64 hexadecimal digits, lower case",
                got=shown(self.file_sha256), then="give hashlib.sha256(...).hexdigest(), or nothing",
            )


def _require_text(name: str, text: str, *, shortest: int) -> None:
    if not shortest <= len(text) <= _LONGEST or not is_clean(text):
        raise ParameterError(
            f"a batch's {name} cannot be stored", where=name,
            expected=f"{shortest} to {_LONGEST} characters, no NUL, no lone surrogate", got=shown(text),
            then=f"say the {name} in plain text",
        )


def is_clean(text: str) -> bool:
    r"""Can every reader of the store take this text? No NUL, no lone surrogate.

    >>> is_clean("避难所"), is_clean("a\0"), is_clean("\ud800")
    (True, False, False)
    """
    return _UNCLEAN.search(text) is None


@dataclass(frozen=True, kw_only=True)
class RecordedBatch:
    """A batch as the log holds it."""

    id: int
    actor: str
    reason: str
    source: str
    file_sha256: str | None
    note: str
    recorded_at: str


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What a write did. ``revision`` is the log's last after it; ``batch_id`` is 0 where nothing differed and no batch was made."""

    revision: int
    batch_id: int
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0


@dataclass(frozen=True, kw_only=True)
class Revision:
    """One entry of a feature's history; ``changes`` gives (before, after) of each column that differs from the entry before.

    ``geometry`` is WKT in EPSG:4326. After a ``delete`` there are no properties and no geometry.
    """

    seq: int
    op: Op
    batch_id: int
    recorded_at: str
    actor: str
    reason: str
    source: str
    note: str
    properties: Mapping[str, Value]
    geometry: str | None
    changes: Mapping[str, tuple[Value, Value]] = field(default_factory=dict)
    observed_at: str | None = None
    skew_s: int | None = None


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A log that agrees with itself and with the current rows; ``head`` is the hash to note down elsewhere."""

    revisions: int
    features: int
    head: str


class _Unchanged:
    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED: Final = _Unchanged()
"""In a patch: the geometry stays as it is."""


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One feature as the store holds it: ``values`` by declared column, ``geometry`` as WKB, ``observed_at`` if it was stated."""

    layer: str
    fid: str
    values: Mapping[str, Value]
    geometry: bytes | None
    source: str
    derived: str | None = None
    updated_at: str = ""
    revision: int = 0
    observed_at: str | None = None
    skew_s: int | None = None


@dataclass(frozen=True, kw_only=True)
class Change:
    """One wanted change of one feature.

    ``values`` are plain values by column: all of them to ``create`` or ``put``, those that change to ``patch`` (None empties).
    ``expects`` is the revision that the caller saw, or several of which one is to stand; None takes any. ``observed_at`` is when
    the device saw it (`stamp`), ``skew_s`` how many seconds its clock was behind ours when it sent it.
    """

    layer: str
    fid: str
    op: Act
    values: Mapping[str, Value] = field(default_factory=dict)
    geometry: BaseGeometry | _Unchanged | None = UNCHANGED
    expects: int | frozenset[int] | None = None
    observed_at: str | None = None
    skew_s: int | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a change: ``op`` None where nothing differed or it was refused, ``feature`` the current state now."""

    change: Change
    op: Op | None = None
    seq: int | None = None
    feature: Feature | None = None
    error: GeoRiskError | None = None


@dataclass(frozen=True)
class ReplyKey:
    """A caller's idempotency key, and the digest of the request that came with it."""

    actor: str
    key: str
    request_sha256: str

    @property
    def owner(self) -> tuple[str, str]:
        """Whose key it is: the request's digest is not part of it."""
        return self.actor, self.key


@dataclass(frozen=True)
class Reply:
    """What was answered, to be answered again."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a write did. ``replayed``: the key was seen before, ``reply`` is what was answered then, and nothing was written."""

    revision: int = 0
    batch_id: int = 0
    recorded_at: str = ""
    outcomes: tuple[Outcome, ...] = ()
    reply: Reply | None = None
    replayed: bool = False


@dataclass(frozen=True, kw_only=True)
class Changed:
    """One logged change with the feature before and after: canonical JSON and WKB, None where there was none."""

    seq: int
    layer: str
    fid: str
    op: Op
    batch_id: int
    recorded_at: str
    actor: str
    reason: str
    source: str
    properties: str | None
    geometry: bytes | None
    properties_before: str | None
    geometry_before: bytes | None
    observed_at: str | None = None
    skew_s: int | None = None
