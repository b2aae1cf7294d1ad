"""A private PostgreSQL cluster with PostGIS on a free loopback port, for the peers that are asked in SQL."""

import glob
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

_SETTINGS = ("shared_buffers=512MB", "work_mem=256MB", "fsync=off")


@contextmanager
def cluster() -> Iterator[tuple[psycopg.Connection, int]]:
    """A connection to it, and the server's process id; it ends and is removed with the block."""
    binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not binaries:
        sys.exit("no PostgreSQL on this machine")
    account = pwd.getpwnam("postgres")
    folder = tempfile.mkdtemp(prefix="geo-risk-postgis-")
    os.chown(folder, account.pw_uid, account.pw_gid)
    as_postgres = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": folder}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    initdb = [f"{binaries[-1]}/initdb", "-D", f"{folder}/data", "-U", "postgres", "-A", "trust"]
    subprocess.run(initdb, check=True, **as_postgres, **quiet)
    port = _free_port()
    options = ["-p", str(port), "-k", folder, "-h", "127.0.0.1", *(part for setting in _SETTINGS for part in ("-c", setting))]
    server = subprocess.Popen([f"{binaries[-1]}/postgres", "-D", f"{folder}/data", *options], **as_postgres, **quiet)
    try:
        with _connected(port) as connection:
            connection.execute("CREATE EXTENSION postgis")
            yield connection, server.pid
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _connected(port: int) -> psycopg.Connection:
    until = time.monotonic() + 20
    while True:
        try:
            return psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres", autocommit=True)
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
