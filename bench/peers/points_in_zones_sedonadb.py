"""Pairs of points and zones by SedonaDB; prints what it took and their number."""

import json
import sys

import geopandas as gpd
import numpy as np
import sedona.db
import shapely
from clock import Clock

data = np.load(sys.argv[1], allow_pickle=True)
points = gpd.GeoDataFrame(geometry=shapely.points(data["lon"], data["lat"]), crs=4326)
zones = gpd.GeoDataFrame(geometry=shapely.from_wkb(data["wkb"]), crs=4326)
session = sedona.db.connect()
session.create_data_frame(points).to_memtable().to_view("points")
session.create_data_frame(zones).to_memtable().to_view("zones")
clock = Clock()
found = session.sql("SELECT count(*) AS n FROM points p JOIN zones z ON ST_Intersects(z.geometry, p.geometry)").to_pandas()
print(json.dumps({**clock.figures(), "answer": int(found["n"].iloc[0])}))
