"""Lines and areas drawn and reshaped on the command map: by mouse, finger and keys; what is measured and what is refused."""

import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from layers._catalog import catalog
from layers._layer import Geometry
from layers._store import Batch, open_store
from tests import callers, small_city
from tests.browsing import Seen, pages, sync_api
from tests.running import Service
from tests.small_city import frame
from tests.test_browser import HOSTILE, literal

pytestmark = pytest.mark.browser

expect = sync_api.expect
WGS84 = Geod(ellps="WGS84")
HOLED = shapely.Polygon(
    [(0, 0.02), (0.01, 0.02), (0.01, 0.03), (0, 0.03)], [[(0.004, 0.024), (0.006, 0.024), (0.006, 0.026), (0.004, 0.026)]]
)
TWO = shapely.MultiPolygon([shapely.box(0.02, 0.02, 0.024, 0.024), shapely.box(0.026, 0.02, 0.03, 0.024)])
RIVER = shapely.LineString([(0.012, 0.026), (0.014, 0.028), (0.016, 0.026)])
TURNS = [2 * math.pi * i / 3000 for i in range(3000)]
ROUND = shapely.Polygon([(0.015 + 0.004 * math.cos(turn), 0.036 + 0.004 * math.sin(turn)) for turn in TURNS])
DRAWN = {each.id for each in catalog().values() if each.geometry in (Geometry.LINE, Geometry.AREA)}
ZONES = {
    "holed": (HOLED, {"kind": "forecast", "place": "Holed"}),
    "two": (TWO, {"kind": "design", "place": "Two"}),
    "bow": (shapely.box(0.032, 0.02, 0.036, 0.024), {"kind": "design", "place": "Bow"}),
    "past": (shapely.box(0, 0, 0.005, 0.01), {"kind": "past", "year": 2019}),
    "round": (ROUND, {"kind": "past", "place": HOSTILE[1]}),
}


@pytest.fixture(scope="module")
def drawn_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small city with an area with a hole, one of two parts, one of 3,000 vertices, and a river."""
    path = tmp_path_factory.mktemp("drawn") / "store.sqlite"
    added = {"flood_zones": frame("flood_zones", ZONES), "rivers": frame("rivers", {"river": (RIVER, {"name": "Long brook"})})}
    with open_store(path) as store:
        for layer_id, rows in (small_city.frames() | added).items():
            store.apply(layer_id, rows, Batch(actor="test", reason="drawn", source="drawn"))
        callers.settle(store)
    return path


@pytest.fixture(scope="module")
def service(drawn_store: Path) -> Iterator[Service]:
    with Service(drawn_store) as running:
        yield running


@pytest.fixture(scope="module")
def browse(browser: Any, service: Service) -> Iterator[Callable[..., Seen]]:
    """Open the command map as somebody."""
    with pages(browser) as browse_to:

        def browse_as(as_: str = "operator", *, language: str = "en", **options: Any) -> Seen:
            address = f"http://127.0.0.1:{service.port}/?lang={language}"
            return browse_to(address, extra_http_headers=callers.headers(as_), **options)

        yield browse_as


@pytest.fixture(scope="module")
def desk(browse: Callable[..., Seen]) -> Seen:
    """One page for all tests of an operator: to open one takes longer than most of them."""
    return browse()


@pytest.fixture
def seen(desk: Seen) -> Iterator[Seen]:
    """The operator's page with nothing open; afterwards nothing may have gone wrong."""
    yield desk
    faults = [each for each in desk.faults if "status of 412" not in each]
    desk.faults.clear()
    desk.page.keyboard.press("Escape")
    for way_out in ("edit-leave", "edit-drop"):
        desk.page.evaluate("id => document.getElementById(id)?.click()", way_out)
    expect(desk.page.locator("#edit-form:visible")).to_have_count(0)
    desk.page.evaluate("() => document.getElementById('panel-close')?.click()")
    assert faults == []


def look_at(seen: Seen, lon: float, lat: float, zoom: int = 16) -> None:
    seen.page.evaluate("([lat, lon, zoom]) => { map_command.setView([lat, lon], zoom, { animate: false }); }", [lat, lon, zoom])


def on_screen(seen: Seen, lon: float, lat: float) -> tuple[float, float]:
    at = seen.page.evaluate("([lat, lon]) => map_command.latLngToContainerPoint([lat, lon])", [lat, lon])
    box = seen.page.locator("#map_command").bounding_box()
    return box["x"] + at["x"], box["y"] + at["y"]


def click(seen: Seen, lon: float, lat: float, **how: Any) -> None:
    seen.page.mouse.click(*on_screen(seen, lon, lat), **how)


def drag(seen: Seen, start: tuple[float, float], end: tuple[float, float]) -> None:
    seen.page.mouse.move(*on_screen(seen, *start))
    seen.page.mouse.down()
    seen.page.mouse.move(*on_screen(seen, *end), steps=4)
    seen.page.mouse.up()


def editing(seen: Seen, layer_id: str, name: str) -> None:
    look_at(seen, 0.015, 0.025, 14)
    seen.page.locator(f"#legend-list-{layer_id}").dispatch_event("click")
    seen.panel().locator(".near button", has_text=name).first.click()
    seen.page.locator("#feature-edit").click()
    expect(seen.page.locator("#edit-form")).to_be_visible()


def adding(seen: Seen, layer_id: str) -> None:
    seen.page.locator("#open-add").click()
    seen.page.locator("#add-layer").select_option(layer_id)
    seen.page.locator("#add-next").click()


def saved(seen: Seen, button: str = "#edit-save") -> dict[str, Any]:
    """The feature as the service took it."""
    with seen.page.expect_response(lambda answer: answer.request.method in ("PATCH", "POST")) as taken:
        seen.page.locator(button).click()
    assert taken.value.ok, taken.value.text()
    expect(seen.page.locator("#saved")).to_be_visible()
    found: dict[str, Any] = taken.value.json()
    return found


def shape(feature: dict[str, Any]) -> shapely.Geometry:
    return shapely.from_geojson(json.dumps(feature["geometry"]))


# ---- drawing ----


def test_an_area_is_drawn_by_clicks_and_a_double_click_and_is_measured(seen: Seen) -> None:
    """0.01 degrees of longitude by 0.005 of latitude; the second half of the double click is no vertex."""
    adding(seen, "flood_zones")
    look_at(seen, 0.045, 0.005, 15)
    seen.page.locator("#shape-draw").click()
    expect(seen.page.locator("#shape-draw")).to_be_disabled()  # pressed again it would begin anew
    corners = [(0.04, 0.003), (0.05, 0.003), (0.05, 0.008), (0.04, 0.008)]
    for corner in corners[:3]:
        click(seen, *corner)
    seen.page.mouse.dblclick(*on_screen(seen, *corners[3]))
    hectares = abs(WGS84.geometry_area_perimeter(shapely.Polygon(corners))[0]) / 1e4
    told = seen.page.locator("#shape-told")
    expect(told).to_contain_text("4 vertices · area")
    assert float(re.findall(r"area ([\d.]+) ha", told.inner_text())[0]) == pytest.approx(hectares, rel=0.02)
    seen.page.locator("#edit-kind").select_option("forecast")
    drawn = shape(saved(seen))
    assert drawn.is_valid
    assert shapely.hausdorff_distance(drawn, shapely.Polygon(corners)) < 5e-5


def test_a_line_is_drawn_by_keys_alone_and_a_vertex_is_taken_back(seen: Seen) -> None:
    adding(seen, "rivers")
    seen.page.locator("#shape-draw").press("Enter")
    for i, lon in enumerate((0.04, 0.041, 0.049, 0.043)):
        look_at(seen, lon, 0.01)
        seen.page.keyboard.press("Space")
        expect(seen.page.locator("#shape-size")).to_contain_text(f"{i + 1} vertices")
        if lon == 0.049:
            seen.page.keyboard.press("Backspace")
            seen.page.keyboard.press("Space")
            seen.page.keyboard.press("Backspace")
            look_at(seen, 0.042, 0.01)
            seen.page.keyboard.press("Space")
    seen.page.keyboard.press("Enter")
    drawn = shape(saved(seen))
    assert len(drawn.coords) == 4
    wanted = shapely.LineString([(0.04, 0.01), (0.041, 0.01), (0.042, 0.01), (0.043, 0.01)])
    assert shapely.hausdorff_distance(drawn, wanted) < 3e-5  # a pixel


def test_escape_calls_a_drawing_off_and_it_can_be_brought_back(seen: Seen) -> None:
    adding(seen, "flood_zones")
    look_at(seen, 0.045, 0.005, 15)
    seen.page.locator("#shape-draw").click()
    for corner in ((0.04, 0.003), (0.05, 0.003), (0.05, 0.008)):
        click(seen, *corner)
    seen.page.keyboard.press("Escape")
    expect(seen.page.locator("#shape-told")).to_have_text("Not drawn yet")
    expect(seen.page.locator("#edit-form")).to_be_visible()
    seen.page.locator("#shape-again").click()
    expect(seen.page.locator("#shape-told")).to_contain_text("3 vertices")


def test_a_save_in_the_middle_of_a_drawing_loses_nothing(seen: Seen) -> None:
    adding(seen, "flood_zones")
    look_at(seen, 0.045, 0.005, 15)
    seen.page.locator("#edit-kind").select_option("forecast")
    seen.page.locator("#shape-draw").click()
    click(seen, 0.04, 0.003)
    click(seen, 0.05, 0.003)
    seen.page.locator("#edit-save").click()
    expect(seen.page.locator("#edit-form > .said")).to_contain_text("not finished")
    click(seen, 0.05, 0.008)
    assert len(shape(saved(seen)).exterior.coords) == 4


def test_a_shape_is_asked_for_where_one_must_be(seen: Seen) -> None:
    adding(seen, "flood_zones")
    seen.page.locator("#edit-kind").select_option("forecast")
    seen.page.locator("#edit-save").click()
    expect(seen.page.locator("#edit-form > .said")).to_contain_text("A shape is needed")


@pytest.mark.parametrize(("role", "offered"), [("operator", DRAWN), ("field", {"flood_zones", "landslide_zones"})])
def test_the_layers_to_add_to_are_those_that_the_caller_may_write(
    browse: Callable[..., Seen], desk: Seen, role: str, offered: set[str]
) -> None:
    seen = desk if role == "operator" else browse(role)
    seen.page.locator("#open-add").click()
    options = set(seen.page.locator("#add-layer option").evaluate_all("all => all.map(({ value }) => value)"))
    assert options & DRAWN == offered
    seen.page.locator("#panel-close").click()


# ---- reshaping ----


def test_a_vertex_is_dragged_one_is_added_in_mid_edge_one_removed_and_the_hole_stays(seen: Seen) -> None:
    """The corner (0.01, 0.03) goes to (0.012, 0.031); the middle of the south edge to (0.005, 0.018); (0, 0.02) goes."""
    editing(seen, "flood_zones", "Holed")
    seen.page.locator("#shape-reshape").click()
    look_at(seen, 0.006, 0.022, 15)
    drag(seen, (0.01, 0.03), (0.012, 0.031))
    drag(seen, (0.005, 0.02), (0.005, 0.018))
    expect(seen.page.locator("#shape-size")).to_contain_text("9 vertices")
    click(seen, 0, 0.02, button="right")
    expect(seen.page.locator("#shape-size")).to_contain_text("8 vertices")
    seen.page.keyboard.press("Enter")
    now = shape(saved(seen))
    wanted = shapely.Polygon([(0.01, 0.02), (0.012, 0.031), (0, 0.03), (0.005, 0.018)])
    assert shapely.hausdorff_distance(shapely.Polygon(now.exterior), wanted) < 5e-5
    assert shapely.Polygon(now.interiors[0]).equals(shapely.Polygon(HOLED.interiors[0]))


def test_one_part_of_several_is_reshaped_by_keys_and_the_others_stay(seen: Seen) -> None:
    """N chooses the first vertex; 10 presses of 20 px to the south at zoom 16 (2.39 m a pixel on the equator) are about 478 m."""
    editing(seen, "flood_zones", "Two")
    seen.page.locator("#shape-reshape").press("Enter")
    look_at(seen, 0.025, 0.022)
    seen.page.keyboard.press("n")
    before = seen.page.evaluate("document.getElementById('status').textContent")
    assert before.startswith("Vertex 1 of 4: 0.024, 0.02")
    for _ in range(10):
        seen.page.keyboard.press("Shift+ArrowDown")
    seen.page.keyboard.press("i")
    seen.page.keyboard.press("Delete")
    seen.page.keyboard.press("Enter")
    first, second = shape(saved(seen)).geoms
    assert second.equals(TWO.geoms[1])
    moved = first.exterior.coords[0]
    assert (moved[0], WGS84.inv(0.024, 0.02, *moved)[2]) == (pytest.approx(0.024, abs=2e-6), pytest.approx(478, rel=0.02))


def test_a_part_is_added_and_another_removed(seen: Seen) -> None:
    editing(seen, "flood_zones", "Two")
    expect(seen.page.locator("#shape-part option")).to_have_count(2)
    seen.page.locator("#shape-more").click()
    look_at(seen, 0.024, 0.032)
    triangle = [(0.022, 0.03), (0.026, 0.03), (0.024, 0.034)]
    for corner in (*triangle, triangle[0]):  # the first vertex clicked again ends an area
        click(seen, *corner)
    expect(seen.page.locator("#shape-part option")).to_have_count(3)
    seen.page.locator("#shape-part").select_option("0")
    seen.page.locator("#shape-less").click()
    first, second = shape(saved(seen)).geoms
    assert first.equals(TWO.geoms[1])
    assert shapely.hausdorff_distance(second, shapely.Polygon(triangle)) < 3e-5


def test_a_border_given_anew_keeps_its_holes(seen: Seen) -> None:
    editing(seen, "flood_zones", "Holed")
    seen.page.locator(".shape-by-list summary").click()
    seen.page.locator("#shape-list").fill("0 0.02\n0.01 0.02\n0.01 0.032\n0 0.032")
    now = shape(saved(seen))
    assert now.bounds == (0, 0.02, 0.01, 0.032)
    assert [shapely.Polygon(hole).equals(shapely.Polygon(HOLED.interiors[0])) for hole in now.interiors] == [True]


def test_every_change_is_taken_back_and_escape_brings_the_shape_as_it_was(seen: Seen) -> None:
    editing(seen, "rivers", "Long brook")
    seen.page.locator("#shape-reshape").click()
    look_at(seen, 0.014, 0.027)
    size = seen.page.locator("#shape-size")
    was = size.inner_text()
    drag(seen, (0.014, 0.028), (0.0145, 0.025))
    changed = size.inner_text()
    assert changed != was
    seen.page.keyboard.press("Delete")
    expect(size).to_contain_text("2 vertices")
    seen.page.keyboard.press("Delete")
    seen.page.keyboard.press("n")
    seen.page.keyboard.press("Delete")
    expect(size).to_contain_text("2 vertices")  # a line cannot do with one
    seen.page.keyboard.press("Control+z")
    expect(size).to_have_text(changed)
    seen.page.keyboard.press("Backspace")
    expect(size).to_have_text(was)
    drag(seen, (0.014, 0.028), (0.0145, 0.025))
    seen.page.keyboard.press("Escape")
    expect(seen.page.locator("#shape-told")).to_have_text(was)
    seen.page.locator("#edit-save").click()
    expect(seen.page.locator("#edit-form > .said")).to_contain_text("Nothing was changed")


def test_a_border_that_crosses_itself_is_not_sent_and_it_is_said_where(seen: Seen) -> None:
    """The north-eastern corner pulled over the western edge: they meet a third of the way up."""
    editing(seen, "flood_zones", "Bow")
    seen.page.locator("#shape-reshape").click()
    look_at(seen, 0.034, 0.022)
    drag(seen, (0.036, 0.024), (0.030, 0.022))
    expect(seen.page.locator("#shape-fault")).to_contain_text(re.compile(r"crosses or touches itself at 0\.03200, 0\.0213"))
    sent: list[str] = []
    seen.page.on("request", lambda request: sent.append(request.method))
    seen.page.locator("#edit-save").click()
    expect(seen.page.locator("#edit-form > .said")).to_contain_text("crosses or touches itself")
    seen.page.locator("#shape-fault-show").click()
    assert "PATCH" not in sent


def test_handles_are_shown_only_for_what_is_in_view(seen: Seen) -> None:
    """3,000 vertices: too many at once; closer by there are few, and one is dragged."""
    editing(seen, "flood_zones", HOSTILE[1])
    look_at(seen, 0.015, 0.036, 15)
    seen.page.locator("#shape-reshape").click()
    expect(seen.page.locator("#shape-crowded")).to_contain_text("3,000 vertices are in view; handles are shown for at most 1,000")
    look_at(seen, 0.019, 0.036, 18)
    expect(seen.page.locator("#shape-crowded")).to_be_hidden()
    drag(seen, (0.019, 0.036), (0.0191, 0.036))
    seen.page.keyboard.press("Enter")
    coordinates = shapely.get_coordinates(shape(saved(seen)))
    untouched = {tuple(each) for each in shapely.get_coordinates(ROUND)}
    assert len({tuple(each) for each in coordinates} - untouched) == 1
    assert len(coordinates) == len(shapely.get_coordinates(ROUND))
    literal(seen)


def test_a_finger_draws_and_drags(browse: Callable[..., Seen]) -> None:
    """On a phone the form makes room for the map while something is drawn. Buttons are clicked: a slow tap is a long press."""
    seen = browse(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    seen.page.evaluate("document.getElementById('open-add').click()")
    seen.page.locator("#add-layer").select_option("rivers")
    seen.page.locator("#add-next").click()
    seen.page.locator("#shape-draw").click()
    expect(seen.panel()).to_be_hidden()
    look_at(seen, 0.045, 0.012)
    for spot in ((0.0445, 0.0135), (0.0455, 0.0135), (0.0455, 0.0125)):
        seen.page.touchscreen.tap(*on_screen(seen, *spot))
    expect(seen.page.locator("#shape-size")).to_contain_text("3 vertices")
    seen.page.locator("#shape-end").click()
    expect(seen.panel()).to_be_visible()
    seen.page.locator("#shape-reshape").click()
    look_at(seen, 0.045, 0.012)
    fingers = seen.page.context.new_cdp_session(seen.page)
    places = [on_screen(seen, 0.0455, 0.0125), on_screen(seen, 0.0450, 0.0120), on_screen(seen, 0.0450, 0.0115)]
    for kind, points in (("Start", places[:1]), ("Move", places[1:2]), ("Move", places[2:]), ("End", [])):
        fingers.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": [{"x": x, "y": y} for x, y in points]})
    seen.page.locator("#shape-end").click()
    drawn = shape(saved(seen))
    assert shapely.Point(drawn.coords[-1]).distance(shapely.Point(0.0450, 0.0115)) < 3e-5


# ---- as a list ----


def test_a_list_of_coordinates_is_typed_by_keys_alone(seen: Seen) -> None:
    adding(seen, "flood_zones")
    seen.page.locator("#edit-kind").select_option("forecast")
    seen.page.locator(".shape-by-list summary").press("Enter")
    area = seen.page.locator("#shape-list")
    area.fill("0.06, 0.001\n0.07, 0.001\nnorth\n")
    seen.page.locator("#shape-list-take").press("Enter")
    expect(seen.page.locator("#shape-list-said")).to_have_text(
        "Line 3: two numbers are expected, longitude and latitude; got: north"
    )
    area.fill("0.06 0.001\n\n0.07；0.001\n0.07\t0.002\n0.06，0.001")
    assert shape(saved(seen)).equals(shapely.Polygon([(0.06, 0.001), (0.07, 0.001), (0.07, 0.002)]))


LISTS = [
    ("119.92, 28.46\n119.93°，28.47°", {"vertices": [[119.92, 28.46], [119.93, 28.47]]}),
    ("28.46, 119.92", {"fault": {"key": "shape.list_fault_swapped", "line": 1, "got": "28.46, 119.92"}}),
    ("\n200 10", {"fault": {"key": "shape.list_fault_globe", "line": 2, "got": "200 10"}}),
    ("1 2 3", {"fault": {"key": "shape.list_fault_two", "line": 1, "got": "1 2 3"}}),
    ("1e999 2", {"fault": {"key": "shape.list_fault_two", "line": 1, "got": "1e999 2"}}),
    ("", {"vertices": []}),
]


@pytest.mark.parametrize(("text", "read"), LISTS)
def test_a_list_is_read_or_the_line_is_named(modules: Any, text: str, read: dict[str, Any]) -> None:
    script = """async (text) => (await import("./static/js/coordinate_list.js")).readList(text)"""
    assert modules.evaluate(script, text) == read


# ---- who was faster ----


def test_both_shapes_are_shown_and_one_is_chosen(seen: Seen, service: Service) -> None:
    """I move a corner of the first part, somebody else meanwhile the whole area: nothing is overwritten unseen."""
    editing(seen, "flood_zones", "2019")
    seen.page.locator(".shape-by-list summary").click()
    mine = "0, 0\n0.004, 0\n0.004, 0.01"
    seen.page.locator("#shape-list").fill(mine)
    path = "/collections/flood_zones/items/past"
    _, headers, _ = service.ask("GET", path, "operator")
    theirs = json.loads(shapely.to_geojson(shapely.box(0, 0, 0.006, 0.01)))
    status, _, _ = service.ask("PATCH", path, callers.TOWN, {"geometry": theirs}, **{"If-Match": headers["etag"]})
    assert status == 200
    seen.page.locator("#edit-save").click()
    row = seen.page.locator("#conflict [data-column=geometry]")
    expect(row.locator("td")).to_contain_text(["4 vertices", "3 vertices", "4 vertices"])
    inks = seen.page.evaluate(INKS)
    assert {"84,39,143", "179,88,6", "91,103,112"} <= set(inks)
    row.locator("[value=mine]").check()
    kept = shape(saved(seen, "#conflict-save"))
    assert kept.equals(shapely.Polygon([(0, 0), (0.004, 0), (0.004, 0.01)]))
    assert not seen.page.evaluate(INKS)


INKS = """() => {
  const inks = new Map();
  for (const canvas of document.querySelectorAll(".leaflet-drawing-pane canvas")) {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < data.length; i += 4) {
      const ink = `${data[i]},${data[i + 1]},${data[i + 2]}`;
      if (data[i + 3] === 255) inks.set(ink, (inks.get(ink) ?? 0) + 1);
    }
  }
  return [...inks].filter(([, n]) => n > 20).map(([ink]) => ink);
}"""


def test_what_only_one_moved_needs_no_choice(seen: Seen, service: Service) -> None:
    """I write a note of the place, somebody else moves the border: both stand."""
    editing(seen, "flood_zones", "2019")
    seen.page.locator("#edit-place").fill("Old town")
    path = "/collections/flood_zones/items/past"
    _, headers, _ = service.ask("GET", path, "operator")
    theirs = json.loads(shapely.to_geojson(shapely.box(0, 0, 0.007, 0.01)))
    service.ask("PATCH", path, callers.TOWN, {"geometry": theirs}, **{"If-Match": headers["etag"]})
    seen.page.locator("#edit-save").click()
    expect(seen.page.locator("#conflict")).to_contain_text("both changes can stand")
    now = saved(seen, "#conflict-save")
    assert (now["properties"]["place"], shape(now).bounds) == ("Old town", (0, 0, 0.007, 0.01))


# ---- sums ----


@pytest.fixture(scope="module")
def modules(desk: Seen) -> Any:
    """A page that can load our modules one by one."""
    return desk.page


SPOTS = st.tuples(st.floats(-179, 179), st.floats(-85, 85))


@settings(max_examples=25, deadline=None)
@given(lines=st.lists(st.tuples(SPOTS, SPOTS), min_size=20, max_size=20))
def test_lengths_are_those_of_proj(modules: Any, lines: list[Any]) -> None:
    script = """async (lines) => {
      const { lengthOf } = await import("./static/js/geodesic.js");
      return lines.map((line) => lengthOf(line));
    }"""
    found = modules.evaluate(script, lines)
    for ((lon, lat), (east, north)), metres in zip(lines, found, strict=True):
        expected = WGS84.inv(lon, lat, east, north)[2]
        assert metres == pytest.approx(expected, abs=1e-3) or ((metres is None or math.isnan(metres)) and expected > 1.9e7)


@settings(max_examples=25, deadline=None)
@given(
    corners=st.lists(st.tuples(st.floats(0.1, 1), st.floats(0, 1)), min_size=3, max_size=9),
    middle=st.tuples(st.floats(-179, 179), st.floats(-70, 70)), degrees=st.sampled_from([0.001, 0.1, 3]),
)  # fmt: skip
def test_areas_are_those_of_proj(modules: Any, corners: list[Any], middle: Any, degrees: float) -> None:
    """Corners around a middle, by angle: such a border never crosses itself."""
    turns = sorted({round(turn * 2 * math.pi, 3): far for far, turn in corners}.items())
    ring = [(middle[0] + degrees * far * math.cos(turn), middle[1] + degrees * far * math.sin(turn)) for turn, far in turns]
    script = """async (ring) => (await import("./static/js/geodesic.js")).areaOf([ring])"""
    expected = abs(WGS84.polygon_area_perimeter(*zip(*ring, strict=True))[0])
    assert modules.evaluate(script, ring) == pytest.approx(expected, rel=1e-6, abs=0.01)


def test_a_hole_is_no_area(modules: Any) -> None:
    script = """async (rings) => (await import("./static/js/geodesic.js")).areaOf(rings)"""
    turned = shapely.geometry.polygon.orient(HOLED)  # PROJ takes a hole away only where it turns the other way
    rings = [list(ring.coords)[:-1] for ring in (HOLED.exterior, *HOLED.interiors)]
    assert modules.evaluate(script, rings) == pytest.approx(abs(WGS84.geometry_area_perimeter(turned)[0]), rel=1e-8)


FAULT = """async (parts) => (await import("./static/js/crossings.js")).faultOf(parts)"""
GRID = st.tuples(st.integers(0, 6), st.integers(0, 6))
SQUARE = [[0, 0], [9, 0], [9, 9], [0, 9]]


@settings(max_examples=12, deadline=None)
@given(rings=st.lists(st.lists(GRID, min_size=3, max_size=9), min_size=40, max_size=40))
def test_a_border_is_refused_where_the_service_would_refuse_it(modules: Any, rings: list[Any]) -> None:
    """On a grid of seven by seven, edges meet, touch and fold back in every way."""
    script = f"async (rings) => Promise.all(rings.map((ring) => ({FAULT})([[ring]])))"
    for ring, found in zip(rings, modules.evaluate(script, rings), strict=True):
        assert (found is None) == shapely.is_valid(shapely.Polygon(ring)), ring


def inner(x: int, y: int) -> list[list[int]]:
    return [[x, y], [x + 2, y], [x + 2, y + 2], [x, y + 2]]


PARTS = [
    ([[SQUARE, inner(3, 3)]], None),
    ([[SQUARE, inner(3, 3), inner(5, 5)]], None),
    ([[SQUARE, inner(3, 3), inner(4, 4)]], "shape.fault_hole_crosses"),
    ([[SQUARE, inner(8, 3)]], "shape.fault_hole_crosses"),
    ([[SQUARE, inner(20, 3)]], "shape.fault_hole_outside"),
    ([[SQUARE], [inner(3, 3)]], "shape.fault_parts_cross"),
    ([[SQUARE, inner(3, 3)], [inner(3, 3)]], "shape.fault_parts_cross"),
    ([[SQUARE], [inner(20, 3)]], None),
    ([[SQUARE], [inner(9, 9)]], None),
    ([[SQUARE], [inner(9, 3)]], "shape.fault_parts_cross"),
    ([[[[0, 0], [1, 1], [0, 0]]]], "shape.fault_thin"),
    ([[[[0, 0], [5, 0], [3, 0], [3, 3]]]], "shape.fault_spike"),
]


@pytest.mark.parametrize(("parts", "key"), PARTS)
def test_holes_and_parts_are_refused_as_the_service_does(modules: Any, parts: list[Any], key: str | None) -> None:
    found = modules.evaluate(FAULT, parts)
    assert (found and found["key"]) == key
    assert (key is None) == shapely.is_valid(shapely.MultiPolygon([(rings[0], rings[1:]) for rings in parts]))


def test_a_border_of_eighty_thousand_vertices_is_looked_through_in_a_moment(modules: Any) -> None:
    """A rough coast: valid; with one vertex thrown across it, not."""
    script = """async (n) => {
      const { faultOf } = await import("./static/js/crossings.js");
      const spot = (turn, far) => [far * Math.cos(turn), far * Math.sin(turn)];
      const ring = Array.from({ length: n }, (_, i) => spot((2 * Math.PI * i) / n, 1 + 0.01 * Math.sin(i * 7.3)));
      const began = performance.now();
      const whole = faultOf([[ring]]);
      return { whole, crossed: faultOf([[ring.with(100, [-0.5, -0.5])]]).key, took: performance.now() - began };
    }"""
    found = modules.evaluate(script, 80_000)
    assert (found["whole"], found["crossed"]) == (None, "shape.fault_crosses")
    assert found["took"] < 8_000


def test_a_shape_made_to_be_slow_is_left_to_the_service(modules: Any) -> None:
    """Every edge through the same cells: the search gives up in bounded time, and the service looks again."""
    script = """async (n) => {
      const ring = Array.from({ length: n }, (_, i) => (i % 2 ? [1 + i * 1e-9, i * 1e-9] : [i * 1e-9, i * 1e-9]));
      const began = performance.now();
      (await import("./static/js/crossings.js")).faultOf([[ring]]);
      return performance.now() - began;
    }"""
    assert modules.evaluate(script, 50_000) < 8_000
