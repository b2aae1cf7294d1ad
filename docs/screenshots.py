"""Make the pictures in docs/ from a running service: ``python docs/screenshots.py URL [LON LAT [PICTURE ...]]``.

Those of a shift, of a conflict and of a drawing need somebody who may change shelters and flood zones, that of accounts an admin:
``GEO_RISK_PICTURES_AS=name:password``.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parent
MOST_BYTES = 750_000
BRIDGE = "霞江桥"
MIDDLE = (28.52, 119.62)
DRAWN = "body[data-closures]"


def main(url: str, lon: str, lat: str, *wanted: str) -> None:
    """All pictures, or those that are named; stop if one is too large to commit."""
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as profile:
        browser = driver.chromium.launch_persistent_context(
            profile,
            executable_path=os.environ.get("GEO_RISK_CHROMIUM", "/usr/bin/chromium"),
            args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            locale="zh-CN",
            viewport={"width": 1440, "height": 810},
        )
        page = browser.pages[0]
        for name in wanted or PICTURES:
            PICTURES[name](page, url, lon, lat)
        browser.close()
    for name in wanted or PICTURES:
        size = (FOLDER / f"{name}.png").stat().st_size
        sys.stdout.write(f"{name} {size:,} bytes\n")
        if size > MOST_BYTES:
            sys.exit(f"{name} is over {MOST_BYTES:,} bytes")


def command_map(page: Any, url: str, *_: str) -> None:
    """The worst place opened, the map drawn back to the whole city."""
    page.goto(f"{url}/?lang=zh-CN")
    page.wait_for_selector("body[data-drawn]")
    page.locator("#ranking button").first.click()
    page.wait_for_selector("#panel .reasons")
    page.evaluate("() => { map_command.setZoom(map_command.getZoom() - 1.5, { animate: false }); }")
    page.wait_for_timeout(1500)
    page.screenshot(path=FOLDER / "command-map.png")


def storm_map(page: Any, url: str, *_: str) -> None:
    """The towns in their rain warnings, five hours before the last reading, with the worst one's reason."""
    page.goto(f"{url}/?lang=zh-CN")
    page.wait_for_selector("body[data-drawn]")
    page.locator("#legend-show-storm").check()
    page.wait_for_selector("#storm-time", timeout=120_000)
    page.locator("#storm-time").focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.locator("#storm-list").click()
    page.locator("#panel .near button").first.click()
    page.wait_for_selector("#why .evidence")
    page.evaluate("() => { map_command.setZoom(map_command.getZoom() - 1, { animate: false }); }")
    page.wait_for_timeout(1500)
    page.screenshot(path=FOLDER / "storm-map.png")


def access_map(page: Any, url: str, *_: str) -> None:
    """A bridge shut in thought: the way round, how far one gets in 15 minutes, and what changed."""
    page.goto(f"{url}/?lang=zh-CN")
    page.wait_for_selector("body[data-closures]")
    page.locator("#closures-summary").click()
    _road(page, BRIDGE)
    page.locator("#who-gets-here").click()
    page.wait_for_selector("body[data-place]", timeout=60_000)
    _road(page, BRIDGE)
    page.locator("#suppose-road").click()
    page.wait_for_selector("#watch .changes", timeout=60_000)
    page.locator("#watch-place").click()
    page.evaluate("() => { map_command.setZoom(map_command.getZoom() - 1, { animate: false }); }")
    page.wait_for_timeout(1500)
    page.screenshot(path=FOLDER / "access-map.png")


def evacuation_map(page: Any, url: str, *_: str) -> None:
    """Who goes where from the flood zones of the forecast, and what is short."""
    page.set_viewport_size({"width": 1366, "height": 768})
    page.goto(f"{url}/?lang=zh-CN")
    page.wait_for_selector("body[data-closures]")
    page.locator("#open-evacuation").click()
    page.locator("input[name=only_in_hazard]").check()
    page.locator("#evacuate").click()
    page.wait_for_selector("body[data-evacuation]", timeout=60_000)
    page.evaluate("() => { map_command.panBy([150, 165], { animate: false }); }")
    page.evaluate("() => { map_command.setZoom(map_command.getZoom() + 2, { animate: false }); }")
    page.wait_for_timeout(1500)
    page.screenshot(path=FOLDER / "evacuation-map.png", clip={"x": 294, "y": 46, "width": 1072, "height": 600})


def reach_map(page: Any, url: str, *_: str) -> None:
    """How far one gets from the map's middle in 5, 10 and 15 minutes, and who is inside."""
    _wide(page, url, *MIDDLE, 12)
    page.locator("#open-access").click()
    page.wait_for_selector("#panel .reach", timeout=60_000)
    page.locator("select[name=towards]").select_option("false")
    page.wait_for_function("() => Number(document.body.dataset.place) > 1", timeout=60_000)
    page.locator("#panel .reach").scroll_into_view_if_needed()
    _taken(page, "reach-map.png", *MIDDLE, 12)


def isolation_map(page: Any, url: str, *_: str) -> None:
    """The towns that no road leads to any more, and the links whose loss would cut off most."""
    _wide(page, url, *MIDDLE, 10)
    page.locator("#open-isolation").click()
    page.locator("#isolate").click()
    page.wait_for_selector("body[data-isolation]", timeout=60_000)
    _taken(page, "isolation-map.png", 28.62, 119.6, 10)


def selection_map(page: Any, url: str, *_: str) -> None:
    """Everything within five kilometres of a place, by keyboard."""
    _wide(page, url, *MIDDLE, 12)
    page.locator("#open-selection").click()
    page.locator("#draw-circle").click()
    page.keyboard.press("Enter")
    page.locator("#circle-radius").fill("5000")
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-selection]", timeout=60_000)
    _taken(page, "selection-map.png", *MIDDLE, 12)


def mobilisation_map(page: Any, url: str, *_: str) -> None:
    """A promise that only the closures refute: where it fails, and what would make it true."""
    _wide(page, url, *MIDDLE, 10)
    page.locator("#open-mobilisation").click()
    page.locator("input[name=people]").fill("300")
    page.locator("input[name=within]").fill("120")
    page.locator("#mobilise").click()
    page.wait_for_selector("body[data-mobilisation]", timeout=60_000)
    _taken(page, "mobilisation-map.png", 28.62, 119.6, 10)


def _wide(page: Any, url: str, lat: float, lon: float, zoom: int) -> None:
    page.set_viewport_size({"width": 1366, "height": 768})
    page.goto(f"{url}/?lang=zh-CN")
    page.wait_for_selector("body[data-closures]")
    _view(page, lat, lon, zoom)


def _view(page: Any, lat: float, lon: float, zoom: int) -> None:
    page.evaluate("([lat, lon, zoom]) => { map_command.setView([lat, lon], zoom, { animate: false }); }", [lat, lon, zoom])


def _taken(page: Any, name: str, lat: float, lon: float, zoom: int) -> None:
    """The panel takes its room from the right of the map: the view is set again beside it."""
    _view(page, lat, lon, zoom)
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)
    page.screenshot(path=FOLDER / name)


def _road(page: Any, name: str) -> None:
    page.locator("#road-name").fill(name)
    page.locator("#roads-found button").first.click()
    page.wait_for_selector("#suppose-road")


def field_page(page: Any, url: str, lon: str, lat: str) -> None:
    """What is near a place, on a phone."""
    page.set_viewport_size({"width": 412, "height": 915})
    page.goto(f"{url}/field?lang=zh-CN&lon={lon}&lat={lat}")
    page.wait_for_selector(".card")
    page.screenshot(path=FOLDER / "field-page.png")


def past_map(page: Any, url: str, *_: str) -> None:
    """The map as it was yesterday at three in the morning."""
    _wide(page, url, *MIDDLE, 12)
    page.locator("#open-then").click()
    page.locator("[data-then='then.yesterday_early']").click()
    page.wait_for_selector("body[data-then]")
    _taken(page, "past-map.png", *MIDDLE, 12)


def shift_map(page: Any, url: str, *_: str) -> None:
    """What changed since a shift began, what came together opened, and a batch about to be taken back."""
    _wide(page, url, *MIDDLE, 12)
    _signed_in(page)
    page.locator("#open-shift").click()
    page.wait_for_selector("#shift-rows li")
    page.locator("#shift-batches summary").click()
    page.locator("#shift-batches .undo-batch").first.click()
    page.wait_for_selector("#shift-batches .undo-sure")
    page.locator("#shift-batches").scroll_into_view_if_needed()
    _taken(page, "shift-map.png", *MIDDLE, 12)


def conflict_map(page: Any, url: str, *_: str) -> None:
    """Two changed the same shelter: both states side by side, and a choice. The other's change stays."""
    _wide(page, url, *MIDDLE, 12)
    _signed_in(page)
    other = page.context.new_page()
    other.goto(f"{url}/?lang=zh-CN")
    for each in (page, other):
        each.wait_for_selector(DRAWN)
        each.locator("#legend-list-shelters").dispatch_event("click")
        each.locator("#panel .near button").first.click()
        each.locator("#feature-edit").click()
    page.locator("#edit-occupancy").fill("120")
    other.locator("#edit-occupancy").fill("95")
    other.locator("#edit-save").click()
    other.wait_for_selector("#saved")
    other.close()
    page.locator("#edit-save").click()
    page.wait_for_selector("#conflict")
    _taken(page, "conflict-map.png", *MIDDLE, 12)


def drawing_map(page: Any, url: str, *_: str) -> None:
    """The border of a flood zone being reshaped: its vertices, how long, how large. Nothing is saved."""
    page.goto(f"{url}/?lang=zh-CN")
    page.wait_for_selector(DRAWN)
    _signed_in(page)
    page.locator("#legend-list-flood_zones").dispatch_event("click")
    page.locator("#panel .near button").first.click()
    page.locator("#feature-edit").click()
    page.locator("#shape-reshape").click()
    page.wait_for_selector("body[data-drawing]")
    page.wait_for_timeout(1500)
    page.screenshot(path=FOLDER / "drawing-map.png")
    page.keyboard.press("Escape")


def accounts_page(page: Any, url: str, *_: str) -> None:
    """Who may use the service; asks for an admin."""
    page.goto(f"{url}/?lang=zh-CN")
    page.wait_for_selector(DRAWN)
    _signed_in(page)
    page.goto(f"{url}/accounts?lang=zh-CN")
    page.wait_for_selector("main table tbody tr")
    page.screenshot(path=FOLDER / "accounts-page.png")


def _signed_in(page: Any) -> None:
    """Signed in, if nobody was, as who may change shelters."""
    if page.locator("#sign-out").count() == 0:
        name, _, password = os.environ["GEO_RISK_PICTURES_AS"].partition(":")
        page.locator("#sign-in").click()
        page.locator("#sign-in-dialog [name=name]").fill(name)
        page.locator("#sign-in-dialog [name=password]").fill(password)
        page.locator("#sign-in-dialog [name=password]").press("Enter")
        page.wait_for_selector("#sign-out")


PICTURES = {
    "command-map": command_map, "storm-map": storm_map, "access-map": access_map, "evacuation-map": evacuation_map,
    "reach-map": reach_map, "isolation-map": isolation_map, "selection-map": selection_map, "mobilisation-map": mobilisation_map,
    "field-page": field_page, "past-map": past_map, "shift-map": shift_map, "conflict-map": conflict_map,
    "drawing-map": drawing_map, "accounts-page": accounts_page,
}  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), *(sys.argv[2:] or ("119.62", "28.52")))
