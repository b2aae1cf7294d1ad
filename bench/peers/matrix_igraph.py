"""A matrix of costs by igraph: folder."""

import json
import sys
from pathlib import Path

import igraph
import numpy as np
from clock import Clock

roads = np.load(Path(sys.argv[1]) / "roads.npz")
kept = np.isfinite(roads["cost"])
graph = igraph.Graph(n=len(roads["lon"]), edges=np.column_stack([roads["tail"][kept], roads["head"][kept]]), directed=True)
weights, sources, targets = roads["cost"][kept].tolist(), roads["sources"].tolist(), roads["targets"].tolist()
clock = Clock()
found = graph.distances(source=sources, target=targets, weights=weights)
print(json.dumps({**clock.figures(), "answer": [[min(cost, 1e9) for cost in row] for row in found]}))
