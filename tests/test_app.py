"""What holds for every route."""

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from api.app import create_app, routers
from api.policy import POLICIES
from api.settings import Settings
from api.status_codes import KIND_ZH, STATUS, status_of
from geo_risk import errors
from layers._store import Snapshot

ROUTES = [route for router in routers() for route in router.routes]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_every_route_names_its_policy(route: APIRoute) -> None:
    assert POLICIES & {each.call for each in route.dependant.dependencies}


def test_no_route_stands_beside_the_routers() -> None:
    assert {"/risk", "/nearby", "/collections/{layer_id}/items", "/"} <= {route.path for route in ROUTES}
    assert create_app().routes == ROUTES


@pytest.mark.parametrize("path", ["/", "/field", "/docs", "/risk", "/nowhere"])
def test_every_answer_carries_a_policy_without_inline_script(client: TestClient, path: str) -> None:
    policy = client.get(path, headers={"Accept": "text/html"}).headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


def test_every_error_of_ours_has_a_status() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.GeoRiskError)]
    assert all(any(base in STATUS for base in kind.__mro__) for kind in kinds)
    assert status_of(errors.StoreCorrupt("x")) == 503
    assert STATUS.keys() == KIND_ZH.keys()


def test_a_fault_of_ours_is_500_and_keeps_its_secrets(small_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Snapshot, layer_id: str) -> str:
        raise ZeroDivisionError("secret words")

    with TestClient(create_app(Settings(store=small_store)), raise_server_exceptions=False) as opened:
        monkeypatch.setattr(Snapshot, "updated_at", broken)
        answer = opened.get("/layers")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in answer.text


def test_health(client: TestClient) -> None:
    assert client.get("/livez").json() == {"status": "ok"}
    assert client.get("/readyz").json()["status"] == "ok"
