"""Pairs of points and zones by PostGIS in a private cluster on a free loopback port; prints what it took and their number.

The join is written as a lateral with the zones outside: else the planner takes the points as the outer table.
"""

import contextlib
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
    before, start = cpu_s(server.pid), time.perf_counter()
    (count,) = base.execute(QUERY).fetchone()
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "cpu_s": cpu_s(server.pid) - before, "answer": count}))
    base.close()
finally:
    server.terminate()
    server.wait(30)
    shutil.rmtree(folder, ignore_errors=True)
