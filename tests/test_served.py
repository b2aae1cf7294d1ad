import asyncio
import datetime as dt
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from shapely.errors import GEOSException

from api import served
from api.served import Follower, Served
from geo_risk.errors import StoreUnavailable
from layers._store import Batch, Snapshot, open_store
from small_city import frames


class LosingStore:
    """A store that can be lost."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.lost, self.problem, self._snapshot = False, "", snapshot

    def snapshot(self) -> Snapshot:
        if self.lost:
            raise StoreUnavailable("the store's file is gone")
        return self._snapshot

    def on_change(self, callback: Callable[[], None]) -> Callable[[], None]:
        return lambda: None


def test_a_lost_store_leaves_the_last_snapshot_and_says_so(small_snapshot: Snapshot) -> None:
    store = LosingStore(small_snapshot)
    follower = Follower(store, 60, lambda _: None)
    store.lost = True
    follower.refresh()
    assert follower.served().snapshot is small_snapshot
    assert follower.served().problem == "the store's file is gone"
    store.lost = False
    follower.refresh()
    assert follower.served().problem == ""


def until(holds: Callable[[], object]) -> None:
    ends = time.monotonic() + 10
    while not holds() and time.monotonic() < ends:
        time.sleep(0.01)
    assert holds()


def test_a_revision_whose_figures_cannot_be_made_is_served_and_said(small_snapshot: Snapshot) -> None:
    store, tries = LosingStore(small_snapshot), []

    def warm(snapshot: Snapshot) -> None:
        tries.append(snapshot)
        if snapshot is not small_snapshot:
            raise GEOSException("side location conflict")

    follower = Follower(store, 0.05, warm)
    follower.start()
    until(lambda: tries)
    store._snapshot = replace(small_snapshot, revision=99)
    until(lambda: follower.served().lacking)
    assert follower.served().snapshot.revision == 99
    assert "cannot be worked with" in follower.served().standing()
    follower.stop()
    assert len(tries) == 2


def test_silence_is_a_problem_of_its_own(small_snapshot: Snapshot) -> None:
    long_ago = dt.datetime.now(tz=dt.UTC) - dt.timedelta(minutes=5)
    assert "not asked" in Served(snapshot=small_snapshot, confirmed_at=long_ago).standing()


def test_another_hands_import_is_served_and_made_warm_afterwards(tmp_path: Path) -> None:
    warmed: list[int] = []
    with open_store(tmp_path / "s.sqlite") as store, open_store(tmp_path / "s.sqlite") as clerk:
        follower = Follower(store, 60, lambda snapshot: warmed.append(snapshot.revision))
        clerk.apply("shelters", frames()["shelters"], Batch(actor="clerk", reason="import", source="x"))
        follower.refresh()
        assert len(follower.served().snapshot.frames["shelters"]) == 2
        follower.start()
        until(lambda: warmed)
        follower.stop()
    assert warmed == [2]


def test_own_commits_are_served_without_waiting_for_the_next_look(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.sqlite") as store:
        follower = Follower(store, 60, lambda _: None)
        follower.start()
        applied = store.apply("shelters", frames()["shelters"], Batch(actor="clerk", reason="import", source="x"))
        served = asyncio.run(follower.at_least(applied.revision, 5))
        follower.stop()
    assert served.snapshot.revision == applied.revision


def test_who_waits_for_a_revision_that_does_not_come_gets_what_there_is_in_time(small_snapshot: Snapshot) -> None:
    began = time.monotonic()
    served = asyncio.run(Follower(LosingStore(small_snapshot), 60, lambda _: None).at_least(10**9, 0.1))
    assert served.snapshot is small_snapshot
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(("much", "kept"), [(1, True), (2, False)])
def test_a_snapshot_far_ahead_of_the_one_kept_is_kept_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, much: int, kept: bool
) -> None:  # fmt: skip
    monkeypatch.setattr(served, "_MUCH_S", 0.0)
    monkeypatch.setattr(served, "_MUCH", much)
    with open_store(tmp_path / "s.sqlite") as store:
        store.apply("shelters", frames()["shelters"], Batch(actor="test", reason="test", source="x"))  # two revisions
        follower, warmed = Follower(store, 60, lambda _: None, keep=tmp_path / "kept", keep_every_s=300), Event()
        monkeypatch.setattr(follower, "_make_warm", lambda _: warmed.set())
        follower.start()
        assert warmed.wait(10)
        if kept:
            until((tmp_path / "kept").exists)
        else:
            time.sleep(0.2)
            assert not (tmp_path / "kept").exists()
        follower.stop()
