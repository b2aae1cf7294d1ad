"""A matrix of costs by pandana's contraction hierarchy, built before the clock starts: folder."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pandana
import pandas as pd
from clock import Clock

answers = os.fdopen(os.dup(1), "w")  # pandana's C++ talks on the standard output
os.dup2(2, 1)

roads = np.load(Path(sys.argv[1]) / "roads.npz")
kept = np.isfinite(roads["cost"])
tail, head, cost = (pd.Series(roads[name][kept]) for name in ("tail", "head", "cost"))
network = pandana.Network(pd.Series(roads["lon"]), pd.Series(roads["lat"]), tail, head, cost.to_frame("cost"), twoway=False)
sources, targets = roads["sources"], roads["targets"]
clock = Clock()
found = network.shortest_path_lengths(np.repeat(sources, len(targets)), np.tile(targets, len(sources)))
figures = clock.figures()
table = np.minimum(found, 1e9).reshape(len(sources), len(targets))
print(json.dumps({**figures, "answer": table.tolist()}), file=answers, flush=True)
