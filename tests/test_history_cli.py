"""History, what changed since, and undo on the command line; every figure can be done by hand (see small_city)."""

import csv
import json
import shutil
from pathlib import Path

import pytest

import small_city
from layers._store import Batch, Change, open_store
from run_cli import run

TEAM = Batch("team 7", "after the flood", "report")


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Path:
    """The small city, its School shut by a team and its Hall imported anew."""
    path = tmp_path / "store.sqlite"
    shutil.copy(small_store, path)
    with open_store(path) as opened:
        opened.write(TEAM, [Change(layer="shelters", fid="open", op="patch", values={"status": "closed"})])
        hall = {"shut": (small_city.WEST.centroid, {"name": "Hall", "status": "open", "capacity": 900})}
        opened.apply("shelters", small_city.frame("shelters", hall), Batch("clerk", "spring list", "list.csv"))
    return path


def names(store: Path) -> dict[str, str]:
    with open_store(store) as opened:
        return opened.snapshot().frames["shelters"]["status"].to_dict()


def test_history_lists_revisions_with_their_batch(store: Path) -> None:
    said = run("history", "shelters", "open", store=store)
    assert "team 7" in said
    assert "status" in said
    assert "create" in said


def test_changes_are_told_by_layer_with_before_and_after(store: Path) -> None:
    said = run("changes", "--since", "8", "--lang", "en", store=store)
    assert said.startswith("Changed since #8: 2 features, in 2 changes")
    assert "School · West · changed · Status Open → Closed · team 7" in said


def test_changes_of_a_town_and_a_person(store: Path) -> None:
    assert "School" not in run("changes", "--since", "8", "--town", "East", store=store)
    said = run("changes", "--since", "8", "--town", "West", "--person", "clerk", store=store)
    assert "Hall" in said
    assert "School" not in said


def test_changes_for_a_spreadsheet_and_for_a_program(store: Path, tmp_path: Path) -> None:
    said = run("changes", "--since", "8", "--lang", "en", "--json", "-o", str(tmp_path / "c.csv"), store=store)
    assert json.loads(said)["counts"]["changed"] == 2
    rows = list(csv.DictReader((tmp_path / "c.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [(row["name"], row["before"], row["after"]) for row in rows if row["column"] == "Status"] == [
        ("School", "Open", "Closed"), ("Hall", "Closed", "Open"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--since", "9999"), "there is no such revision"),
        (("--since", "yesterday"), "no moment with its offset"),
        (("--since", "2999-01-01T00:00:00Z"), "yet to come"),
        (("--since", "9", "--until", "8"), "ends before it begins"),
        (("--since", "8", "--by", "true"), "what was true is asked for by moments"),
        (("--since", "8", "--by", "x"), "one of two times"),
        (("--since", "8", "--town", "x"), "no town x"),
        (("--since", "8", "--layers", "x"), "no layer 'x'"),
    ],
)
def test_what_cannot_be_asked_is_refused(store: Path, words: tuple[str, ...], text: str) -> None:
    assert text in run("changes", *words, store=store, status=1).replace("\n", " ")


def test_an_import_is_taken_back_after_it_was_looked_at(store: Path) -> None:
    batch = _batch_of(store, "clerk")
    dry = run("undo", str(batch), "--dry", store=store)
    assert "dry run, nothing was changed: 1 undone" in dry
    assert names(store)["shut"] == "open"
    assert "1 undone, 0 left" in run("undo", str(batch), "--reason", "wrong list", store=store)
    assert names(store) == {"open": "closed", "shut": "closed"}
    assert "nothing is left to undo" in run("undo", str(batch), store=store, status=1).replace("\n", " ")


def test_one_revision_is_taken_back(store: Path) -> None:
    run("undo", "--revision", "9", store=store)
    assert names(store) == {"open": "open", "shut": "open"}


def test_later_work_stays_unless_it_is_left_out(store: Path) -> None:
    with open_store(store) as opened:
        opened.write(TEAM, [Change(layer="shelters", fid="shut", op="patch", values={"capacity": 5})])
    batch = _batch_of(store, "clerk")
    assert "1 features were changed since" in run("undo", str(batch), store=store, status=1).replace("\n", " ")
    said = run("undo", str(batch), "--only-clean", store=store, status=1)
    assert "nothing is left to undo" in said.replace("\n", " ")


def test_an_undo_says_what_it_is_to_undo(store: Path) -> None:
    assert "names one batch or one revision" in run("undo", store=store, status=1).replace("\n", " ")
    assert "names one batch or one revision" in run("undo", "1", "--revision", "2", store=store, status=1).replace("\n", " ")


def _batch_of(store: Path, actor: str) -> int:
    with open_store(store) as opened:
        return next(batch.id for batch in opened.batches() if batch.actor == actor)
