"""The k nearest points of each place by SedonaDB's ST_KNN; prints what it took and the metres of a sample of its answers."""

import json
import sys

import geopandas as gpd
import numpy as np
import sedona.db
import shapely
from clock import Clock

data = np.load(sys.argv[1])
session = sedona.db.connect()
for name, lon, lat in (("points", "lon", "lat"), ("places", "asked_lon", "asked_lat")):
    frame = gpd.GeoDataFrame({"id": np.arange(len(data[lon]))}, geometry=shapely.points(data[lon], data[lat]), crs=4326)
    session.create_data_frame(frame).to_memtable().to_view(name)
k = int(data["k"])
query = f"SELECT a.id AS place, p.id AS point FROM places a JOIN points p ON ST_KNN(a.geometry, p.geometry, {k}, false)"
clock = Clock()
found = session.sql(query).to_pandas()
figures = clock.figures()
found = found[found["place"] < int(data["sample"])].sort_values(["place", "point"])
print(json.dumps({**figures, "answer": found[["place", "point"]].to_numpy().tolist()}))
