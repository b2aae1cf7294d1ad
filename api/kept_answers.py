"""Answers that are given again while nothing changes: the same question of the same snapshot has the same bytes."""

import json
from collections.abc import Callable
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from api.use._remember import remember
from layers._store import Snapshot

_LONGEST: Final = 64_000
_MOST: Final = 200


async def answered(request: Request, snapshot: Snapshot, make: Callable[[], dict[str, Any]]) -> bytes:
    """The JSON that answers this address on this snapshot (which is one caller's sight): made in a thread, or made before.

    Long answers are made each time; of the others so many are kept as are asked for first, as long as the snapshot is.
    """
    kept: dict[str, bytes] = remember(snapshot, "answers", lambda _: {})
    address = str(request.url)
    found = kept.get(address)
    if found is None:
        found = await run_in_threadpool(lambda: encoded(make()))
        if len(found) <= _LONGEST and len(kept) < _MOST:
            kept[address] = found
    return found


def encoded(body: dict[str, Any]) -> bytes:
    r"""JSON as every answer has it.

    >>> encoded({"name": "避难所"})
    b'{"name":"\xe9\x81\xbf\xe9\x9a\xbe\xe6\x89\x80"}'
    """
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
