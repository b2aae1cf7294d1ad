"""The k nearest points of each place by PostGIS ``<->`` over geography, in a private cluster on a free loopback port.

Prints what it took and a sample of the answers.
"""

import json
import sys
import time

import numpy as np
from postgis_cluster import cluster

data = np.load(sys.argv[1])
QUERY = f"""CREATE UNLOGGED TABLE answers AS SELECT a.id AS place, n.id AS point FROM places a CROSS JOIN LATERAL (
    SELECT p.id, p.geog <-> a.geog AS metres FROM points p ORDER BY p.geog <-> a.geog LIMIT {int(data["k"])}
) n WHERE n.metres <= {float(data["radius_m"])}"""

with cluster() as (base, _):
    for name, lon, lat in (("points", "lon", "lat"), ("places", "asked_lon", "asked_lat")):
        base.execute("CREATE UNLOGGED TABLE raw (id int, lon float8, lat float8)")
        with base.cursor().copy("COPY raw FROM STDIN") as copy:
            for row in zip(range(len(data[lon])), data[lon].tolist(), data[lat].tolist(), strict=True):
                copy.write_row(row)
        made = "SELECT id, ST_SetSRID(ST_MakePoint(lon, lat), 4326)::geography AS geog FROM raw"
        base.execute(f"CREATE UNLOGGED TABLE {name} AS {made}")
        base.execute("DROP TABLE raw")
    base.execute("CREATE INDEX ON points USING gist (geog)")
    base.execute("VACUUM ANALYZE points")
    base.execute("VACUUM ANALYZE places")
    start = time.perf_counter()
    base.execute(QUERY)
    seconds = time.perf_counter() - start
    sample = "SELECT place, point FROM answers WHERE place < %s ORDER BY place, point"
    found = base.execute(sample, (int(data["sample"]),)).fetchall()
    print(json.dumps({"seconds": seconds, "answer": found}))
