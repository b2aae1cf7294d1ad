"""Sums by rasterstats, whose cells are those with their centre inside: folder, count."""

import json
import sys
from pathlib import Path

import numpy as np
from clock import Clock
from rasterio.transform import Affine
from rasterstats import zonal_stats
from zonal_shapes import shapes

folder, count = Path(sys.argv[1]), int(sys.argv[2])
values = np.load(folder / "values.npy")
areas = list(shapes(folder / "shapes.wkb", count))
clock = Clock()
told = zonal_stats(areas, values, affine=Affine(1, 0, 0, 0, -1, values.shape[0]), nodata=-1, stats=["sum"])
print(json.dumps({**clock.figures(), "answer": [row["sum"] for row in told]}))
