"""Values computed once for a snapshot, or for one of its frames, and forgotten with it."""

import threading
import weakref
from collections.abc import Callable
from typing import TypeVar

Owner = TypeVar("Owner")
Value = TypeVar("Value")
_lock = threading.RLock()
_values: dict[int, dict[str, object]] = {}


def remember(owner: Owner, name: str, make: Callable[[Owner], Value]) -> Value:
    """``make(owner)``, computed once while the owner lives. A snapshot and its frames never change, so this cannot go stale."""
    key = id(owner)
    with _lock:
        if key not in _values:
            _values[key] = {}
            weakref.finalize(owner, _values.pop, key, None)
        found = _values[key]
        if name not in found:
            found[name] = make(owner)
        return found[name]  # type: ignore[return-value]
