"""The live screens in chromium over the real service: one writes, the other turns; conflicts, the past, the field's queue."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from layers._store import Batch, open_store
from tests import callers, small_city
from tests.browsing import Seen, sync_api
from tests.small_city import frame
from tests.test_browser import HOSTILE, literal, serving

pytestmark = pytest.mark.browser

expect = sync_api.expect
WITHIN_S = 1.0
PHONE = {"width": 390, "height": 844}
TEAMS = {f"t{i}": (shapely.Point(0.003 + i / 1000, 0.006), {"name": text, "status": "ready"}) for i, text in enumerate(HOSTILE)}


@pytest.fixture(scope="module")
def live_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small city, teams with hostile names, and one account of each role; four of them may sign in."""
    path = tmp_path_factory.mktemp("live") / "store.sqlite"
    with open_store(path) as store:
        for layer_id, rows in (small_city.frames() | {"rescue_teams": frame("rescue_teams", TEAMS)}).items():
            store.apply(layer_id, rows, Batch(actor="test", reason="live", source="live"))
        callers.settle(store)
        for name in ("viewer", "field", "operator", callers.TOWN):
            callers.give_password(store, name)
    return path


@pytest.fixture(scope="module")
def live_city(chromium: str, live_store: Path) -> Iterator[str]:
    yield from serving(live_store)


def opened(browse: Callable[..., Seen], url: str, layer_id: str = "", name: str = "", *, as_: str = "") -> Seen:
    """The command map with its stream open, signed in as somebody, at a feature's panel."""
    seen = browse(f"{url}/?lang=en")
    seen.page.wait_for_selector("#live[data-state=live]")
    if as_:
        sign_in(seen, as_)
    if layer_id:
        seen.page.locator(f"#legend-list-{layer_id}").dispatch_event("click")
        seen.panel().locator(".near button", has_text=name).first.click()
        expect(seen.panel().locator("#feature-history")).to_be_visible()
    return seen


def sign_in(seen: Seen, name: str, password: str = callers.PASSWORD) -> None:
    seen.page.locator("#sign-in").click()
    dialog = seen.page.locator("#sign-in-dialog")
    dialog.locator("[name=name]").fill(name)
    dialog.locator("[name=password]").fill(password)
    dialog.locator("[name=password]").press("Enter")
    seen.page.wait_for_selector("#sign-out")


def fact(seen: Seen, title: str) -> Any:
    return seen.panel().locator(f".facts dt:text-is('{title}') + dd")


def written(seen: Seen, act: Callable[[], None]) -> None:
    with seen.page.expect_response(lambda answer: answer.request.method in ("PATCH", "POST", "DELETE")) as taken:
        act()
    assert taken.value.ok, taken.value.text()


# ---- who asks ----


def test_a_wrong_password_is_said_and_a_right_one_shows_name_and_role(live_city: str, browse: Callable[..., Seen]) -> None:
    seen = opened(browse, live_city)
    expect(seen.page.locator("#open-add")).to_be_hidden()
    seen.page.locator("#sign-in").click()
    dialog = seen.page.locator("#sign-in-dialog")
    dialog.locator("[name=name]").fill("operator")
    dialog.locator("[name=password]").fill("a wrong password")
    dialog.locator("[type=submit]").click()
    expect(dialog.locator(".refused")).to_contain_text("is wrong")
    seen.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    time.sleep(1.2)  # a wrong password makes the next one wait
    sign_in(seen, "operator")
    expect(seen.page.locator("#caller")).to_contain_text("operator · operator")
    expect(seen.page.locator("#open-add")).to_be_visible()
    seen.page.locator("#sign-out").click()
    expect(seen.page.locator("#sign-in")).to_be_visible()
    seen.forgive(401, 429)


def test_the_page_for_signing_in_leads_on_to_the_page_it_was_asked_for(live_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{live_city}/sign-in?lang=en&next=field")
    seen.page.locator("[name=name]").fill("viewer")
    seen.page.locator("[name=password]").fill(callers.PASSWORD)
    seen.page.locator("[type=submit]").click()
    seen.page.wait_for_url("**/field")
    expect(seen.page.locator("#caller")).to_contain_text("viewer")


def test_who_may_not_write_sees_no_way_to(live_city: str, browse: Callable[..., Seen]) -> None:
    seen = opened(browse, live_city, "shelters", "School", as_="viewer")
    expect(seen.panel().locator("#feature-edit, #switch")).to_have_count(0)


def test_a_refusal_is_said_where_it_happened(live_city: str, browse: Callable[..., Seen]) -> None:
    """The town operator's town is West; the helipad lies in East."""
    seen = opened(browse, live_city, "helipads", "Field", as_=callers.TOWN)
    seen.page.locator("#turn-closed").click()
    expect(seen.page.locator("#switch [role=alert]")).to_contain_text("You may not do this")
    seen.forgive(403)


# ---- live ----


def test_a_shelter_closed_on_one_screen_turns_on_the_other_within_a_second(live_city: str, browse: Callable[..., Seen]) -> None:
    one = opened(browse, live_city, "shelters", "School", as_=callers.TOWN)
    other = opened(browse, live_city, "shelters", "School")
    waits = []
    for choice, text in (("closed", "Closed"), ("open", "Open")) * 4:
        written(one, one.page.locator(f"#turn-{choice}").click)
        since = time.monotonic()
        expect(fact(other, "Status")).to_have_text(text)
        waits.append(time.monotonic() - since)
        expect(fact(one, "Status")).to_have_text(text)
        expect(one.page.locator(f"#turn-{choice}[aria-pressed=true]")).to_be_enabled()
    assert sorted(waits)[1] < WITHIN_S, waits
    expect(other.page.locator("#news-list li").first).to_contain_text("Shelters: School")
    assert callers.TOWN not in other.page.locator("#news").inner_text()  # names are not for everybody


def test_the_mark_on_the_map_turns_and_is_ringed(live_city: str, browse: Callable[..., Seen]) -> None:
    one, other = opened(browse, live_city, "shelters", "Hall", as_="operator"), opened(browse, live_city)
    closed = "id => { const { marks } = window.seen; return marks.closed[marks.ids.indexOf(id)]; }"
    other.page.evaluate("window.seen = {}; 0")
    other.page.route("**/marks/shelters?*", lambda route: _kept(other, route))
    written(one, one.page.locator("#turn-open").click)
    other.page.wait_for_selector(".flash", state="attached")
    other.page.wait_for_function("window.seen.marks")
    assert other.page.evaluate(closed, "shut") is False
    other.page.wait_for_selector(".flash", state="detached")
    written(one, one.page.locator("#turn-back").click)
    expect(one.page.locator("#turn-closed[aria-pressed=true]")).to_be_visible()


def _kept(seen: Seen, route: Any) -> None:
    answer = route.fetch()
    seen.page.evaluate("marks => { window.seen.marks = marks; }", answer.json())
    route.fulfill(response=answer)


def test_a_screen_without_a_stream_says_so_and_asks_instead(live_city: str, browse: Callable[..., Seen]) -> None:
    one = opened(browse, live_city, "shelters", "School", as_="operator")
    other = browse("about:blank", ready=None)
    other.page.add_init_script("delete window.EventSource;")
    other.page.goto(f"{live_city}/?lang=en")
    expect(other.page.locator("#live[data-state=asking]")).to_contain_text("asking every few seconds")
    other.page.locator("#legend-list-shelters").dispatch_event("click")
    other.panel().locator(".near button", has_text="School").first.click()
    written(one, one.page.locator("#turn-closed").click)
    expect(fact(other, "Status")).to_have_text("Closed")
    written(one, one.page.locator("#turn-back").click)


# ---- changing ----


def test_what_both_changed_is_chosen_from_and_what_only_one_changed_stays(live_city: str, browse: Callable[..., Seen]) -> None:
    """Mine: capacity 500, address North; theirs meanwhile: capacity 450, occupancy 7. I keep theirs and my address."""
    one = opened(browse, live_city, "shelters", "School", as_="operator")
    one.page.locator("#feature-edit").click()
    one.page.locator("#edit-capacity").fill("500")
    one.page.locator("#edit-address").fill(HOSTILE[2])
    other = opened(browse, live_city, "shelters", "School", as_=callers.TOWN)
    other.page.locator("#feature-edit").click()
    other.page.locator("#edit-capacity").fill("450")
    other.page.locator("#edit-occupancy").fill("7")
    written(other, other.page.locator("#edit-save").click)
    expect(one.page.locator("#meanwhile")).to_contain_text("Somebody changed this")
    one.page.locator("#edit-save").click()
    conflict = one.page.locator("#conflict")
    expect(conflict.locator(".note").first).to_contain_text("Changed by town_operator")
    assert conflict.locator("[type=radio]").count() == 2
    expect(conflict.locator("[data-column=capacity] td")).to_have_text(["400 people", "500 people", "450 people"])
    literal(one)
    one.page.locator("[name=keep-capacity][value=theirs]").check()
    written(one, one.page.locator("#conflict-save").click)
    for title, value in (("Capacity", "450 people"), ("Occupancy", "7 people"), ("Address", HOSTILE[2])):
        expect(fact(one, title)).to_have_text(value)
    one.forgive(412)
    literal(one)


def test_a_value_that_is_refused_says_why_beside_its_field_and_nothing_typed_is_lost(
    live_city: str, browse: Callable[..., Seen]
) -> None:
    seen = opened(browse, live_city, "shelters", "Hall", as_="operator")
    seen.page.locator("#feature-edit").click()
    seen.page.locator("#edit-capacity").fill("twelve")
    seen.page.locator("#edit-name").fill("")
    seen.page.locator("#edit-save").click()
    expect(seen.page.locator("#edit-capacity-said")).to_have_text("A whole number is expected, such as 120.")
    expect(seen.page.locator("#edit-name-said")).to_have_text("This is required.")
    assert seen.page.locator("#edit-capacity").input_value() == "twelve"
    seen.page.locator("#legend-list-shelters").dispatch_event("click")
    seen.page.keyboard.press("Escape")
    expect(seen.page.locator("#edit-drop")).to_be_focused()
    seen.page.keyboard.press("Enter")
    expect(seen.panel().locator("h2")).to_have_text("Hall")


def test_a_feature_is_added_and_deleted_by_keyboard(live_city: str, browse: Callable[..., Seen]) -> None:
    seen = opened(browse, live_city, as_="operator")
    other = opened(browse, live_city)
    seen.page.locator("#open-add").press("Enter")
    seen.page.locator("#add-layer").select_option("aeds")
    seen.page.locator("#add-next").press("Enter")
    seen.page.locator("#edit-pick").press("Enter")
    seen.page.evaluate("() => { map_command.setView([0.005, 0.005], 15, { animate: false }); }")
    seen.page.keyboard.press("Enter")
    assert (seen.page.locator("#edit-lon").input_value(), seen.page.locator("#edit-lat").input_value()) == ("0.005", "0.005")
    seen.page.locator("#edit-name").fill(HOSTILE[0])
    seen.page.locator("#edit-reason").fill("=1+1")
    written(seen, lambda: seen.page.locator("#edit-save").press("Enter"))
    expect(seen.panel().locator("h2")).to_have_text(HOSTILE[0])
    expect(other.page.locator("#news-list li").first).to_contain_text(f"AEDs: {HOSTILE[0]} – created")
    literal(other)
    seen.page.locator("#feature-delete").press("Enter")
    seen.page.locator("#delete-reason").fill("gone")
    written(seen, lambda: seen.page.keyboard.press("Enter"))
    expect(seen.panel().locator("h2")).to_have_text("Deleted.")
    expect(other.page.locator("#news-list li").first).to_contain_text("removed")


# ---- history, the past, the shift ----


def test_a_change_is_in_the_history_and_is_taken_back(live_city: str, browse: Callable[..., Seen]) -> None:
    seen = opened(browse, live_city, "rescue_teams", HOSTILE[0], as_="operator")
    written(seen, seen.page.locator("#turn-out").click)
    expect(seen.page.locator("#saved")).to_be_visible()
    seen.page.locator("#feature-history").click()
    first = seen.page.locator("#history > li").first
    expect(first).to_contain_text("operator")
    expect(first.locator("tr")).to_have_text("StatusReady → Out")
    first.locator(".undo").click()
    expect(first.locator(".said tr")).to_have_text("StatusOut → Ready")
    first.locator(".danger").click()
    expect(seen.page.locator("#history > li").first.locator("tr").first).to_have_text("StatusOut → Ready")
    literal(seen)


def test_the_map_as_it_was_says_so_and_escape_leads_back(live_city: str, browse: Callable[..., Seen]) -> None:
    """At 1990 the city was not there; nothing can be changed in the past."""
    seen = opened(browse, live_city, as_="operator")
    seen.page.locator("#open-then").press("Enter")
    seen.page.locator("#then-at").fill("1995-01-01T03:00")
    seen.page.locator("#then-go").press("Enter")
    expect(seen.page.locator("#then")).to_contain_text("THE PAST")
    expect(seen.page.locator("#legend-body li", has_text="Shelters").locator(".count")).to_have_text("0")
    expect(seen.page.locator("#live")).to_have_attribute("data-state", "paused")
    expect(seen.page.locator("#open-evacuation")).to_be_disabled()
    seen.page.keyboard.press("Escape")
    seen.page.keyboard.press("Escape")
    expect(seen.page.locator("#then")).to_be_hidden()
    expect(seen.page.locator("#legend-body li", has_text="Shelters").locator(".count")).to_have_text("2")
    expect(seen.page.locator("#live")).to_have_attribute("data-state", "live")


def test_field_and_slider_tell_one_moment(live_city: str, browse: Callable[..., Seen]) -> None:
    """An hour ago is within the slider's day; 03:00 of yesterday is before it, unless it is before three in the morning now."""
    seen = opened(browse, live_city, as_="operator")
    seen.page.locator("#open-then").press("Enter")
    slider = seen.page.locator("#then-slider")
    seen.page.locator("[data-then='then.yesterday_early']").press("Enter")
    expect(seen.page.locator("#then")).to_be_visible()
    outside = seen.page.evaluate("new Date().getHours() * 60 + new Date().getMinutes() > 180")
    assert (slider.get_attribute("data-outside") is not None, slider.get_attribute("aria-valuetext")[-5:]) == (outside, "03:00")
    seen.page.locator("[data-then='then.hour_ago']").press("Enter")
    expect(slider).to_have_value("-60")
    assert slider.get_attribute("data-outside") is None


def test_what_changed_since_is_listed_saved_and_leads_to_the_feature(live_city: str, browse: Callable[..., Seen]) -> None:
    seen = opened(browse, live_city, "rescue_teams", HOSTILE[1], as_="operator")
    written(seen, seen.page.locator("#turn-off_duty").click)
    expect(seen.page.locator("#saved")).to_be_visible()
    seen.page.locator("#open-shift").click()
    row = seen.page.locator("#shift-rows [data-changed=t1]")
    expect(row).to_contain_text(HOSTILE[1])
    with seen.page.expect_download() as told:
        seen.page.locator("#shift-csv").click()
    text = Path(told.value.path()).read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    assert HOSTILE[1] in text.decode("utf-8-sig")
    row.locator("button").click()
    expect(seen.panel().locator("h2")).to_have_text(HOSTILE[1])
    literal(seen)


def test_what_came_together_is_taken_back_together_and_what_was_changed_since_stays(
    live_city: str, browse: Callable[..., Seen]
) -> None:
    """Three AEDs come in one batch, the first is changed since: two go, and the page says so before and after."""
    seen = opened(browse, live_city, as_="operator")
    token = seen.page.evaluate("async () => (await (await fetch('session')).json()).csrf")
    place = {"type": "Point", "coordinates": [0, 0]}
    rows = [{"type": "Feature", "id": f"batch{i}", "properties": {"name": HOSTILE[i]}, "geometry": place} for i in range(3)]
    batch = {"type": "FeatureCollection", "features": rows}
    send = """async ([path, method, token, body, tag]) => (await fetch(path, { method, body: JSON.stringify(body),
        headers: { "Content-Type": "application/json", "X-CSRF-Token": token, ...(tag ? { "If-Match": tag } : {}) } })).json()"""
    made = seen.page.evaluate(send, ["collections/aeds/items", "POST", token, batch, None])
    changed = {"properties": {"floor": "2"}}
    seen.page.evaluate(send, ["collections/aeds/items/batch0", "PATCH", token, changed, made["rows"][0]["etag"]])
    seen.page.locator("#open-shift").click()
    seen.page.locator("#shift-batches summary").click()
    listed = seen.page.locator("#shift-batches li", has_text="3 features").first
    listed.locator(".undo-batch").click()
    sure = "This changes back, features: 2. 1 were changed again since and stay as they are."
    expect(listed.locator(".undo-sure")).to_have_text(sure)
    literal(seen)
    written(seen, listed.locator(".danger").click)
    expect(seen.page.locator("#status")).to_have_text("Undone: 2. Left as they are: 1.")
    expect(seen.page.locator("#legend-body li", has_text="AEDs").locator(".count")).to_have_text("1")
    expect(seen.page.locator("[data-changed=batch1]")).to_contain_text("back to what it was")


def test_who_may_not_take_back_sees_no_way_to(live_city: str, browse: Callable[..., Seen]) -> None:
    seen = opened(browse, live_city, "shelters", "School", as_="viewer")
    seen.page.locator("#feature-history").click()
    expect(seen.page.locator("#history > li").first).to_be_visible()
    expect(seen.page.locator(".undo, .undo-batch")).to_have_count(0)


# ---- the field ----


def in_the_field(browse: Callable[..., Seen], url: str, as_: str = "field") -> Seen:
    seen = browse(f"{url}/field?lang=en&lon=0.007&lat=0.005&radius_m=5000&layers=shelters", ready=".card", viewport=PHONE)
    if as_:
        sign_in(seen, as_)
    return seen


def report(seen: Seen, name: str, status: str, note: str = "") -> None:
    card = seen.page.locator(".card", has_text=name)
    card.locator(".report").click()
    card.locator(f".turn-{status}").click()
    card.locator("textarea").fill(note)
    card.locator(".report-form [type=submit]").click()


def states(seen: Seen) -> list[str]:
    return [each.get_attribute("data-state") for each in seen.page.locator("#queue li").all()]


def test_reports_written_without_network_are_sent_in_order_when_it_is_back(live_city: str, browse: Callable[..., Seen]) -> None:
    seen = in_the_field(browse, live_city)
    other = opened(browse, live_city, "shelters", "Hall")
    sent: list[str] = []
    seen.page.on("request", lambda asked: sent.append(asked.post_data) if asked.method == "PATCH" else None)
    seen.page.context.set_offline(True)
    report(seen, "Hall", "open", HOSTILE[2])
    report(seen, "School", "closed", HOSTILE[0])
    expect(seen.page.locator("#queue-stopped")).to_contain_text("No network")
    assert states(seen) == ["waiting", "waiting"]
    literal(seen)
    sent.clear()
    seen.page.context.set_offline(False)
    expect(seen.page.locator("#queue li[data-state=sent]")).to_have_count(2)
    assert [json.loads(body)["properties"]["status"] for body in sent] == ["open", "closed"]
    assert all(json.loads(body)["observed_at"] < json.loads(body)["sent_at"] for body in sent)
    expect(fact(other, "Status")).to_have_text("Open")
    seen.forgive("ERR_INTERNET_DISCONNECTED")
    literal(seen)


def test_a_late_report_says_what_stands_now(live_city: str, browse: Callable[..., Seen]) -> None:
    """Seen closed at ten, sent at eleven; somebody else saw it open in between."""
    seen = in_the_field(browse, live_city)
    seen.page.context.set_offline(True)
    report(seen, "School", "closed")
    desk = opened(browse, live_city, "shelters", "School", as_="operator")
    for choice in ("closed", "open"):
        if desk.page.locator(f"#turn-{choice}[aria-pressed=true]").count() == 0:
            written(desk, desk.page.locator(f"#turn-{choice}").click)
            expect(desk.page.locator(f"#turn-{choice}[aria-pressed=true]")).to_be_enabled()
    seen.page.context.set_offline(False)
    late = seen.page.locator("#queue li[data-state=late]")
    expect(late).to_contain_text("What stands now: Status: Open")
    expect(fact(desk, "Status")).to_have_text("Open")
    seen.forgive("ERR_INTERNET_DISCONNECTED")


def test_a_session_that_ended_keeps_the_queue_and_signing_in_continues_it(live_city: str, browse: Callable[..., Seen]) -> None:
    seen = in_the_field(browse, live_city)
    seen.page.context.clear_cookies()
    report(seen, "Hall", "closed")
    expect(seen.page.locator("#queue-stopped")).to_contain_text("Sign in to send what waits")
    assert states(seen) == ["waiting"]
    seen.page.reload()
    assert states(seen) == ["waiting"]
    seen.page.locator("#queue-stopped button", has_text="Sign in").click()
    dialog = seen.page.locator("#sign-in-dialog")
    dialog.locator("[name=name]").fill("field")
    dialog.locator("[name=password]").fill(callers.PASSWORD)
    dialog.locator("[name=password]").press("Enter")
    expect(seen.page.locator("#queue li[data-state=sent]")).to_have_count(1)
    seen.forgive(401)


def test_a_new_place_is_reported_from_the_phone(live_city: str, browse: Callable[..., Seen]) -> None:
    seen = in_the_field(browse, live_city)
    seen.page.locator("#report-new").click()
    seen.page.locator("#report-layer").select_option("flood_points")
    seen.page.locator("#edit-name").fill("Burst bank")
    seen.page.locator("#report-new-form [type=submit]").click()
    expect(seen.page.locator("#queue li[data-state=sent]")).to_contain_text("Burst bank")


# ---- the rules of the queue and of conflicts, by themselves ----


@pytest.fixture(scope="module")
def modules(browser: Any, live_city: str) -> Iterator[Any]:
    """A page on which our modules can be tried one by one."""
    page = browser.new_page()
    page.goto(f"{live_city}/sign-in?lang=en")
    yield page
    page.close()


QUEUE = """async ({ reports, answers, caller }) => {
  const { Queue } = await import("./static/js/queue.js");
  const kept = new Map();
  const storage = {
    get length() { return kept.size; }, key: (i) => [...kept.keys()][i], getItem: (key) => kept.get(key) ?? null,
    setItem: (key, text) => kept.set(key, text), removeItem: (key) => kept.delete(key),
  };
  const sent = [];
  const send = async ({ key }) => {
    sent.push(key);
    const status = answers[Math.min(sent.length, answers.length) - 1];
    if (status !== 200) throw Object.assign(new Error("no"), { status });
    return { late: false };
  };
  const queue = new Queue({ storage, send, whoAsks: () => caller, changed: () => {} });
  for (const key of reports) queue.add({ key });
  for (let i = 0; i < 60; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (queue.timer) await queue.run({ now: true });
  }
  clearTimeout(queue.timer);
  return { sent, states: queue.reports.map(({ key, state }) => [key, state]), stored: kept.size };
}"""


def sent_by_hand(reports: list[str], answers: list[int]) -> tuple[list[str], dict[str, str]]:
    """What a careful person would do: from the oldest on, again while it cannot be known, on once it is taken or refused."""
    tried, became, left = [], {}, list(answers)
    for key in reports:
        while key not in became and len(tried) < 60:
            answer = left.pop(0) if len(left) > 1 else left[0]
            tried.append(key)
            if answer == 200:
                became[key] = "sent"
            elif answer in (400, 403, 404, 409, 413, 422):
                became[key] = "refused"
    return tried, became


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 5), answers=st.lists(st.sampled_from([200, 200, 400, 403, 404, 0, 503, 507, 429, 401]), max_size=12))
def test_nothing_is_dropped_nothing_overtakes_and_what_is_unknown_is_sent_again(
    modules: Any, count: int, answers: list[int]
) -> None:
    reports = [f"r{i}" for i in range(count)]
    found = modules.evaluate(QUEUE, {"reports": reports, "answers": [*answers, 200], "caller": "field"})
    tried, became = sent_by_hand(reports, [*answers, 200])
    assert found["sent"] == tried
    assert dict(found["states"]) == became
    assert found["stored"] == count


ANOTHER = """async () => {
  const { Queue } = await import("./static/js/queue.js");
  const kept = new Map();
  const storage = { length: 0, setItem: (key, text) => kept.set(key, text) };
  const [who, sent] = [["one"], []];
  const send = async ({ key }) => (sent.push(key), { late: false });
  const queue = new Queue({ storage, send, whoAsks: () => who.at(-1), changed: () => {} });
  const told = [];
  queue.sending = {};  // busy, so that the report waits
  queue.add({ key: "r0" });
  queue.sending = null;
  for (const name of ["two", "one"]) {
    who.push(name);
    await queue.run({ now: true });
    told.push([sent.length, queue.stopped]);
  }
  return told;
}"""


def test_what_one_wrote_is_not_sent_in_anothers_name(modules: Any) -> None:
    assert modules.evaluate(ANOTHER) == [[0, "report.other"], [1, None]]


COLUMNS = ("a", "b", "c")
_state = st.fixed_dictionaries({name: st.sampled_from([None, 0, 1, "x"]) for name in COLUMNS})


@settings(max_examples=60, deadline=None)
@given(base=_state, mine=st.dictionaries(st.sampled_from(COLUMNS), st.sampled_from([None, 0, 1, "x"])), theirs=_state)
def test_only_what_both_changed_to_different_values_is_chosen_in(
    modules: Any, base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]
) -> None:
    script = """async ([columns, states, taken]) => {
      const { clashes, settled } = await import("./static/js/conflict.js");
      const found = clashes(columns.map((name) => ({ name })), states).map(({ name }) => name);
      return { clashes: found, sent: settled(states.mine, states.theirs, new Set(taken)) };
    }"""
    clash = [name for name in COLUMNS if name in mine and theirs[name] not in (base[name], mine[name])]
    found = modules.evaluate(script, [list(COLUMNS), {"base": base, "mine": mine, "theirs": theirs}, clash])
    assert found["clashes"] == clash
    assert found["sent"] == {name: value for name, value in mine.items() if name not in clash and value != theirs[name]}


LIVE = """async (fails) => {
  const { Live } = await import("./static/js/live.js");
  const real = { EventSource: window.EventSource, setTimeout: window.setTimeout };
  const [waits, states] = [[], []];
  let made = 0, anew = 0, done;
  const opened = new Promise((resolve) => { done = resolve; });
  window.setTimeout = (act, ms) => { waits.push(ms); return real.setTimeout.call(window, act, 0); };
  window.EventSource = class extends EventTarget {
    constructor() {
      super();
      made += 1;
      const refused = made <= fails;
      queueMicrotask(() => { this.readyState = refused ? 2 : 1; this.dispatchEvent(new Event(refused ? "error" : "open")); });
    }
    close() { this.readyState = 2; }
  };
  window.EventSource.CLOSED = 2;
  new Live({ took: () => {}, anew: () => { anew += 1; done(); }, turned: (state) => states.push(state) }).open();
  await opened;
  Object.assign(window, real);
  return { waits, states, made, anew };
}"""


@pytest.mark.parametrize("fails", [0, 1, 4, 9])
def test_a_refused_stream_is_tried_again_with_growing_waits_and_then_all_is_asked_for_anew(modules: Any, fails: int) -> None:
    """Waits are 1, 2, 4 ... 30 s, each shortened by up to a half, so that many screens do not come back in one moment."""
    found = modules.evaluate(LIVE, fails)
    full = [min(30_000, 1_000 * 2**i) for i in range(fails)]
    assert all(most / 2 <= wait <= most for wait, most in zip(found["waits"], full, strict=True))
    states = (["reconnecting"] if fails else []) + (["asking"] if fails > 3 else []) + ["live"]
    assert (found["states"], found["made"], found["anew"]) == (states, fails + 1, 1)


FLOOD = """class extends EventTarget {
  constructor() { super(); window.stream = this; queueMicrotask(() => this.dispatchEvent(new Event("open"))); }
  close() {}
}"""


def test_a_flood_of_changes_is_taken_in_few_rounds_and_leaves_nothing_behind(live_city: str, browse: Callable[..., Seen]) -> None:
    seen = browse("about:blank", ready=None)
    seen.page.add_init_script(f"window.EventSource = {FLOOD};")
    seen.page.goto(f"{live_city}/?lang=en")
    seen.page.wait_for_selector("body[data-drawn]")
    asked: list[str] = []
    seen.page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    seen.page.evaluate("""() => new Promise((resolve) => {
      const revision = Number(document.body.dataset.drawn);
      const said = (i) => JSON.stringify({ revision, changes: [{ layer: "shelters", id: `made-up-${i}`, op: "delete" }] });
      for (let i = 0; i < 500; i += 1) window.stream.dispatchEvent(new MessageEvent("changes", { data: said(i) }));
      setTimeout(resolve, 1500);
    })""")
    assert asked.count("/layers") <= 4
    expect(seen.page.locator("#news-list li").first).to_contain_text("Shelters: 499 changes")
    assert seen.page.locator("#news-list li").count() <= 6
    expect(seen.page.locator(".flash")).to_have_count(0)
    seen.forgive(404)


def test_a_lost_store_is_said_on_the_page_and_nothing_can_be_written_until_it_heals(
    live_city: str, browse: Callable[..., Seen]
) -> None:
    seen = opened(browse, live_city, "shelters", "Hall", as_="operator")

    def lost(route: Any) -> None:
        answer = route.fetch()
        said = {"geo-risk-problem": "<img src=x onerror=window.ran=1>", "geo-risk-snapshot-age": "7300"}
        route.fulfill(response=answer, headers=answer.headers | said)

    where = re.compile(r"/(situation|collections)/shelters")
    seen.page.route(where, lost)
    seen.page.locator("#legend-list-shelters").dispatch_event("click")
    seen.panel().locator(".near button", has_text="Hall").first.click()
    expect(seen.page.locator("#lost")).to_contain_text("last confirmed 2 h ago; nothing can be written")
    expect(seen.page.locator("#turn-open")).to_be_disabled()
    literal(seen)
    seen.page.unroute(where)
    seen.page.locator("#legend-list-shelters").dispatch_event("click")
    expect(seen.page.locator("#lost")).to_be_hidden()
