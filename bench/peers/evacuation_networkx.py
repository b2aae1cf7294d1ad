"""The evacuation by networkx' network simplex on all ways: ``evacuation_networkx.py FILE``; people placed and person-seconds."""

import json
import sys
from pathlib import Path

import networkx as nx
import numpy as np
from clock import Clock


def main(path: Path) -> None:
    data = np.load(path)
    people, free, seconds, limit_s = data["people"], data["free"], data["seconds"], float(data["limit_s"])
    clock = Clock()
    graph = nx.DiGraph()
    groups, shelters = seconds.shape
    dear = (shelters + 2) * int(seconds.max()) + 1
    graph.add_node("sink", demand=int(people.sum()))
    for at in range(groups):
        graph.add_node(at, demand=-int(people[at]))
        graph.add_edge(at, "nobody", weight=dear)
    group, shelter = np.nonzero(seconds <= limit_s)
    cost = seconds[group, shelter].astype(int)
    graph.add_weighted_edges_from(zip(group.tolist(), (shelter + groups).tolist(), cost.tolist(), strict=True))
    for at in range(shelters):
        graph.add_edge(at + groups, "sink", capacity=int(free[at]), weight=0)
    graph.add_edge("nobody", "sink", weight=0)
    _, flow = nx.network_simplex(graph)
    sent = [(count, int(seconds[at, to - groups])) for at in range(groups) for to, count in flow[at].items() if to != "nobody"]
    answer = [sum(count for count, _ in sent), sum(count * each for count, each in sent)]
    print(json.dumps(clock.figures() | {"answer": answer}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
