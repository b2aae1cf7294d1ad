import datetime as dt
from dataclasses import replace
from pathlib import Path

from shapely.errors import GEOSException

from api.served import Follower, Served
from geo_risk.errors import StoreUnavailable
from layers._store import Batch, Snapshot, open_store
from small_city import frames


class LosingStore:
    """A store that can be lost."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.lost, self._snapshot = False, snapshot

    def snapshot(self) -> Snapshot:
        if self.lost:
            raise StoreUnavailable("the store's file is gone")
        return self._snapshot


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


def test_a_revision_that_cannot_be_made_ready_is_not_served_and_said(small_snapshot: Snapshot) -> None:
    store, tries = LosingStore(small_snapshot), []

    def warm(snapshot: Snapshot) -> None:
        tries.append(snapshot)
        if snapshot is not small_snapshot:
            raise GEOSException("side location conflict")

    follower = Follower(store, 60, warm)
    store._snapshot = replace(small_snapshot, revision=99)
    for _ in range(3):
        follower.refresh()
    assert follower.served().snapshot is small_snapshot
    assert "cannot be worked with" in follower.served().standing()
    assert len(tries) == 2


def test_silence_is_a_problem_of_its_own(small_snapshot: Snapshot) -> None:
    long_ago = dt.datetime.now(tz=dt.UTC) - dt.timedelta(minutes=5)
    assert "not asked" in Served(snapshot=small_snapshot, confirmed_at=long_ago).standing()


def test_another_hands_import_is_served_after_it_was_made_warm(tmp_path: Path) -> None:
    warmed: list[int] = []
    with open_store(tmp_path / "s.sqlite") as store, open_store(tmp_path / "s.sqlite") as clerk:
        follower = Follower(store, 60, lambda snapshot: warmed.append(snapshot.revision))
        clerk.apply("shelters", frames()["shelters"], Batch(actor="clerk", reason="import", source="x"))
        follower.refresh()
        assert len(follower.served().snapshot.frames["shelters"]) == 2
    assert warmed == [0, 2]
