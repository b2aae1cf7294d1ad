"""What hands do most on the pages, in two acts, and how it is taken back: over the road city, whose sums the reader can do."""

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
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


def another_says(url: str, item: str, **properties: Any) -> None:
    """Somebody else changes a feature: ``layer/id``."""
    headers = {"Content-Type": "application/json", "If-Match": "*"} | callers.headers("admin")
    body = json.dumps({"properties": properties}).encode()
    layer_id, _, fid = item.partition("/")
    asked = urllib.request.Request(f"{url}/collections/{layer_id}/items/{fid}", body, headers, method="PATCH")
    urllib.request.urlopen(asked, timeout=10).close()


# ---- a road ----


def test_a_road_is_shut_where_it_was_clicked_and_opened_again_by_one_press(acts_url: str, at_map: Callable[..., Seen]) -> None:
    seen = at_map()
    click_at(seen, 0.025, 0.0)
    here = seen.panel().locator("#close-here")
    expect(here).to_have_text("Close only here: 2 km")
    here.click()
    expect(seen.panel().locator(".shut-now")).to_contain_text("Closed now: Main Street")
    shut = in_force(acts_url)
    assert [(each["title"], [road["id"] for road in each["roads"]]) for each in shut] == [("Main Street", ["main-e"])]
    assert shut[0]["drawn"]["circle"] == {"lon": pytest.approx(0.025, abs=2e-4), "lat": 0.0, "radius_m": 3.0}
    expect(seen.page.locator("#news-list li")).to_have_text(re.compile("Road closures: Main Street"))  # told once
    seen.panel().locator(".shut-now .end").click()
    expect(seen.panel().locator(".shut-now")).to_have_count(0)
    assert in_force(acts_url) == []


def test_what_is_said_of_a_closure_stays_when_the_panel_is_drawn_anew(acts_url: str, at_map: Callable[..., Seen]) -> None:
    seen = at_map()
    click_at(seen, 0.025, 0.0)
    seen.panel().locator("#close-road").click()
    expect(seen.panel().locator(".shut-now")).to_contain_text("Closed now: Main Street")
    seen.panel().locator("[name=title]").fill("Half of it")
    another_says(acts_url, "roads/main-e", kind="gravel")
    expect(seen.panel().locator(".facts")).to_contain_text("gravel")
    expect(seen.panel().locator("[name=title]")).to_be_focused()
    expect(seen.panel().locator("[name=title]")).to_have_value("Half of it")
    expect(seen.panel().locator(".shut-now")).to_contain_text("Closed now: Main Street")
    seen.panel().locator(".shut-now .end").click()
    expect(seen.panel().locator(".shut-now")).to_have_count(0)
    assert in_force(acts_url) == []


def lost(route: Any) -> None:
    """The service hears of it, and its answer does not come."""
    route.fetch()
    route.abort()


def test_a_road_shut_though_no_answer_came_is_not_shut_twice_by_the_next_press(acts_url: str, at_map: Callable[..., Seen]) -> None:
    seen = at_map()
    click_at(seen, 0.025, 0.0)
    seen.page.route("**/closures", lost, times=1)
    button = seen.panel().locator("#close-road")
    button.click()
    expect(seen.panel().locator("#closing .said")).to_contain_text("not known whether this was done")
    button.click()
    expect(seen.panel().locator(".shut-now")).to_contain_text("Closed now: Main Street")
    assert [each["title"] for each in in_force(acts_url)] == ["Main Street"]
    seen.panel().locator(".shut-now .end").click()
    expect(seen.panel().locator(".shut-now")).to_have_count(0)
    assert in_force(acts_url) == []
    seen.forgive("net::ERR_FAILED")


def test_what_is_open_again_since_the_answer_was_lost_is_shut_anew(acts_url: str, at_map: Callable[..., Seen]) -> None:
    """The lost press had shut the road, somebody opened it: the same press again must not be answered by the first one."""
    seen = at_map()
    click_at(seen, 0.025, 0.0)
    seen.page.route("**/closures", lost, times=1)
    seen.panel().locator("#close-road").click()
    end = seen.panel().locator(".shut-now .end")
    end.click()
    expect(end).to_have_count(0)
    seen.panel().locator("#close-road").click()
    expect(seen.panel().locator(".shut-now")).to_contain_text("Closed now: Main Street")
    assert [each["title"] for each in in_force(acts_url)] == ["Main Street"]
    end.click()
    expect(end).to_have_count(0)
    seen.forgive("net::ERR_FAILED")


@pytest.mark.parametrize(
    ("kind", "says"),
    [("OutcomeUnknown", "不知是否已生效"), ("Busy", "服务繁忙"), ("StoreUnavailable", "服务读不到数据库")],
)
def test_a_refused_closing_says_whether_it_may_have_been_done(at_map: Callable[..., Seen], kind: str, says: str) -> None:
    seen = at_map("zh-CN")
    click_at(seen, 0.025, 0.0)
    refused = {"type": f"urn:geo-risk:{kind}", "title": "no", "status": 503}
    seen.page.route("**/closures", lambda route: route.fulfill(status=503, json=refused), times=1)
    seen.panel().locator("#close-road").click()
    expect(seen.panel().locator("#closing .said")).to_contain_text(says)
    seen.forgive(503)


def test_a_road_found_by_its_name_is_shut_as_a_whole_only(at_map: Callable[..., Seen]) -> None:
    seen = at_map()
    seen.page.locator("#closures-summary").click()
    seen.page.locator("#road-name").fill("Old Bridge")
    seen.page.locator("#roads-found button").first.click()
    expect(seen.panel().locator("#close-road")).to_be_enabled()
    expect(seen.panel().locator("#close-here")).to_have_count(0)


# ---- a change, taken back ----


def at_shelter(seen: Seen, name: str) -> Seen:
    seen.page.locator("#legend-list-shelters").dispatch_event("click")
    seen.panel().locator(".near button", has_text=name).first.click()
    expect(seen.panel().locator("#last-change")).to_contain_text("Last change")
    return seen


def test_beside_the_state_stands_who_changed_it_and_what_was_saved_is_taken_back_by_one_press(at_map: Callable[..., Seen]) -> None:
    seen = at_shelter(at_map(), "Hall")
    occupancy = seen.panel().locator(".facts dt:text-is('Occupancy') + dd")
    before = occupancy.inner_text()
    seen.page.locator("#feature-edit").click()
    seen.page.locator("#edit-occupancy").fill("7")
    seen.page.locator("#edit-save").click()
    expect(occupancy).to_contain_text("7")
    expect(seen.panel().locator("#last-change")).to_contain_text("(just now) · operator")
    seen.page.locator("#save-back").click()
    expect(occupancy).to_have_text(before)
    expect(seen.page.locator("#saved")).to_have_count(0)


def test_what_was_deleted_by_mistake_is_back_by_one_press(at_map: Callable[..., Seen]) -> None:
    seen = at_shelter(at_map(), "Hall")
    seen.page.locator("#feature-delete").click()
    seen.page.locator("#delete-reason").fill("wrong button")
    seen.page.locator("#delete-now").click()
    expect(seen.panel().locator("h2")).to_have_text("Deleted.")
    seen.page.locator("#save-back").click()
    expect(seen.panel().locator("h2")).to_have_text("Hall")


def test_what_somebody_changed_since_is_not_taken_back(acts_url: str, at_map: Callable[..., Seen]) -> None:
    seen = at_shelter(at_map(), "School")
    seen.page.locator("#feature-edit").click()
    seen.page.locator("#edit-occupancy").fill("7")
    seen.page.locator("#edit-save").click()
    expect(seen.page.locator("#save-back")).to_be_visible()
    seen.page.route("**/undo", lambda route: route.fulfill(status=409, json={"title": "changed since", "status": 409}))
    seen.page.locator("#save-back").click()
    refused = seen.page.locator("#saved [role=alert]")
    expect(refused).to_contain_text("It was changed again since")
    another_says(acts_url, "shelters/sw", occupancy=9)
    expect(seen.panel().locator(".facts dt:text-is('Occupancy') + dd")).to_contain_text("9")
    expect(refused).to_contain_text("It was changed again since")
    seen.forgive(409)


# ---- a report that is not sent ----


def test_a_report_not_sent_is_said_plainly_and_can_be_withdrawn(acts_url: str, browse: Callable[..., Seen]) -> None:
    """The first was tried and may have arrived: it is withdrawn by a second press. The one behind it never left the phone."""
    headers = callers.headers("field")
    seen = browse(f"{acts_url}/field?lang=en&lon=0.001&lat=0", ready=".card .report", viewport=PHONE, extra_http_headers=headers)
    seen.page.context.set_offline(True)
    for name in ("School", "Hall"):
        card = seen.page.locator(".card", has_text=name)
        card.locator("button.report").click()
        card.locator("[data-status=closed]").click()
        card.locator(".report-form [type=submit]").click()
    queued = seen.page.locator("#queue li")
    expect(queued).to_have_count(2)
    expect(seen.page.locator("#queue-stopped")).to_contain_text("No network")
    expect(seen.page.locator("#queue-note")).to_have_text("Not sent yet: 2")
    queued.filter(has_text="Hall").locator(".drop").click()
    expect(queued).to_have_count(1)
    queued.locator(".drop").click()
    expect(queued.locator("[role=alert]")).to_contain_text("it may have arrived")
    queued.locator(".drop").click()
    expect(queued).to_have_count(0)
    assert seen.page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('geo-risk report')).length") == 0
    seen.forgive("ERR_INTERNET_DISCONNECTED")


# ---- an older page, and a year ----

LOOK = """async (busy) => {
  const { lookForUpgrade } = await import("/static/js/upgrade.js");
  await lookForUpgrade(() => busy);
}"""


def _upgraded(route: Any) -> None:
    if route.request.resource_type != "fetch":
        route.continue_()
        return
    answer = route.fetch()
    route.fulfill(response=answer, body=re.sub(r'"build": "\w+"', '"build": "another"', answer.text()))


def test_a_page_older_than_the_service_loads_itself_anew_once_and_else_says_so(at_map: Callable[..., Seen]) -> None:
    seen = at_map()
    seen.page.evaluate(LOOK, False)
    seen.page.evaluate(LOOK, True)
    expect(seen.page.locator("#upgraded")).to_have_count(0)
    seen.page.route("**/?lang=en", _upgraded)
    seen.page.evaluate(LOOK, True)
    expect(seen.page.locator("#upgraded")).to_contain_text("this page is an older one")
    with seen.page.expect_navigation():
        seen.page.evaluate(f"() => {{ void ({LOOK})(false); }}")  # not waited for: the page it would answer is gone
    seen.page.wait_for_selector("body[data-drawn]")
    expect(seen.page.locator("#upgraded")).to_have_count(0)
    seen.page.evaluate(LOOK, False)
    expect(seen.page.locator("#upgraded")).to_be_visible()


def test_the_range_of_a_year_has_no_mark_at_the_thousands(at_map: Callable[..., Seen]) -> None:
    told = at_map().page.evaluate("""async () => {
      const { editForm } = await import("/static/js/edit_form.js");
      const column = (name) => ({ name, type: "int", choices: [], title: { en: name }, unit: "", minimum: 1000, maximum: 2200 });
      return editForm([column("year"), column("people")], {}).rows.map((row) => row.querySelector("small").textContent);
    }""")
    assert told == ["1000 to 2200", "1,000 to 2,200"]
