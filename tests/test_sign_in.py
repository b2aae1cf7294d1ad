"""Signing in and out over HTTP: cookies, the token against other sites, backoff, what ends a session; and passwords."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import callers
from api import gate as gates
from api.app import create_app
from api.credentials import COOKIE
from api.passwords import generated, hashed, matches, require_fit
from api.settings import Settings
from api.sign_in import SignIn
from geo_risk.errors import Busy, ParameterError
from layers._store import accounts, attempts, open_store
from layers._store.audit import verify_audit

TOLD = {"name": "operator", "password": callers.PASSWORD}
CLOSURE = {"title": "slide", "cause": "landslide", "circle": {"lon": 0.005, "lat": 0.005, "radius_m": 50}}


@pytest.fixture(scope="module")
def path(small_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sign-in") / "store.sqlite"
    path.write_bytes(small_store.read_bytes())
    with open_store(path) as store:
        callers.give_password(store, "operator")
        callers.give_password(store, "viewer", "another four words here")
    return path


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> attempts.Patience:
    """The wait after too many wrong passwords, a minute from the first on: a busy machine may take a second a look."""
    longer = replace(attempts.PATIENCE["name"], first_s=60.0)
    monkeypatch.setitem(attempts.PATIENCE, "name", longer)  # type: ignore[arg-type]
    return longer


@pytest.fixture
def service(path: Path, tmp_path: Path) -> Iterator[TestClient]:
    """A service of its own: failures of one test are not another's."""
    copy = tmp_path / "store.sqlite"
    copy.write_bytes(path.read_bytes())
    with TestClient(create_app(Settings(store=copy)), raise_server_exceptions=False) as opened:
        yield opened


def signed_in(service: TestClient, **told: str) -> str:
    """Sign in; the token that changes must carry. The client keeps the cookie."""
    answer = service.post("/session", json=told or TOLD)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["csrf"])


def test_a_session_is_a_cookie_that_no_script_reads_and_no_other_site_sends(service: TestClient) -> None:
    answer = service.post("/session", json=TOLD)
    cookie = answer.headers["set-cookie"]
    assert [part.strip() for part in cookie.split(";")[1:]] == ["HttpOnly", "Max-Age=604800", "Path=/", "SameSite=strict"]
    assert (answer.json()["caller"]["name"], answer.headers["cache-control"]) == ("operator", "no-store")
    assert service.get("/session").json()["caller"]["role"] == "operator"


def test_over_tls_the_cookie_is_sent_over_tls_only(service: TestClient) -> None:
    service.base_url = service.base_url.copy_with(scheme="https")
    assert "Secure" in service.post("/session", json=TOLD).headers["set-cookie"]


def test_a_change_by_cookie_carries_the_sessions_token(service: TestClient) -> None:
    token = signed_in(service)
    for carried in ({}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": ""}):
        answer = service.post("/closures", json=CLOSURE, headers=carried)
        assert (answer.status_code, answer.json()["where"]) == (403, "X-CSRF-Token")
    assert service.post("/closures", json=CLOSURE, headers={"X-CSRF-Token": token}).status_code == 201


def test_the_token_of_another_session_is_no_good(service: TestClient) -> None:
    other = signed_in(service, name="viewer", password="another four words here")
    service.cookies.clear()
    signed_in(service)
    assert service.post("/closures", json=CLOSURE, headers={"X-CSRF-Token": other}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403), ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "none"}, 201), ({"Origin": "http://evil.test"}, 403), ({"Origin": "null"}, 403),
        ({"Origin": "http://testserver"}, 201), ({"Origin": "http://testserver.evil.test"}, 403),
        ({"Origin": "http://["}, 403), ({"Origin": ""}, 403), ({"Origin": "http://testserver@evil.test"}, 403),
    ],
)  # fmt: skip
def test_a_change_comes_from_a_page_of_ours(headers: dict[str, str], status: int, service: TestClient) -> None:
    token = signed_in(service)
    assert service.post("/closures", json=CLOSURE, headers=headers | {"X-CSRF-Token": token}).status_code == status


def test_signing_out_ends_the_session_in_the_store(service: TestClient) -> None:
    signed_in(service)
    cookie = service.cookies[COOKIE]
    assert service.delete("/session").status_code == 200
    assert service.get("/layers", headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 401
    assert service.delete("/session").status_code == 200


def test_an_old_cookie_still_shows_the_pages(service: TestClient) -> None:
    stale = {"Cookie": f"{COOKIE}=none"}
    assert service.get("/layers", headers=stale).status_code == 401
    assert [service.get(page, headers=stale).status_code for page in ("/sign-in", "/", "/words", "/session")] == [200] * 4


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": f"{COOKIE}=a; {COOKIE}=b"}, {"Cookie": f"{COOKIE}=a", "Authorization": "Bearer grk_x"},
        {"Authorization": "Basic b3A6eA=="}, {"Authorization": "Bearer"}, {"Authorization": "Bearer  "},
        {"Authorization": "Bearer grk_0123456789_" + "0" * 64}, {"Authorization": "Bearer grk_x_y"},
        {"Authorization": "Bearer " + "a.b.c"}, {"Authorization": "Bearer grk_" + "９" * 10 + "_" + "0" * 64},
    ],
)  # fmt: skip
def test_credentials_that_are_none_are_refused_not_ignored(headers: dict[str, str], service: TestClient) -> None:
    raw = {name: value.encode() for name, value in headers.items()}
    answer = service.get("/layers", headers=raw)  # type: ignore[arg-type]
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_a_key_of_one_id_with_the_secret_of_another_is_none(service: TestClient) -> None:
    mixed = callers.key("admin")[:15] + callers.key("viewer")[15:]
    assert service.get("/layers", headers={"Authorization": f"Bearer {mixed}"}).status_code == 401


def test_what_is_too_long_to_be_a_sign_in_is_not_read(service: TestClient) -> None:
    answer = service.post("/session", json={"name": "a" * 10_000, "password": "x"})
    assert (answer.status_code, answer.json()["title"]) == (400, "the body is too long")


def answers(service: TestClient, **told: str) -> tuple[int, str]:
    answer = service.post("/session", json=told)
    return answer.status_code, answer.text


def test_what_nobody_has_what_is_wrong_and_what_is_disabled_get_one_answer(service: TestClient) -> None:
    store = service.app.state.store  # type: ignore[attr-defined]
    store.transact(lambda connection: accounts.change_account(connection, "viewer", disabled=True))
    service.app.state.gate.refresh()  # type: ignore[attr-defined]
    told = [
        answers(service, name="nobody at all", password="x" * 20), answers(service, name="operator", password="x" * 20),
        answers(service, name="viewer", password="another four words here"), answers(service, name="admin", password="x" * 20),
    ]  # fmt: skip
    assert told == [told[0]] * 4
    assert told[0][0] == 401


def test_it_takes_as_long_whether_the_name_is_anybodys() -> None:
    kept = hashed(callers.PASSWORD)
    matches("x", None)

    def seconds(against: str | None) -> float:
        began = time.process_time()  # of the work, whatever else the machine does
        matches("wrong words entirely", against)
        return time.process_time() - began

    pairs = [(seconds(kept), seconds(None)) for _ in range(5)]
    there, nobody = (statistics.median(column) for column in zip(*pairs, strict=True))
    assert 0.4 < there / nobody < 2.5


def test_guessing_slows_down_for_names_that_are_and_names_that_are_not(service: TestClient, patience: attempts.Patience) -> None:
    for name in ("nobody", "operator"):
        codes = [answers(service, name=name, password="x" * 20)[0] for _ in range(patience.free + 2)]
        assert codes == [401] * (patience.free + 1) + [429]
    right = service.post("/session", json=TOLD)  # the right password waits too, or its answer would tell which it is
    assert right.status_code == 429
    assert 0 < int(right.headers["retry-after"]) <= patience.first_s


def test_a_success_forgives(service: TestClient) -> None:
    for _ in range(3):
        for _ in range(3):
            assert answers(service, name="operator", password="x" * 20)[0] == 401
        signed_in(service)


def test_many_guesses_at_once_are_no_way_round_the_wait(service: TestClient, patience: attempts.Patience) -> None:
    signing: SignIn = service.app.state.sign_in  # type: ignore[attr-defined]

    async def guesses() -> list[Any]:
        tried = (signing.by_password("operator", "x" * 20, "10.0.0.1") for _ in range(30))
        return await asyncio.gather(*tried, return_exceptions=True)

    kinds = [type(error).__name__ for error in asyncio.run(guesses())]
    assert kinds.count("Unauthenticated") == patience.free + 1
    assert kinds.count("Busy") == 10  # 20 may wait, of whom 15 are told to wait longer
    assert kinds.count("TooMany") == 30 - 10 - 5


def test_a_wall_signs_in_by_key_and_may_what_the_key_may(service: TestClient) -> None:
    answer = service.post("/session", json={"key": callers.key("wall")})
    assert (answer.status_code, answer.json()["caller"]["role"], answer.json()["caller"]["by"]) == (200, "wall", "session")
    assert "Max-Age=34560000" in answer.headers["set-cookie"]
    store = service.app.state.store  # type: ignore[attr-defined]
    key_id = callers.key("wall").split("_")[1]
    store.transact(lambda connection: accounts.revoke_key(connection, key_id, "2026"))
    service.app.state.gate.refresh()  # type: ignore[attr-defined]
    assert service.get("/layers").status_code == 401


def test_a_password_is_changed_by_who_knows_the_old_one_and_ends_all_sessions(service: TestClient) -> None:
    token = {"X-CSRF-Token": signed_in(service)}
    new = "quite another phrase"

    def change(old: str, new: str) -> int:
        return service.put("/session/password", json={"old": old, "new": new}, headers=token).status_code

    assert (change("x" * 20, new), change(callers.PASSWORD, "short")) == (401, 400)
    assert change(callers.PASSWORD, new) == 204
    assert service.get("/layers").status_code == 401
    service.cookies.clear()
    assert answers(service, name="operator", password=callers.PASSWORD)[0] == 401
    assert answers(service, name="operator", password=new)[0] == 200


def test_idle_sessions_end_and_walls_do_not(service: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in(service)
    cookie = service.cookies[COOKIE]
    service.cookies.clear()
    service.post("/session", json={"key": callers.key("wall")})
    wall = service.cookies[COOKIE]
    service.cookies.clear()
    real = time.time

    def codes(later_s: float) -> list[int]:
        monkeypatch.setattr(gates.time, "time", lambda: real() + later_s)
        return [service.get("/layers", headers={"Cookie": f"{COOKIE}={each}"}).status_code for each in (cookie, wall)]

    hour = 3600.0
    assert codes(0) == [200, 200]
    assert codes(11 * hour) == [200, 200]
    assert codes(22 * hour) == [200, 200]  # used 11 hours ago
    assert codes(35 * hour) == [401, 200]
    assert codes(89 * 24 * hour) == [401, 200]
    assert codes(91 * 24 * hour) == [401, 401]  # the key that the wall showed is over


def test_a_session_lasts_a_week_however_busy(service: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in(service)
    carried = {"Cookie": f"{COOKIE}={service.cookies[COOKIE]}"}
    service.cookies.clear()
    real, hours = time.time, [8.0 * each for each in range(22)]
    codes = []
    for hour in hours:
        monkeypatch.setattr(gates.time, "time", lambda hour=hour: real() + hour * 3600)
        codes.append(service.get("/layers", headers=carried).status_code)
    assert codes == [200] * 21 + [401]  # 168 hours are a week


def test_another_process_learns_of_a_change(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "store.sqlite"
    copy.write_bytes(path.read_bytes())
    with TestClient(create_app(Settings(store=copy))) as one, open_store(copy) as elsewhere:
        assert one.get("/layers", headers=callers.headers("viewer")).status_code == 200
        elsewhere.transact(lambda connection: accounts.change_account(connection, "viewer", disabled=True))
        ends = time.monotonic() + 10  # within two seconds, on a machine that has time
        while (code := one.get("/layers", headers=callers.headers("viewer")).status_code) == 200 and time.monotonic() < ends:
            time.sleep(0.05)
    assert code == 401
    assert gates._EVERY_S <= 2


def test_attempts_are_in_the_audit_and_what_was_typed_is_not(service: TestClient) -> None:
    answers(service, name="operator", password="canary password")
    for _ in range(3):
        answers(service, name="canary name", password="canary password")
    signed_in(service)
    service.post("/accounts", json={}, headers={"X-CSRF-Token": "0"})
    service.cookies.clear()
    service.app.state.gate._tend()  # type: ignore[attr-defined]
    found = service.get("/audit", headers=callers.headers("admin"))
    told = Counter[tuple[str, str, str]]()
    for each in found.json()["entries"]:
        told[each["actor"], each["action"], each["outcome"]] += each["detail"].get("times", 1)
    assert told == {
        ("unknown", "sign_in", "refused"): 3, ("operator", "sign_in", "refused"): 1, ("operator", "sign_in", "ok"): 1,
        ("operator", "refused", "refused"): 1,
    }  # fmt: skip
    assert "canary" not in found.text
    with service.app.state.store.read() as connection:  # type: ignore[attr-defined]
        assert verify_audit(connection).entries == len(found.json()["entries"])


def test_refusals_without_end_take_bounded_room(service: TestClient) -> None:
    gate = service.app.state.gate  # type: ignore[attr-defined]
    for number in range(3000):
        gate.note(gates.Event(actor=f"a{number}", action="refused", outcome="refused"))
    assert len(gate._refused) <= gates._REFUSALS_KEPT + 1
    gate._tend()
    entries = service.get("/audit?limit=1000", headers=callers.headers("admin")).json()["entries"]
    assert sum(each["detail"].get("times", 0) for each in entries if each["action"] == "refused") >= 2000


@pytest.mark.parametrize(
    "body",
    [
        {}, {"name": "a"}, {"password": "a"}, {"name": "a", "password": 5}, {"name": "a" * 201, "password": "x"}, {"key": "grk_x"},
        {"name": ["a"]},
    ],
)
def test_what_is_no_sign_in_is_told_so(body: dict[str, Any], service: TestClient) -> None:
    assert service.post("/session", json=body).status_code in (400, 401)


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("elevenchars", "too short"), ("x" * 201, "too long"), ("abababababab", "very few characters"),
        ("Password1234", "tried first"), ("Duty-officer-2026", "holds the name"),
    ],
)  # fmt: skip
def test_passwords_that_are_guessed(password: str, says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        require_fit(password, "duty-officer")


def test_a_password_is_kept_as_argon2id_with_a_salt_of_its_own() -> None:
    one, other = hashed("four words"), hashed("four words")
    assert one != other
    assert one.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert matches("four words", one)
    assert not matches("four word", one)
    assert not matches("four words", "no hash")
    assert matches("ｆｏｕｒ words", one)  # the same letters from another keyboard


def test_generated_passwords_are_fit_and_differ() -> None:
    made = {generated() for _ in range(50)}
    assert len(made) == 50
    for each in made:
        require_fit(each, "somebody")


def test_too_many_waiting_are_told_to_come_again(service: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.sign_in._WAITING", 0)
    with pytest.raises(Busy, match="too many sign-ins wait"):
        asyncio.run(service.app.state.sign_in.by_key("x", "y"))  # type: ignore[attr-defined]
