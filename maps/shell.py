"""The map's shell: what folium makes of our constants. No feature, name or text of data ever passes through it.

Folium renders text through templates that can run code, points at hosts of other people, and puts scripts into the
page. So it is given constants only; its script is handed out as a file; its links are replaced by vendored files.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import folium
from branca.element import CssLink, Element, Figure, JavascriptLink
from folium.features import Control
from folium.map import CustomPane
from folium.plugins import Fullscreen, LocateControl, MousePosition

from geo_risk.errors import DeclarationError, NotFound, shown

STATIC: Final = Path(__file__).parent / "static"

PANES: Final = {
    "places": 350, "cells": 352, "borders": 355, "zones": 360, "reach": 365, "lines": 370,
    "closures": 380, "ways": 390, "points": 450, "badges": 460, "over": 465, "chosen": 470, "drawing": 480,
}
"""The map's panes from the ground up, with their z-index. None takes clicks: one hit test decides whose a click is."""

_MAP: Final[dict[str, Any]] = {
    "prefer_canvas": True,
    "zoom_snap": 0.5,
    "attribution_control": False,  # it shows its texts as HTML; the pages name the sources themselves
}

_ASSETS: Final[dict[str, str | None]] = {
    "leaflet": "leaflet/dist/leaflet.js",
    "leaflet_css": "leaflet/dist/leaflet.css",
    "Control.Fullscreen.js": "leaflet.fullscreen/Control.FullScreen.js",
    "Control.FullScreen.css": "leaflet.fullscreen/Control.FullScreen.css",
    "Control_locate_min_js": "leaflet.locatecontrol/dist/L.Control.Locate.min.js",
    "Control_locate_min_css": "leaflet.locatecontrol/dist/L.Control.Locate.min.css",
    "Control_MousePosition_js": "leaflet-mouse-position/src/L.Control.MousePosition.js",
    "Control_MousePosition_css": "leaflet-mouse-position/src/L.Control.MousePosition.css",
    "measure_js": "leaflet.polylinemeasure/Leaflet.PolylineMeasure.js",
    "measure_css": "leaflet.polylinemeasure/Leaflet.PolylineMeasure.css",
    # For folium's own markers and popups, which no page of ours has.
    "jquery": None,
    "bootstrap": None,
    "awesome_markers": None,
    "bootstrap_css": None,
    "glyphicons_css": None,
    "awesome_markers_font_css": None,
    "awesome_markers_css": None,
    "awesome_rotate_css": None,
}


@dataclass(frozen=True, kw_only=True)
class Shell:
    """A map without data: its script (served as a file), style sheets and scripts under ``/static/``, its element's id."""

    map_id: str
    script: str
    css: tuple[str, ...]
    js: tuple[str, ...]
    view: str

    @property
    def styles(self) -> tuple[str, ...]:
        """Addresses of the style sheets, from a page's base."""
        return tuple(f"static/{path}" for path in self.css)

    @property
    def scripts(self) -> tuple[str, ...]:
        """Addresses of what is to run, in this order, the shell's own script last."""
        return (*(f"static/{path}" for path in self.js), f"shell/{self.view}.js")


class _Measure(Control):
    """The polyline measure of Leaflet as a folium control."""

    default_js = [("measure_js", "")]  # noqa: RUF012 # folium's own shape
    default_css = [("measure_css", "")]  # noqa: RUF012 # folium's own shape


def _command_controls() -> Iterable[Element]:
    yield Control("Scale", imperial=False)
    yield Fullscreen(position="topleft")  # type: ignore[no-untyped-call]
    yield LocateControl(position="topleft", showCompass=False, flyTo=False)  # type: ignore[no-untyped-call]
    yield _Measure("PolylineMeasure", unit="metres", show_clear_control=False)
    yield MousePosition(  # type: ignore[no-untyped-call]
        position="bottomright", separator=", ", lng_first=True, num_digits=5, empty_string=" "
    )
    yield from (CustomPane(name, z_index=z_index) for name, z_index in PANES.items())


def _field_controls() -> Iterable[Element]:
    yield Control("Scale", imperial=False)


_VIEWS: Final[dict[str, Callable[[], Iterable[Element]]]] = {"command": _command_controls, "field": _field_controls}


@cache
def shell(view: str) -> Shell:
    """The shell of a view, ``command`` or ``field``; the same text each time.

    Raises
    ------
    NotFound
        There is no such view.
    DeclarationError
        Folium wants an asset that is not vendored.
    """
    if view not in _VIEWS:
        raise NotFound("no such view", expected=", ".join(_VIEWS), got=shown(view), then="check the spelling")
    page = folium.Map(location=[0, 0], zoom_start=3, tiles=None, **_MAP)
    page._id = view
    for number, control in enumerate(_VIEWS[view]()):
        control._id = f"{view}_{number}"
        control.add_to(page)
    figure = cast("Figure", page.get_root())
    figure.render()
    links = figure.header._children
    return Shell(
        map_id=page.get_name(),
        script=_tidied(figure.script.render()),
        css=vendored(name for name, link in links.items() if isinstance(link, CssLink)),
        js=vendored(name for name, link in links.items() if isinstance(link, JavascriptLink)),
        view=view,
    )


def vendored(names: Iterable[str]) -> tuple[str, ...]:
    """The paths under ``/static/`` of the assets that folium calls by these names; those we do without are left out."""
    held = _held()
    return tuple(f"vendor/{path}" for path in map(_asset, names) if path and _require(path, held))


def _asset(name: str) -> str | None:
    if name not in _ASSETS:
        raise DeclarationError(
            "folium wants an asset that this project does not know",
            where="maps/shell.py",
            expected=", ".join(_ASSETS),
            got=shown(name),
            then="vendor it in maps/package.json and name it in _ASSETS, or map it to None",
        )
    return _ASSETS[name]


def _require(path: str, held: frozenset[str]) -> bool:
    if path not in held:
        raise DeclarationError(
            "an asset of the map is not installed",
            where="maps/static/vendor",
            expected=path,
            got="no such file in the manifest",
            then="build it: pip install --no-deps --no-build-isolation -e .",
        )
    return True


def _held() -> frozenset[str]:
    manifest = STATIC / "vendor" / "manifest.json"
    if not manifest.is_file():
        return frozenset()
    packages: list[dict[str, Any]] = json.loads(manifest.read_text(encoding="utf-8"))["packages"]
    return frozenset(file["path"] for package in packages for file in package["files"])


def _tidied(script: str) -> str:
    lines = (line.rstrip() for line in script.splitlines())
    return '"use strict";\n' + "\n".join(line for line in lines if line) + "\n"
