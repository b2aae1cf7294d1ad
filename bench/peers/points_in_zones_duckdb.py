"""Pairs of points and zones by DuckDB's spatial extension; prints what it took and their number."""

import json
import sys
from pathlib import Path

import duckdb
import duckdb_extension_spatial
import numpy as np
import pandas as pd
from clock import Clock

data = np.load(sys.argv[1], allow_pickle=True)
base = duckdb.connect()
(extension,) = Path(duckdb_extension_spatial.__file__).parent.glob("extensions/*/spatial.duckdb_extension")
base.execute(f"LOAD '{extension}'")
spots, shapes = pd.DataFrame({"lon": data["lon"], "lat": data["lat"]}), pd.DataFrame({"wkb": list(data["wkb"])})
base.execute("CREATE TABLE points AS SELECT ST_Point(lon, lat) AS geom FROM spots")
base.execute("CREATE TABLE zones AS SELECT ST_GeomFromWKB(wkb) AS geom FROM shapes")
clock = Clock()
(count,) = base.execute("SELECT count(*) FROM points p JOIN zones z ON ST_Intersects(z.geom, p.geom)").fetchone()
print(json.dumps({**clock.figures(), "answer": count}))
