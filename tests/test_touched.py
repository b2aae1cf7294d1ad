"""What a shape touches after features moved is what it touches by looking at each."""

import gc

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.crs import WGS84
from layers._store import touched as module
from layers._store.frames import spliced
from layers._store.touched import touched

SPOTS = st.one_of(st.none(), st.builds(shapely.Point, st.integers(0, 4), st.integers(0, 4)))
BOXES = st.builds(lambda x, y, w, h: shapely.box(x, y, x + w, y + h), *[st.integers(0, 4)] * 4)


def frame(places: list[shapely.Point | None], ids: list[str] | None = None) -> gpd.GeoDataFrame:
    index = [f"{n:02d}" for n in range(len(places))] if ids is None else ids
    return gpd.GeoDataFrame({"name": [str(place) for place in places]}, geometry=places, index=index, crs=WGS84)


def by_looking(rows: gpd.GeoDataFrame, shape: shapely.Polygon) -> list[int]:
    return [n for n, place in enumerate(rows.geometry) if place is not None and place.intersects(shape)]


def moved(rows: gpd.GeoDataFrame, to: dict[str, shapely.Point | None]) -> gpd.GeoDataFrame:
    return spliced(rows, frame(list(to.values()), list(to)), to)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), places=st.lists(SPOTS, min_size=1, max_size=12))
def test_it_is_what_looking_at_each_finds_after_every_move(data: st.DataObject, places: list[shapely.Point | None]) -> None:
    rows = frame(places)
    for _ in range(data.draw(st.integers(1, 4))):
        box = data.draw(BOXES)
        assert touched(rows, box).tolist() == by_looking(rows, box)
        rows = moved(rows, data.draw(st.dictionaries(st.sampled_from(list(rows.index)), SPOTS, max_size=5)))
    box = data.draw(BOXES)
    assert touched(rows, box).tolist() == by_looking(rows, box)


@pytest.fixture
def grid() -> gpd.GeoDataFrame:
    rows = frame([shapely.Point(n, 0) for n in range(10)])
    assert touched(rows, shapely.box(2, 0, 4, 1)).tolist() == [2, 3, 4]
    return rows


def test_a_move_makes_no_tree_anew(grid: gpd.GeoDataFrame) -> None:
    once = moved(grid, {"03": shapely.Point(9, 9)})
    twice = moved(once, {"00": shapely.Point(3, 0), "03": shapely.Point(4, 0)})
    assert touched(once, shapely.box(2, 0, 4, 1)).tolist() == [2, 4]
    assert touched(twice, shapely.box(2, 0, 4, 1)).tolist() == [0, 2, 3, 4]
    assert not once.geometry.array.has_sindex
    assert not twice.geometry.array.has_sindex


def test_the_rows_before_are_as_they_were(grid: gpd.GeoDataFrame) -> None:
    moved(grid, {"03": shapely.Point(9, 9)})
    assert touched(grid, shapely.box(2, 0, 4, 1)).tolist() == [2, 3, 4]


def test_many_moves_make_it_anew(grid: gpd.GeoDataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 1)
    once, far = moved(grid, {"03": shapely.Point(9, 9)}), shapely.box(8, 8, 9, 9)
    twice = moved(once, {"04": shapely.Point(9, 9)})
    assert [touched(rows, far).tolist() for rows in (grid, once, twice)] == [[], [3], [3, 4]]
    assert twice.geometry.array.has_sindex


def test_rows_that_come_or_go_make_it_anew(grid: gpd.GeoDataFrame) -> None:
    fewer = spliced(grid, frame([], []), ["03"])
    more = moved(grid, {"035": shapely.Point(3.5, 0)})
    box = shapely.box(2, 0, 4, 1)
    assert (touched(fewer, box).tolist(), touched(more, box).tolist()) == ([2, 3], [2, 3, 4, 5])


def test_nothing_is_kept_of_frames_that_are_gone(grid: gpd.GeoDataFrame) -> None:
    before = len(module._aged)
    later = moved(grid, {"03": shapely.Point(9, 9)})
    assert len(module._aged) == before + 1
    del later
    gc.collect()
    assert len(module._aged) == before


@pytest.mark.parametrize("part", [slice(3, 8), slice(0, 5), slice(None, None, -1)])
def test_a_part_of_moved_rows_is_looked_at_by_itself(grid: gpd.GeoDataFrame, part: slice) -> None:
    rows, box = moved(grid, {"03": shapely.Point(9, 9)}).iloc[part], shapely.box(2, 0, 9, 9)
    assert touched(rows, box).tolist() == by_looking(rows, box)


def test_no_rows_touch_nothing() -> None:
    assert touched(frame([]), shapely.box(0, 0, 1, 1)).tolist() == []
    assert np.array_equal(touched(frame([None, None]), shapely.box(0, 0, 1, 1)), [])
