"""The nearest facility by road and which it is, for every node, from the moment the list of closures changes.

Ours: one array of costs written anew, one search from all facilities against the traffic, cost and label of each node. The
peers start from their graph of the open network in memory, take the closures in as each must (igraph and scipy weights,
networkx removed edges, pandana a new network with its contraction hierarchy) and search. Labels are ours and pandana's
alone: igraph, networkx and scipy give bare costs, from all facilities at once (igraph by way of an extra node).
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from bench.street_grid import CLASSES, street_grid
from bench.versus import peer, timed, versus
from geo_risk.access.travel import Spread, Travel, close, on_nodes, spread, weigh
from geo_risk.access.vehicles import Vehicle

CAR = Vehicle(
    id="car", title={"en": "Car"}, mode="car", speed_kmh=dict(zip(CLASSES, (80.0, 60.0, 50.0, 40.0, 30.0), strict=True)),
    heeds_one_way=True, heeds_limit=True, min_depth_m=0.0, max_depth_m=0.3, walk_kmh=4.5, walk_max_m=1000.0,
    source="benchmark", checked="",
)  # fmt: skip


def against_traffic(travel: Travel) -> csr_array:
    """The graph as scipy takes it: from each node what it costs to come from its neighbours."""
    graph = travel.graph
    return csr_array((travel.cost[graph.arcs ^ 1], graph.arc_to, graph.arc_at), shape=(graph.nodes, graph.nodes))


def agrees(ours: Spread, other: object) -> str:
    """The largest difference where both have a way, and how many nodes only one of them reaches."""
    theirs = np.array([np.inf if value is None or value > 1e8 else value for value in np.asarray(other, dtype=object)], dtype=float)
    both = np.isfinite(ours.cost) & np.isfinite(theirs)
    apart = int((np.isfinite(ours.cost) != np.isfinite(theirs)).sum())
    return f"largest difference {np.abs(ours.cost[both] - theirs[both]).max():.1e} s, {apart} nodes reached by one alone"


def measure(nodes: int, facilities: int, folder: Path) -> None:
    rng = np.random.default_rng(7)
    open_ = weigh(street_grid(nodes, 1), CAR)
    graph = open_.graph
    shut = rng.random(graph.links) < 0.01
    targets = np.sort(rng.choice(nodes, facilities, replace=False))
    places, now = on_nodes(graph, targets), close(open_, shut)
    spread(now, places, towards=True)
    np.savez(
        folder / "roads.npz", lon=graph.lon, lat=graph.lat, tail=np.column_stack([graph.end, graph.start]).ravel(),
        head=np.column_stack([graph.start, graph.end]).ravel(), cost=open_.cost, now=now.cost, targets=targets,
    )  # fmt: skip
    matrix = against_traffic(now)
    bare = timed("scipy, bare search", lambda: dijkstra(matrix, indices=targets, min_only=True))
    ours = timed("ours", lambda: spread(close(open_, shut), places, towards=True))
    scipy = timed("scipy", lambda: dijkstra(against_traffic(close(open_, shut)), indices=targets, min_only=True))
    others = [peer(name, "roads", f"nearest_{name}.py", str(folder)) for name in ("igraph", "networkx", "pandana")]
    title = f"nearest of {facilities} facilities for each of {nodes:,} nodes, 1 % of links shut"
    versus(title, ours, [bare, scipy, *others], agrees)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=400_000)
    parser.add_argument("--facilities", type=int, default=500)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geo-risk-bench-") as made_folder:
        measure(given.nodes, given.facilities, Path(made_folder))
