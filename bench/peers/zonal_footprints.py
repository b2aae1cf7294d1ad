"""Exact coverage of small footprints by exactextract: folder, count, cell size, side of the grid in cells."""

import json
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
from clock import Clock
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from zonal_shapes import shapes

folder, count, size, side = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
frame = gpd.GeoDataFrame(geometry=shapes(folder / "shapes.wkb", count), crs=32650)
extent = {"xmin": 0, "xmax": side * size, "ymin": 0, "ymax": side * size}
source = NumPyRasterSource(np.zeros((side, side), np.float32), **extent, srs_wkt=frame.crs.to_wkt())
clock = Clock()
told = exact_extract(source, frame, ["cell_id", "coverage"], output="pandas")
figures = clock.figures()
ordered = [np.asarray(share)[np.argsort(cell)] for cell, share in zip(told["cell_id"], told["coverage"], strict=True)]
print(json.dumps({**figures, "answer": np.concatenate(ordered).astype(float).tolist()}))
