"""The k nearest points of each place by scikit-learn's BallTree (haversine, a sphere); prints what it took and a sample."""

import json
import sys

import numpy as np
from clock import Clock
from sklearn.neighbors import BallTree

data = np.load(sys.argv[1])
points = np.radians(np.column_stack([data["lat"], data["lon"]]))
asked = np.radians(np.column_stack([data["asked_lat"], data["asked_lon"]]))
tree = BallTree(points, metric="haversine")
clock = Clock()
_, found = tree.query(asked, k=int(data["k"]))
figures = clock.figures()
sample, k = int(data["sample"]), int(data["k"])
pairs = np.column_stack([np.repeat(np.arange(sample), k), found[:sample].ravel()])
print(json.dumps({**figures, "answer": pairs.tolist()}))
