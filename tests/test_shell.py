"""The folium shell: our constants only, the same each time, every asset ours."""

import re
from pathlib import Path

import pytest

from geo_risk.errors import DeclarationError, NotFound
from maps import shell as module
from maps.content_security import CONTENT_SECURITY_POLICY
from maps.shell import PANES, STATIC, shell, vendored

JAVASCRIPT = sorted((STATIC / "js").glob("*.js"))
SINKS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|bindPopup|bindTooltip|divIcon|srcdoc|javascript:"
)


@pytest.mark.parametrize("view", ["command", "field"])
def test_a_shell_is_the_same_each_time(view: str) -> None:
    first = shell(view)
    shell.cache_clear()
    assert shell(view) == first


@pytest.mark.parametrize("view", ["command", "field"])
def test_every_file_a_shell_asks_for_is_there(view: str) -> None:
    frame = shell(view)
    assert frame.js[0] == "vendor/leaflet/dist/leaflet.js"
    assert all((STATIC / path).is_file() for path in (*frame.js, *frame.css))
    assert frame.scripts[-1] == f"shell/{view}.js"


@pytest.mark.parametrize("view", ["command", "field"])
def test_a_shell_names_no_host_and_holds_no_data(view: str) -> None:
    assert "//" not in shell(view).script
    assert "addData" not in shell(view).script
    assert f"var {shell(view).map_id} = L.map(" in shell(view).script


def test_the_command_shell_makes_the_panes_from_the_ground_up() -> None:
    assert re.findall(r'createPane\(\s*"(\w+)"', shell("command").script) == sorted(PANES, key=PANES.__getitem__)


@pytest.mark.parametrize(
    "control", ["L.control.fullscreen", "L.control.locate", "PolylineMeasure", "MousePosition", "L.Control.Scale"]
)
def test_the_command_shell_has_the_controls(control: str) -> None:
    assert control in shell("command").script


def test_an_unknown_view_is_said() -> None:
    with pytest.raises(NotFound, match="no such view; expected: command, field; got: wall"):
        shell("wall")


def test_an_asset_nobody_decided_on_stops_the_start() -> None:
    with pytest.raises(DeclarationError, match="folium wants an asset that this project does not know"):
        vendored(["font_of_tomorrow"])


def test_an_asset_that_is_not_installed_stops_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "STATIC", tmp_path)
    with pytest.raises(DeclarationError, match=r"not installed.*leaflet/dist/leaflet.js.*build it"):
        vendored(["leaflet"])


def test_what_we_do_without_is_left_out() -> None:
    assert vendored(["jquery", "leaflet", "bootstrap"]) == ("vendor/leaflet/dist/leaflet.js",)


def test_the_policy_lets_no_inline_script_and_no_other_host_in() -> None:
    rules = dict(rule.split(" ", 1) for rule in CONTENT_SECURITY_POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "//" not in CONTENT_SECURITY_POLICY


@pytest.mark.parametrize("file", JAVASCRIPT, ids=lambda file: file.name)
def test_our_javascript_shows_text_as_text_only(file: Path) -> None:
    assert not SINKS.search(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("sink", ["a.innerHTML = b", "L.divIcon({})", "eval(x)", "layer.bindPopup(name)", "new Function('x')"])
def test_the_search_for_sinks_finds_them(sink: str) -> None:
    assert SINKS.search(sink)


@pytest.mark.parametrize("file", sorted((STATIC.parent / "templates").glob("*.html")), ids=lambda file: file.name)
def test_our_templates_escape_everything_and_hold_no_inline_code(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe|autoescape|\sstyle=|\son\w+=|<style", text)
    assert not re.search(r"<script(?![^>]*(\bsrc=|application/json))", text)
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", text)
