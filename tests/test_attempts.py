"""Failed attempts to sign in: how long they make wait, whom they count for, and that one count holds for all processes."""

import asyncio
import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

import callers
from api.gate import Gate
from api.sign_in import SignIn
from geo_risk.errors import TooMany, Unauthenticated
from layers._store import Store, accounts, attempts, audit, open_store
from layers._store.accounts import compared
from layers._store.attempts import ATTEMPTS, PATIENCE, Patience, Tried, by_key, by_name, count, forgive, wait_s
from layers._store.database import Database
from layers._store.store import open_database
from running import Service

START = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
NAME = Tried("name", "0a1b")
FREE = PATIENCE["name"].free


def after(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


@pytest.fixture
def connection(place: Path | str):
    database: Database = open_database(place, create=True)
    with database.connect(writes=True) as opened, opened.begin():
        attempts.prepare(opened)
        yield opened
    database.close()


def failed(connection: sa.Connection, tried: Tried, times: int, at: dt.datetime = START) -> None:
    for _ in range(times):
        count(connection, [tried], at)


@pytest.mark.parametrize(
    ("failures", "wait"), [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (10, 32), (11, 60), (15, 60)]
)
def test_the_wait_doubles_up_to_a_bound(failures, wait, connection):
    failed(connection, NAME, failures)
    assert wait_s(connection, [NAME], START) == wait
    assert wait_s(connection, [NAME], after(wait)) == 0
    assert wait_s(connection, [Tried("name", "ffff"), Tried("address", "0a1b")], START) == 0


def test_an_hours_quiet_forgets(connection):
    failed(connection, NAME, 20)
    assert wait_s(connection, [NAME], after(59)) == 1
    failed(connection, NAME, 1, after(3600))
    assert wait_s(connection, [NAME], after(3600)) == 60
    failed(connection, NAME, 1, after(7201))
    assert wait_s(connection, [NAME], after(7201)) == 0


def test_a_clock_that_was_set_back_locks_nobody_out(connection):
    failed(connection, NAME, 20, after(86_400))
    assert wait_s(connection, [NAME], START) == 0
    failed(connection, NAME, 1)
    assert wait_s(connection, [NAME], START) == 60


def test_who_waits_longer_counts(connection):
    here = Tried("address", "10.0.0.1")
    failed(connection, here, 30)
    failed(connection, NAME, 5)
    assert (wait_s(connection, [NAME, here], START), wait_s(connection, [NAME], START)) == (900, 1)


def test_being_right_forgives_a_name_all_and_an_address_once(connection):
    here = Tried("address", "10.0.0.1")
    for _ in range(21):
        count(connection, [NAME, here], START)
    forgive(connection, [NAME, here])
    assert (wait_s(connection, [NAME], START), wait_s(connection, [here], START)) == (0, 1)


def test_rows_are_bounded_and_the_oldest_go(connection, monkeypatch):
    monkeypatch.setattr(attempts, "KEPT", 3)
    for number in range(6):
        failed(connection, Tried("address", str(number)), 1, after(number))
    assert sorted(connection.execute(sa.select(ATTEMPTS.c.who)).scalars()) == ["3", "4", "5"]
    failed(connection, Tried("address", "6"), 1, after(4000))
    assert connection.execute(sa.select(ATTEMPTS.c.who)).scalars().all() == ["6"]


def test_what_was_typed_as_a_name_is_not_kept(connection):
    typed = "my password, in the wrong field"
    count(connection, by_name(typed, "10.0.0.1"), START)
    held = " ".join(map(str, connection.execute(sa.select(ATTEMPTS)).all()))
    assert typed not in held
    assert len(by_name(typed, "")[0].who) == 4
    assert by_name(compared(" DUTY１"), "") == by_name(compared("duty1"), "")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True), ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True), ("10.0.0.1", "10.0.0.2", False), ("testclient", "testclient", True),
    ],
)
def test_an_address_of_ipv6_is_its_network(one, other, same):
    assert (by_key(one) == by_key(other)) == same


def opened(place: Path | str) -> tuple[Store, Gate, SignIn]:
    """A service's part that signs in, as each process has its own."""
    store = open_store(place)
    gate = Gate(store, None, anonymous_reads=True)
    gate._prepare()
    return store, gate, SignIn(store, gate)


def closed(service: tuple[Store, Gate, SignIn]) -> None:
    service[2].close()
    service[0].close()


def guess(service: tuple[Store, Gate, SignIn], address: str = "10.0.0.1", password: str = "x" * 20) -> str:
    try:
        asyncio.run(service[2].by_password("li", password, address))
    except (TooMany, Unauthenticated) as error:
        return type(error).__name__
    return "in"


@pytest.fixture
def shared(place: Path | str, monkeypatch: pytest.MonkeyPatch) -> Path | str:
    """A store of one operator with a password; the first wait is a long one, so that however slow a machine does not outlast it."""
    monkeypatch.setitem(PATIENCE, "name", Patience(free=FREE, first_s=60, most_s=60))  # type: ignore[arg-type]
    with open_store(place) as store:
        callers.add_account(store, "li", role="operator")
        callers.give_password(store, "li")
    return place


def test_two_services_count_as_one_and_a_new_start_forgives_nothing(shared):
    one, other = opened(shared), opened(shared)
    told = [guess(service, f"10.0.0.{at}") for at, service in enumerate([one, other] * 3)]
    assert told == ["Unauthenticated"] * (FREE + 1) + ["TooMany"]
    closed(one)
    again = opened(shared)
    try:
        assert (guess(again, password=callers.PASSWORD), guess(other, password=callers.PASSWORD)) == ("TooMany", "TooMany")
    finally:
        closed(again)
        closed(other)


def test_many_at_once_over_two_services_are_no_way_round_the_wait(shared):
    services = opened(shared), opened(shared)

    async def guesses() -> list[BaseException]:
        tries = [service[2].by_password("li", "x" * 20, "10.0.0.1") for service in services for _ in range(12)]
        return await asyncio.gather(*tries, return_exceptions=True)

    kinds = [type(error).__name__ for error in asyncio.run(guesses())]
    for service in services:
        closed(service)
    assert (kinds.count("Unauthenticated"), kinds.count("TooMany")) == (FREE + 1, 24 - FREE - 1)


def test_who_must_wait_costs_the_store_no_write(shared):
    service = opened(shared)
    while guess(service) != "TooMany":
        pass
    before = service[0].commits
    assert [guess(service) for _ in range(5)] == ["TooMany"] * 5
    assert service[0].commits == before
    closed(service)


def test_the_owner_gets_in_a_minute_after_whatever_went_before(shared):
    service = opened(shared)
    tried = by_name("li", "10.9.9.9")
    service[0].transact(lambda connection: [count(connection, tried[:1], dt.datetime.now(dt.UTC)) for _ in range(500)])
    long_ago = sa.update(ATTEMPTS).values(last_at=attempts.stamp(dt.datetime.now(dt.UTC) - dt.timedelta(seconds=61)))
    assert guess(service, password=callers.PASSWORD) == "TooMany"
    service[0].transact(lambda connection: connection.execute(long_ago))
    assert guess(service, password=callers.PASSWORD) == "in"
    with service[0].read() as connection:
        assert wait_s(connection, tried, dt.datetime.now(dt.UTC)) == 0
        assert audit.entries(connection)[0].action == "sign_in"
        assert len(accounts.roll(connection).sessions) == 1
    closed(service)


def test_real_processes_count_together_and_one_that_starts_anew_goes_on(path: Path):
    wrong, right = {"name": "li", "password": "x" * 20}, {"name": "li", "password": callers.PASSWORD}
    with open_store(path) as store:
        callers.add_account(store, "li", role="operator")
        callers.give_password(store, "li")
        with Service(path) as one, Service(path) as other:
            assert [each.ask("POST", "/session", body=wrong)[0] for each in (one, other) * 2] == [401] * 4
            at, name = dt.datetime.now(dt.UTC), by_name("li", "")[:1]
            store.transact(lambda connection: [count(connection, name, at) for _ in range(7)])  # of four and seven waits 60 s
            assert [each.ask("POST", "/session", body=right)[0] for each in (one, other)] == [429, 429]
            one.process.kill()
        with Service(path) as anew:
            status, headers, _ = anew.ask("POST", "/session", body=right)
            assert (status, 0 < int(headers["retry-after"]) <= 60) == (429, True)
