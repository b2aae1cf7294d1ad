"""Accounts over HTTP: a page to browsers and JSON to programs, both for admins; sessions ended; the last admin kept."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

import callers
import small_city
from api.app import create_app
from api.settings import Settings
from layers._catalog import catalog
from layers._layer import SENSITIVITIES
from layers._store import Batch, open_store
from layers._store.accounts import CLEARANCE, ROLES, VERBS, at_least, shown_to_all
from maps.accounts import accounts_page, layers_told, roles_told
from maps.languages import LANGUAGES
from maps.page import PageSettings

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    path = tmp_path_factory.mktemp("accounts") / "store.sqlite"
    with open_store(path) as store:
        for layer_id, rows in small_city.frames().items():
            store.apply(layer_id, rows, Batch(actor="test", reason="accounts", source="accounts"))
        callers.settle(store)
        callers.give_password(store, "viewer")
    with TestClient(create_app(Settings(store=path)), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def admin(service: TestClient) -> callers.Acting:
    return callers.acting(service, "admin")


def held(page: str) -> dict[str, Any]:
    """What the server put into a page."""
    found: dict[str, Any] = json.loads(page[page.index('id="page">') + len('id="page">') : page.index("</script>")])
    return found


def test_a_browser_is_shown_the_page_and_a_program_the_list(admin: callers.Acting) -> None:
    page, told = admin.get("/accounts", headers=BROWSER), admin.get("/accounts", headers={"Accept": "application/json"})
    assert (page.headers["content-type"], told.headers["content-type"]) == ("text/html; charset=utf-8", "application/json")
    assert "accept" in page.headers["vary"].lower()
    assert "accept" in told.headers["vary"].lower()
    assert told.headers["cache-control"] == "no-store"
    assert {each["name"] for each in told.json()["accounts"]} == {*callers.ROLES, callers.TOWN}


def test_the_page_is_the_same_whoever_has_an_account(admin: callers.Acting) -> None:
    """It is made without a store: there is nobody in it."""
    page = admin.get("/accounts?lang=en", headers=BROWSER).text
    assert held(page) == held(accounts_page("en", PageSettings()))
    assert callers.TOWN not in page


@pytest.mark.parametrize("name", ["wall", "viewer", "field", "operator", callers.TOWN])
def test_who_is_no_admin_sees_a_refusal_and_nothing_of_the_page(name: str, service: TestClient) -> None:
    for path in ("/accounts", "/accounts/viewer", "/keys", "/audit"):
        answer = callers.acting(service, name).get(path, headers=BROWSER | {"Accept-Language": "en"})
        assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")
        assert "This page is not for you" in answer.text
        assert "<script" not in answer.text
        assert callers.acting(service, name).get(path).json()["status"] == 403


@pytest.mark.parametrize("headers", [{}, {"Cookie": "geo_risk_session=over"}])
def test_a_browser_that_is_nobodys_is_led_to_signing_in_and_a_program_is_told(headers: dict[str, str], service: TestClient) -> None:
    led = service.get("/accounts", headers=BROWSER | headers, follow_redirects=False)
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in?next=accounts")
    assert service.get(led.headers["location"], headers=BROWSER | headers).status_code == 200
    assert service.get("/accounts", headers=headers, follow_redirects=False).status_code == 401


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_speaks_both_languages(language: str, admin: callers.Acting) -> None:
    page = admin.get(f"/accounts?lang={language}", headers=BROWSER)
    assert (page.headers["content-language"], held(page.text)["language"]) == (language, language)
    assert admin.get("/accounts?lang=fr", headers=BROWSER).status_code == 400
    assert admin.get("/accounts?colour=red").status_code == 400


def test_areas_are_told_by_the_ids_that_grants_take(admin: callers.Acting) -> None:
    areas = admin.get("/accounts").json()["areas"]
    west = next(each for each in areas if each["id"] == "towns:w")
    assert (west["layer"], west["name"]) == ("towns", "West")
    made = admin.post("/accounts", json={"name": "town two", "role": "operator", "areas": [each["id"] for each in areas]})
    assert made.status_code == 201, made.text


def test_the_pages_rules_are_the_stores() -> None:
    assert [each["id"] for each in roles_told()] == list(ROLES)
    for each in roles_told():
        assert each["clearance"] == CLEARANCE[each["id"]]
        assert each["clearances"] == [one for one in SENSITIVITIES if each["id"] != "wall" or one != "personal"]
        assert each["scopes"] == [verb for verb in VERBS if at_least(each["id"], VERBS[verb])]
    assert {each["id"] for each in layers_told() if not each["hideable"]} == shown_to_all(catalog())


def test_sessions_are_ended_at_once_and_noted(service: TestClient, admin: callers.Acting) -> None:
    browser = TestClient(service.app)
    assert browser.post("/session", json={"name": "viewer", "password": callers.PASSWORD}).status_code == 200
    told = {each["name"]: each for each in admin.get("/accounts").json()["accounts"]}
    assert (told["viewer"]["sessions"], told["viewer"]["signed_in_at"] is None) == (1, False)
    assert admin.delete("/accounts/viewer/sessions").status_code == 200
    assert browser.get("/session").json()["caller"] is None
    first = admin.get("/audit?limit=1").json()["entries"][0]
    assert (first["action"], first["subject"], first["outcome"]) == ("sessions_ended", "viewer", "ok")
    assert admin.delete("/accounts/nobody/sessions").status_code == 404


def test_the_last_admin_is_kept_over_http(admin: callers.Acting) -> None:
    for change in ({"disabled": True}, {"role": "operator"}):
        answer = admin.patch("/accounts/admin", json=change)
        assert (answer.status_code, "last admin" in answer.json()["title"] + answer.json()["detail"]) == (409, True)
    assert admin.get("/accounts/admin").json()["role"] == "admin"


def test_a_generated_password_is_told_once_and_is_not_logged(admin: callers.Acting, caplog: pytest.LogCaptureFixture) -> None:
    made = admin.post("/accounts", json={"name": "clerk", "role": "field", "password": "generated"})
    secret = made.json()["generated"]
    later = [admin.get(path) for path in ("/accounts", "/accounts/clerk", "/audit", "/keys")]
    assert {each.headers["cache-control"] for each in (made, *later)} == {"no-store"}
    assert not any(secret in text for text in [*(each.text for each in later), caplog.text])


@pytest.mark.parametrize("name", ["值班员1", "li mei", "x@y.z", "a.b-c_d"])
def test_an_account_of_any_name_is_changed_by_it(name: str, admin: callers.Acting) -> None:
    made = admin.post("/accounts", json={"name": name, "role": "viewer"})
    there = made.headers["location"]
    assert admin.patch(there, json={"display": "somebody"}).json()["display"] == "somebody"
    assert admin.delete(f"{there}/sessions").json()["name"] == name
