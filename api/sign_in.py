"""Signing in: a password or a key becomes a session, slowly for whoever guesses; every attempt is in the audit.

What nobody has and what is wrong get the same answer after the same time. Checking a password takes some 64 MB and 0.1 s of
a core, so it is done beside the event loop, few at once, and no more may wait than can be answered soon.
"""

import asyncio
import datetime as dt
import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, NamedTuple, NoReturn, TypeVar

import sqlalchemy as sa

from api.caller import Caller
from api.gate import Gate
from api.keys import digest
from api.passwords import hashed, matches, require_fit, warm
from geo_risk.errors import Busy, Forbidden, TooMany, Unauthenticated
from layers._store import Store, accounts, audit
from layers._store.accounts import Account, Session
from layers._store.audit import Event
from layers._store.records import stamp

Answer = TypeVar("Answer")
_AT_ONCE: Final = 2
_WAITING: Final = 20
_WRITE_S: Final = 5.0
LASTS: Final = dt.timedelta(days=7)
WALL_LASTS: Final = dt.timedelta(days=400)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How failures slow down: some are free, then each doubles the wait from the first to the most; quiet forgets them."""

    free: int
    first_s: float = 1.0
    most_s: float
    quiet_s: float = 3600.0


BY_ACCOUNT: Final = Patience(free=4, most_s=60.0)
"""Not longer: else whoever knows a name could lock its owner out."""
BY_ADDRESS: Final = Patience(free=19, most_s=900.0)
"""More free ones: a whole office may share an address."""


class Backoff:
    """Failures by whoever they count for, the most recent ones kept; it says how long each must wait."""

    def __init__(self, patience: Patience, kept: int = 10_000) -> None:
        self._patience, self._kept = patience, kept
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, who: str, now: float) -> float:
        """How long they must still wait; 0 where they need not."""
        with self._lock:
            times, last = self._failures.get(who, (0, -math.inf))
        if times <= self._patience.free or now - last > self._patience.quiet_s:
            return 0.0
        wait = min(self._patience.first_s * 2.0 ** min(times - self._patience.free - 1, 60), self._patience.most_s)
        return max(last + wait - now, 0.0)

    def failed(self, who: str, now: float) -> None:
        """Count a failure."""
        with self._lock:
            times, last = self._failures.pop(who, (0, now))
            self._failures[who] = (1 if now - last > self._patience.quiet_s else times + 1, now)
            while len(self._failures) > self._kept:
                self._failures.popitem(last=False)

    def forgive(self, who: str, times: int | None = None) -> None:
        """Forget so many failures, or all."""
        with self._lock:
            counted, last = self._failures.pop(who, (0, 0.0))
            if times is not None and counted > times:
                self._failures[who] = (counted - times, last)


class Signed(NamedTuple):
    """A session that began: the cookie's text, until when it lasts, and whose it is."""

    cookie: str
    lasts: dt.timedelta
    caller: Caller


class SignIn:
    """Begins and ends sessions. Its methods are awaited; the work is done in threads of its own."""

    def __init__(self, store: Store, gate: Gate) -> None:
        self._store, self._gate = store, gate
        self._by_account, self._by_address = Backoff(BY_ACCOUNT), Backoff(BY_ADDRESS)
        self._threads = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="sign-in")
        self._waiting = 0
        self._threads.submit(warm)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def by_password(self, name: str, password: str, address: str) -> Signed:
        """Begin a session by name and password.

        Raises
        ------
        Unauthenticated
            There is no such name, the password is another, or the account is disabled: the same answer for all.
        TooMany
            Too many attempts failed for this name or from this address; it says how long to wait.
        """
        return await self.beside(lambda: self._by_password(name, password, address))

    async def by_key(self, key: str, address: str) -> Signed:
        """Begin a session by a key, as a wall display does; it ends with the key and may what the key may."""
        return await self.beside(lambda: self._by_key(key, address))

    async def end(self, caller: Caller, address: str) -> None:
        """End the caller's session."""
        await self.beside(lambda: self._end(caller, address))

    async def change_password(self, caller: Caller, old: str, new: str, address: str) -> None:
        """Change the caller's own password, which ends every session of the account, this one too.

        Raises
        ------
        Unauthenticated
            The old password is another.
        ParameterError
            The new one would be guessed.
        """
        await self.beside(lambda: self._change_password(caller, old, new, address))

    async def hashed(self, password: str, name: str) -> str:
        """What is kept of a new password; `ParameterError` where it would be guessed."""
        require_fit(password, name)
        return await self.beside(lambda: hashed(password))

    async def beside(self, work: Callable[[], Answer]) -> Answer:
        """Do work that waits for a processor or the store in these threads; `Busy` where too much waits."""
        if self._waiting >= _WAITING:
            raise Busy("too many sign-ins wait", expected=f"at most {_WAITING} at a time", then="try again soon")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def _by_password(self, name: str, password: str, address: str) -> Signed:
        who = accounts.compared(name)
        self._require_patience(who, address)
        account = self._gate.roll.named.get(who)
        right = matches(password, account.password if account else None)
        if account is None or not right or account.disabled:
            self._refuse(account, address)
        self._by_account.forgive(who)
        self._by_address.forgive(address, 1)
        return self._begin(account, None, address)

    def _by_key(self, text: str, address: str) -> Signed:
        self._require_patience(f"key from {address}", address)
        try:
            caller = self._gate.by_key(text)
        except Unauthenticated:
            self._refuse(None, address)
        self._by_account.forgive(f"key from {address}")
        self._by_address.forgive(address, 1)
        return self._begin(self._gate.roll.accounts[caller.id], caller.key_id, address)

    def _require_patience(self, who: str, address: str) -> None:
        """Count the attempt as failed before it is looked at, so that many at once are no way round the wait."""
        now = time.monotonic()
        wait_s = max(self._by_account.wait_s(who, now), self._by_address.wait_s(address, now))
        if wait_s > 0:
            error = TooMany("too many sign-ins failed", expected="a wait after failures", then=f"wait {math.ceil(wait_s)} s")
            error.retry_after_s = math.ceil(wait_s)
            raise error
        self._by_account.failed(who, now)
        self._by_address.failed(address, now)

    def _refuse(self, account: Account | None, address: str) -> NoReturn:
        # what was typed as a name is not kept: it may be a password typed in the wrong field
        actor = account.name if account else "unknown"
        self._gate.note(Event(actor=actor, address=address, action="sign_in", outcome="refused"))
        raise Unauthenticated("name or password is wrong, or the account is disabled", then="try again, or ask an admin")

    def _begin(self, account: Account, key_id: str | None, address: str) -> Signed:
        cookie, now = secrets.token_urlsafe(32), dt.datetime.now(dt.UTC)
        lasts = WALL_LASTS if account.role == "wall" else LASTS
        session = Session(
            token_sha256=digest(cookie), account_id=account.id, key_id=key_id, made_at=stamp(now), seen_at=stamp(now),
            expires_at=stamp(now + lasts),
        )
        noted = Event(actor=account.name, address=address, action="sign_in", detail={"by": "key" if key_id else "password"})

        def begin(connection: sa.Connection) -> None:
            self._require_unchanged(accounts.account_of(connection, account.id), account)
            accounts.add_session(connection, session)
            audit.append(connection, noted)

        self._store.transact(begin, _WRITE_S)
        self._gate.refresh()
        return Signed(cookie, lasts, self._gate.by_session(session.token_sha256))

    def _require_unchanged(self, there: Account, checked: Account) -> None:
        """What was checked is what everybody knew a moment ago; it may have been disabled or have a new password since."""
        if there.disabled or there.password != checked.password:
            raise Unauthenticated("the account was changed in this moment", then="try again")

    def _end(self, caller: Caller, address: str) -> None:
        if caller.session is None:
            return
        token, noted = caller.session, Event(actor=caller.actor, address=address, action="sign_out")

        def end(connection: sa.Connection) -> None:
            accounts.end_session(connection, token)
            audit.append(connection, noted)

        self._store.transact(end, _WRITE_S)
        self._gate.refresh()

    def _change_password(self, caller: Caller, old: str, new: str, address: str) -> None:
        account = self._gate.roll.accounts.get(caller.id)
        if account is None or caller.key_id is not None:
            raise Forbidden("only who signed in with a password changes it", expected="a session by password", got=caller.by)
        self._require_patience(account.compared, address)
        if not matches(old, account.password):
            self._refuse(account, address)
        self._by_account.forgive(account.compared)
        self._by_address.forgive(address, 1)
        require_fit(new, account.name)
        kept = hashed(new)

        def change(connection: sa.Connection) -> None:
            self._require_unchanged(accounts.account_of(connection, account.id), account)
            accounts.change_account(connection, account.id, password=kept)
            audit.append(connection, Event(actor=caller.actor, address=address, action="password", subject=account.name))

        self._store.transact(change, _WRITE_S)
        self._gate.refresh()
