"""The k nearest points of each place by PostGIS ``<->`` over geography, in a private cluster on a free loopback port.

Prints what it took and a sample of the answers.
"""

import glob
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import numpy as np
import psycopg

data = np.load(sys.argv[1])
QUERY = f"""CREATE UNLOGGED TABLE answers AS SELECT a.id AS place, n.id AS point FROM places a CROSS JOIN LATERAL (
    SELECT p.id, p.geog <-> a.geog AS metres FROM points p ORDER BY p.geog <-> a.geog LIMIT {int(data["k"])}
) n WHERE n.metres <= {float(data["radius_m"])}"""

binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
if not binaries:
    sys.exit("no PostgreSQL on this machine")
account = pwd.getpwnam("postgres")
folder = tempfile.mkdtemp(prefix="geo-risk-postgis-")
os.chown(folder, account.pw_uid, account.pw_gid)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
as_postgres = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": folder}
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
initdb = [f"{binaries[-1]}/initdb", "-D", f"{folder}/data", "-U", "postgres", "-A", "trust"]
subprocess.run(initdb, check=True, **as_postgres, **quiet)
settings = ("shared_buffers=512MB", "work_mem=256MB", "fsync=off")
options = ["-p", str(port), "-k", folder, "-h", "127.0.0.1", *(part for setting in settings for part in ("-c", setting))]
server = subprocess.Popen([f"{binaries[-1]}/postgres", "-D", f"{folder}/data", *options], **as_postgres, **quiet)
try:
    for _ in range(100):
        try:
            base = psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres", autocommit=True)
            break
        except psycopg.OperationalError:
            time.sleep(0.2)
    base.execute("CREATE EXTENSION postgis")
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
    base.close()
finally:
    server.terminate()
    server.wait(30)
    shutil.rmtree(folder, ignore_errors=True)
