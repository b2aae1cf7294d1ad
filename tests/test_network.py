"""The saved road network: the same graph again, made anew whenever there is any doubt."""

import io
import pickle
from dataclasses import fields
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo_risk.access.road_graph import RoadGraph
from layers import _network
from layers._catalog import layer
from layers._frame import empty, typed
from layers._network import digest, load, road_network, save

SHAPES = [shapely.LineString([(120, 30), (120.02, 30)]), shapely.LineString([(120.01, 29.99), (120.01, 30.01)])]


def roads(names: tuple[str | None, str | None] = ("东西路", None), index: tuple[str, str] = ("a", "b")) -> gpd.GeoDataFrame:
    return typed(layer("roads"), {"name": names, "road_class": ["town", "path"]}, SHAPES, index)


def same(one: RoadGraph, other: RoadGraph) -> bool:
    pairs = [(getattr(one, field.name), getattr(other, field.name)) for field in fields(RoadGraph)]
    alike = (
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f") and a.dtype == b.dtype if isinstance(a, np.ndarray) else a == b
        for a, b in pairs
    )  # fmt: skip
    return all(alike)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time a graph is made."""
    count: list[int] = []
    really = _network.road_graph
    monkeypatch.setattr(_network, "road_graph", lambda *given, **more: count.append(1) or really(*given, **more))
    return count


def test_the_second_time_it_is_read_and_equal_to_the_last_array(tmp_path: Path, made: list[int]) -> None:
    first, again = (road_network(roads(), tmp_path / "roads.npz") for _ in range(2))
    assert same(first, again)
    assert (len(made), first.links, first.nodes, first.names) == (1, 4, 5, ("东西路", ""))
    assert [file.name for file in tmp_path.iterdir()] == ["roads.npz"]


def test_a_path_is_for_bicycles_and_feet_as_its_class_is(tmp_path: Path) -> None:
    graph = road_network(roads(), tmp_path / "roads.npz")
    assert sorted(zip(graph.feature.tolist(), graph.forward.tolist(), strict=True)) == [(0, 15), (0, 15), (1, 12), (1, 12)]


OTHERS = [roads(("南北路", None)), roads(index=("a", "c")), roads().iloc[:1], roads().set_geometry(SHAPES[::-1], crs=4326)]


@pytest.mark.parametrize("other", OTHERS, ids=["name", "id", "fewer", "geometry"])
def test_other_rows_are_another_network(tmp_path: Path, made: list[int], other: gpd.GeoDataFrame) -> None:
    for frame in (roads(), other):
        road_network(frame, tmp_path / "roads.npz")
    assert len(made) == 2


def test_a_column_that_no_road_is_drawn_by_changes_nothing() -> None:
    assert digest(roads()) == digest(roads().assign(emergency_rank=3, revision=7))


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("a pickle was opened",)


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"no network", b"PK\x03\x04" + bytes(200), pickle.dumps(Trap()), npy(np.zeros(3))], ids=range(6)
)
def test_a_foreign_file_is_replaced(tmp_path: Path, made: list[int], content: bytes) -> None:
    path = tmp_path / "roads.npz"
    path.write_bytes(content)
    assert road_network(roads(), path).links == 4
    assert (len(made), load(path, digest(roads())) is not None) == (1, True)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_file_cut_short_or_with_a_byte_changed_is_not_trusted(tmp_path: Path, share: float) -> None:
    path = tmp_path / "roads.npz"
    graph = road_network(roads(), path)
    whole = path.read_bytes()
    at = int(len(whole) * share)
    path.write_bytes(whole[:at])
    assert load(path, digest(roads())) is None
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
    found = load(path, digest(roads()))
    assert found is None or same(found, graph)  # a byte of a time or an attribute changes nothing


@pytest.mark.parametrize(
    ("name", "value"), [("start", 99), ("lon", np.nan), ("length_m", -1.0), ("road_class", 7), ("feature", -1)]
)
def test_arrays_out_of_range_are_not_trusted(tmp_path: Path, name: str, value: float) -> None:
    path = tmp_path / "roads.npz"
    graph = road_network(roads(), path)
    getattr(graph, name)[0] = value
    assert save(graph, path, "key")
    assert load(path, "key") is None


def test_no_roads_are_a_network_too(tmp_path: Path) -> None:
    for _ in range(2):
        assert road_network(empty(layer("roads")), tmp_path / "roads.npz").nodes == 0


def test_where_it_cannot_be_saved_the_graph_is_given_all_the_same(tmp_path: Path) -> None:
    assert road_network(roads(), tmp_path / "nowhere" / "roads.npz").links == 4
    (tmp_path / "folder").mkdir()
    assert road_network(roads(), tmp_path / "folder").links == 4
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]
