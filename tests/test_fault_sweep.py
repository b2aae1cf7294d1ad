"""The n-th call to the disk fails, n = 1, 2, 3 ... until none does: told as what it is, nothing acknowledged is lost.

strace counts calls in each thread by itself: the n-th call of the thread that opens and the n-th of the thread that writes fail.
"""

import itertools
import shutil
from pathlib import Path

import pytest
from conftest import require_strace
from test_store_crash import faults

import fault_sweep
from fault_sweep import Run
from layers._catalog import catalog
from layers._store import open_store

pytestmark = pytest.mark.crash

AEDS = {"aeds": catalog()["aeds"]}
CALLS = ("openat", "close", "fsync", "fdatasync", "pwrite64", "ftruncate", "unlink", "mkdir")
MAY_BE_RAISED = {"StoreUnavailable", "StoreFull", "StoreCorrupt"}


@pytest.fixture(scope="module")
def nursery():
    require_strace()
    with fault_sweep.nursery() as warm:
        yield warm


def wrong(run: Run, path: Path) -> list[str]:
    """What a run with a fault did that it may not do."""
    found = [f"ended with status {run.status}"] if run.status else []
    found += [f"raised {error}" for error in run.errors - MAY_BE_RAISED]
    with open_store(path, layers=AEDS) as store:
        store.verify()
    return found + [f"lost or halved {name}" for name in faults(path, run.acknowledged)]


def swept(nursery, tmp_path: Path, call: str, errors: tuple[str, ...], when: str = "{}", store: Path | None = None) -> list[Run]:
    """The runs in which the n-th call failed, each on a new store or on a copy of one; the kinds of error take turns."""
    runs = []
    for number, error in zip(itertools.count(1), itertools.cycle(errors)):
        path = tmp_path / str(number) / "data" / "store.db"
        path.parent.parent.mkdir()
        if store is not None:
            shutil.copytree(store.parent, path.parent)
        run = nursery.run(path, CALLS, f"{call}:error={error}:when={when.format(number)}", tmp_path / "log")
        if not run.fired:
            return runs
        assert wrong(run, path) == [], f"{call} number {number} with {error}"
        runs.append(run)
    raise AssertionError("unreachable")


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    """A store of its own folder, made and closed."""
    path = tmp_path_factory.mktemp("made") / "data" / "store.db"
    open_store(path, layers=AEDS).close()
    return path


@pytest.mark.parametrize(
    ("call", "errors", "at_least"),
    [
        ("fdatasync", ("EIO",), 10),
        ("fdatasync", ("ENOSPC",), 10),
        ("fsync", ("EIO",), 1),
        ("pwrite64", ("EIO",), 40),
        ("openat", ("EIO", "EMFILE", "ENOSPC"), 10),
        ("ftruncate", ("EIO", "ENOSPC"), 3),
        ("unlink", ("EIO",), 3),
        ("mkdir", ("ENOSPC",), 1),
    ],
)
def test_the_nth_call_fails(tmp_path, nursery, call, errors, at_least):
    runs = swept(nursery, tmp_path, call, errors)
    assert len(runs) >= at_least
    assert any(run.errors for run in runs) or call == "unlink"


def test_no_space_is_told_as_a_full_disk(tmp_path, nursery, store):
    runs = swept(nursery, tmp_path, "pwrite64", ("ENOSPC",), store=store)
    assert {"StoreFull"} in [run.errors for run in runs]
    assert {error for run in runs for error in run.errors} <= {"StoreFull", "StoreUnavailable"}


def test_a_disk_that_stays_broken(tmp_path, nursery, store):
    runs = swept(nursery, tmp_path, "fdatasync", ("EIO",), "{}+", store)
    assert {len(run.acknowledged) for run in runs} >= {0, 1, 2, 3, 4}


def test_what_was_not_taken_is_not_tried_again_on_the_same_descriptor(tmp_path, nursery, store):
    runs = swept(nursery, tmp_path, "fdatasync", ("EIO",), store=store)
    assert len(runs) > 5
    assert [run.synced_again for run in runs if run.synced_again] == []
