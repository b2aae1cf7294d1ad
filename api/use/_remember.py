"""Values computed once for a snapshot, or for one of its frames, and forgotten with it."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

Owner = TypeVar("Owner")
Value = TypeVar("Value")
_lock = threading.Lock()
_values: dict[int, dict[str, "_Once"]] = {}


class _Once:
    """A value that is made by whoever asks first, while the others that want it wait and nobody else does."""

    def __init__(self) -> None:
        self.lock, self.made, self.value = threading.RLock(), False, cast("object", None)

    def of(self, owner: Owner, make: Callable[[Owner], Value]) -> Value:
        with self.lock:
            if not self.made:
                self.value, self.made = make(owner), True
            return cast("Value", self.value)


def remember(owner: Owner, name: str, make: Callable[[Owner], Value]) -> Value:
    """``make(owner)``, computed once while the owner lives. A snapshot and its frames never change, so this cannot go stale."""
    key = id(owner)
    with _lock:
        if key not in _values:
            _values[key] = {}
            weakref.finalize(owner, _values.pop, key, None)
        once = _values[key].setdefault(name, _Once())
    return once.of(owner, make)


def remember_few(owner: Owner, kind: str, key: Hashable, make: Callable[[Owner], Value], *, most: int) -> Value:
    """As `remember`, where there may be any number of questions of a kind: only the last ``most`` asked are kept."""
    kept = remember(owner, kind, lambda _: OrderedDict[Hashable, _Once]())
    with _lock:
        once = kept.setdefault(key, _Once())
        kept.move_to_end(key)
        while len(kept) > most:
            kept.popitem(last=False)
    return once.of(owner, make)
