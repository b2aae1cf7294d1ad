"""Every door, whoever knocks: one table of who may, and every route in it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.routing import BaseRoute

import callers
from api.app import create_app, routers
from api.policy import POLICIES
from api.settings import Settings
from layers._store import accounts, audit, open_store

ALL = "anonymous wall viewer field operator admin town narrow reporter expired disabled jwt"
"""town: an operator of one town; narrow: an operator's key that may read; reporter: one that may write shelters."""

MAY: Mapping[str, str] = {
    "everybody": ALL,
    "public": "anonymous wall viewer field operator admin town narrow reporter jwt",
    "asker": "anonymous viewer field operator admin town jwt",
    "signed in": "wall viewer field operator admin town narrow reporter jwt",
    "meter": "wall viewer field operator admin town jwt",
    "field": "field operator admin town reporter jwt",
    "operator": "operator admin town jwt",
    "admin": "admin",
}
"""Who gets in by which row; nobody else does."""

DOORS: Mapping[str, str] = {
    "GET /livez": "everybody", "GET /readyz": "everybody", "GET /metrics": "meter",
    "GET /session": "everybody", "POST /session": "everybody", "DELETE /session": "everybody",
    "PUT /session/password": "signed in",
    "GET /": "everybody", "GET /field": "everybody", "GET /docs": "everybody", "GET /sign-in": "everybody",
    "GET /words": "everybody", "GET /shell/{view}.js": "everybody", "GET /static/{path:path}": "everybody",
    "GET /conformance": "public", "GET /api": "public", "GET /openapi.json": "public",
    "GET /collections": "public", "GET /collections/{layer_id}": "public",
    "GET /collections/{layer_id}/items": "public", "OPTIONS /collections/{layer_id}/items": "public",
    "GET /collections/{layer_id}/items/{fid}": "public", "OPTIONS /collections/{layer_id}/items/{fid}": "public",
    "GET /collections/{layer_id}/items/{fid}/history": "public",
    "POST /collections/{layer_id}/items": "field", "PATCH /collections/{layer_id}/items": "field",
    "PUT /collections/{layer_id}/items/{fid}": "field",
    "PATCH /collections/{layer_id}/items/{fid}": "field", "DELETE /collections/{layer_id}/items/{fid}": "field",
    "GET /events": "public", "GET /moments": "public", "GET /changes": "public", "POST /undo": "operator",
    "GET /layers": "public", "GET /risk": "public", "GET /risk/cells": "public", "GET /risk/cells/{cell_id}/why": "public",
    "GET /risk/{layer_id}/{fid}/why": "public", "GET /nearby": "public", "GET /situation/{layer_id}/{fid}": "public",
    "GET /marks/{layer_id}": "public", "GET /rain": "public", "GET /rain/hours": "public",
    "GET /closures": "public", "POST /closures": "operator", "POST /closures/{closure_id}/end": "operator",
    "GET /closures/here": "public",
    "GET /routes": "public", "GET /matrix": "public", "GET /reach": "public", "GET /isolation": "public",
    "GET /mobilisation": "public", "GET /select": "public", "GET /select/{layer_id}/{fid}": "public", "POST /select": "asker",
    "POST /evacuations": "asker", "GET /evacuations": "public", "GET /evacuations/{job_id}": "public",
    "DELETE /evacuations/{job_id}": "asker",
    "GET /flights": "public", "GET /coverage": "public", "GET /watch": "public", "GET /stock": "public",
    "GET /processes": "public", "GET /processes/{question}": "public", "POST /processes/{question}/execution": "asker",
    "GET /jobs": "public", "GET /jobs/{job_id}": "public", "GET /jobs/{job_id}/results": "public", "DELETE /jobs/{job_id}": "asker",
    "GET /assessments": "public", "POST /assessments": "asker", "GET /assessments/compare": "public",
    "GET /assessments/{run_id}": "public", "GET /assessments/{run_id}/explain": "public",
    "GET /templates/{layer_id}.{extension}": "public",
    "GET /accounts": "admin", "POST /accounts": "admin", "GET /accounts/{name}": "admin", "PATCH /accounts/{name}": "admin",
    "PUT /accounts/{name}/password": "admin", "DELETE /accounts/{name}/sessions": "admin",
    "GET /keys": "admin", "POST /keys": "admin", "DELETE /keys/{key_id}": "admin",
    "GET /audit": "admin",
}  # fmt: skip

FILLED = {
    "layer_id": "shelters", "fid": "open", "view": "command", "path:path": "css/base.css", "cell_id": "0-0", "closure_id": "none",
    "job_id": "none", "question": "none", "run_id": "none", "extension": "csv", "name": "nobody", "key_id": "none",
}  # fmt: skip
QUERIES = {"/events": "?layers=none"}
"""A stream does not end: this one is refused after it is let in."""
UNKNOWN = ("anonymous", "expired", "disabled")


def doors() -> dict[str, APIRoute]:
    """Every route by method and path."""
    return {f"{method} {route.path}": route for router in routers() for route in router.routes for method in route.methods}


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> callers.Bureau:
    return callers.Bureau(tmp_path_factory.mktemp("bureau"))


@pytest.fixture(scope="module")
def store_path(small_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("matrix") / "store.sqlite"
    path.write_bytes(small_store.read_bytes())
    with open_store(path) as store:
        callers.add_key(store, "operator", ["read"], label="narrow")
        callers.add_key(store, "operator", ["read", "write:shelters"], label="reporter")
        callers.add_key(store, "operator", days=-1, label="expired")
        callers.add_account(store, "former", role="operator", disabled=True)
        callers.add_key(store, "former")
    return path


@pytest.fixture(scope="module")
def service(store_path: Path, bureau: callers.Bureau) -> Iterator[TestClient]:
    settings = Settings(store=store_path, token_provider=bureau.file)
    with TestClient(create_app(settings), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def shut_service(store_path: Path) -> Iterator[TestClient]:
    """The same service, where nobody reads without signing in."""
    settings = Settings(store=store_path, anonymous_reads=False)
    with TestClient(create_app(settings), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def carried(bureau: callers.Bureau) -> dict[str, dict[str, str]]:
    """What each actor's requests carry."""
    labels = {each: callers.headers("operator", each) for each in ("narrow", "reporter", "expired")}
    others = {"town": callers.headers(callers.TOWN), "disabled": callers.headers("former"), "jwt": bureau.headers()}
    return {each: callers.headers(each) for each in ALL.split()[:6]} | labels | others


def ask(service: TestClient, door: str, headers: dict[str, str]) -> int:
    """The status of an answer; a body that asks for nothing, so that whoever is let in changes nothing."""
    method, path = door.split()
    filled = path
    for name, value in FILLED.items():
        filled = filled.replace(f"{{{name}}}", value)
    body: dict[str, Any] = {} if method in ("GET", "OPTIONS", "HEAD") else {"json": {}}
    answer = service.request(method, filled + QUERIES.get(path, ""), headers=headers, follow_redirects=False, **body)
    return int(answer.status_code)


def let_in(status: int) -> bool:
    return status not in (401, 403) and status < 500


def test_every_route_is_in_the_table_and_the_table_names_no_other() -> None:
    assert set(DOORS) == set(doors())


@pytest.mark.parametrize("door", DOORS)
def test_who_gets_in(door: str, service: TestClient, carried: dict[str, dict[str, str]]) -> None:
    found = {actor: ask(service, door, headers) for actor, headers in carried.items()}
    may = set(MAY[DOORS[door]].split())
    assert {actor for actor, status in found.items() if let_in(status)} == may, found
    refused = {actor: found[actor] for actor in found if actor not in may}
    assert refused == {actor: 401 if actor in UNKNOWN else 403 for actor in refused}


@pytest.mark.parametrize("door", [door for door in DOORS if DOORS[door] in ("public", "asker")])
def test_where_nobody_reads_without_signing_in_nobody_does(door: str, shut_service: TestClient) -> None:
    assert ask(shut_service, door, {}) == 401


@pytest.mark.parametrize("page", ["/", "/field", "/docs"])
def test_there_a_page_leads_to_signing_in(page: str, shut_service: TestClient) -> None:
    answer = shut_service.get(page, headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert shut_service.get("/sign-in").status_code == 200


@pytest.mark.parametrize("door", doors().values(), ids=doors())
def test_every_route_has_one_policy_before_anything_else_is_looked_at(door: APIRoute) -> None:
    named = [each.call in POLICIES for each in door.dependant.dependencies]
    assert (named.count(True), named[0]) == (1, True)
    assert door.body_field is None  # a body that FastAPI reads is read before any policy


def test_nothing_is_served_beside_the_routers(store_path: Path) -> None:
    known = {id(route) for router in routers() for route in router.routes}

    def beside(routes: list[BaseRoute]) -> list[str]:
        others = (route for route in routes if id(route) not in known)
        return [type(route).__name__ for route in others if type(route).__name__ != "_IncludedRouter"]

    assert beside(create_app(Settings(store=store_path)).routes) == []
    assert [route for router in routers() for route in router.routes if not isinstance(route, APIRoute)] == []


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "POST"])
def test_a_method_that_is_not_declared_is_no_way_in(method: str, shut_service: TestClient) -> None:
    paths = {door.split()[1] for door in DOORS}
    undeclared = [f"{method} {path}" for path in paths if f"{method} {path}" not in DOORS]
    assert {ask(shut_service, door, {}) for door in undeclared} == {405}


def test_grants_hold_for_keys_and_sessions_made_before(store_path: Path, service: TestClient) -> None:
    with open_store(store_path) as store:
        callers.add_account(store, "leaver", role="operator")
        callers.add_key(store, "leaver")
        before = callers.headers("leaver")
        service.app.state.gate.refresh()  # type: ignore[attr-defined]
        assert ask(service, "POST /closures", before) == 400
        store.transact(lambda connection: accounts.change_account(connection, "leaver", role="viewer"))
        service.app.state.gate.refresh()  # type: ignore[attr-defined]
        assert ask(service, "POST /closures", before) == 403
        store.transact(lambda connection: accounts.change_account(connection, "leaver", disabled=True))
        service.app.state.gate.refresh()  # type: ignore[attr-defined]
        assert ask(service, "GET /layers", before) == 401


@pytest.fixture(scope="module")
def writers(store_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service that is written to; its key *blind* may write shelters and read nothing, *mute* may close and undo."""
    path = tmp_path_factory.mktemp("writers") / "store.sqlite"
    path.write_bytes(store_path.read_bytes())
    with open_store(path) as store:
        callers.add_key(store, "operator", ["write:shelters"], label="blind")
        callers.add_key(store, "operator", ["close"], label="mute")
    with TestClient(create_app(Settings(store=path)), raise_server_exceptions=False) as opened:
        yield opened


SHELTER = {"type": "Feature", "properties": {"name": "Canary", "kind": "shelter"}, "geometry": {"type": "Point"}}
WEST, EAST = [0.005, 0.005], [0.015, 0.005]


def shelter(place: list[float], **given: Any) -> dict[str, Any]:
    return SHELTER | {"geometry": {"type": "Point", "coordinates": place}} | given


def test_a_key_that_writes_and_does_not_read_is_told_nothing_of_what_is_there(writers: TestClient) -> None:
    blind, item = callers.acting(writers, "operator", "blind"), "/collections/shelters/items/open"
    changed = blind.patch(item, json={"properties": {"status": "closed"}}, headers={"If-Match": "*"})
    stale = blind.patch(item, json={"properties": {"status": "open"}}, headers={"If-Match": '"1"'})
    made = blind.post("/collections/shelters/items", json=shelter(WEST))
    assert [answer.status_code for answer in (changed, stale, made, blind.get(item))] == [204, 412, 201, 403]
    assert (changed.content, made.content, "current" in stale.json()) == (b"", b"", False)


def test_whoever_may_undo_and_not_read_is_told_how_much_and_not_what(writers: TestClient) -> None:
    slide = {"title": "slide", "cause": "landslide", "circle": {"lon": 0.005, "lat": 0.005, "radius_m": 50}}
    revision = callers.acting(writers, "operator").post("/closures", json=slide).json()["revision"]
    for who, rows in (("mute", 0), ("", 1)):
        told = callers.acting(writers, "operator", who).post("/undo", json={"revision": revision, "dry": True}).json()
        assert (told["counts"]["undone"], len(told["rows"])) == (1, rows)


def refusals(writers: TestClient) -> dict[str, int]:
    """What of the town's operator stands in the audit as refused, and how often."""
    writers.app.state.gate._tend()  # type: ignore[attr-defined]
    with writers.app.state.store.read() as connection:  # type: ignore[attr-defined]
        found = [each for each in audit.entries(connection) if each.actor.startswith(callers.TOWN)]
    return {each.subject: each.detail["times"] for each in found if (each.action, each.outcome) == ("refused", "refused")}


def test_writes_that_are_refused_stand_in_the_audit(writers: TestClient) -> None:
    town, items = callers.acting(writers, callers.TOWN), "/collections/shelters/items"
    rows = {"type": "FeatureCollection", "features": [shelter(WEST), shelter(EAST), shelter(EAST)]}
    assert town.post(items, json=shelter(EAST)).status_code == 403
    assert [row["status"] for row in town.post(items, json=rows).json()["rows"]] == [201, 403, 403]
    assert town.patch(f"{items}/open", json={"geometry": shelter(EAST)["geometry"]}, headers={"If-Match": "*"}).status_code == 403
    template = "/collections/{layer_id}/items"
    assert refusals(writers) == {f"POST {template}": 2, f"PATCH {template}/{{fid}}": 1}


@pytest.mark.parametrize("way", ["put", "patch", "late", "undo", "batch"])
def test_a_feature_crosses_no_border_by_the_hand_of_who_is_limited(way: str, writers: TestClient) -> None:
    """One that went from west to east: the western operator neither fetches it back nor touches it."""
    free, town, items = callers.acting(writers, "operator"), callers.acting(writers, callers.TOWN), "/collections/shelters/items"
    made = free.post(items, json=shelter(WEST, id=f"gone-{way}", observed_at="2026-01-01T00:00:00Z"))
    assert made.status_code == 201, made.text
    item, back = f"{items}/gone-{way}", shelter(WEST)
    moved = free.patch(item, json={"geometry": shelter(EAST)["geometry"]}, headers={"If-Match": "*"}).json()["revision"]
    any_state = {"If-Match": "*"}
    late = shelter(WEST, observed_at="2025-01-01T00:00:00Z")
    row = {"type": "Feature", "id": f"gone-{way}", "revision": moved, "geometry": back["geometry"]}
    ways: Mapping[str, Any] = {
        "put": lambda: town.put(item, json=back, headers=any_state), "late": lambda: town.put(item, json=late, headers=any_state),
        "patch": lambda: town.patch(item, json={"geometry": back["geometry"]}, headers=any_state),
        "undo": lambda: town.post("/undo", json={"revision": moved}),
        "batch": lambda: town.patch(f"{items}?whole=true", json={"type": "FeatureCollection", "features": [row]}),
    }  # fmt: skip
    assert ways[way]().status_code == 403
    assert free.get(item, headers={"Geo-Risk-At-Least": str(moved)}).json()["geometry"]["coordinates"] == EAST
