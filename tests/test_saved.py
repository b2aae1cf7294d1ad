"""The snapshot on disk: what was put in comes out, and a file of any other content is never served."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.errors import StoreFull, StoreUnavailable
from layers._catalog import catalog
from layers._frame import empty, typed
from layers._kept_file import kept_file, read_ahead, saved_path
from layers._store import PUBLIC, WHOLE, Batch, Sight, Snapshot, open_store, seen
from layers._store.frames import Frames, Part, Pending, part_of, position, spliced
from layers._store.saved import save, saved
from small_city import frames

ME = Batch(actor="clerk", reason="import", source="x")


def same(one: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> bool:
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(other))
    return bool(one.crs == other.crs and (one.geometry.to_wkb().fillna("") == other.geometry.to_wkb().fillna("")).all())


@pytest.fixture
def kept(small_snapshot: Snapshot, tmp_path: Path) -> Path:
    save(small_snapshot, tmp_path / "s.snapshot")
    return tmp_path / "s.snapshot"


def test_what_was_kept_comes_back_in_every_layer(small_snapshot: Snapshot, kept: Path) -> None:
    back = saved(kept, catalog())
    assert back is not None
    assert (back.revision, back.head, back.updated) == (small_snapshot.revision, small_snapshot.head, small_snapshot.updated)
    assert all(same(back.frames[layer_id], small_snapshot.frames[layer_id]) for layer_id in catalog())


def test_it_is_for_its_owners_eyes_and_leaves_nothing_beside(kept: Path) -> None:
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in kept.parent.iterdir()] == ["s.snapshot"]


@pytest.mark.parametrize("content", [b"", b"x", b"geo-risk snapshot 1\n", b"geo-risk snapshot 1\n" + b"\0" * 100, b"{}" * 1000])
def test_a_foreign_file_is_none_of_ours(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)
    assert saved(tmp_path / "f", catalog()) is None
    assert saved(tmp_path / "none", catalog()) is None


@settings(max_examples=25, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_flipped_bit_anywhere_and_it_is_not_served(flipped: Path, where: float, bit: int) -> None:
    content = bytearray((flipped / "s.snapshot").read_bytes())
    content[int(where * len(content))] ^= 1 << bit
    (flipped / "f").write_bytes(content)
    assert saved(flipped / "f", catalog()) is None


@pytest.fixture(scope="module")
def flipped(small_snapshot: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flipped")
    save(small_snapshot, folder / "s.snapshot")
    return folder


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_not_served(kept: Path, share: float) -> None:
    content = kept.read_bytes()
    kept.write_bytes(content[: int(len(content) * share)])
    assert saved(kept, catalog()) is None


def test_a_file_made_by_other_declarations_is_not_served(kept: Path) -> None:
    other = dict(catalog())
    other["aeds"] = replace(other["aeds"], columns=other["aeds"].columns[:-1])
    assert saved(kept, other) is None
    assert saved(kept, {"aeds": catalog()["aeds"]}) is None
    assert saved(kept, catalog()) is not None


def test_it_is_taken_up_by_the_store_it_was_made_of_alone(tmp_path: Path) -> None:
    for name in ("one", "other"):
        with open_store(tmp_path / f"{name}.sqlite") as store:
            store.apply("shelters", frames()["shelters"], ME if name == "one" else replace(ME, reason="another"))
            save(store.snapshot(), saved_path(tmp_path / f"{name}.sqlite"))
    back = saved(tmp_path / "one.snapshot", catalog())
    assert back is not None
    with open_store(tmp_path / "other.sqlite") as other:
        assert other.take_up(back) is False
    with open_store(tmp_path / "one.sqlite") as one:
        assert one.take_up(back) is True
        assert one.snapshot() is back


def test_a_store_set_back_does_not_take_up_what_came_after(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with open_store(path) as store:
        store.apply("shelters", frames()["shelters"].iloc[:1], ME)
    shutil.copy(path, tmp_path / "before.sqlite")
    with open_store(path) as store:
        store.apply("shelters", frames()["shelters"], ME)
        save(store.snapshot(), tmp_path / "s.snapshot")
    back = saved(tmp_path / "s.snapshot", catalog())
    assert back is not None
    with open_store(tmp_path / "before.sqlite") as before:
        assert before.take_up(back) is False
        assert len(before.snapshot().frames["shelters"]) == 1


def test_what_came_since_is_put_on_top(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with open_store(path) as store:
        store.apply("shelters", frames()["shelters"], ME)
        save(store.snapshot(), saved_path(path))
        store.remove("shelters", ["shut"], ME)
        store.apply("towns", frames()["towns"], ME)
        wanted = store.snapshot()
    back = saved(saved_path(path), catalog())
    assert back is not None
    with open_store(path) as store:
        assert store.take_up(back)
        newest = store.snapshot()
    assert newest.revision == wanted.revision
    assert all(same(newest.frames[layer_id], wanted.frames[layer_id]) for layer_id in ("shelters", "towns", "aeds"))


def test_a_folder_that_takes_nothing_is_told_and_nothing_is_left(small_snapshot: Snapshot, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="a restart takes longer"):
        save(small_snapshot, tmp_path / "no folder" / "s.snapshot")


def test_the_store_needs_the_room_more(small_snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layers._kept_file.shutil.disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(StoreFull, match="no room"):
        save(small_snapshot, tmp_path / "s.snapshot")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sight", [WHOLE, PUBLIC], ids=["whole", "public"])
@pytest.mark.parametrize(("start", "stop"), [(0, 1), (1, 5), (0, 0), (3, 2), (90, 99), (0, 10**6)])
def test_a_page_of_a_frame_that_is_not_made_yet_is_the_page_of_the_frame(
    kept: Path, small_snapshot: Snapshot, sight: Sight, start: int, stop: int
) -> None:  # fmt: skip
    back = saved(kept, catalog())
    assert back is not None
    pending, made = seen(back, sight), seen(small_snapshot, sight)
    for layer_id in made.layers:
        rows, of = part_of(pending.frames, layer_id, start, stop)
        assert of == len(made.frames[layer_id])
        assert same(rows, made.frames[layer_id].iloc[start:stop])


def test_a_page_makes_no_whole_frame() -> None:
    def whole() -> gpd.GeoDataFrame:
        raise AssertionError("a page does not need it")

    pending = Frames({"aeds": Pending(whole, lambda start, stop: Part(empty(catalog()["aeds"]), stop - start))})
    assert pending.part("aeds", 3, 7).of == 4


def test_what_a_start_reads_ahead_is_what_is_in_the_file(kept: Path, small_snapshot: Snapshot) -> None:
    ahead, none = read_ahead(kept), read_ahead(kept.with_name("none"))
    found = ahead()
    assert found == kept_file(kept)
    assert found is not None
    assert (found.said["revision"], list(found.parts)) == (small_snapshot.revision, list(small_snapshot.frames))
    assert none() is None


def test_frames_are_made_once_and_only_when_asked_for() -> None:
    made: list[str] = []

    def make() -> gpd.GeoDataFrame:
        made.append("aeds")
        return empty(catalog()["aeds"])

    first = Frames({"aeds": make, "towns": empty(catalog()["towns"])})
    second = first.with_changed({"towns": frames()["towns"]})
    assert (made, len(second), "aeds" in second) == ([], 2, True)
    assert first["aeds"] is second["aeds"] is first["aeds"]
    assert made == ["aeds"]


ROWS = st.dictionaries(st.sampled_from("abcdefghij"), st.tuples(st.sampled_from(["A", "B", None]), st.integers(0, 3)), max_size=10)


def shelters(rows: dict[str, tuple[str | None, int]]) -> gpd.GeoDataFrame:
    columns = {"name": [name for name, _ in rows.values()], "capacity": [lon or None for _, lon in rows.values()]}
    return typed(catalog()["shelters"], columns, [shapely.Point(lon, 30) for _, lon in rows.values()], list(rows))


@settings(max_examples=80, deadline=None)
@given(before=ROWS, after=ROWS, more=st.sets(st.sampled_from("abcdefghij")))
def test_a_frame_brought_forward_is_the_frame_made_from_nothing(
    before: dict[str, tuple[str | None, int]], after: dict[str, tuple[str | None, int]], more: set[str]
) -> None:
    before, after = dict(sorted(before.items())), dict(sorted(after.items()))
    known = before.keys() | after.keys()
    changed = {fid for fid in known if before.get(fid) != after.get(fid)} | (more & known)
    fresh = shelters({fid: row for fid, row in after.items() if fid in changed})
    made = spliced(shelters(before), fresh, changed)
    assert same(made, shelters(after))
    assert [position(made, fid) for fid in after] == list(range(len(after)))
    assert position(made, "zz") is None


def test_a_column_that_stays_is_the_same_and_so_is_an_index_over_it() -> None:
    before = shelters({"a": ("A", 1), "b": ("B", 2)})
    tree = before.sindex
    after = spliced(before, shelters({"b": ("C", 2)}), ["b"])
    assert after["name"].tolist() == ["A", "C"]
    assert after.sindex is tree
    assert spliced(before, shelters({"b": ("B", 3)}), ["b"]).sindex is not tree


def test_the_head_holds_no_more_than_it_must(kept: Path) -> None:
    content = kept.read_bytes()
    length = int.from_bytes(content[-40:-32], "little")
    assert set(json.loads(content[-40 - length : -40])) == {"revision", "head", "recorded_at", "updated", "declarations", "parts"}
