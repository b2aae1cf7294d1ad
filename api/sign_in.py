"""Signing in: a password or a key becomes a session, slowly for whoever guesses; every attempt is in the audit.

What nobody has and what is wrong get the same answer after the same time. Checking a password takes some 64 MB and 0.1 s of
a core, so it is done beside the event loop, few at once, and no more may wait than can be answered soon.
"""

import asyncio
import datetime as dt
import math
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, NoReturn, TypeVar

import sqlalchemy as sa

from api.caller import Caller
from api.gate import Gate
from api.keys import digest
from api.passwords import hashed, matches, require_fit, warm
from geo_risk.errors import Busy, Forbidden, TooMany, Unauthenticated
from layers._store import Store, accounts, attempts, audit
from layers._store.accounts import Account, Session
from layers._store.attempts import Tried
from layers._store.audit import Event
from layers._store.records import stamp

Answer = TypeVar("Answer")
_AT_ONCE: Final = 2
_WAITING: Final = 20
_WRITE_S: Final = 5.0
LASTS: Final = dt.timedelta(days=7)
WALL_LASTS: Final = dt.timedelta(days=400)


class Signed(NamedTuple):
    """A session that began: the cookie's text, until when it lasts, and whose it is."""

    cookie: str
    lasts: dt.timedelta
    caller: Caller


class SignIn:
    """Begins and ends sessions. Its methods are awaited; the work is done in threads of its own."""

    def __init__(self, store: Store, gate: Gate) -> None:
        self._store, self._gate = store, gate
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
        tried = attempts.by_name(who, address)
        self._require_patience(tried)
        account = self._gate.roll.named.get(who)
        right = matches(password, account.password if account else None)
        if account is None or not right or account.disabled:
            self._refuse(account, address)
        return self._begin(account, None, address, tried)

    def _by_key(self, text: str, address: str) -> Signed:
        tried = attempts.by_key(address)
        self._require_patience(tried)
        try:
            caller = self._gate.by_key(text)
        except Unauthenticated:
            self._refuse(None, address)
        return self._begin(self._gate.roll.accounts[caller.id], caller.key_id, address, tried)

    def _require_patience(self, tried: Sequence[Tried]) -> None:
        """Count the attempt as failed before it is looked at; whoever must wait costs the store no write."""
        with self._store.read() as connection:
            _require_no_wait(attempts.wait_s(connection, tried, attempts.clock(connection)))

        def count(connection: sa.Connection) -> None:
            at = attempts.clock(connection)
            _require_no_wait(attempts.wait_s(connection, tried, at))
            attempts.count(connection, tried, at)

        self._store.transact(count, _WRITE_S)

    def _refuse(self, account: Account | None, address: str) -> NoReturn:
        # what was typed as a name is not kept: it may be a password typed in the wrong field
        actor = account.name if account else "unknown"
        self._gate.note(Event(actor=actor, address=address, action="sign_in", outcome="refused"))
        raise Unauthenticated("name or password is wrong, or the account is disabled", then="try again, or ask an admin")

    def _begin(self, account: Account, key_id: str | None, address: str, tried: Sequence[Tried]) -> Signed:
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
            attempts.forgive(connection, tried)
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
        require_fit(new, account.name)
        tried = attempts.by_name(account.compared, address)
        self._require_patience(tried)
        if not matches(old, account.password):
            self._refuse(account, address)
        kept = hashed(new)

        def change(connection: sa.Connection) -> None:
            self._require_unchanged(accounts.account_of(connection, account.id), account)
            accounts.change_account(connection, account.id, password=kept)
            attempts.forgive(connection, tried)
            audit.append(connection, Event(actor=caller.actor, address=address, action="password", subject=account.name))

        self._store.transact(change, _WRITE_S)
        self._gate.refresh()


def _require_no_wait(wait_s: float) -> None:
    if wait_s > 0:
        error = TooMany("too many sign-ins failed", expected="a wait after failures", then=f"wait {math.ceil(wait_s)} s")
        error.retry_after_s = math.ceil(wait_s)
        raise error
