"""Pairs of points and zones by SedonaDB; prints seconds and their number."""

import json
import sys
import time

import geopandas as gpd
import numpy as np
import sedona.db
import shapely

data = np.load(sys.argv[1], allow_pickle=True)
points = gpd.GeoDataFrame(geometry=shapely.points(data["lon"], data["lat"]), crs=4326)
zones = gpd.GeoDataFrame(geometry=shapely.from_wkb(data["wkb"]), crs=4326)
session = sedona.db.connect()
session.create_data_frame(points).to_memtable().to_view("points")
session.create_data_frame(zones).to_memtable().to_view("zones")
start = time.perf_counter()
found = session.sql("SELECT count(*) AS n FROM points p JOIN zones z ON ST_Intersects(z.geometry, p.geometry)").to_pandas()
print(json.dumps({"seconds": time.perf_counter() - start, "answer": int(found["n"].iloc[0])}))
