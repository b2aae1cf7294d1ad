"""What hands do most on the pages, in two acts, and how it is taken back: over the road city, whose sums the reader can do."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from layers._store import Batch, open_store
from tests import callers, road_city
from tests.browsing import Seen, sync_api
from tests.test_browser import click_at, in_force, serving

pytestmark = pytest.mark.browser

expect = sync_api.expect
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def acts_url(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("acts") / "store.sqlite"
    with open_store(path) as store:
        for layer_id, rows in road_city.frames().items():
            store.apply(layer_id, rows, Batch(actor="test", reason="acts", source="acts"))
        callers.settle(store)
    yield from serving(path, GEO_RISK_REFRESH_S="1")


@pytest.fixture
def at_map(acts_url: str, browse: Callable[..., Seen]) -> Callable[..., Seen]:
    """The map of the road city near its bridge, as an operator."""

    def opened(language: str = "en") -> Seen:
        seen = browse(f"{acts_url}/?lang={language}", ready="body[data-closures]", extra_http_headers=callers.headers("operator"))
        seen.page.evaluate("() => { map_command.setView([0, 0.0225], 14, { animate: false }); }")
        return seen

    return opened


# ---- a road ----


def test_a_road_is_shut_where_it_was_clicked_and_opened_again_by_one_press(acts_url: str, at_map: Callable[..., Seen]) -> None:
    seen = at_map()
    click_at(seen, 0.025, 0.0)
    here = seen.panel().locator("#close-here")
    expect(here).to_have_text("Close only here: 2 km")
    here.click()
    expect(seen.panel().locator(".done")).to_contain_text("Closed: Main Street")
    shut = in_force(acts_url)
    assert [(each["title"], [road["id"] for road in each["roads"]]) for each in shut] == [("Main Street", ["main-e"])]
    assert shut[0]["drawn"]["circle"] == {"lon": pytest.approx(0.025, abs=2e-4), "lat": 0.0, "radius_m": 3.0}
    seen.panel().locator("#close-back").click()
    expect(seen.panel().locator(".done")).to_contain_text("Reopened: Main Street")
    assert in_force(acts_url) == []


def test_a_road_found_by_its_name_is_shut_as_a_whole_only(at_map: Callable[..., Seen]) -> None:
    seen = at_map()
    seen.page.locator("#closures-summary").click()
    seen.page.locator("#road-name").fill("Old Bridge")
    seen.page.locator("#roads-found button").first.click()
    expect(seen.panel().locator("#close-road")).to_be_enabled()
    expect(seen.panel().locator("#close-here")).to_have_count(0)
