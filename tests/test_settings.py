"""Every setting is on its page, and what stands there is so."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from api.admission import LANES
from api.settings import Settings

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_on_its_page(name):
    assert f"`GEO_RISK_{name.upper()}`" in (DOCS / "settings.md").read_text(encoding="utf-8")


def test_numbers_on_the_page_are_the_defaults():
    rows = re.findall(r"^\| (`GEO_RISK_[^|]*) \| ([^|]*) \|", (DOCS / "settings.md").read_text(encoding="utf-8"), re.MULTILINE)
    for names, defaults in rows:
        stated = dict(zip(re.findall(r"GEO_RISK_(\w+)", names), re.findall(r"`([^`]*)`", defaults), strict=False))
        for name, default in stated.items():
            field = Settings.model_fields.get(name.lower())
            if field is not None and re.fullmatch(r"\d+(\.\d+)?", default):
                assert float(default) == pytest.approx(float(field.default)), name


def test_several_values_are_apart_by_commas(monkeypatch):
    monkeypatch.setenv("GEO_RISK_HOSTS", "map.lan, karte.lan,")
    monkeypatch.setenv("GEO_RISK_ADMISSION", '{"reads": {"at_once": 3}}')
    assert Settings().hosts == ("map.lan", "karte.lan")
    assert Settings().admission["reads"].at_once == 3


@pytest.mark.parametrize("text", ['{"reads": {"at_once": 0}}', '{"reads": {"places": 3}}', '{"reads": 3}'])
def test_what_is_out_of_range_is_refused(monkeypatch, text):
    monkeypatch.setenv("GEO_RISK_ADMISSION", text)
    with pytest.raises(ValidationError, match="admission"):
        Settings()


@pytest.mark.parametrize(("name", "lane"), [(name, lane) for name, lane in LANES.items() if lane.at_once])
def test_the_classes_on_their_page_are_those_in_force(name, lane):
    row = next(line for line in (DOCS / "guard.md").read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{name}` |"))
    _, at_once, waiting, wait, share = (cell.strip().replace(",", "") for cell in row.strip("|").split("|"))
    assert (int(at_once), int(waiting), wait) == (lane.at_once, lane.waiting, f"{lane.wait_s:g} s")
    assert {"half": 0.5, "all": 1.0}[share] == lane.share
