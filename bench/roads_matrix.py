"""Costs by road from 300 origins to 5,000 destinations: ours on all cores, beside scipy, igraph and pandana.

All start from a graph in memory; pandana's contraction hierarchy is built before the clock starts, so its time holds
queries alone. scipy searches the side that has fewer, as ours does, and the columns asked for are cut out.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from bench.roads_nearest import CAR
from bench.street_grid import street_grid
from bench.versus import peer, timed, versus
from geo_risk.access.travel import matrix, on_nodes, weigh


def agrees(ours: np.ndarray, other: object) -> str:
    """The largest difference where both have a way, and how many cells only one of them has."""
    theirs = np.array(other, dtype=float)
    theirs[theirs > 1e6] = np.inf
    both = np.isfinite(ours) & np.isfinite(theirs)
    apart = int((np.isfinite(ours) != np.isfinite(theirs)).sum())
    return f"largest difference {np.abs(ours[both] - theirs[both]).max():.1e} s, {apart} cells that one alone has"


def measure(nodes: int, origins: int, destinations: int, folder: Path) -> None:
    rng = np.random.default_rng(8)
    travel = weigh(street_grid(nodes, 1), CAR)
    graph = travel.graph
    sources, targets = rng.choice(nodes, origins, replace=False), rng.choice(nodes, destinations, replace=False)
    here, there = on_nodes(graph, sources), on_nodes(graph, targets)
    matrix(travel, here.take([0]), there)
    np.savez(
        folder / "roads.npz", lon=graph.lon, lat=graph.lat, tail=np.column_stack([graph.start, graph.end]).ravel(),
        head=np.column_stack([graph.end, graph.start]).ravel(), cost=travel.cost, sources=sources, targets=targets,
    )  # fmt: skip
    lists = csr_array((travel.cost[graph.arcs], graph.arc_to, graph.arc_at), shape=(nodes, nodes))
    ours = timed("ours", lambda: matrix(travel, here, there))
    scipy = timed("scipy", lambda: dijkstra(lists, indices=sources)[:, targets], 1)
    others = [peer(name, "roads", f"matrix_{name}.py", str(folder)) for name in ("igraph", "pandana")]
    versus(f"{origins} x {destinations:,} matrix on {nodes:,} nodes", ours, [scipy, *others], agrees)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--origins", type=int, default=300)
    parser.add_argument("--destinations", type=int, default=5_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geo-risk-bench-") as made_folder:
        measure(given.nodes, given.origins, given.destinations, Path(made_folder))
