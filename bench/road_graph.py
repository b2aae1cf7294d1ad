"""Making the road graph, saving and loading it: the demo city's roads, and a grid-like city of any size from its lines.

``python -m bench.road_graph --nodes 40000`` is a tenth of it. The peer is GEOS, which nodes lines without levels, tolerance or ids.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from bench.figures import Figure, peak_mb, told
from bench.street_grid import CLASSES, street_grid
from geo_risk.access.road_graph import RoadGraph
from geo_risk.access.road_lines import road_graph
from layers._demo import make_city
from layers._network import load, save


def as_lines(graph: RoadGraph) -> gpd.GeoDataFrame:
    """Every link as a row of a frame."""
    lines = shapely.linestrings(graph.points, indices=np.repeat(np.arange(graph.links), np.diff(graph.point_at)))
    kinds = np.array(CLASSES, dtype=object)[graph.road_class]
    return gpd.GeoDataFrame({"road_class": kinds, "one_way": graph.backward != graph.forward}, geometry=lines, crs=4326)


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    answer = work()
    return time.perf_counter() - start, answer


def measure(nodes: int, folder: Path) -> None:
    city = make_city().layers["roads"]
    demo_s, demo = seconds(lambda: road_graph(city))
    lines = as_lines(street_grid(nodes, seed=1))
    shared_s, _ = seconds(lambda: road_graph(lines, noding="shared points"))
    crossed_s, graph = seconds(lambda: road_graph(lines))
    geos_s, noded = seconds(lambda: shapely.get_parts(shapely.node(shapely.multilinestrings(lines.geometry.to_numpy()))))
    path = folder / "roads.npz"
    save_s, _ = seconds(lambda: save(graph, path, "key"))
    load_s, _ = seconds(lambda: load(path, "key"))
    size = f"{shapely.get_num_coordinates(lines.geometry.to_numpy()).sum():,} points"
    told([
        Figure(f"demo city, {demo.links:,} links: graph by crossings", demo_s, "s"),
        Figure(f"{graph.nodes:,} nodes, {graph.links:,} links of {size}: graph by shared points", shared_s, "s"),
        Figure("the same by crossings", crossed_s, "s"),
        Figure(f"GEOS nodes the same lines ({len(noded):,} pieces), no graph", geos_s, "s"),
        Figure("ratio, GEOS to ours by crossings", geos_s / crossed_s, "times"),
        Figure("saved", save_s, "s"),
        Figure("loaded", load_s, "s"),
        Figure("its file", path.stat().st_size / 1e6, "MB"),
        Figure("peak memory", peak_mb(), "MB"),
    ])  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=400_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geo-risk-bench-") as made_folder:
        measure(given.nodes, Path(made_folder))
