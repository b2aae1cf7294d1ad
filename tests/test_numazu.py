"""Numazu's landslide zones and shelters, by the commands of docs/import.md."""

import shlex
from pathlib import Path

import pytest

from import_doc import commands, imported
from layers._check import Checked
from run_cli import run


@pytest.fixture(scope="module")
def done(shared_data: Path) -> list[Checked]:
    results = [imported(line, shared_data / "numazu") for line in commands("Numazu")]
    assert all(stored for _, stored in results)
    return [checked for checked, _ in results]


def test_zones_by_class_and_type(done: list[Checked]) -> None:
    zones = done[0].frame
    assert zones["zone_class"].value_counts().to_dict() == {"special": 120, "warning": 114}
    assert zones["type"].value_counts().to_dict() == {"steep_slope": 217, "debris_flow": 17}
    assert (len(zones), done[0].report.invalid, done[0].report.nulls) == (234, 0, 0)


def test_zones_have_their_own_names_and_dates(done: list[Checked]) -> None:
    zones = done[0].frame
    assert "足高C" in set(zones["name"])
    assert zones["designated_on"].dt.year.value_counts().to_dict() == {2018: 204, 2006: 24, 2008: 5, 2016: 1}


def test_shelters_know_their_hazards_and_keep_the_unknown(done: list[Checked]) -> None:
    shelters = done[1].frame
    assert len(shelters) == 105
    assert (shelters["for_flood"].sum(), shelters["for_flood"].isna().sum()) == (59, 46)


def test_the_commands_fill_a_store_once_and_the_log_agrees(shared_data: Path, tmp_path: Path) -> None:
    store, lines = tmp_path / "store.sqlite", commands("Numazu")
    words = [shlex.split(line.replace("$DATA", str(shared_data / "numazu")))[1:] for line in lines]
    assert ["234 new" in run(*words[0], store=store), "105 new" in run(*words[1], store=store)] == [True, True]
    assert all("0 new, 0 changed" in run(*each, store=store) for each in words)
    assert "339 revisions" in run("verify", store=store)
