"""The field page as a phone without JavaScript gets it."""

import gzip
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import callers
import road_city
from api.app import create_app
from api.settings import Settings
from layers._catalog import layer
from layers._layer import Column
from layers._store import Batch, open_store
from maps.command import command_page
from maps.field import FieldAnswer, Row, card, card_rows, distance_text, field_page, value_text
from maps.page import PageSettings, modules, moment, number, place_layer
from maps.shell import STATIC

SETTINGS = PageSettings(bureau="Bureau <b>")
HOSTILE = ["{{7*191}}", "${7*191}", "</script><img src=x onerror=alert(1)>", "'\"><svg onload=alert(1)>", "{% raw %}", "a\nb"]


def item(**changes: Any) -> dict[str, Any]:
    known = {
        "layer": "shelters", "id": "s1", "name": "School", "distance_m": 349.6, "bearing_deg": 90.0, "wind": "E",
        "lon": 0.1, "lat": 0.2, "closed": False, "available": True, "status": "open",
        "properties": {"name": "School", "kind": "shelter", "status": "open", "capacity": 1200, "occupancy": None},
    }  # fmt: skip
    return known | changes


def page(*items: dict[str, Any], language: str = "en", **answer: Any) -> str:
    cards = tuple(card(each, language) for each in items)
    return field_page(language, FieldAnswer(lon="0.1", lat="0.2", radius_m=5000, cards=cards, **answer), SETTINGS)


def shown(text: str) -> str:
    """What a reader sees of a page's list."""
    body = text[text.index('<main id="answer"') :]
    return html.unescape(re.sub(r"<[^>]*>", " ", body))


def test_a_card_says_name_distance_direction_status_and_rows() -> None:
    text = " ".join(shown(page(item())).split())
    assert "School Open 350 m towards east Shelters Kind Shelter for staying Capacity 1,200 people" in text
    assert "Occupancy" not in text


def test_the_arrow_points_where_the_place_lies() -> None:
    assert 'transform="rotate(90.0 12 12)"' in page(item())


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "state-open"),
        ({"available": False, "status": "closed"}, "state-closed"),
        ({"available": None, "status": None}, "state-unknown"),
        ({"available": None, "status": "rumoured open"}, "state-unknown"),
        ({"layer": "rescue_teams", "available": True, "status": "ready"}, "state-open"),
        ({"layer": "rescue_teams", "available": False, "status": "out"}, "state-away"),
    ],
)
def test_open_closed_away_and_unknown_are_marked(changes: dict[str, Any], state: str) -> None:
    assert re.findall(r'class="state (state-\w+)"', page(item(**changes))) == [state]


@pytest.mark.parametrize(
    ("status", "available", "word"),
    [("ready", True, "待命"), ("out", False, "出动"), ("off_duty", False, "休整"), (None, None, "状态未知")],
)
def test_a_team_shows_its_own_word(status: str | None, available: bool | None, word: str) -> None:
    team = item(layer="rescue_teams", status=status, available=available, properties={"status": status})
    assert f">{word}</span>" in page(team, language="zh-CN")


def test_a_layer_without_status_has_no_mark() -> None:
    aed = item(layer="aeds", status=None, properties={"name": "AED", "floor": "1"})
    assert 'class="state' not in page(aed)


def test_a_phone_is_shown_only_where_the_reader_may_see_it() -> None:
    assert "tel:" not in page(item())
    assert 'href="tel:000%20123"' in page(item(properties={"phone": "000 123"}))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_text_from_data_is_shown_as_it_is_and_never_as_markup(text: str, language: str) -> None:
    given = page(item(name=text, properties={"address": text, "kind": text}, status=text), language=language, problem="")
    assert shown(given).count(text) == 4
    assert [sink for sink in ("1337", "<img", "<svg onload") if sink in given] == []


@pytest.mark.parametrize("text", HOSTILE)
def test_what_was_typed_comes_back_as_text(text: str) -> None:
    given = field_page("en", FieldAnswer(lon=text, lat=text, problem=text), SETTINGS)
    assert shown(given).count(text) == 1
    assert html.unescape(given).count(f'value="{text}"') == 2
    assert [sink for sink in ("<img", "<svg onload") if sink in given] == []


def test_nothing_near_and_no_data_are_two_answers() -> None:
    text = shown(page(missing=("aeds", "helipads")))
    assert "Nothing within 5 km" in text
    assert 'No data in these layers (which is not "none near"): AEDs, Helipads' in text


def test_the_form_keeps_what_was_asked() -> None:
    text = page(layers=("aeds",))
    assert re.findall(r'value="(\w+)" checked', text) == ["aeds"]
    assert 'name="radius_m" inputmode="numeric" maxlength="7" value="5000"' in text


def test_without_a_question_there_is_a_form_and_no_answer() -> None:
    text = field_page("zh-CN", None, SETTINGS)
    assert '<form id="ask" method="get" action="field">' in text
    assert "card" not in text[text.index('<main id="answer"') :]


def test_a_synthetic_city_is_labelled_on_the_page() -> None:
    assert "演示数据" in field_page("zh-CN", None, PageSettings(synthetic=True))
    assert "演示数据" not in field_page("zh-CN", None, PageSettings())


def test_the_page_is_light_before_the_map_library() -> None:
    """As it goes over a poor network, compressed; of it the page itself, which is not kept from one visit to the next."""
    files = [STATIC / "css/base.css", STATIC / "css/field.css", *(STATIC / "js" / each for each in modules("field.js"))]
    itself = len(gzip.compress(page(*[item()] * 20).encode()))
    assert itself < 14_000
    assert itself + sum(len(gzip.compress(each.read_bytes())) for each in files) < 50_000


@pytest.mark.parametrize(
    ("distance_m", "text"), [(0, "0 m"), (999.4, "999 m"), (999.6, "1 km"), (1249, "1.2 km"), (9999, "10 km"), (25_400, "25 km")]
)
def test_distances_as_a_person_says_them(distance_m: float, text: str) -> None:
    assert distance_text(distance_m, "en") == text


def column(kind: type, **extra: Any) -> Column:
    return Column("x", kind, title={"en": "X", "zh": "甲"}, **extra)


@pytest.mark.parametrize(
    ("of", "value", "text"),
    [
        (column(bool), False, "no"),
        (column(int, unit="people"), 12_345, "12,345 people"),
        (column(float, unit="m"), 1.239, "1.24 m"),
        (column(str), "=1+1", "=1+1"),
        (layer("flood_zones").column("year"), 2019, "2019"),
        (layer("shelters").column("status"), "open", "Open"),
        (layer("shelters").column("status"), "{{7*191}}", "{{7*191}}"),
    ],
)
def test_values_as_texts(of: Column, value: object, text: str) -> None:
    assert value_text(of, value, "en") == text


def test_rows_are_the_card_columns_that_have_a_value() -> None:
    rows = card_rows(layer("rescue_teams"), {"people": 30, "status": "ready", "kind": None}, "zh-CN")
    assert rows == (Row(title="人数", value="30 人"),)


def test_numbers_and_times_of_a_language() -> None:
    assert number(0.126, "en") == "0.13"
    assert moment(None, "zh-CN") == ""
    assert re.fullmatch(r"2026-0[67]-\d\d \d\d:\d\d", moment("2026-06-30T23:00:00Z", "en"))


def test_the_command_page_holds_no_data_and_names_the_area_layer() -> None:
    text = command_page("en", SETTINGS)
    assert f'"areaLayer": "{place_layer().id}"' in text
    assert "Bureau &lt;b&gt;" in text
    assert len(text.encode()) < 42_000  # the words of all its panels; compressed a third of it


@pytest.fixture(scope="module")
def roads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The road city with its bridge shut, under a title that would do harm if it were evaluated."""
    path = tmp_path_factory.mktemp("field") / "store.sqlite"
    with open_store(path) as store:
        for layer_id, frame in road_city.frames().items():
            store.apply(layer_id, frame, Batch(actor="test", reason="road city", source="small"))
        callers.settle(store)
    with TestClient(create_app(Settings(store=path))) as client:
        told = callers.acting(client, "operator").post(
            "/closures", json={"title": HOSTILE[0], "cause": "flood", "roads": ["bridge"]}
        )
        assert told.status_code == 201, told.text
        yield client


def cards(client: TestClient, query: str) -> list[str]:
    """The cards of an answer as a reader sees them."""
    page = client.get(f"/field?layers=shelters&{query}")
    assert page.status_code == 200
    return [" ".join(shown(f'<main id="answer"{part}').split()) for part in page.text.split('<li class="card')[1:]]


AT = "lon=0.018&lat=0&lang=en"


def test_the_field_page_lists_by_road_what_is_reached_first(roads: TestClient) -> None:
    """2,003.75 m at 10 m a second are 3.34 min, rounded up; the straight line stays beside it."""
    west, east = cards(roads, AT)
    assert "School Open 3.4 min by road, west" in west
    assert "straight line 2 km · 100 free places" in west
    assert "On the direct road" not in west
    assert re.search(r"Hall Open 11\.\d min, was 4\.1 by road, east", east)


def test_what_is_in_the_way_of_the_direct_road_is_said_literally(roads: TestClient) -> None:
    east = cards(roads, AT)[1]
    assert f"On the direct road: Under water ({HOSTILE[0]})" in east
    assert "直达道路受阻：积水淹没 ({{7*191}})" in cards(roads, AT.replace("en", "zh-CN"))[1]


def test_straight_lines_are_there_for_the_asking(roads: TestClient) -> None:
    assert "School Open 2 km towards west" in cards(roads, f"{AT}&by=line")[0]


def test_walks_to_the_road_are_said(roads: TestClient) -> None:
    """A thousandth of a degree of latitude at the equator is 110.6 m."""
    assert "on foot 111 m to the road" in cards(roads, "lon=0.01&lat=-0.001&lang=en")[0]


def test_a_place_that_no_road_reaches_gets_straight_lines_and_is_told(roads: TestClient) -> None:
    page = roads.get("/field?lon=0.06&lat=0.06&lang=en&layers=shelters").text
    assert "No road leads from here to any of them within two hours" in shown(page)
    assert "by road," not in shown(page)


def test_without_road_data_the_field_page_says_so(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with open_store(path) as store:
        store.apply("shelters", road_city.frames()["shelters"], Batch(actor="test", reason="no roads", source="small"))
    with TestClient(create_app(Settings(store=path))) as client:
        assert "没有道路数据：以下为直线距离" in client.get("/field?lon=0&lat=0&lang=zh-CN").text


def test_only_free_places_keeps_its_tick_and_leaves_out_what_is_full(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with open_store(path) as store:
        for layer_id, frame in road_city.frames().items():
            full = frame.assign(occupancy=frame["capacity"]) if layer_id == "shelters" else frame
            store.apply(layer_id, full, Batch(actor="test", reason="full", source="small"))
    with TestClient(create_app(Settings(store=path))) as client:
        assert len(cards(client, AT)) == 2
        assert cards(client, f"{AT}&free=true") == []
        page = client.get(f"/field?{AT}&free=true&layers=shelters").text
        assert 'name="free" value="true" checked' in page
        assert "No road leads" not in shown(page)
