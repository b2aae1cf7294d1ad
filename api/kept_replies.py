"""One write of a request: done once under its idempotency key, waited for no longer than allowed, answered as it was stored."""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from typing import Final

from fastapi import Request, Response

from api.caller import Caller
from api.settings import Settings
from geo_risk.errors import Busy, GeoRiskError, OutcomeUnknown, ParameterError, StoreUnavailable, shown
from layers._store import Batch, Change, Store
from layers._store.records import ReplyKey, Written
from layers._store.writes import Compose, Judge

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_BEGUN_BY: Final = 0.75
"""The share of the deadline by which a write must have begun, so that it can end within it."""
_ROW_S: Final = 0.005
"""How much longer each further change may take."""


def reply_key(request: Request, body: bytes) -> ReplyKey | None:
    """The caller's key with a digest of all that decides the answer: what he may see is part of it; None where none was sent.

    Raises
    ------
    ParameterError
        The ``Idempotency-Key`` cannot be kept.
    """
    key = _key_of(request)
    if key is None:
        return None
    caller: Caller = request.state.caller
    sight = caller.sight
    said = (
        request.method, request.scope["route"].path, sorted(request.path_params.items()), sorted(request.query_params.items()),
        sight.sensitivities, None if sight.layers is None else sorted(sight.layers),
    )  # fmt: skip
    digest = hashlib.sha256(repr(said).encode() + b"\0" + body)
    return ReplyKey(f"{caller.by}:{caller.id}", key, digest.hexdigest())


async def stored(
    request: Request, batch: Batch, changes: Sequence[Change], *,
    judge: Judge, compose: Compose, key: ReplyKey | None, whole: bool = True,
) -> Written:
    """Wait for the store, but not for ever: what could not begin in time is not done, what did not end is not known.

    Raises
    ------
    Busy
        The write did not begin in time, and changed nothing.
    OutcomeUnknown
        It did not end in time.
    StoreUnavailable
        The store is gone.
    """
    store: Store = request.app.state.store
    settings: Settings = request.app.state.settings
    deadline_s = settings.write_deadline_s
    future = store.submit(
        batch, changes, judge=judge, whole=whole, reply_key=key, compose=compose, deadline_s=deadline_s * _BEGUN_BY
    )
    try:
        async with asyncio.timeout(deadline_s + _ROW_S * (len(changes) - 1)):
            return await asyncio.wrap_future(future)
    except TimeoutError:
        raise _given_up(deadline_s, begun=not future.cancelled(), keyed=key is not None) from None


def sent(written: Written) -> Response:
    """The stored reply, byte for byte; one that was given before says so."""
    reply = written.reply
    if reply is None:
        raise StoreUnavailable("the store gave no reply", where="store", expected="the reply that was composed", got="none")
    replayed = {"Idempotency-Replayed": "true"} if written.replayed else {}
    return Response(reply.body or None, status_code=reply.status, headers=dict(reply.headers) | replayed)


def _key_of(request: Request) -> str | None:
    said = request.headers.get("idempotency-key")
    if said is not None and not _KEY.fullmatch(said):
        raise ParameterError(
            "the idempotency key cannot be kept", where="Idempotency-Key", expected="1 to 255 visible characters of ASCII",
            got=shown(said), then="a UUID will do",
        )
    return said


def _given_up(deadline_s: float, *, begun: bool, keyed: bool) -> GeoRiskError:
    """What is known of a write that nobody waits for any more; one that had not begun was taken back."""
    if not begun:
        return Busy(
            "the store is at work on other writes; nothing was changed", expected="a write that begins in time",
            then="send it again, with the same idempotency key",
        )
    return OutcomeUnknown(
        "the store did not answer in time; it is not known whether the change was kept", where="store",
        expected=f"an answer within {deadline_s:g} s", got="none",
        then="send it again with the same Idempotency-Key" if keyed else "read the feature before you send it again",
    )
