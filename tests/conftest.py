"""Fixtures that many tests share."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings

import callers
import small_city
from api.app import create_app
from api.settings import Settings
from layers._store import Batch, Snapshot, open_store
from postgis_server import Server, programs, running

_UNDER_CI = os.environ.get("CI", "").lower() == "true"


# a drawn example that is slow because the machine is busy is no fault; under CI hypothesis draws the same ones each time
settings.register_profile("unhurried", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# nor is a write that a slow disk holds up; the tests of the deadline state their own
os.environ.setdefault("GEO_RISK_WRITE_DEADLINE_S", "30")

# files are made in memory where there is room: thousands of small stores and databases would wait for the disk
_MEMORY, _ROOM_BYTES = Path("/dev/shm"), 6_000_000_000
if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES:
    os.environ.setdefault("TMPDIR", str(_MEMORY))
    tempfile.tempdir = None


def missing(what: str, then: str) -> None:
    """Skip on a developer's machine, fail under CI, saying what to install."""
    message = f"{what} is missing; {then}"
    if _UNDER_CI:
        pytest.fail(message)
    pytest.skip(message)


def require_strace() -> None:
    """Stop without strace; skip where the machine lets nobody trace a process, which no package mends."""
    if shutil.which("strace") is None:
        missing("strace", "apt-get install strace")
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody trace a process (CAP_SYS_PTRACE)")


def require_small_disk(place: Path, options: str) -> None:
    """Mount a small file system in memory; skip where the machine does not let us, which no package mends."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True).returncode:
        pytest.skip("this machine lets us mount nothing (CAP_SYS_ADMIN)")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of published data that is not part of the project."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("GEO_RISK_SHARED_DATA", beside))
    if not folder.is_dir():
        missing("the published test data", "set GEO_RISK_SHARED_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's chromium."""
    path = os.environ.get("GEO_RISK_CHROMIUM", "/usr/bin/chromium")
    if not Path(path).is_file():
        missing("chromium", "apt-get install chromium, or set GEO_RISK_CHROMIUM to its path")
    return path


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """One chromium for a file of tests."""
    from tests.browsing import started  # noqa: PLC0415 (only tests of pages need playwright)

    with started(chromium) as running:
        yield running


@pytest.fixture
def browse(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open pages that share nothing; afterwards nothing may have gone wrong and no other host been asked."""
    from tests.browsing import pages  # noqa: PLC0415 (only tests of pages need playwright)

    with pages(browser) as browse_to:
        yield browse_to


@pytest.fixture(scope="session")
def postgis_server() -> Iterator[Server]:
    """A real PostgreSQL with PostGIS, of its own."""
    found = programs()
    if found is None:
        missing("PostgreSQL with PostGIS", "apt-get install postgresql-15 postgresql-15-postgis-3")
    with running(found) as server:
        yield server


@pytest.fixture
def postgis_url(postgis_server: Server) -> str:
    """The URL of a fresh database with PostGIS."""
    return postgis_server.fresh()


@pytest.fixture(scope="session")
def made_in_postgis(postgis_server: Server) -> str:
    """The name of a database with the tables of test_store's layers: to copy it is quicker than to make it."""
    from test_store import LAYERS  # noqa: PLC0415 - pytest rewrites a test module's asserts before anybody imports it

    url = postgis_server.fresh()
    open_store(url, layers=LAYERS).close()
    return url.rpartition("/")[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where an embedded store may be made."""
    return tmp_path / "data" / "store.db"


@pytest.fixture(params=["sqlite", "postgis"])
def place(request: pytest.FixtureRequest, path: Path) -> Path | str:
    """Where a store is: a file, or a database of a real server; a test that asks for it runs on both."""
    if request.param == "sqlite":
        return path
    return str(request.getfixturevalue("postgis_server").fresh(request.getfixturevalue("made_in_postgis")))


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds the small city; nobody writes to it."""
    path = tmp_path_factory.mktemp("small") / "store.sqlite"
    with open_store(path) as store:
        for layer_id, frame in small_city.frames().items():
            store.apply(layer_id, frame, Batch(actor="test", reason="small city", source="small"))
        callers.settle(store)
    return path


@pytest.fixture(scope="session")
def small_snapshot(small_store: Path) -> Snapshot:
    """The small city as a snapshot."""
    with open_store(small_store) as store:
        return store.snapshot()


@pytest.fixture(scope="session")
def client(small_store: Path) -> Iterator[TestClient]:
    """The service over the small city."""
    with TestClient(create_app(Settings(store=small_store)), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def operator(client: TestClient) -> callers.Acting:
    """The same service, asked by an operator (`callers.acting` gives the other roles)."""
    return callers.acting(client, "operator")


@pytest.fixture
def admin(client: TestClient) -> callers.Acting:
    """The same service, asked by an admin."""
    return callers.acting(client, "admin")


@pytest.fixture(scope="session")
def live_url(small_store: Path) -> Iterator[str]:
    """The address of the real service over the small city, in a process of its own, on a free port of loopback."""
    command = [sys.executable, "-m", "api.cli.main", "serve", "--port", "0", "--store", str(small_store)]
    environment = os.environ | {"GEO_RISK_COMPILE_AHEAD": "false"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as service:
        assert service.stdout is not None
        yield service.stdout.readline().split()[0].rstrip("/")
        service.terminate()
