"""The store is lost: reads go on and say how old they are, writes are refused in time, and it heals when the cause is gone."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

import callers
from api.opening import opened
from api.served import Follower
from api.standing import headers_of
from geo_risk.errors import StoreCorrupt, StoreFull, StoreUnavailable
from layers._kept_file import kept_file, saved_path
from layers._store import Batch, Change, Store, open_store
from layers._store.writer import Writer
from running import Service
from small_city import frames

ME = Batch(actor="clerk", reason="import", source="x")
WRITES_ANSWER_S = 2.0
"""By when a write is told that the store takes none."""


def until(holds: Callable[[], object], seconds: float = 15) -> None:
    ends = time.monotonic() + seconds
    while not holds() and time.monotonic() < ends:
        time.sleep(0.02)
    assert holds()


def refreshed(follower: Follower) -> str:
    follower.refresh()
    return follower.served().problem


def renamed(store: Store, name: str) -> int:
    return store.write(ME, [Change(layer="shelters", fid="shut", op="patch", values={"name": name})]).revision


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "s.sqlite") as made:
        made.apply("shelters", frames()["shelters"], ME)
        yield made


def test_a_file_put_back_is_written_again(store: Store, tmp_path: Path) -> None:
    away = (tmp_path / "s.sqlite").rename(tmp_path / "away")
    with pytest.raises(StoreUnavailable, match="moved, deleted or replaced"):
        renamed(store, "Lost")
    assert "moved" in store.problem
    away.rename(tmp_path / "s.sqlite")
    until(lambda: not store.problem)
    renamed(store, "Found")
    assert store.snapshot().frames["shelters"].loc["shut", "name"] == "Found"


def test_another_store_in_its_place_is_not_written(store: Store, tmp_path: Path) -> None:
    renamed(store, "Acknowledged")
    (tmp_path / "s.sqlite").rename(tmp_path / "away")
    with open_store(tmp_path / "other.sqlite") as other:
        other.apply("shelters", frames()["shelters"], ME)
    (tmp_path / "other.sqlite").rename(tmp_path / "s.sqlite")
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="put it back"):
            renamed(store, "Lost")
        time.sleep(0.3)


class Refusing:
    """A database whose commits fail as its disk says, until it is mended."""

    def __init__(self, store: Store) -> None:
        self._database, self.code = store.database, 0
        self.connections = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._database, name)

    def connect(self, *, writes: bool = False) -> sa.Connection:
        self.connections += 1
        connection = self._database.connect(writes=writes)
        sa.event.listen(connection, "commit", self._refuse)
        return connection

    def _refuse(self, _: sa.Connection) -> None:
        if self.code:
            error = sqlite3.OperationalError("disk")
            error.sqlite_errorcode = self.code
            raise error


def refusing(store: Store) -> Refusing:
    """The store writes through such a database from now on."""
    database, before = Refusing(store), store._writer
    before.close()
    store._writer = Writer(database, before._look_up)  # type: ignore[arg-type]
    return database


@pytest.mark.parametrize(
    ("code", "kind"),
    [(sqlite3.SQLITE_FULL, StoreFull), (sqlite3.SQLITE_IOERR_FSYNC, StoreUnavailable), (sqlite3.SQLITE_CORRUPT, StoreCorrupt)],
)
def test_a_failed_commit_is_never_tried_again_on_its_connection(store: Store, code: int, kind: type[Exception]) -> None:
    database = refusing(store)
    renamed(store, "Before")
    database.code, known = code, database.connections
    with pytest.raises(kind):
        renamed(store, "Refused")
    assert store.problem
    database.code = 0
    until(lambda: not store.problem)
    assert database.connections > known
    assert store.feature("shelters", "shut").values["name"] == "Before"
    renamed(store, "After")
    assert store.verify().revisions == store.snapshot().revision


def test_while_it_fails_writes_are_refused_at_once(store: Store) -> None:
    database = refusing(store)
    database.code = sqlite3.SQLITE_FULL
    began = time.monotonic()
    for _ in range(20):
        with pytest.raises(StoreFull, match="the disk is full"):
            renamed(store, "Refused")
    assert time.monotonic() - began < 2
    assert database.connections < 15


def test_a_log_that_lost_what_was_acknowledged_is_not_written(store: Store, tmp_path: Path) -> None:
    database = refusing(store)
    renamed(store, "Acknowledged")
    database.code = sqlite3.SQLITE_IOERR_FSYNC
    with pytest.raises(StoreUnavailable):
        renamed(store, "Refused")
    with sqlite3.connect(tmp_path / "s.sqlite") as hand:
        hand.execute("UPDATE revisions SET hash = x'00' WHERE seq = (SELECT max(seq) FROM revisions)")
    database.code = 0
    until(lambda: "does not hold what was acknowledged" in store.problem)
    with pytest.raises(StoreCorrupt, match="does not hold what was acknowledged"):
        renamed(store, "Refused")


def test_answers_say_how_old_they_are_and_why(store: Store, tmp_path: Path) -> None:
    follower = Follower(store, 60, lambda _: None)
    revision = follower.served().snapshot.revision
    assert headers_of(follower.served()) == [(b"geo-risk-revision", b"%d" % revision)]
    (tmp_path / "s.sqlite").rename(tmp_path / "away")
    follower.refresh()
    said = dict(headers_of(follower.served()))
    assert said[b"geo-risk-snapshot-age"].isdigit()
    assert b"moved" in said[b"geo-risk-problem"]
    (tmp_path / "away").rename(tmp_path / "s.sqlite")
    follower.refresh()
    assert follower.served().problem == ""


def test_a_store_that_is_gone_at_the_start_is_served_from_what_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with open_store(path) as store:
        store.apply("shelters", frames()["shelters"], ME)
        follower = Follower(store, 60, lambda _: None, keep=saved_path(path))
        follower.stop()
    path.rename(tmp_path / "away")
    lost, first = opened(path, kept_file(saved_path(path)))
    follower = Follower(lost, 60, lambda _: None, first=first)
    assert len(follower.served().snapshot.frames["shelters"]) == 2
    assert "there is no store" in follower.served().problem
    assert not path.exists()
    with pytest.raises(StoreUnavailable):
        renamed(lost, "Lost")
    (tmp_path / "away").rename(path)
    until(lambda: not refreshed(follower))
    until(lambda: not lost.problem)
    renamed(lost, "Found")
    lost.close()


def test_without_anything_kept_a_store_that_cannot_be_opened_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "s.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreCorrupt):
        opened(tmp_path / "s.sqlite", kept_file(saved_path(tmp_path / "s.sqlite")))


def test_the_service_goes_on_without_its_store_and_heals(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with open_store(path) as store:
        store.apply("shelters", frames()["shelters"], ME)
        callers.settle(store)
    with Service(path) as service:
        service.rename("shut", "Before")
        path.rename(tmp_path / "away")
        until(lambda: "geo-risk-problem" in service.ask("GET", "/collections")[1])
        status, headers, _ = service.ask("GET", "/collections/shelters/items")
        assert (status, headers["geo-risk-snapshot-age"].isdigit()) == (200, True)
        feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [0.005, 0.005]}, "properties": {"name": "New"}}
        waits = []
        for _ in range(3):
            began = time.monotonic()
            assert service.ask("POST", "/collections/shelters/items", "operator", feature)[0] in (503, 507)
            waits.append(time.monotonic() - began)
        assert min(waits) < WRITES_ANSWER_S, waits  # of three, as the machine does other things too
        (tmp_path / "away").rename(path)
        until(lambda: "geo-risk-problem" not in service.ask("GET", "/collections")[1])
        until(lambda: service.ask("POST", "/collections/shelters/items", "operator", feature)[0] in (201, 422, 400))
