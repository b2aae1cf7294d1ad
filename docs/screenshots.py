"""Make the pictures in docs/ from a running service: ``python docs/screenshots.py URL [LON LAT]``."""

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
PICTURES = tuple(
    f"{name}.png"
    for name in ("command-map", "storm-map", "access-map", "evacuation-map", "reach-map", "isolation-map", "selection-map",
                 "mobilisation-map", "field-page")
)  # fmt: skip


def main(url: str, lon: str, lat: str) -> None:
    """All pictures; stop if one is too large to commit."""
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as profile:
        browser = driver.chromium.launch_persistent_context(
            profile,
            executable_path=os.environ.get("GEO_RISK_CHROMIUM", "/usr/bin/chromium"),
            args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            locale="zh-CN",
            viewport={"width": 1440, "height": 810},
        )
        page = browser.pages[0]
        command_map(page, url)
        storm_map(page, url)
        access_map(page, url)
        evacuation_map(page, url)
        reach_map(page, url)
        isolation_map(page, url)
        selection_map(page, url)
        mobilisation_map(page, url)
        field_page(page, url, lon, lat)
        browser.close()
    for name in PICTURES:
        size = (FOLDER / name).stat().st_size
        sys.stdout.write(f"{name} {size:,} bytes\n")
        if size > MOST_BYTES:
            sys.exit(f"{name} is over {MOST_BYTES:,} bytes")


def command_map(page: Any, url: str) -> None:
    """The worst place opened, the map drawn back to the whole city."""
    page.goto(f"{url}/?lang=zh-CN")
    page.wait_for_selector("body[data-drawn]")
    page.locator("#ranking button").first.click()
    page.wait_for_selector("#panel .reasons")
    page.evaluate("() => { map_command.setZoom(map_command.getZoom() - 1.5, { animate: false }); }")
    page.wait_for_timeout(1500)
    page.screenshot(path=FOLDER / "command-map.png")


def storm_map(page: Any, url: str) -> None:
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


def access_map(page: Any, url: str) -> None:
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


def evacuation_map(page: Any, url: str) -> None:
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


def reach_map(page: Any, url: str) -> None:
    """How far one gets from the map's middle in 5, 10 and 15 minutes, and who is inside."""
    _wide(page, url, *MIDDLE, 12)
    page.locator("#open-access").click()
    page.wait_for_selector("#panel .reach", timeout=60_000)
    page.locator("select[name=towards]").select_option("false")
    page.wait_for_function("() => Number(document.body.dataset.place) > 1", timeout=60_000)
    page.locator("#panel .reach").scroll_into_view_if_needed()
    _taken(page, "reach-map.png", *MIDDLE, 12)


def isolation_map(page: Any, url: str) -> None:
    """The towns that no road leads to any more, and the links whose loss would cut off most."""
    _wide(page, url, *MIDDLE, 10)
    page.locator("#open-isolation").click()
    page.locator("#isolate").click()
    page.wait_for_selector("body[data-isolation]", timeout=60_000)
    _taken(page, "isolation-map.png", 28.62, 119.6, 10)


def selection_map(page: Any, url: str) -> None:
    """Everything within five kilometres of a place, by keyboard."""
    _wide(page, url, *MIDDLE, 12)
    page.locator("#open-selection").click()
    page.locator("#draw-circle").click()
    page.keyboard.press("Enter")
    page.locator("#circle-radius").fill("5000")
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-selection]", timeout=60_000)
    _taken(page, "selection-map.png", *MIDDLE, 12)


def mobilisation_map(page: Any, url: str) -> None:
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


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), *(sys.argv[2:4] or ("119.62", "28.52")))
