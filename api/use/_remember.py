"""Values computed once for a snapshot, or for one of its frames, and forgotten with it."""

import threading
import weakref
from collections.abc import Callable
from typing import TypeVar, cast

Owner = TypeVar("Owner")
Value = TypeVar("Value")
_lock = threading.Lock()
_values: dict[int, dict[str, "_Once"]] = {}


class _Once:
    """A value that is made by whoever asks first, while the others that want it wait and nobody else does."""

    def __init__(self) -> None:
        self.lock, self.made, self.value = threading.RLock(), False, cast("object", None)


def remember(owner: Owner, name: str, make: Callable[[Owner], Value]) -> Value:
    """``make(owner)``, computed once while the owner lives. A snapshot and its frames never change, so this cannot go stale."""
    key = id(owner)
    with _lock:
        if key not in _values:
            _values[key] = {}
            weakref.finalize(owner, _values.pop, key, None)
        once = _values[key].setdefault(name, _Once())
    with once.lock:
        if not once.made:
            once.value, once.made = make(owner), True
        return once.value  # type: ignore[return-value]
