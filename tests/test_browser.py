"""The pages in Debian's chromium, over the real service: hostile names are read literally, no host but ours is asked."""

import datetime as dt
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely

from api.use.access.readied import ask_once
from layers._catalog import catalog, layer
from layers._demo import make_city
from layers._layer import Column, Geometry, Layer
from layers._store import Batch, open_store
from maps.page import place_layer
from tests import callers, road_city, small_city
from tests.browsing import Seen, sync_api
from tests.ports import free_port
from tests.small_city import frame

pytestmark = pytest.mark.browser

HOSTILE = ("{{7*191}}", "${7*191}", "</script><img src=x onerror=window.ran=1>", "'\"><svg onload=window.ran=1>")
ROOT = Path(__file__).resolve().parents[1]
SHAPES: dict[Geometry, Callable[[float, float], shapely.Geometry | None]] = {
    Geometry.POINT: shapely.Point,
    Geometry.LINE: lambda x, y: shapely.LineString([(x - 0.004, y), (x + 0.004, y + 0.001)]),
    Geometry.AREA: lambda x, y: shapely.box(x - 0.005, y - 0.005, x + 0.005, y + 0.005),
    Geometry.NONE: lambda x, y: None,
}


def value(column: Column, text: str) -> Any:
    """A value that the column allows, and the hostile text wherever any text is allowed."""
    plain: dict[type, Any] = {int: 3, float: 3.0, bool: True, dt.date: dt.date(2026, 6, 1), str: text}
    if column.choices:
        return column.choices[0].id
    return None if column.pattern else plain[column.type]


def hostile(found: Layer, shift: float) -> Any:
    """Four features of a layer, one for each hostile text, a hundredth of a degree apart."""
    rows = {
        f"{found.id}-{i}": (SHAPES[found.geometry](0.01 * i + shift, shift), {c.name: value(c, text) for c in found.columns})
        for i, text in enumerate(HOSTILE)
    }
    return frame(found.id, rows)


def serving(store: Path, port: int | None = None, **settings: str) -> Iterator[str]:
    ask_once()  # kernels compiled and left on the disk: no page waits for the compiler
    port = port or free_port()
    command = [sys.executable, "-c", "from api.cli.main import main; main()", "serve", "--port", str(port), "--store", str(store)]
    log = store.with_suffix(".log").open("wb")
    environment = os.environ | {"NO_COLOR": "1", "GEO_RISK_COMPILE_AHEAD": "false"} | settings
    with log, subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=environment) as service:
        try:
            yield _answering(f"http://127.0.0.1:{port}", service)
        finally:
            service.terminate()
            service.wait(timeout=60)  # it answers what it was asked before it ends


def _answering(url: str, service: subprocess.Popen[bytes]) -> str:
    for _ in range(900):
        assert service.poll() is None, "the service ended before it answered"
        try:
            with urllib.request.urlopen(f"{url}/livez", timeout=2):
                return url
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the service did not answer within 90 s")


@pytest.fixture(scope="module")
def hostile_city(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("hostile") / "store.sqlite"
    with open_store(path) as store:
        for i, found in enumerate(catalog().values()):
            store.apply(found.id, hostile(found, 0.0002 * i), Batch(actor="test", reason="canaries", source="test"))
    yield from serving(path)


@pytest.fixture(scope="module")
def demo_city(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("demo") / "store.sqlite"
    with open_store(path) as store:
        for layer_id, rows in make_city().layers.items():
            store.apply(layer_id, rows, Batch(actor="test", reason="demo", source="demo"))
    yield from serving(path)


ZONE = shapely.box(0.002, 0.002, 0.008, 0.008)
PLAIN: dict[str, dict[str, Any]] = {
    "rescue_teams": {
        status or "unsaid": (shapely.Point(0.003 + i / 1000, 0.006), {"name": status or "unsaid", "status": status})
        for i, status in enumerate(("ready", "out", "off_duty", None))
    },
    "aeds": {f"{x}{y}": (shapely.Point(0.0102 + x / 1e4, 0.0052 + y / 1e4), {"name": "AED"}) for x in range(3) for y in range(3)},
    "flood_zones": {f"{kind}-{i}": (ZONE, {"kind": kind}) for kind in ("past", "design", "forecast") for i in range(5)},
}
"""What the plain city has beside the small city: a team of each status, nine AEDs in a crowd, five zones of each kind."""


@pytest.fixture(scope="module")
def plain_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plain") / "store.sqlite"
    with open_store(path) as store:
        for layer_id, rows in (small_city.frames() | {each: frame(each, rows) for each, rows in PLAIN.items()}).items():
            store.apply(layer_id, rows, Batch(actor="test", reason="plain", source="plain"))
    return path


@pytest.fixture(scope="module")
def plain_city(chromium: str, plain_store: Path) -> Iterator[str]:
    yield from serving(plain_store, GEO_RISK_MARKS_MAX="8", GEO_RISK_REFRESH_S="1")


def literal(seen: Seen) -> None:
    """No canary was computed, none became an element."""
    assert "1337" not in seen.page.locator("body").inner_text()
    assert seen.page.locator("img[src='x'], svg[onload]").count() == 0


def test_every_list_and_panel_shows_hostile_names_literally(hostile_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{hostile_city}/?lang=en")
    for i, found in enumerate(catalog().values()):
        seen.page.evaluate("map_command.setView([0, 0.015], 13, { animate: false })")
        seen.page.locator(f"#legend-list-{found.id}").dispatch_event("click")
        sync_api.expect(seen.panel().locator("h2")).to_have_text(found.title["en"])
        rows = seen.panel().locator(".near button")
        sync_api.expect(rows).to_have_count(len(HOSTILE))
        named = any(each.name in ("name", "title", "post") for each in found.columns)
        if named:
            assert all(any(text in row for row in rows.all_inner_texts()) for text in HOSTILE)
        literal(seen)
        if found.geometry is not Geometry.NONE:
            text = HOSTILE[i % len(HOSTILE)]
            rows.nth(i % len(HOSTILE)).click()
            sync_api.expect(seen.panel().locator(".contacts")).to_be_visible()
            sync_api.expect(seen.panel().locator("h2")).to_have_text(text if named else f"{found.id}-{i % len(HOSTILE)}")
            literal(seen)


def test_ranking_contacts_and_nearest_show_hostile_names_literally(hostile_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{hostile_city}/?lang=en")
    names = seen.page.locator("#ranking .name")
    sync_api.expect(names).to_have_count(len(HOSTILE))
    assert sorted(names.all_inner_texts()) == sorted(HOSTILE)
    for text in HOSTILE:
        seen.page.locator("#ranking button", has_text=text).click()
        sync_api.expect(seen.panel().locator("h2")).to_have_text(text)
        near = seen.panel().locator(".near .what:visible")  # the features behind a figure, folded away, are lists too
        sync_api.expect(near.first).to_be_visible()
        assert set(near.all_inner_texts()) <= set(HOSTILE)
        literal(seen)


def test_a_click_on_the_map_opens_what_is_there_and_names_what_else_is(hostile_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{hostile_city}/?lang=en")
    click_at(seen, 0.005, -0.0014)
    sync_api.expect(seen.panel().locator("h2")).to_have_text(HOSTILE[0])
    others = seen.panel().locator(".also button")
    zones = layer("flood_zones").title["en"]  # they have a kind and no name
    assert {HOSTILE[0] in text for text in others.all_inner_texts() if " · " in text and zones not in text} == {True}
    others.first.click()
    sync_api.expect(seen.panel().locator(".facts")).to_be_visible()
    literal(seen)


def click_at(seen: Seen, lon: float, lat: float) -> None:
    at = seen.page.evaluate("([lat, lon]) => map_command.latLngToContainerPoint([lat, lon])", [lat, lon])
    box = seen.page.locator("#map_command").bounding_box()
    seen.page.mouse.click(box["x"] + at["x"], box["y"] + at["y"])


@pytest.mark.parametrize("javascript", [True, False], ids=["js", "no-js"])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_field_page_lists_hostile_names_literally(
    hostile_city: str, browse: Callable[..., Seen], javascript: bool, language: str
) -> None:
    points = [found.id for found in catalog().values() if found.geometry is Geometry.POINT]
    layers = "&".join(f"layers={each}" for each in points[:5])  # four features each: the page lists twenty
    url = f"{hostile_city}/field?lang={language}&lon=0.005&lat=0&radius_m=5000&{layers}"
    seen = browse(url, ready=".card", java_script_enabled=javascript, viewport={"width": 390, "height": 844})
    assert set(seen.page.locator(".card .name").all_inner_texts()) == set(HOSTILE)
    literal(seen)


def test_the_field_form_works_without_javascript(hostile_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{hostile_city}/field?lang=en", ready="form", java_script_enabled=False)
    seen.page.locator("#lon").fill("0.01")
    seen.page.locator("#lat").fill("0")
    seen.page.locator("button[type=submit]").click()
    sync_api.expect(seen.page.locator(".card").first).to_be_visible()
    assert "lon=0.01&lat=0" in seen.page.url


def test_the_field_page_takes_pasted_coordinates_and_filters(hostile_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{hostile_city}/field?lang=en", ready="#paste", viewport={"width": 390, "height": 844})
    seen.page.locator("#paste").fill("0.001, 0.01")
    seen.page.locator("#paste").press("Tab")
    assert seen.page.locator("#lon").input_value() == "0.001000"
    seen.page.locator("button[type=submit]").click()
    sync_api.expect(seen.page.locator("#chips button").first).to_be_visible()
    seen.page.locator("#chips button", has_text="Shelters").click()
    assert set(seen.page.locator(".card:visible .far small").all_inner_texts()) == {"Shelters"}


@pytest.mark.parametrize(
    ("pasted", "lon", "lat"),
    [
        ("119.92, 28.46", "119.920000", "28.460000"),
        ("28.46 119.92", "119.920000", "28.460000"),
        ("-71，42", "-71.000000", "42.000000"),
    ],
)
def test_pasted_coordinates_in_either_order(
    hostile_city: str, browse: Callable[..., Seen], pasted: str, lon: str, lat: str
) -> None:
    seen = browse(f"{hostile_city}/field?lang=en", ready="#paste")
    seen.page.locator("#paste").fill(pasted)
    seen.page.locator("#paste").press("Tab")
    assert (seen.page.locator("#lon").input_value(), seen.page.locator("#lat").input_value()) == (lon, lat)


def test_a_tap_on_the_small_map_asks_again(hostile_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{hostile_city}/field?lang=en", ready="#map-row", viewport={"width": 390, "height": 844})
    seen.page.locator("#map-row summary").click()
    seen.page.wait_for_selector("#map_field.leaflet-container canvas, #map_field.leaflet-container svg")
    seen.page.locator("#map_field").click()
    sync_api.expect(seen.page.locator(".card").first).to_be_visible()
    literal(seen)


def test_the_position_of_the_phone_gives_the_list(hostile_city: str, browse: Callable[..., Seen]) -> None:
    options = {"geolocation": {"longitude": 0.01, "latitude": 0.0}, "permissions": ["geolocation"]}
    seen = browse(f"{hostile_city}/field?lang=en", ready="#gps:visible", **options)
    seen.page.locator("#gps").click()
    sync_api.expect(seen.page.locator(".card").first).to_be_visible()
    sync_api.expect(seen.page.locator("#notice")).to_contain_text("Position good to about")


def test_towns_are_drawn_in_the_colours_of_their_levels(demo_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{demo_city}/?lang=zh-CN", viewport={"width": 1920, "height": 1080})
    risk = seen.page.evaluate("fetch('risk').then((answer) => answer.json())")
    scheme = seen.page.evaluate("fetch('layers').then((answer) => answer.json())")["scheme"]["levels"]
    colours = {level["id"]: level["colour"] for level in scheme}
    present = {level for level, count in risk["counts"].items() if count and level != "unknown"}
    assert len(present) >= 3
    drawn = seen.page.evaluate(PIXELS)
    for level in present:
        assert any(near(colours[level], pixel) for pixel in drawn), level
    sync_api.expect(seen.page.locator("#synthetic")).to_have_text("演示数据")
    assert seen.page.locator("#ranking button").count() == 88
    assert [seen.page.locator("#levels b").nth(i).inner_text() for i in range(5)] == [str(n) for n in risk["counts"].values()]


PIXELS = """() => {
  const canvas = document.querySelector(".leaflet-places-pane canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Map();
  for (let i = 0; i < data.length; i += 4 * 7) {
    if (data[i + 3] < 110 || data[i + 3] > 145) continue;
    const key = `${data[i]},${data[i + 1]},${data[i + 2]}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  return [...seen].filter(([, n]) => n > 20).map(([key]) => key.split(",").map(Number));
}"""


def near(colour: str, pixel: list[int]) -> bool:
    return all(abs(int(colour[i : i + 2], 16) - part) <= 4 for i, part in zip((1, 3, 5), pixel, strict=True))


def test_the_command_map_is_worked_by_keyboard_alone(demo_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{demo_city}/?lang=en")
    press = seen.page.keyboard.press
    press("Tab")
    assert seen.page.evaluate("document.activeElement.className") == "skip"
    seen.page.locator("#ranking button").first.focus()
    press("ArrowDown")
    name = seen.page.evaluate("document.activeElement.querySelector('.name').textContent")
    press("Enter")
    sync_api.expect(seen.panel().locator("h2")).to_have_text(name)
    assert seen.page.evaluate("document.activeElement.className") == "close"
    press("Escape")
    sync_api.expect(seen.panel()).to_be_hidden()
    assert seen.page.evaluate("document.activeElement.querySelector('.name').textContent") == name
    box = seen.page.locator("#legend-show-flood_points")
    box.focus()
    press("Space")
    sync_api.expect(seen.page.locator("#status")).to_have_text("Flood-control points: hidden")


def test_a_town_panel_says_reasons_advice_people_and_nearest_help(demo_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{demo_city}/?lang=en")
    seen.page.locator("#ranking button").first.click()
    sync_api.expect(seen.panel().locator(".advice")).to_be_visible()
    headings = seen.panel().locator("h3:not(#why h3)").all_inner_texts()  # what is under #why comes later
    assert headings[:5] == ["Why", "Who to call", "Nearest Shelters", "Nearest Rescue teams", "Nearest Helipads"]
    assert headings[-1] == "Age of the data"
    assert seen.panel().locator(".reasons tr:not(.role)").count() >= 10
    assert seen.panel().locator(".contacts li").count() >= 1


def test_a_silent_service_never_looks_like_an_empty_map(demo_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{demo_city}/?lang=en")
    seen.page.context.set_offline(True)
    seen.page.locator("#ranking button").first.click()
    sync_api.expect(seen.page.locator("#banner")).to_contain_text(
        "The service does not answer; trying again. The map still shows the data of"
    )
    assert len(seen.page.evaluate(PIXELS)) >= 3
    assert seen.page.locator("#ranking button").count() == place_count(demo_city)
    seen.page.context.set_offline(False)
    seen.forgive("ERR_INTERNET_DISCONNECTED")


def place_count(url: str) -> int:
    with urllib.request.urlopen(f"{url}/collections/{place_layer().id}/items?limit=1", timeout=10) as answer:
        return int(answer.read().split(b'"numberMatched":')[1].split(b",")[0])


STRENGTHS = """() => [...document.querySelectorAll(".leaflet-zones-pane canvas")].map((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Map();
  for (let i = 3; i < data.length; i += 4) if (data[i]) seen.set(data[i], (seen.get(data[i]) ?? 0) + 1);
  return Math.round([...seen].sort((a, b) => b[1] - a[1])[0][0] / 2.55) / 100;
})"""


def test_five_flood_zones_are_no_stronger_than_one_and_each_kind_has_its_look(plain_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{plain_city}/?lang=zh-CN")
    looks = layer("flood_zones").style.looks
    assert seen.page.evaluate(STRENGTHS) == pytest.approx([look.fill_opacity for look in looks], abs=0.011)
    swatches = seen.page.locator(".looks rect")
    assert seen.page.locator(".looks span").all_inner_texts() == ["预报", "设计", "历史"]
    assert [swatches.nth(i).get_attribute("stroke-dasharray") or "" for i in (2, 1, 0)] == [look.dash for look in looks]


REFUSALS = {404: "服务找不到它", 422: "服务没有接受这个请求", 500: "服务自身出错", 503: "服务读不到数据库"}


def refusing(status: int, answer: dict[str, str]) -> Callable[[Any], None]:
    return lambda route: route.fulfill(status=status, json=answer)


def test_a_banner_speaks_the_language_of_the_page(hostile_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{hostile_city}/?lang=zh-CN")
    banner = seen.page.locator("#banner")
    for status, says in REFUSALS.items():
        answer = {"title": "no feature", "detail": f"{status}: no feature of that id; got: {{{{7*191}}}}"}
        seen.page.route("**/situation/**", refusing(status, answer))
        seen.page.locator("#ranking button").first.click()
        sync_api.expect(banner).to_contain_text(says)
        assert "feature" not in banner.inner_text()
        banner.locator("summary").click()
        sync_api.expect(banner).to_contain_text(answer["detail"])
    seen.forgive("Failed to load resource")


def test_help_that_is_not_there_says_so_in_its_own_words(plain_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{plain_city}/?lang=zh-CN")
    marks = {}
    for fid in PLAIN["rescue_teams"]:
        seen.page.evaluate("() => { map_command.setView([0.005, 0.01], 15, { animate: false }); }")
        seen.page.locator("#legend-list-rescue_teams").dispatch_event("click")
        seen.page.locator("#panel .near button", has_text=fid).click()
        near = seen.panel().locator(".near button", has_text=fid)
        sync_api.expect(near).to_have_count(1)
        state = near.locator(".state")
        marks[fid] = (state.inner_text(), state.get_attribute("class"))
    assert marks == {
        "ready": ("待命", "state state-open"), "out": ("出动", "state state-away"),
        "off_duty": ("休整", "state state-away"), "unsaid": ("状态未知", "state state-unknown"),
    }  # fmt: skip


def test_too_many_points_are_counted_and_a_click_goes_closer(plain_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{plain_city}/?lang=en")
    seen.page.evaluate("() => { map_command.setView([0.0055, 0.0105], 13, { animate: false }); }")
    seen.page.wait_for_timeout(300)
    with seen.page.expect_response("**/marks/aeds**") as told:
        seen.page.locator("#legend-show-aeds").check()
    assert (told.value.json()["kind"], sum(told.value.json()["n"])) == ("cells", 9)
    seen.page.wait_for_function("([lat, lon]) => isInk(lat, lon)".replace("isInk", INK), arg=[0.0053, 0.0103])
    with seen.page.expect_response("**/marks/aeds**"):
        click_at(seen, told.value.json()["lon"][0], told.value.json()["lat"][0])
    assert seen.page.evaluate("map_command.getZoom()") == 15
    sync_api.expect(seen.panel()).to_be_hidden()


INK = """((lat, lon) => {
  const canvas = document.querySelector(".leaflet-points-pane canvas");
  const at = map_command.latLngToLayerPoint([lat, lon]);
  const corner = L.DomUtil.getPosition(canvas);
  const scale = canvas.width / parseFloat(canvas.style.width);
  return canvas.getContext("2d").getImageData((at.x - corner.x) * scale, (at.y - corner.y) * scale, 1, 1).data[3] > 0;
})"""


ON_PAPER = ("#map_command canvas", "#legend-body", ".looks", "#paper table")
NOT_ON_PAPER = ("#panel", "#ranking", ".tools", ".leaflet-control-zoom", "#legend button")
PRINTED = """(parts) => {
  window.print = () => {
    window.printed = Object.fromEntries(parts.map((part) => [part, document.querySelector(part).checkVisibility()]));
  };
}"""


def test_on_paper_there_are_the_map_its_legend_and_the_table(plain_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{plain_city}/?lang=en")
    seen.page.locator("#ranking button").first.click()
    sync_api.expect(seen.panel()).to_be_visible()
    seen.page.emulate_media(media="print")
    seen.page.evaluate(PRINTED, [*ON_PAPER, *NOT_ON_PAPER])
    seen.page.locator("#print").dispatch_event("click")
    seen.page.wait_for_function("() => window.printed")
    assert seen.page.evaluate("window.printed") == dict.fromkeys(ON_PAPER, True) | dict.fromkeys(NOT_ON_PAPER, False)
    sync_api.expect(seen.page.locator("#legend")).not_to_have_attribute("open", "")  # as it was beside the panel
    assert [row.split("\t")[1:3] for row in seen.page.locator("#paper tbody tr").all_inner_texts()] == [
        ["Level II, orange", "West"], ["Unknown", "East"],
    ]  # fmt: skip


BOXES = """() => [".bar", ".stage", ".side"].map((part) => {
  const { left, top, right, bottom } = document.querySelector(part).getBoundingClientRect();
  return { left, top, right, bottom };
})"""


def test_a_command_map_on_a_phone_overlaps_nothing_and_its_list_is_reached(plain_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{plain_city}/?lang=zh-CN", viewport={"width": 390, "height": 844}, has_touch=True)
    bar, stage, side = seen.page.evaluate(BOXES)
    assert bar["bottom"] <= stage["top"]
    assert stage["bottom"] <= side["top"]
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 390
    last = seen.page.locator("#ranking button").last
    last.scroll_into_view_if_needed()
    last.tap()
    sync_api.expect(seen.panel().locator("h2")).to_have_text("East")
    assert seen.panel().bounding_box()["width"] == 390
    seen.panel().locator(".close").tap()
    sync_api.expect(seen.panel()).to_be_hidden()


def test_what_is_imported_while_the_page_is_open_appears(plain_city: str, plain_store: Path, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{plain_city}/?lang=en")
    count = seen.page.locator("li:has(#legend-show-care_facilities) .count")
    sync_api.expect(count).to_have_text("0")
    home = frame("care_facilities", {"home": (shapely.Point(0.004, 0.004), {"name": "Home"})})
    with open_store(plain_store) as store:
        store.apply("care_facilities", home, Batch(actor="test", reason="while open", source="later"))
    sync_api.expect(count).to_have_text("1")
    assert seen.page.evaluate("performance.getEntriesByType('navigation').length") == 1


def test_a_service_that_comes_back_with_a_new_revision_is_followed(
    chromium: str, plain_store: Path, browse: Callable[..., Seen]
) -> None:
    port = free_port()
    first = serving(plain_store, port=port, GEO_RISK_REFRESH_S="1")
    seen = browse(f"{next(first)}/?lang=en")
    first.close()
    sync_api.expect(seen.page.locator("#banner")).to_contain_text("The service does not answer")
    with open_store(plain_store) as store:
        depot = frame("supply_depots", {"d": (shapely.Point(0.004, 0.004), {"name": "Depot"})})
        store.apply("supply_depots", depot, Batch(actor="test", reason="while away", source="later"))
    second = serving(plain_store, port=port, GEO_RISK_REFRESH_S="1")
    next(second)
    count = seen.page.locator("li:has(#legend-show-supply_depots) .count")
    sync_api.expect(count).to_have_text("1", timeout=20_000)  # the page asks again after growing waits
    sync_api.expect(seen.page.locator("#banner")).to_be_hidden(timeout=20_000)
    seen.page.close()  # it would go on asking a service that is gone
    second.close()
    seen.forgive("net::ERR_")


STAMPED = """() => {
  const canvas = document.querySelector(".leaflet-points-pane canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let ink = 0;
  for (let i = 3; i < data.length; i += 4) ink += data[i] > 0;
  return ink;
}"""


SETTLED = f"""async () => {{
  for (let ink = 0, last = 0, same = 0; ; last = ink) {{
    await new Promise(requestAnimationFrame);
    ink = ({STAMPED})();
    same = ink > 1000 && ink === last ? same + 1 : 0;
    if (same === 20) return ink;
  }}
}}"""


def test_a_crowd_of_points_is_drawn_in_slices_until_all_are_there(plain_city: str, browse: Callable[..., Seen]) -> None:
    def crowd(route: Any) -> None:
        n = 20_000
        columns = {"lon": [0.02 * (i % 200) / 200 for i in range(n)], "lat": [0.01 * (i // 200) / 100 for i in range(n)]}
        same = {"ids": [str(i) for i in range(n)], "level": [None] * n, "closed": [False] * n}
        route.fulfill(json={"layer": "shelters", "revision": 99, "count": n, "kind": "points"} | columns | same)

    seen = browse(f"{plain_city}/?lang=en")
    seen.page.route("**/marks/shelters**", crowd)
    seen.page.evaluate("() => { map_command.setView([0.005, 0.01], 14, { animate: false }); }")
    whole = seen.page.evaluate(SETTLED)
    moved = f"() => {{ map_command.panBy([1, 0], {{ animate: false }}); return ({STAMPED})(); }}"
    assert seen.page.evaluate(moved) < whole / 2
    seen.page.wait_for_function(f"(whole) => ({STAMPED})() > 0.98 * whole", arg=whole)


STORM = "station,variable,time,value,minutes\n" + "".join(
    f"{code},rain,2026-06-20T{hour:02}:00:00+08:00,{mm},60\n"
    for code, wet in (("W", {13: 60.0, 14: 50.0}), ("E", {}))
    for hour, mm in ((each, wet.get(each, 0.0)) for each in range(1, 16))
    if code == "W" or hour < 9
)
"""Thirteen dry hours, 60 mm to 13:00 and 50 mm to 14:00 in the West; the East falls silent after 8:00."""


@pytest.fixture(scope="module")
def storm_city(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("storm") / "store.sqlite"
    gauges = {
        code: (shapely.Point(lon, 0.005), {"name": f"{HOSTILE[0]} {code}", "code": code})
        for code, lon in (("W", 0.005), ("E", 0.015))
    }
    with open_store(path) as store:
        for layer_id, rows in (small_city.frames() | {"rain_gauges": frame("rain_gauges", gauges)}).items():
            store.apply(layer_id, rows, Batch(actor="test", reason="storm", source="storm"))
    (path.parent / "rasters").mkdir()
    (path.parent / "rasters" / "observations.csv").write_text(STORM, encoding="utf-8")
    yield from serving(path)


def warned(seen: Seen) -> list[str]:
    """How many towns have each level: I to IV, unknown, none."""
    return seen.page.locator("#storm-counts b").all_inner_texts()


def test_towns_turn_through_the_levels_as_the_slider_moves_by_keyboard(storm_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{storm_city}/?lang=en")
    index = seen.page.evaluate(PIXELS)
    seen.page.locator("#legend-show-storm").check()
    slider = seen.page.locator("#storm-time")
    sync_api.expect(slider).to_have_attribute("aria-valuetext", "2026-06-20 15:00 +08:00")
    assert warned(seen) == ["1", "0", "0", "0", "1", "0"]
    red, orange = "#a50f15", "#f28e2b"
    assert any(near(red, pixel) for pixel in seen.page.evaluate(PIXELS))
    slider.focus()
    for _ in range(2):
        seen.page.keyboard.press("ArrowLeft")
    assert seen.page.locator("#storm-at").inner_text() == "2026-06-20 13:00 +08:00"
    assert warned(seen) == ["0", "1", "0", "0", "1", "0"]
    assert any(near(orange, pixel) for pixel in seen.page.evaluate(PIXELS))
    assert seen.page.evaluate("document.activeElement.id") == "storm-time"
    sync_api.expect(seen.page.locator("#status")).to_have_text("2026-06-20 13:00 +08:00: Level II, orange 1, Unknown 1")
    seen.page.locator("#legend-show-storm").uncheck()
    sync_api.expect(seen.page.locator("#storm")).to_be_hidden()
    assert seen.page.evaluate(PIXELS) == index


def test_a_towns_panel_says_its_warning_why_and_when_it_was_first_reached(storm_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{storm_city}/?lang=zh-CN")
    seen.page.locator("#legend-show-storm").check()
    seen.page.locator("#storm-list").click()
    seen.panel().locator(".near button", has_text="West").click()
    why = seen.page.locator("#storm-why")
    sync_api.expect(why.locator("h3")).to_have_text("雨情预警（2026-06-20 15:00 +08:00）")
    sync_api.expect(why).to_contain_text(f"{HOSTILE[0]} W：截至 06-20 14:00，3 小时雨量 110.0 mm ≥ 100 mm（rainstorm_red）")
    assert why.locator("dd").all_inner_texts() == ["06-20 13:00"] * 3 + ["06-20 14:00"]
    literal(seen)
    seen.page.locator("#storm-time").fill("11")
    sync_api.expect(why.locator(".storm-level b")).to_have_text("无预警")
    seen.panel().locator(".close").click()
    seen.page.locator("#ranking button", has_text="East").click()
    sync_api.expect(why.locator(".storm-level b")).to_have_text("未知")


def test_without_readings_the_view_says_so_and_the_map_stays(plain_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{plain_city}/?lang=en")
    before = seen.page.evaluate(PIXELS)
    seen.page.locator("#legend-show-storm").check()
    sync_api.expect(seen.page.locator("#storm")).to_have_text(
        "No readings of rain gauges here: nothing is known of the rain. The map shows the risk of the towns."
    )
    assert seen.page.evaluate(PIXELS) == before
    sync_api.expect(seen.page.locator("#banner")).to_be_hidden()
    seen.forgive(404)


def test_warnings_on_paper_say_their_time_and_reasons(storm_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{storm_city}/?lang=en")
    seen.page.locator("#legend-show-storm").check()
    sync_api.expect(seen.page.locator("#storm-at")).to_have_text("2026-06-20 15:00 +08:00")
    seen.page.emulate_media(media="print")
    seen.page.evaluate(PRINTED, ["#storm-at", "#storm-counts", ".storm-paper", "#storm-time", "#storm-list"])
    seen.page.locator("#print").dispatch_event("click")
    seen.page.wait_for_function("() => window.printed")
    assert list(seen.page.evaluate("window.printed").values()) == [True, True, True, False, False]
    sync_api.expect(seen.page.locator("#paper h2").first).to_have_text("Rain warnings 2026-06-20 15:00 +08:00")
    assert "110.0 mm in 3 h" in seen.page.locator(".storm-paper tbody tr").first.inner_text()


def test_on_a_phone_the_slider_is_reached_and_nothing_overflows(storm_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{storm_city}/?lang=zh-CN", viewport={"width": 390, "height": 844}, has_touch=True)
    seen.page.locator("#legend summary").tap()
    seen.page.locator("#legend-show-storm").check()
    seen.page.locator("#legend summary").tap()
    seen.page.locator("#storm-time").tap()
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 390
    bar, stage = (seen.page.locator(part).bounding_box() for part in ("#storm", ".stage"))
    assert stage["y"] <= bar["y"]
    assert bar["y"] + bar["height"] <= stage["y"] + stage["height"]


def with_cells(seen: Seen) -> Any:
    """The page with its cells drawn; the button that lists them."""
    seen.page.locator("#legend-show-cells").check()
    listed = seen.page.locator("#legend-list-cells")
    sync_api.expect(listed).to_be_visible(timeout=60_000)
    return listed


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_click_on_any_cell_answers_why(storm_city: str, browse: Callable[..., Seen], language: str) -> None:
    """The west of West lies under a past flood: a click there names the cell, the flood and the zone behind the figure."""
    seen = browse(f"{storm_city}/?lang={language}")
    with_cells(seen)
    click_at(seen, 0.0042, 0.0085)  # 467 m east and 940 m north of the corner, away from every feature
    sync_api.expect(seen.panel().locator("h2")).to_contain_text("c1r3")
    evidence = seen.panel().locator(".evidence")
    sync_api.expect(evidence).to_contain_text({"en": "Share of the area flooded before", "zh-CN": "历史淹没面积占比"}[language])
    literal(seen)


def test_the_worst_cells_are_listed_and_opened_by_keyboard(storm_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{storm_city}/?lang=en")
    with_cells(seen).press("Enter")
    worst = seen.page.locator("[data-cell]").first
    cell = str(worst.get_attribute("data-cell"))
    worst.press("Enter")
    sync_api.expect(seen.panel().locator("h2")).to_contain_text(cell)
    sync_api.expect(seen.panel().locator(".evidence")).to_be_visible()


FREE_PLACE = {"school": shapely.Point(0.019, 0.0), "hall": shapely.Point(0.04, 0.0)}


@pytest.fixture(scope="module")
def road_url(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The road city without its island, the school moved beside the bridge: from the east it is nearest, over the bridge."""
    path = tmp_path_factory.mktemp("roads") / "store.sqlite"
    frames = road_city.frames()
    towns = frames["towns"].drop(index="i")
    shelters = frames["shelters"].set_geometry(list(FREE_PLACE.values()), crs=4326)
    with open_store(path) as store:
        for layer_id, rows in (frames | {"towns": towns, "shelters": shelters}).items():
            store.apply(layer_id, rows, Batch(actor="test", reason="roads", source="roads"))
        callers.settle(store)
    yield from serving(path, GEO_RISK_REFRESH_S="1")


@pytest.fixture
def road_map(road_url: str, browse: Callable[..., Seen]) -> Iterator[Callable[..., Seen]]:
    """Opens the map of the road city; whatever a test shut is open again afterwards."""

    def opened(language: str = "en", **options: Any) -> Seen:
        options = {"extra_http_headers": callers.headers("operator")} | options
        seen = browse(f"{road_url}/?lang={language}", ready="body[data-closures]", **options)
        seen.page.evaluate("() => { map_command.setView([0, 0.0225], 14, { animate: false }); }")
        return seen

    yield opened
    for closure in in_force(road_url):
        end = urllib.request.Request(f"{road_url}/closures/{closure['id']}/end", b"{}", OPERATOR, method="POST")
        urllib.request.urlopen(end, timeout=10).close()


OPERATOR = {"Content-Type": "application/json"} | callers.headers("operator")


def in_force(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{url}/closures", timeout=10) as answer:
        return [closure for closure in json.load(answer)["closures"] if closure["state"] == "honoured"]


SHUT = ".closure-honoured"


def by_key(seen: Seen, *selectors: str) -> None:
    for selector in selectors:
        seen.page.locator(selector).first.press("Enter")


def road_panel(seen: Seen, name: str) -> None:
    """The panel of a road found by its name, by keyboard."""
    if seen.page.locator("#closures").get_attribute("open") is None:
        by_key(seen, "#closures-summary")
    seen.page.locator("#road-name").fill(name)
    by_key(seen, "#roads-found button")
    sync_api.expect(seen.panel().locator("h2")).to_have_text(name)


def answered(seen: Seen, question: str) -> None:
    seen.page.wait_for_function("(name) => Number(document.body.dataset[name]) > 0", arg=question)


def test_a_bridge_shut_by_keyboard_changes_shelter_reach_evacuation_and_verdict(road_map: Callable[..., Seen]) -> None:
    """From 0.0225 the school is 0.0035 away, 39 s; the hall 0.0175, 195 s. Round by the loop it is 442 s more.

    Of 150 people west of the bridge 100 find a place there, 50 go over it: within 10 minutes, but not round by the loop.
    Twelve people come from the other side within 15 minutes of the call, five of them to get ready: over the bridge only.
    """
    seen = road_map()
    by_key(seen, "#open-access")
    answered(seen, "place")
    sync_api.expect(seen.panel().locator("[aria-pressed=true]")).to_contain_text("School")
    by_key(seen, "#open-evacuation")
    seen.page.locator("input[name=limit_min]").fill("10")
    by_key(seen, "#evacuate")
    answered(seen, "evacuation")
    by_key(seen, "#open-mobilisation")
    seen.page.locator("input[name=people]").fill("42")
    seen.page.locator("input[name=within]").fill("15")
    by_key(seen, "#mobilise")
    answered(seen, "mobilisation")
    sync_api.expect(seen.panel().locator(".verdict")).to_contain_text("Proven")
    road_panel(seen, "Old Bridge")
    sync_api.expect(seen.panel().locator("select[name=cause]")).to_have_value("bridge")
    by_key(seen, "#close-road")
    said = seen.page.locator("#watch")
    sync_api.expect(said).to_contain_text("nearest of Shelters: was School 0.7 min, now Hall 3.3 min")
    sync_api.expect(said).to_contain_text("reach within 15 min: ground −")
    sync_api.expect(said).to_contain_text("placed 230 → 180 people")
    sync_api.expect(said).to_contain_text("1 groups moved")
    sync_api.expect(said).to_contain_text("verdict: Proven → Refuted")
    sync_api.expect(seen.page.locator(SHUT)).to_contain_text("Old Bridge")
    assert seen.page.locator("#status").get_attribute("role") == "status"
    by_key(seen, "#watch-mobilisation")
    sync_api.expect(seen.panel().locator(".verdict")).to_contain_text("Only the closures make the difference.")
    by_key(seen, "#watch-evacuation")
    sync_api.expect(seen.panel().locator(".changed")).to_contain_text("placed 230 → 180")
    by_key(seen, ".closure .end")
    sync_api.expect(said).to_contain_text("nearest of Shelters: was Hall 3.3 min, now School 0.7 min")
    sync_api.expect(seen.page.locator(SHUT)).to_have_count(0)
    sync_api.expect(seen.page.locator(".closure-ended").first).to_be_visible()


def test_a_road_shut_in_thought_is_marked_until_cleared_and_stored_nowhere(road_url: str, road_map: Callable[..., Seen]) -> None:
    seen = road_map("zh-CN")
    by_key(seen, "#open-access")
    answered(seen, "place")
    road_panel(seen, "Old Bridge")
    by_key(seen, "#suppose-road")
    mark = seen.page.locator("#whatif")
    sync_api.expect(mark).to_contain_text("假设情景，并非实况")
    sync_api.expect(mark).to_contain_text("Old Bridge")
    sync_api.expect(seen.page.locator("#watch")).to_contain_text("最近应急避难场所：原 School 0.7 分钟，现 Hall 3.3 分钟")
    assert in_force(road_url) == []
    by_key(seen, "#whatif-clear")
    sync_api.expect(mark).to_be_hidden()
    sync_api.expect(seen.page.locator("#watch")).to_contain_text("原 Hall 3.3 分钟，现 School 0.7 分钟")


def test_a_closures_title_is_shown_literally_wherever_it_is_told(road_map: Callable[..., Seen]) -> None:
    seen = road_map()
    title = " ".join(HOSTILE[:3])
    road_panel(seen, "Old Bridge")
    seen.page.locator("input[name=title]").fill(title)
    by_key(seen, "#close-road")
    sync_api.expect(seen.page.locator(f"{SHUT} .name")).to_have_text(title)
    sync_api.expect(seen.panel().locator(".shut-now")).to_contain_text(title)
    by_key(seen, "#open-access")
    sync_api.expect(seen.panel().locator(".in-the-way").first).to_have_text(f"On the direct road: Bridge out ({title})")
    by_key(seen, ".closure .end")
    sync_api.expect(seen.page.locator("#status")).to_contain_text(title)
    literal(seen)


def test_a_closure_of_somebody_else_is_noticed_and_said(road_url: str, road_map: Callable[..., Seen]) -> None:
    seen = road_map()
    by_key(seen, "#open-access")
    answered(seen, "place")
    body = {"title": "Elsewhere", "cause": "control", "roads": ["bridge"]}
    request = urllib.request.Request(f"{road_url}/closures", json.dumps(body).encode(), OPERATOR)
    urllib.request.urlopen(request, timeout=10).close()
    sync_api.expect(seen.page.locator("#watch")).to_contain_text("was School 0.7 min, now Hall 3.3 min")
    sync_api.expect(seen.page.locator(f"{SHUT} .name")).to_have_text("Elsewhere")


def test_a_drawn_area_tells_what_is_inside_and_shuts_its_roads(road_map: Callable[..., Seen]) -> None:
    seen = road_map()
    by_key(seen, "#closures-summary", "#draw-area")
    for lon, lat in ((0.018, -0.002), (0.0215, -0.002), (0.0215, 0.002), (0.018, 0.002)):
        click_at(seen, lon, lat)
    seen.page.keyboard.press("Enter")
    sync_api.expect(seen.panel().locator(".part", has_text="Shelters")).to_contain_text("School")
    by_key(seen, "#close-road")
    sync_api.expect(seen.page.locator(SHUT)).to_contain_text("roads: 3")
    by_key(seen, "#draw-area")
    sync_api.expect(seen.page.locator("#area-hint")).to_be_visible()
    seen.page.keyboard.press("Escape")
    sync_api.expect(seen.page.locator("#area-hint")).to_be_hidden()


def test_the_transfer_list_is_a_harmless_file_and_is_on_paper(road_map: Callable[..., Seen]) -> None:
    seen = road_map()
    by_key(seen, "#open-evacuation", "#evacuate")
    answered(seen, "evacuation")
    with seen.page.expect_download() as told:
        by_key(seen, "#evacuate-csv")
    text = Path(told.value.path()).read_bytes().decode("utf-8-sig")
    assert text.splitlines()[0] == '"Group","People","Shelter","Time","Duty"'
    assert '"Sluice","100","School","1.7"' in text
    made = "import('./static/js/csv.js').then(({ csvText }) => csvText([['=1+1', '-2', 'a\"b', '@x', 'plain']]))"
    assert seen.page.evaluate(made) == '\ufeff"\'=1+1","\'-2","a""b","\'@x","plain"\r\n'
    seen.page.emulate_media(media="print")
    seen.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    sync_api.expect(seen.page.locator(".plan-paper tbody tr", has_text="School")).to_contain_text("Sluice100School1.7")


def test_without_roads_the_map_says_so_and_answers_by_straight_lines(plain_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{plain_city}/?lang=en", ready="body[data-closures]")
    by_key(seen, "#open-access")
    sync_api.expect(seen.panel().locator(".straight")).to_contain_text("No road data: these are straight lines")
    sync_api.expect(seen.panel().locator(".near button").first).to_contain_text("School")
    seen.forgive(404)


def test_on_a_phone_the_panels_of_access_overflow_nothing(road_map: Callable[..., Seen]) -> None:
    seen = road_map("zh-CN", viewport={"width": 390, "height": 844}, has_touch=True)
    seen.page.locator("#open-access").tap()
    answered(seen, "place")
    seen.panel().locator(".close").tap()
    seen.page.locator("#open-evacuation").tap()
    seen.page.locator("#evacuate").tap()
    answered(seen, "evacuation")
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 390
    wide = "[...document.querySelectorAll('#panel *')].filter((each) => each.getBoundingClientRect().right > 391).length"
    assert seen.page.evaluate(wide) == 0
