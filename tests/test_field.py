"""The field page as a phone without JavaScript gets it."""

import html
import re
from typing import Any

import pytest

from layers._catalog import layer
from layers._layer import Column
from maps.command import command_page
from maps.field import FieldAnswer, Row, card, card_rows, distance_text, field_page, value_text
from maps.page import PageSettings, moment, number, place_layer
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
    scripts = ("css/base.css", "css/field.css", "js/field.js", "js/dom.js", "js/page.js")
    total = len(page(*[item()] * 20).encode()) + sum((STATIC / name).stat().st_size for name in scripts)
    assert total < 60_000


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
    assert len(text.encode()) < 30_000
