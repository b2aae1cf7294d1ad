"""The page of accounts in chromium over the real service: for admins alone, by keyboard, secrets shown once, names literal."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.use import enrolment
from layers._store import Batch, open_store
from tests import callers, small_city
from tests.browsing import Seen, sync_api
from tests.test_browser import HOSTILE, literal, serving
from tests.test_browser_live import PHONE, sign_in

pytestmark = pytest.mark.browser
expect = sync_api.expect
SECOND = "second.admin"


@pytest.fixture(scope="module")
def bureau_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small city, one account of each role, and some with hostile names shown; two admins may sign in, and a viewer."""
    path = tmp_path_factory.mktemp("bureau") / "store.sqlite"
    with open_store(path) as store:
        for layer_id, rows in small_city.frames().items():
            store.apply(layer_id, rows, Batch(actor="test", reason="accounts", source="accounts"))
        callers.settle(store)
        for i, text in enumerate(HOSTILE):
            callers.add_account(store, f"hostile{i}", role="viewer", display=text)
        callers.add_account(store, SECOND, role="admin")
        for name in ("admin", SECOND, "viewer"):
            callers.give_password(store, name)
    return path


@pytest.fixture(scope="module")
def bureau(chromium: str, bureau_store: Path) -> Iterator[str]:
    yield from serving(bureau_store)


@pytest.fixture(scope="module")
def signed(bureau: str, browser: Any) -> Any:
    """What an admin's browser holds once he signed in."""
    context = browser.new_context()
    said = {"name": "admin", "password": callers.PASSWORD}
    assert context.request.post(f"{bureau}/session", data=said, headers={"Origin": bureau}).ok
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def at_accounts(bureau: str, browse: Callable[..., Seen], signed: Any) -> Callable[..., Seen]:
    """Opens the page of accounts as an admin."""

    def opened(language: str = "en", **options: Any) -> Seen:
        return browse(f"{bureau}/accounts?lang={language}", ready="tr[data-account]", storage_state=signed, **options)

    return opened


def led_to_signing_in(seen: Seen, name: str) -> None:
    """Whoever is nobody yet is led to signing in, and on to the page."""
    assert seen.page.url.endswith("/sign-in?next=accounts")
    seen.page.locator("[name=name]").fill(name)
    seen.page.locator("[name=password]").fill(callers.PASSWORD)
    seen.page.locator("[name=password]").press("Enter")
    seen.page.wait_for_url("**/accounts")


def entered(browse: Callable[..., Seen], url: str, name: str, password: str) -> Seen:
    """Another browser, in which somebody signed in."""
    seen = browse(f"{url}/sign-in?lang=en", ready="form.sign-in")
    status = "({ name, password }) => import('./static/js/session.js').then(({ signIn }) => signIn({ name, password }))"
    seen.page.evaluate(status, {"name": name, "password": password})
    seen.page.reload()
    seen.page.wait_for_selector("#sign-out")
    return seen


def row(seen: Seen, name: str) -> Any:
    return seen.page.locator(f"tr[data-account='{name}']")


def dialog(seen: Seen) -> Any:
    return seen.page.locator("#account-dialog")


def sure(seen: Seen, act: str) -> None:
    """One asks, and is asked once more."""
    seen.page.locator(act).press("Enter")
    seen.page.locator("#sure").press("Enter")


# ---- for admins alone ----


def test_who_is_no_admin_is_refused_by_the_page_itself(bureau: str, browse: Callable[..., Seen]) -> None:
    """Not by a hidden menu: the answer is a 403, and holds nothing of the page."""
    seen = browse(f"{bureau}/accounts?lang=en", ready="form.sign-in")
    led_to_signing_in(seen, "viewer")
    expect(seen.page.locator("h2")).to_have_text("This page is not for you")
    assert seen.page.locator("script, #accounts").count() == 0
    seen.page.locator("a", has_text="Command map").click()
    seen.page.wait_for_selector("#sign-out")
    expect(seen.page.locator("#open-accounts")).to_have_count(0)
    seen.forgive(403)


def test_the_command_map_leads_an_admin_there(bureau: str, browse: Callable[..., Seen]) -> None:
    seen = browse(f"{bureau}/?lang=en")
    expect(seen.page.locator("#open-accounts")).to_have_count(0)
    sign_in(seen, SECOND)
    seen.page.locator("#open-accounts").press("Enter")
    expect(row(seen, SECOND)).to_contain_text("(you)")


def test_what_the_server_sends_holds_nobody_and_names_are_read_literally(bureau: str, at_accounts: Callable[..., Seen]) -> None:
    seen = at_accounts()
    for i, text in enumerate(HOSTILE):
        expect(row(seen, f"hostile{i}").locator("small").first).to_have_text(text)
    literal(seen)
    row(seen, "hostile2").locator(".link").press("Enter")
    assert dialog(seen).locator("[name=display]").input_value() == HOSTILE[2]
    literal(seen)
    page = seen.page.context.request.get(f"{bureau}/accounts", headers={"Accept": "text/html"})
    assert page.ok
    assert not re.search(r"hostile\d|town_operator|second\.admin", page.text())


def test_a_session_that_ends_shows_nobody_any_more(at_accounts: Callable[..., Seen]) -> None:
    seen = at_accounts()
    expect(row(seen, "viewer")).to_be_visible()
    row(seen, "viewer").locator(".link").click()
    kept = seen.page.context.cookies()
    seen.page.context.clear_cookies()
    sure(seen, "#account-sign-out")
    expect(dialog(seen).locator(".failure")).to_contain_text("Sign in")
    seen.page.reload()
    led_to_signing_in(seen, "admin")
    expect(row(seen, "viewer")).to_be_visible()
    assert seen.page.context.cookies() != kept
    seen.forgive(401)


# ---- accounts ----


def test_an_account_is_made_by_keyboard_and_its_password_is_shown_once(
    bureau: str, bureau_store: Path, browse: Callable[..., Seen], at_accounts: Callable[..., Seen]
) -> None:
    seen = at_accounts()
    seen.page.locator("#account-add").press("Enter")
    form = dialog(seen)
    form.locator("[name=name]").fill("chen")
    form.locator("[name=role]").select_option("operator")
    assert form.locator("[name=clearance]").input_value() == "personal"
    form.locator("[name=areas-how]").select_option("only")
    form.locator("[name=areas][value='towns:w']").check()
    form.locator("[name=name]").press("Enter")
    secret = seen.page.locator("#secret").inner_text()
    expect(row(seen, "chen")).to_contain_text("only in West")
    assert seen.page.evaluate("String(getSelection())") == secret
    seen.page.keyboard.press("Escape")
    expect(seen.page.locator("#account-add")).to_be_focused()
    kept = seen.page.evaluate("document.documentElement.outerHTML + JSON.stringify({ ...localStorage, ...sessionStorage })")
    assert secret not in kept
    assert secret.encode() not in b"".join(path.read_bytes() for path in bureau_store.parent.iterdir() if path.is_file())
    expect(entered(browse, bureau, "chen", secret).page.locator("#sign-in")).to_contain_text("chen (operator)")


def test_a_name_that_is_taken_is_told_and_nothing_typed_is_lost(at_accounts: Callable[..., Seen]) -> None:
    seen = at_accounts()
    seen.page.locator("#account-add").click()
    dialog(seen).locator("[name=name]").fill("VIEWER")
    seen.page.locator("#account-save").click()
    expect(dialog(seen).locator(".failure")).to_contain_text("Somebody has this name already")
    assert dialog(seen).locator("[name=name]").input_value() == "VIEWER"
    seen.forgive(409)


def test_grants_are_changed_and_only_what_was_changed_is_sent(at_accounts: Callable[..., Seen]) -> None:
    seen = at_accounts()
    sent: list[Any] = []
    seen.page.on("request", lambda asked: sent.append(asked.post_data_json) if asked.method == "PATCH" else None)
    row(seen, "field").locator(".link").click()
    dialog(seen).locator("[name=writes-how]").select_option("only")
    dialog(seen).locator("[name=writes][value=shelters]").check()
    dialog(seen).locator("#grant-hidden summary").click()
    assert dialog(seen).locator("[name=hidden][value=towns]").count() == 0
    dialog(seen).locator("[name=hidden][value=aeds]").check()
    seen.page.locator("#account-save").click()
    expect(row(seen, "field")).to_contain_text("without AEDs")
    expect(row(seen, "field").locator("td").nth(2)).to_contain_text("Shelters")
    row(seen, "field").locator(".link").click()
    dialog(seen).locator("[name=role]").select_option("viewer")
    seen.page.locator("#account-save").click()
    expect(row(seen, "field")).to_contain_text("viewer")
    assert [set(each) for each in sent] == [{"reads", "writes"}, {"role", "clearance", "writes"}]
    assert (sent[0]["writes"], "aeds" in sent[0]["reads"], "towns" in sent[0]["reads"]) == (["shelters"], False, True)


def test_saving_what_was_not_changed_sends_nothing(at_accounts: Callable[..., Seen]) -> None:
    seen = at_accounts()
    sent: list[str] = []
    seen.page.on("request", lambda asked: sent.append(asked.url) if asked.method == "PATCH" else None)
    row(seen, callers.TOWN).locator(".link").click()
    seen.page.locator("#account-save").click()
    expect(dialog(seen)).to_have_count(0)
    assert sent == []


def test_disabling_ends_sessions_and_enabling_lets_in_again(
    bureau: str, browse: Callable[..., Seen], at_accounts: Callable[..., Seen]
) -> None:
    other = entered(browse, bureau, "viewer", callers.PASSWORD)
    seen = at_accounts()
    expect(row(seen, "viewer")).to_contain_text("sessions: ")
    row(seen, "viewer").locator(".link").click()
    sure(seen, "#account-turn")
    expect(row(seen, "viewer")).to_contain_text("Disabled")
    expect(row(seen, "viewer")).not_to_contain_text("sessions: ")
    assert other.page.evaluate("fetch('session').then((answer) => answer.json()).then(({ caller }) => caller)") is None
    expect(row(seen, "viewer").locator(".link")).to_be_focused()
    row(seen, "viewer").locator(".link").press("Enter")
    sure(seen, "#account-turn")
    expect(row(seen, "viewer")).to_contain_text("Active")


def test_a_password_is_given_anew_and_sessions_are_ended(
    bureau: str, browse: Callable[..., Seen], at_accounts: Callable[..., Seen]
) -> None:
    seen = at_accounts()
    row(seen, "operator").locator(".link").click()
    sure(seen, "#account-password")
    secret = seen.page.locator("#secret").inner_text()
    seen.page.locator("#told").press("Enter")
    theirs = entered(browse, bureau, "operator", secret)
    seen.page.reload()
    expect(row(seen, "operator")).to_contain_text("sessions: 1")
    row(seen, "operator").locator(".link").click()
    sure(seen, "#account-sign-out")
    expect(row(seen, "operator")).not_to_contain_text("sessions:")
    theirs.page.reload()
    expect(theirs.page.locator("form.sign-in [name=password]")).to_be_visible()


def test_what_an_admin_told_is_changed_by_its_owner(bureau: str, bureau_store: Path, browse: Callable[..., Seen]) -> None:
    seen = entered(browse, bureau, SECOND, callers.PASSWORD)
    seen.page.locator("#own-password summary").press("Enter")
    form = seen.page.locator("#own-password form")

    def typed(new: str, again: str) -> None:
        for name, text in (("old", callers.PASSWORD), ("new", new), ("again", again)):
            form.locator(f"[name={name}]").fill(text)
        form.locator("[name=again]").press("Enter")

    typed("another four words", "another four wards")
    expect(form.locator(".refused")).to_contain_text("not typed twice alike")
    typed(f"{SECOND} 2026", f"{SECOND} 2026")
    expect(form.locator(".refused")).to_contain_text("would be guessed")
    typed("another four words", "another four words")
    expect(seen.page.locator(".done")).to_contain_text("Sign in with the new one")
    expect(entered(browse, bureau, SECOND, "another four words").page.locator("#sign-in")).to_contain_text(SECOND)
    seen.forgive(400)


def test_the_last_admin_who_can_sign_in_is_not_shut_out(bureau_store: Path, at_accounts: Callable[..., Seen]) -> None:
    seen = at_accounts()
    row(seen, SECOND).locator(".link").click()
    sure(seen, "#account-turn")
    expect(row(seen, SECOND)).to_contain_text("Disabled")
    row(seen, "admin").locator(".link").click()
    expect(dialog(seen)).to_contain_text("This is your own account")
    sure(seen, "#account-turn")
    expect(dialog(seen).locator(".failure")).to_contain_text("last administrator")
    dialog(seen).locator("[name=role]").select_option("viewer")
    seen.page.locator("#account-save").click()
    expect(dialog(seen).locator(".account-form .failure")).to_contain_text("last administrator")
    with open_store(bureau_store) as store:
        told = {each["name"]: each for each in enrolment.listed_accounts(store)}
    assert (told["admin"]["role"], told["admin"]["disabled"]) == ("admin", False)
    seen.forgive(409)


# ---- keys ----


def test_a_key_is_made_shown_once_works_and_is_revoked(bureau: str, at_accounts: Callable[..., Seen]) -> None:
    seen = at_accounts()
    seen.page.locator("#key-add").press("Enter")
    form = dialog(seen)
    form.locator("[name=account]").select_option("wall")
    assert (form.locator("[name=scopes]").count(), form.locator("[name=days]").input_value()) == (2, "400")
    form.locator("[name=title]").fill(HOSTILE[0])
    form.locator("[name=title]").press("Enter")
    key = seen.page.locator("#secret").inner_text()
    asking = {"headers": {"Authorization": f"Bearer {key}"}}
    assert seen.page.context.browser.new_context().request.get(f"{bureau}/layers", **asking).status == 200
    seen.page.keyboard.press("Escape")
    made = seen.page.locator(f"tr[data-key='{key.split('_')[1]}']")
    expect(made.locator(".link")).to_have_text(HOSTILE[0])
    literal(seen)
    assert key not in seen.page.content()
    made.locator(".link").click()
    sure(seen, "#key-revoke")
    expect(made).to_have_count(0)
    seen.page.locator("#over").check()
    expect(made).to_contain_text("revoked")
    assert seen.page.context.browser.new_context().request.get(f"{bureau}/layers", **asking).status == 401


def test_a_key_is_made_for_one_layer_only(bureau_store: Path, at_accounts: Callable[..., Seen]) -> None:
    seen = at_accounts()
    seen.page.locator("#key-add").click()
    form = dialog(seen)
    form.locator("[name=account]").select_option("operator")
    expect(form.locator("#grant-write-layers")).to_be_hidden()
    form.locator("[name=scopes][value=write]").check()
    form.locator("[name=write-layers-how]").select_option("only")
    form.locator("[name=write-layers][value=shelters]").check()
    form.locator("[name=title]").fill("beds")
    seen.page.locator("#key-save").click()
    key_id = seen.page.locator("#secret").inner_text().split("_")[1]
    seen.page.locator("#told").click()
    expect(seen.page.locator(f"tr[data-key='{key_id}'] td").nth(1)).to_have_text("read, change features (Shelters)")
    with open_store(bureau_store) as store:
        kept = next(each for each in enrolment.listed_keys(store) if each["id"] == key_id)
    assert kept["scopes"] == ["read", "write:shelters"]


# ---- how it looks ----


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_on_a_phone_nothing_runs_over_the_edge(language: str, at_accounts: Callable[..., Seen]) -> None:
    seen = at_accounts(language, viewport=PHONE)
    seen.page.wait_for_selector("body[data-drawn]")
    row(seen, callers.TOWN).locator(".link").click()
    assert seen.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    wide = "[...document.querySelectorAll('body *')].filter((each) => each.getBoundingClientRect().right > 391).length"
    assert seen.page.evaluate(wide) == 0


def test_what_is_looked_for_is_shown_and_counted(at_accounts: Callable[..., Seen]) -> None:
    seen = at_accounts()
    expect(row(seen, "viewer")).to_be_visible()
    seen.page.locator("#find").fill("HOSTILE")
    expect(seen.page.locator("tr[data-account]")).to_have_count(len(HOSTILE))
    expect(seen.page.locator("#accounts-note")).to_have_text(re.compile(rf"^{len(HOSTILE)} of \d+$"))
