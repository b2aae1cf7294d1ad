"""A real file system of 8 MB fills up: writes are refused as that, reads go on, and all goes on by itself when there is room."""

import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import shapely
from conftest import require_small_disk

from geo_risk.errors import StoreFull, StoreUnavailable
from layers._catalog import catalog
from layers._frame import typed
from layers._store import Batch, Change, Store, open_store

pytestmark = pytest.mark.crash

AEDS = catalog()["aeds"]


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    require_small_disk(place, "size=8m")
    yield place
    subprocess.run(["umount", place], check=True)


@contextmanager
def filled(place: Path):
    """The file system full until the block ends; what is given fills it again to the last byte."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:

        def fill() -> None:
            with suppress(OSError):
                while file.write(bytes(4096)) == 4096:
                    pass

        fill()
        yield fill
    ballast.unlink()


def opened(place: Path) -> Store:
    return open_store(place / "data" / "store.db", layers={"aeds": AEDS})


def put(store: Store, name: str) -> int:
    wanted = Change(layer="aeds", fid=name, op="put", values={"name": name}, geometry=shapely.Point(120, 30))
    return store.write(Batch("test", "full disk", "test"), [wanted]).revision


def until_written(store: Store, name: str, within_s: float = 5.0) -> int:
    end = time.monotonic() + within_s
    while True:
        try:
            return put(store, name)
        except StoreUnavailable:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def test_a_full_disk_takes_no_writes_loses_none_and_heals(small_disk):
    with opened(small_disk) as store:
        acknowledged = {f"before {number}": put(store, f"before {number}") for number in range(3)}
        with filled(small_disk) as fill:
            began, refused, problems = time.monotonic(), 0, set()
            for number in range(20):
                try:
                    acknowledged[f"during {number}"] = put(store, f"during {number}")
                except StoreFull as full:
                    problems.add(full.what)
                    # room that SQLite gave back is taken again
                    fill()
                    refused += 1
            assert refused > 10
            assert time.monotonic() - began < 20 * 2
            assert set(store.snapshot().frames["aeds"].index) == set(acknowledged)
        assert problems == {"the disk is full; nothing was changed"}
        acknowledged["after"] = until_written(store, "after")
        assert store.problem == ""
        assert {fid: store.history("aeds", fid)[0].seq for fid in acknowledged} == acknowledged
        assert store.verify().revisions == len(acknowledged)


def test_an_import_that_does_not_fit_leaves_nothing(small_disk):
    rows = 100_000
    frame = typed(AEDS, {"name": ["x" * 50] * rows}, shapely.points([120.0] * rows, [30.0] * rows), list(map(str, range(rows))))
    with opened(small_disk) as store:
        put(store, "before")
        with pytest.raises(StoreFull, match="the disk is full"):
            store.apply("aeds", frame, Batch("test", "too large", "test"))
        assert until_written(store, "after") == 2
        assert store.verify().features == 2


def test_a_store_that_cannot_be_opened_on_a_full_disk_says_why(small_disk):
    with opened(small_disk) as store:
        put(store, "before")
    with filled(small_disk), pytest.raises(StoreUnavailable, match="disk"), opened(small_disk) as store:
        put(store, "during")
    with opened(small_disk) as store:
        assert store.verify().revisions == 1
