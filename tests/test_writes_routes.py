"""Writing over HTTP as a client meets it: statuses, tags, keys, batches, and nothing told to whom it may not be told."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

import pytest
from fastapi.testclient import TestClient

import callers
import small_city
from api.app import create_app
from api.settings import Settings
from callers import acting
from layers._store import Batch, Store, open_store, writes

ITEMS = "/collections/shelters/items"
WEST, EAST = [0.002, 0.002], [0.015, 0.002]
"""A place in either town of the small city."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service of this module's own over the small city: it is written to."""
    path = tmp_path_factory.mktemp("written") / "store.sqlite"
    with open_store(path) as store:
        for layer_id, frame in small_city.frames().items():
            store.apply(layer_id, frame, Batch(actor="test", reason="small city", source="small"))
        callers.settle(store)
        callers.add_account(store, "narrow", role="operator", reads={"shelters"}, writes={"shelters"})
        callers.add_key(store, "narrow")
    with TestClient(create_app(Settings(store=path)), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def hurried(city: TestClient) -> Iterator[TestClient]:
    """The same service, which gives a write one second."""
    state = city.app.state  # type: ignore[attr-defined]
    unhurried, state.settings = state.settings, state.settings.model_copy(update={"write_deadline_s": 1})
    yield city
    state.settings = unhurried


def store_of(city: TestClient) -> Store:
    found: Store = city.app.state.store  # type: ignore[attr-defined]
    return found


def feature(place: Any = WEST, **values: Any) -> dict[str, Any]:
    geometry = None if place is None else {"type": "Point", "coordinates": place}
    return {"type": "Feature", "geometry": geometry, "properties": {"name": "Hall", "capacity": 10} | values}


def add(city: TestClient, **values: Any) -> tuple[str, str]:
    """A new shelter: where it is, and its tag."""
    answer = acting(city, "operator").post(ITEMS, json=feature(**values))
    assert answer.status_code == 201, answer.text
    return answer.headers["location"], answer.headers["etag"]


def read(city: TestClient, path: str, name: str = "operator") -> Any:
    city.app.state.follower.refresh()  # type: ignore[attr-defined]
    return acting(city, name).get(path)


def test_a_feature_is_made_where_its_location_says(city: TestClient) -> None:
    made = acting(city, "operator").post(ITEMS, json=feature(occupancy=3))
    found = read(city, made.headers["location"])
    assert (made.status_code, found.status_code) == (201, 200)
    assert found.json()["properties"] == made.json()["properties"]
    assert found.json()["geometry"] == made.json()["geometry"] == {"type": "Point", "coordinates": WEST}
    assert made.headers["content-type"] == "application/geo+json"
    assert int(made.headers["geo-risk-revision"]) == made.json()["revision"]
    assert made.headers["etag"] == f'"{made.json()["revision"]}"'


def test_a_feature_lives_and_its_history_stays(city: TestClient) -> None:
    operator, (path, tag) = acting(city, "operator"), add(city)
    put = operator.put(path, json=feature(capacity=20), headers={"If-Match": tag})
    patched = operator.patch(path, json={"properties": {"occupancy": 5}}, headers={"If-Match": put.headers["etag"]})
    assert [put.status_code, patched.status_code] == [200, 200]
    assert [patched.json()["properties"][name] for name in ("capacity", "occupancy")] == [20, 5]
    assert operator.delete(path, headers={"If-Match": patched.headers["etag"]}).status_code == 204
    fid = patched.json()["id"]
    assert [entry.op for entry in store_of(city).history("shelters", fid)] == ["create", "update", "update", "delete"]
    assert read(city, path).status_code == 404


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
@pytest.mark.parametrize(
    ("said", "status"),
    [
        (None, 428),
        ("", 428),
        ('"1"', 412),
        ('W/"{now}"', 412),  # a weak tag matches nothing here
        ('"abc"', 412),
        ('"0{now}"', 412),
        ("{now}", 400),
        ('"1" "{now}"', 400),
        ("*", 200),
        ('"{now}"', 200),
        ('"1", "{now}"', 200),
        ('W/"1","{now}" ,"7"', 200),
    ],
)
def test_a_change_is_made_from_a_known_state(city: TestClient, method: str, said: str | None, status: int) -> None:
    path, tag = add(city)
    headers = {} if said is None else {"If-Match": said.replace("{now}", tag.strip('"'))}
    body = None if method == "delete" else feature(capacity=11)
    answer = acting(city, "operator").request(method.upper(), path, json=body, headers=headers)
    assert answer.status_code == (204 if (method, status) == ("delete", 200) else status), answer.text


@pytest.mark.parametrize("said", ['"7"', "*"])
@pytest.mark.parametrize(("method", "status"), [("PUT", 412), ("PATCH", 404), ("DELETE", 404)])
def test_what_is_not_there_is_not_changed(city: TestClient, method: str, said: str, status: int) -> None:
    body = None if method == "DELETE" else feature()
    assert acting(city, "operator").request(method, f"{ITEMS}/nowhere", json=body, headers={"If-Match": said}).status_code == status


def test_a_stale_change_is_told_the_current_state_as_its_sender_may_see_it(city: TestClient) -> None:
    path, tag = add(city, phone=small_city.PHONE)
    now = acting(city, "operator").patch(path, json={"properties": {"occupancy": 9}}, headers={"If-Match": tag})
    for name in ("field", "operator"):
        stale = acting(city, name).patch(path, json={"properties": {"occupancy": 1}}, headers={"If-Match": tag})
        assert (stale.status_code, stale.headers["etag"]) == (412, now.headers["etag"])
        assert stale.json()["current"]["properties"]["occupancy"] == 9
        assert (small_city.PHONE in stale.text, "phone" in stale.text) == (name == "operator", name == "operator")


def test_put_makes_what_must_not_be_there_yet(city: TestClient) -> None:
    operator, path = acting(city, "operator"), f"{ITEMS}/village-7"
    assert operator.put(path, json=feature(), headers={"If-None-Match": "*"}).status_code == 201
    again = operator.put(path, json=feature(), headers={"If-None-Match": "*"})
    assert (again.status_code, again.json()["current"]["id"]) == (412, "village-7")
    assert operator.put(f"{ITEMS}/{quote('no name')}", json=feature(), headers={"If-None-Match": "*"}).status_code == 400
    assert operator.post(ITEMS, json=feature() | {"id": "village-7"}).status_code == 409


def test_what_a_caller_may_not_see_he_neither_changes_nor_erases(city: TestClient) -> None:
    path, tag = add(city, phone=small_city.PHONE, keeper=small_city.HOLDER)
    field = acting(city, "field")
    put = field.put(path, json=feature(capacity=12), headers={"If-Match": tag})
    assert (put.status_code, small_city.PHONE in put.text) == (200, False)
    patched = field.patch(path, json={"properties": {"phone": None}}, headers={"If-Match": put.headers["etag"]})
    assert (patched.status_code, "phone" in patched.text.replace('"got":"phone"', "").replace("got: phone", "")) == (400, False)
    assert [read(city, path).json()["properties"][name] for name in ("phone", "capacity")] == [small_city.PHONE, 12]


def test_every_fault_is_listed_and_nothing_is_stored(city: TestClient) -> None:
    before = store_of(city).snapshot().revision
    answer = acting(city, "operator").post(ITEMS, json=feature([50, 120], capacity="<b>12", status="ajar"))
    told = [(fault["column"], fault["rule"]) for fault in answer.json()["faults"]]
    assert (answer.status_code, told) == (422, [("capacity", "integer"), ("status", "choice"), ("geometry", "geometry_swapped")])
    assert "<b>" not in answer.text
    assert store_of(city).snapshot().revision == before


def test_warnings_come_with_the_answer(city: TestClient) -> None:
    answer = acting(city, "operator").post(ITEMS, json=feature(capacity=1, occupancy=2))
    assert [fault["rule"] for fault in answer.json()["warnings"]] == ["occupancy_not_above_capacity"]


def test_a_write_that_changes_nothing_makes_no_revision(city: TestClient) -> None:
    path, tag = add(city)
    same = acting(city, "operator").patch(path, json={"properties": {"capacity": 10}}, headers={"If-Match": tag})
    assert (same.status_code, same.headers["etag"], same.json()["changed"]) == (200, tag, False)


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("anonymous", feature(), 401),
        ("wall", feature(), 403),
        ("viewer", feature(), 403),
        ("field", feature(), 201),
        ("operator", feature(), 201),
        ("admin", feature(), 201),
        (callers.TOWN, feature(WEST), 201),
        (callers.TOWN, feature(EAST), 403),
        (callers.TOWN, feature([0.01, 0.002]), 201),  # on the border
    ],
)
def test_who_may_write_and_where(city: TestClient, name: str, body: dict[str, Any], status: int) -> None:
    assert acting(city, name).post(ITEMS, json=body).status_code == status


def test_a_towns_operator_moves_nothing_out_of_town_nor_in(city: TestClient) -> None:
    (west, west_tag), (east, east_tag) = add(city), add(city, place=EAST)
    town = acting(city, callers.TOWN)
    for path, tag, place in ((west, west_tag, EAST), (east, east_tag, WEST)):
        moved = town.patch(path, json={"geometry": {"type": "Point", "coordinates": place}}, headers={"If-Match": tag})
        assert moved.status_code == 403
    assert town.delete(east, headers={"If-Match": east_tag}).status_code == 403
    assert town.patch(west, json={"properties": {"capacity": 1}}, headers={"If-Match": west_tag}).status_code == 200


def test_field_teams_report_shelters_but_no_towns(city: TestClient) -> None:
    answer = acting(city, "field").post("/collections/towns/items", content=b"not even read")
    assert (answer.status_code, answer.json()["where"]) == (403, "layer towns")


def test_a_layer_that_may_not_be_seen_is_not_there_to_write(city: TestClient) -> None:
    narrow = acting(city, "narrow")
    for layer_id in ("aeds", "no_such"):
        items = f"/collections/{layer_id}/items"
        answers = [narrow.post(items, json=feature()), narrow.request("OPTIONS", items)]
        assert [(each.status_code, "aeds" in each.json()["expected"]) for each in answers] == [(404, False)] * 2
    assert narrow.post(ITEMS, json=feature()).status_code == 201
    assert narrow.post("/collections/flood_points/items", json=feature()).status_code == 403


@pytest.mark.parametrize(
    ("name", "allowed"), [("operator", "GET, POST, PATCH, OPTIONS"), ("viewer", "GET, OPTIONS"), ("anonymous", "GET, OPTIONS")]
)
def test_options_say_what_the_caller_may_do(city: TestClient, name: str, allowed: str) -> None:
    assert acting(city, name).request("OPTIONS", ITEMS).headers["allow"] == allowed
    of_item = acting(city, name).request("OPTIONS", f"{ITEMS}/open").headers["allow"]
    assert of_item == allowed.replace("POST, PATCH", "PUT, PATCH, DELETE")


def batch(*features: Any, **members: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)} | members


def test_a_batch_tells_of_each_row_and_keeps_the_good_ones(city: TestClient) -> None:
    rows = [feature(), feature(None), "no feature", feature() | {"id": "open"}, feature() | {"id": "fresh"}]
    answer = acting(city, "operator").post(ITEMS, json=batch(*rows))
    told = answer.json()["rows"]
    assert [(row["index"], row["status"]) for row in told] == [(0, 201), (1, 422), (2, 400), (3, 409), (4, 201)]
    assert told[1]["problem"]["faults"][0]["rule"] == "geometry_missing"
    assert [read(city, f"{ITEMS}/{quote(told[at]['id'])}").headers["etag"] for at in (0, 4)] == [told[at]["etag"] for at in (0, 4)]
    assert {entry.batch_id for at in (0, 4) for entry in store_of(city).history("shelters", told[at]["id"])} != {0}


@pytest.mark.parametrize("bad", [feature(None), feature() | {"id": "open"}, feature(EAST)])
def test_a_whole_batch_is_kept_whole_or_not_at_all(city: TestClient, bad: dict[str, Any]) -> None:
    before = store_of(city).snapshot().revision
    answer = acting(city, callers.TOWN).post(f"{ITEMS}?whole=true", json=batch(feature(), bad))
    assert answer.status_code in (403, 409, 422)
    assert store_of(city).snapshot().revision == before


@pytest.mark.parametrize(
    ("given", "status"), [(batch(), 400), (batch(*[1] * 1001), 413), ({"type": "FeatureCollection"}, 400), (batch(1, x=1), 400)]
)
def test_batches_that_are_none(city: TestClient, given: dict[str, Any], status: int) -> None:
    assert acting(city, "operator").post(ITEMS, json=given).status_code == status


def change(location: str, revision: Any, **values: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": unquote(location.rpartition("/")[2]), "revision": revision, "properties": values}


def added(city: TestClient, **values: Any) -> tuple[str, int]:
    location, tag = add(city, **values)
    return location, int(tag.strip('"'))


def test_a_batch_changes_each_row_from_its_own_state_in_one_batch(city: TestClient) -> None:
    (a, at_a), (b, at_b), (c, at_c) = (added(city, capacity=capacity) for capacity in (1, 2, 3))
    operator = acting(city, "operator")
    operator.patch(b, json={"properties": {"capacity": 20}}, headers={"If-Match": f'"{at_b}"'})
    rows = [
        change(a, at_a, capacity=10), change(b, at_b, capacity=99), change(c, "*", capacity=30), change(c, at_c, capacity=31),
        change("gone", 7, capacity=1), change("gone2", "*", capacity=1), change(a, None, capacity=1), change(a, True, capacity=1),
        change(a, at_a, no_such=1), {"properties": {"capacity": 1}, "revision": 1}, change(b, "*", capacity="many"),
    ]  # fmt: skip
    told = operator.patch(ITEMS, json=batch(*rows, reason="counted")).json()["rows"]
    assert [row["status"] for row in told] == [200, 412, 200, 400, 404, 404, 428, 400, 400, 400, 422]
    assert (told[1]["problem"]["current"]["properties"]["capacity"], told[3]["problem"]["got"]) == (20, "that of row 2")
    assert [read(city, path).json()["properties"]["capacity"] for path in (a, b, c)] == [10, 20, 30]
    made = [store_of(city).history("shelters", read(city, path).json()["id"])[-1] for path in (a, c)]
    assert (len({each.batch_id for each in made}), {each.reason for each in made}) == (1, {"counted"})
    assert [told[at]["etag"] for at in (0, 2)] == [f'"{each.seq}"' for each in made]


def test_a_page_of_features_is_sent_back_changed(city: TestClient) -> None:
    """Each feature of a page says its revision, so what was read can be changed and sent."""
    location, _ = add(city, capacity=41)
    page = read(city, f"{ITEMS}?limit=1000").json()["features"]
    sent = [each | {"properties": each["properties"] | {"capacity": 42}} for each in page if each["properties"]["capacity"] == 41]
    assert [row["status"] for row in acting(city, "operator").patch(ITEMS, json=batch(*sent)).json()["rows"]] == [200] * len(sent)
    assert read(city, location).json()["properties"]["capacity"] == 42


def test_changes_of_a_whole_batch_are_kept_whole_or_not_at_all(city: TestClient) -> None:
    (a, at_a), (b, at_b) = added(city), added(city)
    rows = [change(a, at_a, capacity=50), change(b, at_b - 1, capacity=50)]
    stale = acting(city, "operator").patch(f"{ITEMS}?whole=true", json=batch(*rows))
    assert (stale.status_code, read(city, a).headers["etag"]) == (412, f'"{at_a}"')
    rows[1] = change(b, at_b, capacity=50)
    assert acting(city, "operator").patch(f"{ITEMS}?whole=true", json=batch(*rows)).status_code == 200


def test_changes_with_a_key_are_made_once(city: TestClient) -> None:
    path, at = added(city)
    keyed, body = {"Idempotency-Key": "many-1"}, batch(change(path, at, capacity=60))
    first, again = (acting(city, "operator").patch(ITEMS, json=body, headers=keyed) for _ in range(2))
    assert (first.json()["rows"][0]["status"], first.content, again.headers["idempotency-replayed"]) == (200, again.content, "true")
    assert acting(city, "operator").post(ITEMS, json=body, headers=keyed).status_code == 422


def test_changes_of_a_batch_are_judged_row_by_row(city: TestClient) -> None:
    """The town's operator may change what lies in West only; what he may not see stays as it is."""
    (west, at_west), (east, at_east) = added(city, phone=small_city.PHONE), added(city, place=EAST)
    rows = [change(west, at_west, capacity=70), change(east, at_east, capacity=70)]
    answer = acting(city, callers.TOWN).patch(ITEMS, json=batch(*rows))
    assert [row["status"] for row in answer.json()["rows"]] == [200, 403]
    assert acting(city, "viewer").patch(ITEMS, json=batch(*rows)).status_code == 403
    late = change(west, 1, occupancy=3) | {"observed_at": "2001-01-01T00:00:00Z"}
    told = acting(city, "field").patch(ITEMS, json=batch(late, sent_at="2001-01-01T00:00:00Z")).json()["rows"][0]
    assert (told["status"], told["late"], told["clock"]["flagged"]) == (200, True, True)
    assert read(city, west).json()["properties"]["phone"] == small_city.PHONE


@pytest.mark.parametrize(
    ("given", "headers", "status"),
    [
        (batch(), {}, 400), (batch(*[1] * 1001), {}, 413), (feature(), {}, 400), (batch(1, x=1), {}, 400), ([], {}, 400),
        (batch(feature() | {"id": "open", "revision": 1}), {"If-Match": '"1"'}, 400),
    ],
)  # fmt: skip
def test_changes_that_are_none(city: TestClient, given: Any, headers: dict[str, str], status: int) -> None:
    assert acting(city, "operator").patch(ITEMS, json=given, headers=headers).status_code == status


def test_a_key_replays_the_stored_reply_byte_for_byte(city: TestClient) -> None:
    operator, keyed = acting(city, "operator"), {"Idempotency-Key": "offline-17"}
    first, again = (operator.post(ITEMS, json=feature(), headers=keyed) for _ in range(2))
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert [each.headers.get("idempotency-replayed") for each in (first, again)] == [None, "true"]
    same = ("etag", "location", "content-type", "geo-risk-revision")
    assert [first.headers[name] for name in same] == [again.headers[name] for name in same]


def test_a_key_settles_a_change_whose_answer_was_lost(city: TestClient) -> None:
    path, tag = add(city)
    headers = {"If-Match": tag, "Idempotency-Key": "patch-1"}
    first, again = (acting(city, "operator").patch(path, json={"properties": {"capacity": 77}}, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code, again.headers["etag"]) == (200, 200, first.headers["etag"])


def test_a_key_means_one_request_of_one_caller(city: TestClient) -> None:
    keyed = {"Idempotency-Key": "shared"}
    assert acting(city, "operator").post(ITEMS, json=feature(), headers=keyed).status_code == 201
    other = acting(city, "operator").post(ITEMS, json=feature(capacity=99), headers=keyed)
    assert (other.status_code, other.json()["type"]) == (422, "urn:geo-risk:KeyReused")
    assert acting(city, "operator").post("/collections/aeds/items", json=feature(), headers=keyed).status_code in (400, 422)
    theirs = acting(city, "admin").post(ITEMS, json=feature(), headers=keyed)
    assert (theirs.status_code, "idempotency-replayed" in theirs.headers) == (201, False)


def test_a_refused_request_leaves_its_key_free(city: TestClient) -> None:
    operator, keyed = acting(city, "operator"), {"Idempotency-Key": "second-try"}
    assert operator.post(ITEMS, json=feature(None), headers=keyed).status_code == 422
    assert operator.post(ITEMS, json=feature(), headers=keyed).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "钥匙".encode(), "a\tb"])
def test_keys_that_cannot_be_kept(city: TestClient, key: Any) -> None:
    assert acting(city, "operator").post(ITEMS, json=feature(), headers={"Idempotency-Key": key}).status_code == 400


def test_whoever_wants_no_body_gets_none(city: TestClient) -> None:
    prefer = {"Prefer": "return=minimal"}
    made = acting(city, "operator").post(ITEMS, json=feature(), headers=prefer)
    changed = acting(city, "operator").patch(
        made.headers["location"], json={"properties": {"capacity": 1}}, headers=prefer | {"If-Match": made.headers["etag"]}
    )
    assert [(each.status_code, each.content, each.headers["preference-applied"]) for each in (made, changed)] == [
        (201, b"", "return=minimal"), (204, b"", "return=minimal"),
    ]  # fmt: skip
    assert changed.headers["etag"] != made.headers["etag"]


@pytest.mark.parametrize(
    ("headers", "body", "kept"),
    [
        ({}, {}, "changed"),
        ({"Geo-Risk-Reason": quote("已核实")}, {}, "已核实"),
        ({}, {"reason": "counted again"}, "counted again"),
    ],
)
def test_the_log_keeps_why(city: TestClient, headers: dict[str, str], body: dict[str, Any], kept: str) -> None:
    path, tag = add(city)
    acting(city, "operator").patch(path, json={"properties": {"capacity": 3}} | body, headers=headers | {"If-Match": tag})
    (last,) = store_of(city).batches(1)
    assert (last.reason, last.actor.partition("/")[0]) == (kept, "operator")


def test_removal_says_why_too(city: TestClient) -> None:
    path, tag = add(city)
    gone = acting(city, "operator").request("DELETE", path, json={"reason": "demolished"}, headers={"If-Match": tag})
    assert gone.status_code == 204
    assert store_of(city).batches(1)[0].reason == "demolished"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"type":"Feature","type":"Feature"}', "application/json", 400),
        (b'{"type":"Feature","geometry":null,"properties":{"capacity":NaN}}', "application/json", 400),
        (b'{"type":"Feature","geometry":null,"properties":{"capacity":1e999}}', "application/json", 400),
        (b'{"type":"Feature","geometry":null,"properties":{"name":"\\ud800"}}', "application/json", 400),
        (b'{"type":"Feature","geometry":' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}", "application/json", 400),
        (json.dumps(feature()).encode(), "text/plain", 400),
        (json.dumps(feature()).encode(), "application/x-www-form-urlencoded", 400),
        (json.dumps(feature()).encode(), "application/geo+json; charset=utf-8", 201),
        (b" " * 2_000_001, "application/json", 413),
    ],
)
def test_hostile_bodies_end_in_a_refusal(city: TestClient, body: bytes, kind: str, status: int) -> None:
    answer = acting(city, "operator").post(ITEMS, content=body, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("fid", ["%00", "a%00b", "%ff%fe", "x" * 3000, "%E9%81%BF", "..%2f..", "%22%27--"])
def test_ids_that_nothing_has_are_not_there(city: TestClient, fid: str) -> None:
    for method in ("PUT", "PATCH", "DELETE"):
        body = None if method == "DELETE" else feature()
        answer = acting(city, "operator").request(method, f"{ITEMS}/{fid}", json=body, headers={"If-Match": '"7"'})
        assert answer.status_code in (404, 405, 412, 414), answer.text


def test_another_crs_is_refused_not_taken_for_degrees(city: TestClient) -> None:
    rd = {"Content-Crs": "<http://www.opengis.net/def/crs/EPSG/0/28992>"}
    assert acting(city, "operator").post(ITEMS, json=feature(), headers=rd).status_code == 400


def test_a_long_geometry_does_not_hold_up_others(city: TestClient) -> None:
    ring = [[round(0.0001 * at, 6), 0.5 if at % 2 else 0.4] for at in range(40_000)]
    shape = {"type": "Polygon", "coordinates": [[*ring, [4.0, 1.0], [0.0, 1.0], ring[0]]]}
    body = {"type": "Feature", "geometry": shape, "properties": {"kind": "past"}}
    with_many = acting(city, "operator").post("/collections/flood_zones/items", json=body)
    assert with_many.status_code == 201, with_many.text[:300]


def test_a_write_that_cannot_begin_in_time_is_not_done(hurried: TestClient) -> None:
    before, begun, release = store_of(hurried).snapshot().revision, threading.Event(), threading.Event()
    blocking = threading.Thread(target=lambda: store_of(hurried).transact(lambda _: (begun.set(), release.wait(20))))
    blocking.start()
    assert begun.wait(20)
    start = time.monotonic()
    answer = acting(hurried, "operator").post(ITEMS, json=feature())
    waited_s = time.monotonic() - start
    release.set()
    blocking.join()
    assert (answer.status_code, "Retry-After" in answer.headers, waited_s < 10) == (503, True, True)
    assert "nothing was changed" in answer.json()["title"]
    assert store_of(hurried).snapshot().revision == before


def test_the_standard_is_stated(city: TestClient) -> None:
    stated = city.get("/conformance").json()["conformsTo"]
    part_4 = "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/"
    assert {f"{part_4}{name}" for name in ("create-replace-delete", "update", "optimistic-locking-etags")} <= set(stated)


def test_a_feature_known_already_is_not_sent_again(city: TestClient) -> None:
    path, tag = add(city)
    for said, status in ((tag, 304), (f"W/{tag}", 304), (f'"1", {tag}', 304), ("*", 304), ('"1"', 200), ("rubbish", 200)):
        assert read(city, path).headers["etag"] == tag
        answer = acting(city, "operator").get(path, headers={"If-None-Match": said})
        assert (answer.status_code, bool(answer.content)) == (status, status == 200)


def test_a_write_that_does_not_end_in_time_is_not_known_to_be_kept(
    hurried: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, real = threading.Event(), writes.write
    monkeypatch.setattr(writes, "write", lambda *given, **named: (slow.wait(5), real(*given, **named))[1])
    keyed = {"Idempotency-Key": "slow"}
    answer = acting(hurried, "operator").post(ITEMS, json=feature(), headers=keyed)
    assert (answer.status_code, "not known whether" in answer.json()["title"]) == (503, True)
    assert (answer.json()["type"], answer.json()["next"]) == (
        "urn:geo-risk:OutcomeUnknown", "send it again with the same Idempotency-Key",
    )
    slow.set()
    store_of(hurried).transact(lambda _: None)  # the writer is done with it
    again = acting(hurried, "operator").post(ITEMS, json=feature(), headers=keyed)
    assert (again.status_code, again.headers.get("idempotency-replayed")) == (201, "true")
