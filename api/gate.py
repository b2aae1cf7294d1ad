"""Finds out who asks, without a query: everybody is in memory, and read anew when the store says that something changed."""

import datetime as dt
import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from starlette.requests import Request

from api.caller import ANONYMOUS, Caller, caller_of
from api.credentials import shown_by
from api.keys import digest, is_digest_of, key_parts
from api.settings import Settings
from geo_risk.errors import Forbidden, GeoRiskError, StoreError, Unauthenticated
from layers._store import Store, accounts, attempts, audit
from layers._store.accounts import Roll
from layers._store.audit import Event
from layers._store.records import stamp

if TYPE_CHECKING:
    from api.tokens import Provider

_log = logging.getLogger(__name__)
_EVERY_S: Final = 1.0
_ANEW_S: Final = 60.0
_NOTED_S: Final = 60.0
_WRITE_S: Final = 2.0
_REFUSALS_KEPT: Final = 1000
_NO_DIGEST: Final = digest("")
IDLE: Final = dt.timedelta(hours=12)
NOBODY_YET: Final = Roll(generation=-1, accounts={}, named={}, keys={}, sessions={})


@dataclass(slots=True)
class _Held:
    """A credential that was good when it was looked up: whose it is, until when, and how long it may lie unused."""

    caller: Caller
    until: float
    idle_s: float
    seen: float

    def over(self, now: float) -> bool:
        return now >= min(self.until, self.seen + self.idle_s)


class _Known(NamedTuple):
    """Everybody, and what was looked up among them: let go together, so that nothing outlasts what it was found in."""

    roll: Roll
    held: dict[str, _Held]


class Gate:
    """Knows everybody. `caller` may be called from any thread; `start` begins to follow the store."""

    def __init__(self, store: Store, provider: "Provider | None", *, anonymous_reads: bool) -> None:
        self.anonymous_reads = anonymous_reads
        self._store, self._provider = store, provider
        self._known = _Known(NOBODY_YET, {})
        self._read_at = self._noted_at = time.monotonic()
        self._seen: dict[str, float] = {}
        self._refused: dict[Event, int] = {}
        self._lock, self._reading, self._stopped = threading.Lock(), threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._follow, name="gate", daemon=True)

    @property
    def roll(self) -> Roll:
        """Everybody, as they were read last."""
        return self._known.roll

    def start(self) -> None:
        """Read everybody, making the tables where there are none, and begin to follow."""
        try:
            self._prepare()
        except StoreError as error:
            _log.error("nobody can sign in until the store is there: %s", error)
        self._thread.start()

    def stop(self) -> None:
        """Stop following, and note what is left to be noted."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._tend(last=True)

    def refresh(self) -> None:
        """Read everybody anew if something changed, or it is long ago."""
        with self._reading, self._store.read() as connection:
            changed = accounts.generation(connection) != self._known.roll.generation
            if not changed and time.monotonic() - self._read_at < _ANEW_S:
                return
            self._known, self._read_at = _Known(accounts.roll(connection), {}), time.monotonic()

    def caller(self, request: Request, *, lenient: bool = False) -> Caller:
        """Who sends this request; nobody in particular where it shows no credential.

        Raises
        ------
        Unauthenticated
            What it shows is not valid (with ``lenient`` that is nobody in particular).
        """
        try:
            shown = shown_by(request)
            if shown.bearer is not None:
                return self.by_bearer(shown.bearer)
            return ANONYMOUS if shown.cookie is None else self.by_session(digest(shown.cookie))
        except (Unauthenticated, Forbidden):
            if lenient:
                return ANONYMOUS
            raise

    def by_bearer(self, text: str) -> Caller:
        """Whose key or token this is; `Unauthenticated` where it is not valid."""
        if text.startswith("grk_"):
            return self.by_key(text)
        if self._provider is None:
            raise not_valid("key")
        return self._provider.caller(text)

    def by_key(self, text: str) -> Caller:
        """Whose key this is; `Unauthenticated` where it is none, or over."""
        key_id, secret = key_parts(text) or ("", "")
        key = self._known.roll.keys.get(key_id)
        if not is_digest_of(secret, key.secret_sha256 if key else _NO_DIGEST) or key is None:
            raise not_valid("key")
        return self._holder(key_id, _of_key)

    def by_session(self, token_sha256: str) -> Caller:
        """Whose session this is; `Unauthenticated` where it is none, or over."""
        return self._holder(token_sha256, _of_session)

    def still(self, caller: Caller) -> bool:
        """Whether what a caller came with is still good and allows the same: for streams, which outlast their first look."""
        try:
            if caller.by == "session":
                return self.by_session(caller.session or "") == caller
            if caller.by == "key":
                return self._holder(caller.key_id or "", _of_key) == caller
        except Unauthenticated:
            return False
        return time.time() < caller.until and (caller.by == "jwt" or self.anonymous_reads)

    def require_unchanged(self, caller: Caller) -> None:
        """Stop long work whose asker may no longer what he might when it began; his session may be over meanwhile.

        Raises
        ------
        Forbidden
            The account is disabled or its grants are others, or the key was revoked.
        """
        if caller.by not in ("session", "key"):
            return
        roll = self._known.roll
        account, key = roll.accounts.get(caller.id), roll.keys.get(caller.key_id or "")
        gone = account is None or account.disabled or (caller.key_id is not None and (key is None or key.revoked_at is not None))
        if gone or account is None or caller_of(account, caller.by, key, caller.session) != caller:
            raise Forbidden(
                "what the asker may was changed meanwhile, and the rest is not done", expected="an account and grants as they were",
                got="others", then="look at what was done, and ask again",
            )

    def note_refusal(self, request: Request) -> None:
        """Note for the audit that somebody may not do what a request asks for; the route is named, not what it was filled with."""
        caller: Caller = getattr(request.state, "caller", ANONYMOUS)
        what = f"{request.method} {getattr(request.scope.get('route'), 'path', '')}"
        self.note(Event(actor=caller.actor, address=address_of(request), action="refused", subject=what, outcome="refused"))

    def note(self, event: Event) -> None:
        """Note an event that no transaction goes with: the same ones of a second become one entry with their number.

        However many come, what is kept and what is written is bounded.
        """
        with self._lock:
            if event not in self._refused and len(self._refused) >= _REFUSALS_KEPT:
                event = Event(actor="several", action=event.action, outcome=event.outcome)
            self._refused[event] = self._refused.get(event, 0) + 1

    def _holder(self, token: str, look_up: Callable[[Roll, str], _Held]) -> Caller:
        known, now = self._known, time.time()
        held = known.held.get(token)
        if held is None:
            held = look_up(known.roll, token)
            held.seen = max(held.seen, self._seen.get(token, 0.0))
        if held.over(now):
            raise not_valid("credential")
        held.seen = self._seen[token] = now
        known.held[token] = held
        return held.caller

    def _follow(self) -> None:
        while not self._stopped.wait(_EVERY_S):
            self._tend()

    def _prepare(self) -> None:
        """Make the tables where there are none, and read everybody."""
        self._store.transact(accounts.prepare)
        self._store.transact(audit.prepare)
        self._store.transact(attempts.prepare)
        self.refresh()

    def _tend(self, *, last: bool = False) -> None:
        """Learn what changed and write what was noted; without the store, go on with what is known."""
        try:
            if self._provider is not None:
                self._provider.refresh()
            if self._known.roll is NOBODY_YET:
                self._prepare()
            self.refresh()
            self._write_refusals()
            if last or time.monotonic() - self._noted_at > _NOTED_S:
                self._note_use()
        except GeoRiskError as error:
            _log.warning("who may what is as it was read last: %s", error.what)

    def _write_refusals(self) -> None:
        with self._lock:
            refused, self._refused = self._refused, {}
        if refused:
            events = [replace(event, detail={"times": times}) for event, times in refused.items()]
            self._store.transact(lambda connection: audit.append(connection, *events), _WRITE_S)

    def _note_use(self) -> None:
        """Keep when credentials were used last, now and then: hours of idleness are measured, not seconds."""
        since, self._noted_at = time.time() - (time.monotonic() - self._noted_at), time.monotonic()
        roll = self._known.roll
        self._seen = {token: at for token, at in list(self._seen.items()) if token in roll.sessions or token in roll.keys}
        used = {token: _text(at) for token, at in self._seen.items() if at >= since}
        sessions = {token: at for token, at in used.items() if token in roll.sessions}
        keys = {token: at for token, at in used.items() if token in roll.keys}
        if used:
            self._store.transact(lambda connection: accounts.note_use(connection, sessions, keys), _WRITE_S)


def gate_of(store: Store, settings: Settings) -> Gate:
    """The gate of a store with the provider that the settings name; it is started by whoever makes it."""
    provider = None
    if settings.token_provider:
        from api.tokens import provider_of  # noqa: PLC0415 - only who has a provider waits for what checks its tokens

        provider = provider_of(settings.token_provider)
    return Gate(store, provider, anonymous_reads=settings.anonymous_reads)


def address_of(request: Request) -> str:
    """The address that a request came from, as far as it is known (behind a proxy, what a trusted one says)."""
    return request.client.host if request.client else ""


def not_valid(what: str) -> Unauthenticated:
    """One answer for what never was, what is over, and what was taken back."""
    return Unauthenticated(
        f"the {what} is not valid, or not any more", expected="one that was given and is not over",
        then="sign in again, or ask an admin",
    )


def _of_key(roll: Roll, key_id: str) -> _Held:
    key = roll.keys.get(key_id)
    account = roll.accounts.get(key.account_id) if key else None
    if key is None or account is None or account.disabled or key.revoked_at:
        raise not_valid("key")
    return _Held(caller_of(account, "key", key), until=_seconds(key.expires_at), idle_s=math.inf, seen=time.time())


def _of_session(roll: Roll, token: str) -> _Held:
    session = roll.sessions.get(token)
    account = roll.accounts.get(session.account_id) if session else None
    if session is None or account is None or account.disabled:
        raise not_valid("session")
    key = None
    until, idle_s = _seconds(session.expires_at), math.inf if account.role == "wall" else IDLE.total_seconds()
    if session.key_id is not None:
        of_key = _of_key(roll, session.key_id)
        key, until = roll.keys[session.key_id], min(until, of_key.until)
    return _Held(caller_of(account, "session", key, token), until=until, idle_s=idle_s, seen=_seconds(session.seen_at))


def _seconds(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()


def _text(seconds: float) -> str:
    return stamp(dt.datetime.fromtimestamp(seconds, dt.UTC))
