"""What crosses the store's door: frozen values that say who wrote, what was written, and what the log holds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from geo_risk.errors import ParameterError, shown

Op = Literal["create", "update", "delete"]
Value = str | int | float | bool | None

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_UNCLEAN: Final = re.compile("[\0\ud800-\udfff]")
_LONGEST: Final = 2000


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


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A log that agrees with itself and with the current rows; ``head`` is the hash to note down elsewhere."""

    revisions: int
    features: int
    head: str
