"""Pairs of points and zones by PostGIS in a private cluster on a free loopback port; prints what it took and their number.

The join is written as a lateral with the zones outside: else the planner takes the points as the outer table.
"""

import contextlib
import glob
import json
import os
import sys
import time

import numpy as np
from postgis_cluster import cluster

QUERY = "SELECT count(*) FROM zones z CROSS JOIN LATERAL (SELECT 1 FROM points p WHERE ST_Intersects(z.geom, p.geom) OFFSET 0) q"


def cpu_s(server: int) -> float:
    """CPU seconds of the server, its backends, and those of its workers that have ended."""
    ticks = 0
    for stat in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(stat) as file:
            number, fields = stat.split("/")[2], file.read().rpartition(")")[2].split()
            if int(number) == server or int(fields[1]) == server:
                ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


data = np.load(sys.argv[1], allow_pickle=True)

with cluster() as (base, server):
    base.execute("CREATE UNLOGGED TABLE raw (lon float8, lat float8)")
    with base.cursor().copy("COPY raw FROM STDIN") as copy:
        for row in zip(data["lon"].tolist(), data["lat"].tolist(), strict=True):
            copy.write_row(row)
    base.execute("CREATE UNLOGGED TABLE points AS SELECT ST_SetSRID(ST_MakePoint(lon, lat), 4326) AS geom FROM raw")
    base.execute("CREATE UNLOGGED TABLE zones (geom geometry(Polygon, 4326))")
    with base.cursor() as cursor:
        cursor.executemany("INSERT INTO zones VALUES (ST_GeomFromWKB(%s, 4326))", [(bytes(wkb),) for wkb in data["wkb"]])
    base.execute("CREATE INDEX ON points USING gist (geom)")
    base.execute("CREATE INDEX ON zones USING gist (geom)")
    base.execute("VACUUM ANALYZE points")
    base.execute("VACUUM ANALYZE zones")
    before, start = cpu_s(server), time.perf_counter()
    (count,) = base.execute(QUERY).fetchone()
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "cpu_s": cpu_s(server) - before, "answer": count}))
