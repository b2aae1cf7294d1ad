"""The READMEs and docs keep up with the code."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.main import commands
from api.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_command_is_in_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    known = [command.name or command.callback.__name__ for command in commands().registered_commands]
    assert [name for name in known if f"geo-risk {name}" not in text] == []


def test_every_setting_is_in_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [name for name in Settings.model_fields if f"GEO_RISK_{name.upper()}" not in text] == []


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_two_commands_are_in_both_readmes_and_the_makefile(target: str) -> None:
    for name in ("README.md", "README.zh-CN.md"):
        assert f"make {target}" in (ROOT / name).read_text(encoding="utf-8")
    assert f"\n{target}:" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_help_says_what_each_command_does() -> None:
    assert CliRunner().invoke(commands(), ["--help"]).exit_code == 0


def test_every_oracle_is_on_the_page_that_lists_them():
    page = (ROOT / "docs" / "checked-against.md").read_text(encoding="utf-8")
    oracles = re.findall(r"^def (test_\w+)", (ROOT / "tests" / "test_oracles.py").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(oracles) > 20
    assert [name for name in oracles if f"`{name}`" not in page] == []
