"""Circle, area and zone on the command map, and who is cut off: over the road city, whose sums the reader can do."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from layers._store import Batch, open_store
from tests import callers, road_city
from tests.browsing import Seen, sync_api
from tests.test_browser import answered, by_key, in_force, literal, serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def road_url(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The road city with its island and only one shelter, the school, which is called like a formula."""
    path = tmp_path_factory.mktemp("select") / "store.sqlite"
    frames = road_city.frames()
    frames["shelters"] = frames["shelters"].drop(index="se").assign(name="=School")
    with open_store(path) as store:
        for layer_id, rows in frames.items():
            store.apply(layer_id, rows, Batch(actor="test", reason="roads", source="roads"))
        callers.settle(store)
    yield from serving(path, GEO_RISK_REFRESH_S="1")


def opened(browse: Callable[..., Seen], url: str) -> Seen:
    seen = browse(f"{url}/?lang=en", ready="body[data-closures]", extra_http_headers=callers.headers("operator"))
    seen.page.evaluate("() => { map_command.setView([0, 0], 14, { animate: false }); }")
    return seen


def test_a_circle_by_keyboard_is_summed_listed_saved_and_shut(road_url: str, browse: Callable[..., Seen]) -> None:
    """1,200 m around the origin: the school with 100 places, the point at 0.01 (1,113 m), one road; not the bridge at 2,226 m."""
    seen = opened(browse, road_url)
    by_key(seen, "#open-selection", "#draw-circle")
    seen.page.keyboard.press("Enter")
    seen.page.keyboard.press("ArrowDown")
    sync_api.expect(seen.page.locator("#circle-radius")).to_have_value("1818")
    seen.page.locator("#circle-radius").fill("1200")
    seen.page.keyboard.press("Enter")
    answered(seen, "selection")
    sync_api.expect(seen.panel().locator("h2")).to_have_text("Circle, radius 1.2 km")
    sync_api.expect(seen.panel().locator(".part", has_text="Shelters").locator("summary")).to_have_text("Shelters 1Capacity 100")
    sync_api.expect(seen.panel().locator(".part", has_text="Sluice").locator(".sums")).to_contain_text("People threatened 150")
    with seen.page.expect_download() as told:
        by_key(seen, "#select-csv")
    text = Path(told.value.path()).read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    assert '"Shelters","\'=School","","0","0","sw"' in text.decode("utf-8-sig")
    by_key(seen, "#close-road")
    sync_api.expect(seen.page.locator(".closure-honoured")).to_contain_text("roads: 1")
    by_key(seen, "#closures-summary", ".closure .end")
    sync_api.expect(seen.page.locator(".closure-honoured")).to_have_count(0)
    assert in_force(road_url) == []
    literal(seen)


def test_the_islanders_never_reach_a_shelter_and_a_link_shut_in_thought_cuts_off_more(
    road_url: str, browse: Callable[..., Seen]
) -> None:
    """Fifty islanders never reach the school. Loss of its stretch cuts off the 200 in the east; shut, nobody gets to the school."""
    seen = opened(browse, road_url)
    by_key(seen, "#open-isolation", "#isolate")
    answered(seen, "isolation")
    rows = seen.panel().locator("#isolated tbody tr")
    assert [row.split() for row in rows.all_inner_texts()][1][-3:] == ["1", "50", "0"]
    worst = seen.panel().locator("[data-link]").first
    sync_api.expect(worst).to_contain_text("200 people cut off, 1 places")
    worst.locator(".supposing").press("Enter")
    sync_api.expect(seen.page.locator("#whatif")).to_contain_text("Main Street")
    sync_api.expect(seen.page.locator("#watch")).to_contain_text("people cut off 0 → 500")
    by_key(seen, "#whatif-clear")
    sync_api.expect(seen.page.locator("#watch")).to_contain_text("people cut off 500 → 0")
    assert in_force(road_url) == []
