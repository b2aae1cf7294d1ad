"""A real PostgreSQL with PostGIS: a cluster of its own in a temporary folder, on a free port of loopback, ended by its own pid."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from ports import free_port

TEMPLATE = "geo_risk_template"
STARTING_S = 20.0


def programs() -> Path | None:
    """The newest folder of PostgreSQL's programs that has PostGIS beside it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    there = [path.parent for path in found if Path("/usr/share/postgresql", path.parts[-3], "extension/postgis.control").is_file()]
    return there[-1] if there else None


@dataclass
class Server:
    """The cluster in that folder; ``kill`` is a crash, and ``start`` after it is the recovery."""

    bin: Path
    folder: Path
    port: int
    options: tuple[str, ...] = ()
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    made: int = field(default=0, init=False)

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it and wait until it answers; after a crash its old shared memory may take a moment to be let go."""
        options = ("fsync=on", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}", *self.options)
        command = [
            *_as_owner(), str(self.bin / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port),
            *(part for option in options for part in ("-c", option)),
        ]
        until = time.monotonic() + STARTING_S
        while time.monotonic() < until:
            if self.process is None or self.process.poll() is not None:
                with (self.folder / "log").open("ab") as log:
                    self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
            if self._answers():
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text(errors="replace")[-2000:])

    def kill(self) -> None:
        """End every process of it with no warning, as a power cut of that machine would."""
        assert self.process is not None
        parent = self.process.pid
        os.kill(parent, signal.SIGSTOP)  # it starts no more children while they are listed
        for pid in (*_children(parent), parent):
            _end(pid)
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        """End it with no last checkpoint: its data is thrown away."""
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGQUIT)
            self.process.wait()
            self.process = None

    def fresh(self, template: str = TEMPLATE) -> str:
        """The URL of a new database with PostGIS in it, or with all that another holds to which nobody is connected.

        None is dropped before the server's end: that would wait for the disk each time.
        """
        self.made += 1
        name = f"store_{self.made}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running(bin_folder: Path, *options: str) -> Iterator[Server]:
    """A cluster made, started, and with a template database that has PostGIS."""
    folder = Path(tempfile.mkdtemp(prefix="geo-risk-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    server = Server(bin_folder, folder, free_port(), options)
    try:
        subprocess.run(
            [*_as_owner(), str(bin_folder / "initdb"), "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8",
             "--locale", "C.UTF-8", "--no-sync", "--data-checksums"],
            check=True, capture_output=True,
        )
        server.start()
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {TEMPLATE}")
        with psycopg.connect(server.url(TEMPLATE), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION postgis")
            # two thirds of an empty database: copies are made quicker without
            connection.execute("DELETE FROM spatial_ref_sys WHERE srid <> 4326")
            connection.execute("VACUUM FULL spatial_ref_sys")
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _as_owner() -> list[str]:
    """PostgreSQL refuses to run as root: as the user that its package made."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    # ends with whoever started it, however that ends
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--pdeathsig=QUIT", "--"]


def _children(parent: int) -> list[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(pid) for pid in listed.split()]


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
