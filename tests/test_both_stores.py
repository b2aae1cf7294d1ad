"""The same requests to SQLite and to PostgreSQL with PostGIS: equal answers, bodies and headers, but for times and hashes."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from pydantic import SecretStr

import callers
import small_city
from api.app import create_app
from api.settings import Settings
from callers import acting
from layers._store import Batch, Store, open_store

ITEMS = "/collections/shelters/items"
PATH = f"{ITEMS}/script-1"
_TIMES = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|\+00:00)")
_MADE = re.compile(r"(report|operator)(:|%3A)[0-9A-Z]{26}")
_HASHES = re.compile(r"[0-9a-f]{64}")
_OF_A_REQUEST = frozenset({"x-request-id", "date", "geo-risk-snapshot-age", "content-length", "age", "server-timing"})
AGO = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=5)).isoformat()
LONG_AGO = (dt.datetime.now(dt.UTC) - dt.timedelta(days=5)).isoformat()


def feature(*, place: Any = (0.002, 0.002), **values: Any) -> dict[str, Any]:
    geometry = None if place is None else {"type": "Point", "coordinates": list(place)}
    return {"type": "Feature", "geometry": geometry, "properties": {"name": "避难所", "capacity": 10} | values}


SCRIPT: list[tuple[str, str, str, Any, dict[str, str]]] = [
    ("operator", "POST", ITEMS, feature() | {"id": "script-1", "observed_at": LONG_AGO}, {"Idempotency-Key": "one"}),
    ("operator", "POST", ITEMS, feature() | {"id": "script-1", "observed_at": LONG_AGO}, {"Idempotency-Key": "one"}),
    ("operator", "POST", ITEMS, feature(), {"Idempotency-Key": "one"}),
    ("operator", "POST", ITEMS, feature() | {"id": "script-1"}, {}),
    ("field", "GET", PATH, None, {}),
    ("operator", "GET", PATH, None, {}),
    ("anonymous", "GET", PATH, None, {}),
    ("operator", "PATCH", PATH, {"properties": {"area_m2": 0.1 + 0.2, "care": True, "phone": "'; --\"\\%"}}, {"If-Match": "*"}),
    ("field", "PATCH", PATH, {"properties": {"occupancy": 5}}, {"If-Match": '"1"'}),
    ("field", "PUT", PATH, feature(capacity=10**6, area_m2=1e-7), {"If-Match": "*"}),
    ("field", "PATCH", PATH, {"properties": {"occupancy": 7}, "observed_at": AGO}, {"If-Match": "*"}),
    ("operator", "PATCH", PATH, {"properties": {}, "geometry": {"type": "Point", "coordinates": [1e-7, -0.0]}}, {"If-Match": "*"}),
    ("operator", "PATCH", PATH, {"properties": {"capacity": "12", "status": "ajar"}}, {"If-Match": "*"}),
    ("operator", "PATCH", PATH, {"properties": {"stay_class": "short", "capacity": None, "area_m2": 9}}, {"If-Match": "*"}),
    ("operator", "PUT", f"{ITEMS}/script-2", feature(), {"If-None-Match": "*"}),
    ("operator", "PUT", f"{ITEMS}/script-2", feature(), {"If-None-Match": "*"}),
    ("operator", "POST", ITEMS, {"type": "FeatureCollection", "features": [feature(), feature(place=None), 7, feature()]}, {}),
    ("operator", "POST", f"{ITEMS}?whole=true", {"type": "FeatureCollection", "features": [feature(), feature(place=None)]}, {}),
    (callers.TOWN, "PATCH", PATH, {"geometry": {"type": "Point", "coordinates": [0.015, 0.002]}}, {"If-Match": "*"}),
    ("operator", "POST", "/collections/flood_points/items", feature(found_on="2026-07-01", kind="dike"), {}),
    ("operator", "DELETE", f"{ITEMS}/script-2", None, {"If-Match": "*"}),
    ("operator", "DELETE", f"{ITEMS}/script-2", None, {"If-Match": "*"}),
    ("operator", "PATCH", f"{ITEMS}/%00", {"properties": {}}, {"If-Match": '"7"'}),
    ("operator", "PATCH", f"{ITEMS}/%E9%81%BF", {"properties": {}}, {"If-Match": '"7"'}),
    ("operator", "GET", ITEMS, None, {}),
    ("anonymous", "GET", f"{ITEMS}?limit=2", None, {}),
    ("operator", "GET", "/collections/flood_points/items", None, {}),
    ("viewer", "GET", "/layers", None, {}),
    ("anonymous", "GET", "/conformance", None, {}),
    ("operator", "OPTIONS", ITEMS, None, {}),
    ("operator", "GET", f"{PATH}/history", None, {}),
    ("operator", "GET", f"{PATH}?datetime={AGO.replace('+', '%2B')}", None, {}),
]


@contextmanager
def serving(settings: Settings, store: Store) -> Iterator[TestClient]:
    for layer_id, frame in small_city.frames().items():
        store.apply(layer_id, frame, Batch(actor="test", reason="small city", source="small"))
    callers.settle(store)
    store.close()
    with TestClient(create_app(settings), raise_server_exceptions=False) as opened:
        yield opened


def played(client: TestClient) -> list[Any]:
    """What each request of the script was answered, without times, hashes and ids by chance."""
    return [_answer(client, *line) for line in SCRIPT]


def _answer(client: TestClient, name: str, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
    client.app.state.follower.refresh()  # type: ignore[attr-defined]
    found = acting(client, name).request(method, path, json=body, headers=headers)
    kept = {name: value for name, value in found.headers.items() if name not in _OF_A_REQUEST}
    return found.status_code, _settled(json.dumps(kept)), _settled(found.text)


def _settled(text: str) -> str:
    return _HASHES.sub("HASH", _MADE.sub("MADE", _TIMES.sub("TIME", text)))


def test_both_stores_answer_alike(tmp_path: Path, postgis_url: str) -> None:
    file = tmp_path / "store.sqlite"
    sqlite = Settings(store=file)
    postgis = sqlite.model_copy(update={"database_url": SecretStr(postgis_url)})
    answers = []
    for name, settings, where in (("sqlite", sqlite, file), ("postgis", postgis, postgis_url)):
        with serving(settings, open_store(where)) as client:
            assert client.app.state.store.database.name == name  # type: ignore[attr-defined]
            answers.append(played(client))
    one, other = answers
    for line, ours, theirs in zip(SCRIPT, one, other, strict=True):
        assert ours == theirs, line
    assert sorted({status for status, _, _ in one}) == [200, 201, 204, 400, 403, 404, 409, 412, 422]
