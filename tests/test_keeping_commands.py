"""Keeping the store, on the command line: one line of text, status 1 where there is no good copy."""

from pathlib import Path

import pytest
import shapely

from layers._catalog import catalog
from layers._frame import typed
from layers._store import Batch, open_store
from run_cli import run

AEDS = catalog()["aeds"]
LIST = Batch("clerk", "list", "list.csv")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "kept").mkdir()
    return tmp_path


def test_the_command_line_backs_up_checks_and_restores(place):
    store, kept = place / "store.db", place / "kept"
    with open_store(store, layers={"aeds": AEDS}) as fresh:
        fresh.apply("aeds", typed(AEDS, {"name": ["a", "b"]}, shapely.points([120.0] * 2, [30.0] * 2), ["a", "b"]), LIST)
    for _ in range(3):
        said = run("backup", kept, "--keep", 2, store=store)
        assert "verified to revision 2" in said
    (copy, _) = sorted(path for path in kept.iterdir() if path.suffix == ".sqlite")
    assert "its manifest agrees" in run("restore", copy, "--check")
    assert f"restored: {place / 'new.db'}" in run("restore", copy, "--to", place / "new.db")
    assert "2 revisions, 2 features" in run("verify", place / "new.db")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["backup", "kept/one.db", "--keep", "2"], "only a folder's backups can be rotated"),
        (["restore", "kept/none.db", "--check"], "no such backup"),
        (["verify", "kept/none.db", "--store", "store.db"], "one thing is verified at a time"),
    ],
)
def test_the_command_line_refuses_in_one_line(place, monkeypatch, words, text):
    monkeypatch.chdir(place)
    assert text in run(*words, status=1)


def test_the_log_is_cut_only_when_told_to(place):
    store, later = place / "store.db", "2999-01-01"
    with open_store(store, layers={"aeds": AEDS}) as fresh:
        for name in "ab":
            fresh.apply("aeds", typed(AEDS, {"name": [name]}, shapely.points([120.0], [30.0]), ["x"]), LIST)
    asked = ["retain", "--before", later, "--archive", place / "kept"]
    said = run(*asked, store=store)
    assert "1 revisions go, 1 stay" in said
    assert "nothing was done" in said
    assert "needs a reason" in run(*asked, "--cut", store=store, status=1)
    assert "cut at revision 2" in run(*asked, "--cut", "--reason", "kept five years", store=store)
    assert "2 revisions, 1 features" in run("verify", store=store)
    assert "forgotten: 0 replies, 0 sessions" in run("forget", store=store)
    assert "this is no moment" in run("retain", "--before", "soon", "--archive", place, store=store, status=1)
