"""The small city over a morning, asked about afterwards: each answer can be read off the table of what happened."""

import csv
import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient

import callers
import small_city
from api.app import create_app
from api.settings import Settings
from api.use.past import KEPT, moment_asked, past_of
from callers import acting, add_account, add_key, settle
from geo_risk.errors import ParameterError
from layers._store import Batch, Change, Store, accounts, audit, open_store

DAY = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0) - dt.timedelta(days=2)
TEAM, CLERK = Batch("team 7", "report", "report"), Batch("clerk", "=cmd()", "list.csv")
EAST_POINT = shapely.Point(0.015, 0.005)
EVIL = "{{7*191}}<img src=x>"


def at(clock: str) -> str:
    """A time of that day as the store writes it."""
    hour, minute = map(int, clock.split(":"))
    return (DAY + dt.timedelta(hours=hour, minutes=minute)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def patch(fid: str, observed: str | None = None, layer: str = "shelters", **values: Any) -> list[Change]:
    return [Change(layer=layer, fid=fid, op="patch", values=values, observed_at=observed and at(observed))]


MORNING = (
    ("01:00", lambda store: store.write(TEAM, patch("shut", status="open"))),
    ("03:00", lambda store: store.write(TEAM, patch("open", status="closed"))),
    ("04:00", lambda store: store.write(TEAM, patch("open", phone="000-1112223"))),
    ("05:00", lambda store: store.write(TEAM, patch("shut", observed="00:30", occupancy=7))),
    ("06:00", lambda store: store.write(CLERK, patch("open", status="open"))),
    ("07:00", lambda store: store.remove("helipads", ["h"], CLERK)),
    ("08:00", lambda store: store.apply("shelters", small_city.frame("shelters", {"n": (EAST_POINT, {"name": EVIL})}), CLERK)),
)
"""At 05:00 somebody came back and told that seven people had been in the Hall at 00:30, before it was opened at 01:00."""


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which all of it happened."""
    path = tmp_path_factory.mktemp("morning") / "store.sqlite"
    with open_store(path) as store, pytest.MonkeyPatch.context() as clock:
        clock.setattr("layers._store.log.now", lambda: at("00:00"))
        for layer_id, frame in small_city.frames().items():
            store.apply(layer_id, frame, Batch(actor="test", reason="small city", source="small"))
        for when, happens in MORNING:
            clock.setattr("layers._store.log.now", lambda when=when: at(when))
            happens(store)
        settle(store)
        add_account(store, "blind", role="operator", reads={"towns"})
        add_key(store, "blind")
    return path


@pytest.fixture(scope="module")
def client(morning: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(store=morning)), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def own(morning: Path, tmp_path: Path) -> Iterator[TestClient]:
    """A service of its own over the same morning, to write to."""
    path = tmp_path / "store.sqlite"
    path.write_bytes(morning.read_bytes())
    with TestClient(create_app(Settings(store=path)), raise_server_exceptions=False) as opened:
        yield opened


def shelter(client: Any, fid: str, **asked: str) -> dict[str, Any]:
    return client.get(f"/collections/shelters/items/{fid}", params=asked).json()["properties"]


@pytest.mark.parametrize(
    ("clock", "status"), [("00:00", "open"), ("02:59", "open"), ("03:00", "closed"), ("05:59", "closed"), ("06:00", "open")]
)
def test_a_feature_as_it_was_true_then(client: TestClient, clock: str, status: str) -> None:
    assert shelter(client, "open", datetime=at(clock))["status"] == status


def test_what_was_true_and_what_was_known_are_two_answers(client: TestClient) -> None:
    assert shelter(client, "shut", datetime=at("00:45"))["occupancy"] == 7
    assert shelter(client, "shut", datetime=at("00:45"), as_known_at=at("04:59"))["occupancy"] is None
    assert shelter(client, "shut", as_known_at=at("05:30"))["occupancy"] is None
    assert shelter(client, "shut")["occupancy"] is None


def test_an_answer_says_which_moment_it_shows(client: TestClient) -> None:
    answer = client.get("/marks/shelters", params={"datetime": at("03:30"), "as_known_at": at("05:30")})
    said = {name: answer.headers.get(f"geo-risk-{name}") for name in ("datetime", "as-known-at", "revision")}
    assert said == {"datetime": at("03:30"), "as-known-at": at("05:30"), "revision": "12"}
    assert answer.json()["revision"] == 12
    assert "geo-risk-datetime" not in client.get("/marks/shelters").headers


def test_a_plus_sign_in_an_address_may_arrive_as_a_space(client: TestClient) -> None:
    here = dt.datetime.fromisoformat(at("03:30")).astimezone(dt.timezone(dt.timedelta(hours=8))).isoformat()
    assert client.get(f"/collections/shelters/items/open?datetime={here}").json()["properties"]["status"] == "closed"


@pytest.mark.parametrize(
    "path",
    ["/layers", "/risk", "/risk/cells", "/risk/towns/w/why", "/nearby?lon=0.0075&lat=0.005", "/situation/flood_points/fp",
     "/marks/shelters", "/closures",
     "/collections", "/collections/shelters", "/collections/shelters/items", "/select?lon=0&lat=0&radius_m=100"],
)  # fmt: skip
def test_any_read_of_the_map_can_be_asked_of_the_past(client: TestClient, path: str) -> None:
    answer = client.get(path + ("&" if "?" in path else "?") + f"datetime={at('03:30')}")
    assert (answer.status_code, answer.headers["geo-risk-datetime"]) == (200, at("03:30"))


@pytest.mark.parametrize("path", ["/routes?origin=0,0&destination=0,0.01&", "/isolation?", "/changes?since=1&", "/moments?"])
def test_what_is_a_question_about_now_refuses_a_moment_by_name(client: TestClient, path: str) -> None:
    answer = client.get(f"{path}datetime={at('03:30')}")
    assert (answer.status_code, answer.json()["title"]) == (400, "no parameter 'datetime' here")


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"datetime": "2999-01-01T00:00:00Z"}, "yet to come"),
        ({"as_known_at": "2999-01-01T00:00:00Z"}, "yet to come"),
        ({"datetime": "yesterday"}, "no moment with its offset"),
        ({"datetime": "2026-07-01T03:00:00"}, "no moment with its offset"),
        ({"datetime": "2026-07-01T00:00:00Z/2026-06-01T00:00:00Z"}, "no interval of time"),
        ({"datetime": "2026-07-01T00:00:00Z/../.."}, "no interval of time"),
    ],
)
def test_what_is_no_past_moment_is_refused(client: TestClient, asked: dict[str, str], text: str) -> None:
    answer = client.get("/collections/shelters/items", params=asked)
    assert (answer.status_code, text in answer.json()["title"]) == (400, True)


def test_an_interval_is_for_items_only(client: TestClient) -> None:
    answer = client.get("/marks/shelters", params={"datetime": f"{at('00:00')}/.."})
    assert (answer.status_code, answer.json()["title"]) == (400, "this is answered for one moment")


@pytest.mark.parametrize(
    ("since", "until", "ids"),
    [("06:00", "07:30", ["h"]), ("07:00", "07:30", []), ("00:00", "..", ["h"]), ("..", "06:00", ["h"])],
)
def test_items_of_an_interval_were_there_at_some_moment_of_it(client: TestClient, since: str, until: str, ids: list[str]) -> None:
    ends = "/".join(end if end == ".." else at(end) for end in (since, until))
    found = client.get("/collections/helipads/items", params={"datetime": ends}).json()
    assert [each["id"] for each in found["features"]] == ids


def test_the_next_page_is_of_the_same_moment(client: TestClient) -> None:
    links = client.get("/collections/shelters/items", params={"limit": "1", "datetime": at("03:30")}).json()["links"]
    after = client.get(next(each["href"] for each in links if each["rel"] == "next"))
    assert (after.headers["geo-risk-datetime"], after.json()["features"][0]["id"]) == (at("03:30"), "shut")


def test_risk_then_is_made_of_what_was_there_then(client: TestClient) -> None:
    """At 03:30 the School is closed and the Hall, of 900, is open; at 00:30 it is the other way round, 100 of 400 taken."""
    free = {}
    for clock in ("00:30", "03:30"):
        west = next(each for each in client.get("/risk", params={"datetime": at(clock)}).json()["areas"] if each["id"] == "w")
        free[clock] = next(each["raw"] for each in west["readings"] if each["factor"] == "shelter_places")
    assert free == {"00:30": 300, "03:30": 900}


def test_risk_then_goes_by_the_season_of_that_day(client: TestClient) -> None:
    factors = client.get("/risk", params={"datetime": at("12:00")}).json()["factors"]
    assert {factor["season"]["on"] for factor in factors if factor["season"]} == {
        dt.datetime.fromisoformat(at("12:00")).astimezone().date().isoformat()
    }


def test_moments_between_which_nothing_happened_share_one_map(client: TestClient) -> None:
    past = past_of(client.app.state.store)
    for clock in ("03:10", "03:20", "03:30"):
        client.get("/marks/shelters", params={"datetime": at(clock)})
    assert sum(where.certain == 10 for where, _ in past._kept) == 1
    for clock in ("00:00", "01:00", "04:00", "06:00", "07:00", "08:00"):
        client.get("/marks/shelters", params={"datetime": at(clock)})
    assert len(past._kept) == KEPT


def test_what_may_not_be_read_now_may_not_be_read_then(client: TestClient) -> None:
    asked = {"datetime": at("03:30")}
    assert "phone" not in shelter(client, "open", **asked)
    assert shelter(acting(client, "admin"), "open", **asked)["phone"] == small_city.PHONE


def history(client: Any, path: str = "shelters/items/open", **asked: Any) -> dict[str, Any]:
    return client.get(f"/collections/{path}/history", params=asked).json()


def test_history_is_newest_first_with_before_and_after(client: TestClient) -> None:
    told = [(each["revision"], each["op"], each["changes"]) for each in history(acting(client, "admin"))["revisions"]]
    assert told[:3] == [
        (13, "update", [{"column": "status", "before": "closed", "after": "open"}]),
        (11, "update", [{"column": "phone", "before": small_city.PHONE, "after": "000-1112223"}]),
        (10, "update", [{"column": "status", "before": "open", "after": "closed"}]),
    ]
    assert [op for _, op, _ in told[3:]] == ["create"]


def test_a_revision_of_hidden_columns_alone_is_not_there(client: TestClient) -> None:
    answer = history(client)
    assert ([each["revision"] for each in answer["revisions"]], answer["numberMatched"]) == ([13, 10, 5], 3)
    assert small_city.PHONE not in str(answer)


def test_history_is_paged(client: TestClient) -> None:
    first = history(client, limit=2)
    second = history(client, limit=2, before=first["next"])
    assert [[each["revision"] for each in page["revisions"]] for page in (first, second)] == [[13, 10], [5]]
    assert (first["next"], second["next"]) == (10, None)


def test_a_late_report_stands_beside_what_was_true_when_it_was_observed(client: TestClient) -> None:
    late = next(each for each in history(client, "shelters/items/shut")["revisions"] if each["late"])
    assert (late["op"], late["observed_at"], late["received_at"]) == ("late", at("00:30"), at("05:00"))
    assert late["changes"] == [{"column": "occupancy", "before": None, "after": 7}]


def test_names_and_reasons_are_for_those_who_may_read_what_is_internal(client: TestClient) -> None:
    def told(caller: Any) -> tuple[Any, ...]:
        return tuple(history(caller)["revisions"][0][name] for name in ("who", "role", "reason"))

    assert told(acting(client, "viewer")) == ("clerk", None, "=cmd()")
    assert told(acting(client, "wall")) == told(client) == (None, None, None)


@pytest.mark.parametrize("path", ["shelters/items/nobody", "nothing/items/open"])
def test_what_never_was_has_no_history(client: TestClient, path: str) -> None:
    assert client.get(f"/collections/{path}/history").status_code == 404


def test_a_hidden_layer_has_no_history_and_no_changes(client: TestClient) -> None:
    blind = acting(client, "blind")
    assert blind.get("/collections/duty_holders/items/d/history").status_code == 404
    assert blind.get("/changes", params={"since": "0", "layers": "duty_holders"}).status_code == 404
    assert "duty_holders" not in blind.get("/changes", params={"since": "0"}).text


def changes(client: Any, **asked: str) -> dict[str, Any]:
    return client.get("/changes", params=asked).json()


def nets(answer: dict[str, Any]) -> dict[str, str]:
    return {row["id"]: row["net"] for row in answer["rows"]}


def test_a_shift_is_told_by_what_came_of_each_feature(client: TestClient) -> None:
    answer = changes(client, since=at("02:00"))
    assert nets(answer) == {"h": "removed", "n": "created", "open": "back", "shut": "late"}
    assert answer["counts"] == {"features": 4, "changes": 5, "created": 1, "changed": 0, "removed": 1, "back": 1, "late": 1}


def test_who_reads_more_sees_more_changes(client: TestClient) -> None:
    answer = changes(acting(client, "admin"), since=at("02:00"), until=at("08:00"))
    assert (nets(answer)["open"], answer["counts"]["changes"]) == ("changed", 6)
    assert changes(client, since=at("03:30"), until=at("04:30"))["counts"]["features"] == 0
    assert changes(acting(client, "admin"), since=at("03:30"), until=at("04:30"))["counts"]["features"] == 1


def test_what_was_true_is_compared_with_late_reports(client: TestClient) -> None:
    answer = changes(client, since=at("00:10"), until=at("00:45"), by="true")
    assert [(row["id"], row["net"], row["changes"]) for row in answer["rows"]] == [
        ("shut", "changed", [{"column": "occupancy", "before": None, "after": 7}])
    ]
    assert changes(client, since=at("00:10"), until=at("00:45"))["rows"] == []


@pytest.mark.parametrize("by", ["layer", "town"])
def test_parts_make_the_whole(client: TestClient, by: str) -> None:
    answer = changes(acting(client, "admin"), since="0")
    for name, whole in answer["counts"].items():
        assert sum(part[name] for part in answer[f"by_{by}"]) == whole
    assert sum(part["changes"] for part in answer["by_person"]) == answer["counts"]["changes"]


def test_by_town_and_by_person(client: TestClient) -> None:
    answer = changes(acting(client, "admin"), since=at("02:00"))
    assert {part["id"]: part["features"] for part in answer["by_town"]} == {"e": 2, "w": 2}
    assert {part["who"]: (part["features"], part["changes"]) for part in answer["by_person"]} == {"clerk": (3, 3), "team 7": (2, 3)}


def test_what_came_together_is_named_with_how_many_features(client: TestClient) -> None:
    """Only the first batches brought more than one feature; a name is not for everybody."""
    told = changes(acting(client, "admin"), since="0")["batches"]
    brought = {layer: len(rows) for layer, rows in small_city.frames().items() if len(rows) > 1}
    assert sorted(each["features"] for each in told) == sorted(brought.values())
    assert {(each["who"], each["reason"]) for each in told} == {("test", "small city")}
    assert [each["batch"] for each in told] == sorted((each["batch"] for each in told), reverse=True)
    assert {each["who"] for each in changes(client, since="0")["batches"]} == {None}


@pytest.mark.parametrize(("town", "ids"), [("East", {"h", "n"}), ("e", {"h", "n"}), ("outside", None)])
def test_changes_of_one_town(client: TestClient, town: str, ids: set[str] | None) -> None:
    assert set(nets(changes(client, since=at("02:00"), town=town))) == (ids or set())


def test_changes_of_one_person_are_not_for_everybody(client: TestClient) -> None:
    assert set(nets(changes(acting(client, "viewer"), since=at("02:00"), person="team 7"))) == {"shut", "open"}
    assert client.get("/changes", params={"since": "0", "person": "team 7"}).status_code == 403


def test_changes_are_paged(client: TestClient) -> None:
    first = changes(client, since=at("02:00"), limit="3")
    second = changes(client, since=at("02:00"), limit="3", offset=str(first["next"]))
    assert ([len(first["rows"]), len(second["rows"])], first["next"], second["next"]) == ([3, 1], 3, None)


def test_changes_for_a_spreadsheet_hold_no_formula(client: TestClient) -> None:
    text = acting(client, "admin").get("/changes", params={"since": at("02:00"), "f": "csv", "lang": "en"}).content
    rows = list(csv.DictReader(text.decode("utf-8-sig").splitlines()))
    assert text.startswith(b"\xef\xbb\xbf")
    assert {row["reason"] for row in rows} == {"'=cmd()", "report"}
    assert {row["name"] for row in rows} == {"Field", EVIL, "School", "Hall"}


def test_changes_for_paper(client: TestClient) -> None:
    lines = client.get("/changes", params={"since": at("02:00"), "f": "text", "lang": "en"}).text.splitlines()
    assert lines[0].startswith("Changed since")
    assert lines[0].endswith("4 features, in 5 changes")
    assert any(line.startswith("  Field · East · removed") for line in lines)


def test_moments_for_a_slider_count_what_may_be_seen(client: TestClient) -> None:
    def minutes(caller: Any) -> dict[str, int]:
        return {each["at"][11:16]: each["changes"] for each in caller.get("/moments?hours=72").json()["moments"]}

    whole = {"00:00": 8, "01:00": 1, "03:00": 1, "04:00": 1, "05:00": 1, "06:00": 1, "07:00": 1, "08:00": 1}
    assert minutes(acting(client, "admin")) == whole
    assert minutes(client) == {minute: count for minute, count in whole.items() if minute != "04:00"}


@pytest.mark.parametrize("hours", ["0", "1000000", "x"])
def test_moments_are_of_a_bounded_time(client: TestClient, hours: str) -> None:
    assert client.get(f"/moments?hours={hours}").status_code == 400


def batches(client: TestClient, actor: str) -> list[int]:
    return [each.id for each in client.app.state.store.batches() if each.actor == actor]


def test_an_undo_is_looked_at_done_audited_and_undone(own: TestClient) -> None:
    admin, removal = acting(own, "admin"), batches(own, "clerk")[1]
    dry = admin.post("/undo", json={"batch": removal, "dry": True}).json()
    assert (dry["counts"]["undone"], dry["revision"], [row["op"] for row in dry["rows"]]) == (1, None, ["create"])
    done = admin.post("/undo", json={"batch": removal, "reason": "still there"}).json()
    told = admin.get("/collections/helipads/items/h/history", headers={"Geo-Risk-At-Least": str(done["revision"])}).json()
    assert told["revisions"][0]["note"] == f"undo of batch {removal}"
    with own.app.state.store.read() as connection:
        (entry, *_) = audit.entries(connection)
    assert (entry.action, entry.subject, entry.batch_id) == ("undo", f"batch {removal}", done["batch"])
    assert admin.post("/undo", json={"batch": done["batch"]}).json()["counts"]["undone"] == 1
    own.app.state.store.verify()


def test_later_work_is_listed_with_409(own: TestClient) -> None:
    answer = acting(own, "admin").post("/undo", json={"batch": batches(own, "team 7")[-2]})
    assert (answer.status_code, answer.json()["left"]) == (409, [{"layer": "shelters", "id": "open", "changed_by_revision": 13}])


def test_a_towns_operator_takes_back_nothing_of_the_next_town(own: TestClient) -> None:
    town = acting(own, "town_operator")
    refused = town.post("/undo", json={"batch": batches(own, "clerk")[0]})
    assert (refused.status_code, EVIL in refused.text) == (403, False)
    assert town.post("/undo", json={"revision": 13}).status_code == 200


@pytest.mark.parametrize("role", ["anonymous", "wall", "viewer", "field"])
def test_taking_back_is_for_operators(own: TestClient, role: str) -> None:
    assert acting(own, role).post("/undo", json={"revision": 13}).status_code in (401, 403)


def test_what_cannot_be_read_cannot_be_taken_back(own: TestClient) -> None:
    store: Store = own.app.state.store
    add_account(store, "half", role="operator", clearance="internal")
    add_key(store, "half")
    own.app.state.gate.refresh()
    for revision in (11, 5):  # the phone alone, and the whole feature: both were changed since, which is not told
        refused = acting(own, "half").post("/undo", json={"revision": revision})
        assert (refused.status_code, "phone" in refused.text, "left" in refused.json()) == (403, False, False)


@pytest.mark.parametrize(
    "body",
    [{}, {"batch": 1, "revision": 2}, {"batch": "1"}, {"batch": True}, {"batch": 0}, {"batch": 10**30}, {"revision": 1, "x": 1},
     {"revision": 1, "dry": 1}, {"revision": 1, "only": "all"}, {"revision": 1, "reason": "a\u0000"}],
)  # fmt: skip
def test_an_undo_that_says_something_else_is_refused(client: TestClient, body: dict[str, Any]) -> None:
    assert acting(client, "admin").post("/undo", json=body).status_code == 400


def test_a_moment_is_read_with_its_offset() -> None:
    now = dt.datetime(2026, 7, 2, tzinfo=dt.UTC)
    asked = moment_asked("2026-07-01T00:00:00+08:00/..", "2026-07-01T12:00:00Z", now, interval=True)
    assert asked is not None
    assert (asked.since, asked.true_at, asked.known_at) == (
        "2026-06-30T16:00:00.000000Z", "2026-07-01T12:00:00.000000Z", "2026-07-01T12:00:00.000000Z",
    )  # fmt: skip
    with pytest.raises(ParameterError, match="yet to come; where: datetime"):
        moment_asked("2026-07-02T00:00:00.000001Z", None, now)


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of two features, and more than three revisions are many."""
    monkeypatch.setattr("layers._store.undo_parts._FEATURES", 2)
    monkeypatch.setattr("layers._store.undo_parts.AT_ONCE", 3)


def ended(caller: Any, place: str) -> dict[str, Any]:
    """A job once it has ended."""
    ends = time.monotonic() + 15
    while (job := caller.get(place).json())["status"] in ("accepted", "running"):
        assert time.monotonic() < ends
        time.sleep(0.01)
    return dict(job)


@pytest.fixture
def imported(own: TestClient, in_parts: None) -> int:
    """An import of five shelters, all of them wrong."""
    rows = {f"wrong-{n}": (EAST_POINT, {"name": f"Wrong {n}"}) for n in range(5)}
    return int(own.app.state.store.apply("shelters", small_city.frame("shelters", rows), CLERK).batch_id)  # type: ignore[attr-defined]


def test_an_undo_of_much_is_a_job_whose_answer_is_for_who_asked(own: TestClient, imported: int) -> None:
    store, admin = own.app.state.store, acting(own, "admin")  # type: ignore[attr-defined]
    before = store.snapshot().revision
    dry = admin.post("/undo", json={"batch": imported, "dry": True})
    assert (dry.status_code, ended(admin, dry.headers["Location"])["status"]) == (202, "successful")
    told = admin.get(f"{dry.headers['Location']}/results").json()["answer"]
    assert (told["dry"], told["counts"]["undone"], store.snapshot().revision) == (True, 5, before)
    done = admin.post("/undo", json={"batch": imported, "reason": "wrong file"}).headers["Location"]
    assert ended(admin, done)["progress"] == 100
    told = admin.get(f"{done}/results").json()["answer"]
    assert (told["counts"]["undone"], told["parts"], len(told["rows"]), told["revision"]) == (5, 3, 5, before + 5)
    assert acting(own, "operator").get(f"{done}/results").status_code == 403
    with store.read() as connection:
        assert [entry.detail["features"] for entry in audit.entries(connection, limit=3)] == [1, 2, 2]
    store.verify()


def test_an_undo_of_much_that_may_not_be_changed_back_fails_and_changes_nothing(own: TestClient, imported: int) -> None:
    store, town = own.app.state.store, acting(own, callers.TOWN)  # type: ignore[attr-defined]
    before = store.snapshot().revision
    job = ended(town, town.post("/undo", json={"batch": imported}).headers["Location"])
    assert (job["status"], job["problem"]["status"], store.snapshot().revision) == ("failed", 403, before)


def test_an_undo_of_much_is_ended_between_two_parts_and_goes_on_when_asked_again(
    own: TestClient, imported: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, admin, jobs = own.app.state.store, acting(own, "admin"), own.app.state.jobs  # type: ignore[attr-defined]
    transact = store.transact

    def ending(work: Any, deadline_s: float | None = None) -> Any:
        done = transact(work, deadline_s)
        jobs.dismiss(jobs.jobs()[0].id)
        return done

    monkeypatch.setattr(store, "transact", ending)
    place = admin.post("/undo", json={"batch": imported}).headers["Location"]
    assert ended(admin, place)["status"] == "dismissed"
    monkeypatch.setattr(store, "transact", transact)
    place = admin.post("/undo", json={"batch": imported}).headers["Location"]
    ended(admin, place)
    counts = admin.get(f"{place}/results").json()["answer"]["counts"]
    assert (counts["undone"], counts["already"]) == (3, 2)


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"disabled": True}, {"writes": frozenset({"aeds"})}])
def test_an_undo_of_much_ends_when_its_asker_may_no_more(
    change: dict[str, Any], own: TestClient, imported: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first part of two features somebody takes back the operator's grants."""
    store, gate, operator = own.app.state.store, own.app.state.gate, acting(own, "operator")  # type: ignore[attr-defined]
    transact, before = store.transact, store.snapshot().revision

    def withdrawing(work: Any, deadline_s: float | None = None) -> Any:
        done = transact(work, deadline_s)
        transact(lambda connection: accounts.change_account(connection, "operator", **change))
        gate.refresh()
        return done

    monkeypatch.setattr(store, "transact", withdrawing)
    place = operator.post("/undo", json={"batch": imported}).headers["Location"]
    job = ended(acting(own, "admin"), place)
    assert (job["status"], job["problem"]["status"], store.snapshot().revision) == ("failed", 403, before + 2)
