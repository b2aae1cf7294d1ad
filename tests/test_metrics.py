"""Metrics: counted by route template, read by whoever may."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.metrics import Fact, Metrics
from api.settings import Settings
from callers import acting, settle
from layers._store import open_store


def read(text: str | bytes) -> dict[tuple[str, ...], float]:
    """Values by name and labels, these in the order of their names."""
    families = text_string_to_metric_families(text if isinstance(text, str) else text.decode())
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value for sample in samples}


def exchange(route: str, status: int, method: str = "GET", *, is_stream: bool = False, overdue: bool = False) -> object:
    return SimpleNamespace(route=route, status=status, scope={"method": method}, began=0.0, is_stream=is_stream, overdue=overdue)


def test_requests_are_counted_by_route_method_and_hundred():
    metrics = Metrics()
    for status in (200, 204, 404):
        metrics.observe(exchange("/a/{b}", status))
    metrics.observe(exchange("/a/{b}", 200, "BREW<script>", overdue=True))
    found = read(metrics.text())
    assert found["geo_risk_requests_total", "GET", "/a/{b}", "2xx"] == 2
    assert found["geo_risk_requests_total", "GET", "/a/{b}", "4xx"] == 1
    assert found["geo_risk_requests_total", "other", "/a/{b}", "2xx"] == 1
    assert found["geo_risk_requests_overdue_total",] == 1


def test_a_stream_is_counted_and_not_timed():
    metrics = Metrics()
    metrics.observe(exchange("/events", 200, is_stream=True))
    found = read(metrics.text())
    assert found["geo_risk_requests_total", "GET", "/events", "2xx"] == 1
    assert found["geo_risk_request_seconds_count", "/events"] == 0


def test_a_fact_is_looked_up_when_it_is_asked_for():
    metrics, beds = Metrics(), [7.0]
    metrics.watch(Fact(name="beds", says="free beds", labels=("ward",), read=lambda: {("a",): beds[0]}))
    assert read(metrics.text())["beds", "a"] == 7
    beds[0] = 3.0
    assert read(metrics.text())["beds", "a"] == 3


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "s.sqlite"
    with open_store(path) as opened:
        settle(opened)
    return path


@pytest.fixture
def client(store: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(store=store)), client=("10.0.0.9", 1)) as found:
        yield found


def test_the_service_says_how_it_stands(client):
    client.get("/collections/nowhere/items")
    client.get("/x/y/z")
    found = read(acting(client, "viewer").get("/metrics").text)
    assert found["geo_risk_requests_total", "GET", "/collections/{layer_id}/items", "4xx"] == 1
    assert found["geo_risk_requests_total", "GET", "none", "4xx"] == 1
    assert found["geo_risk_admission_working", "reads"] == 0
    assert found["geo_risk_exchanges_open",] == 1
    assert (found["geo_risk_snapshot_revision",], found["geo_risk_store_lost",]) == (0, 0)
    assert found["geo_risk_disk_free_bytes",] > 0
    assert found["process_resident_memory_bytes",] > 0


def test_who_may_read_them(store, client):
    assert client.get("/metrics").status_code == 401
    assert acting(client, "wall").get("/metrics").status_code == 200
    with TestClient(create_app(Settings(store=store)), client=("127.0.0.1", 1)) as beside:
        assert beside.get("/metrics").status_code == 200
        assert beside.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 401
