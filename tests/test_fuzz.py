"""Requests drawn from the API's own description, as nobody and as an admin: whatever is sent, no fault of ours answers.

schemathesis draws what the description allows and what it does not; since a text that means nothing is refused at once, some
parameters are then given values that mean something, so that what lies behind the first check is met too.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

import callers
import road_city
from api.app import create_app
from api.settings import Settings
from layers._store import Batch, open_store

EACH = 3
"""Requests for each operation and caller."""
ENDLESS = {("GET", "/events")}
"""Answers that go on until somebody leaves."""
WHERE = ("0.005", "0.01", "-180", "180", "90", "nan", "1e308", "", "0.005,0.005", "1e-300")
WHEN = ("2020-01-01T00:00:00Z", "2100-01-01T00:00:00+08:00", "0", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "now", "../..")
LAYERS = ("shelters", "towns", "road_closures", "duty_holders", "shelters,towns", "nowhere", "", "shelters,shelters")
WORDS: Mapping[str, tuple[str, ...]] = {
    "layer_id": LAYERS, "layers": LAYERS, "layer": LAYERS, "groups": LAYERS, "facilities": LAYERS, "things": LAYERS,
    "places": ("towns", "w", "", "nowhere"), "origins": LAYERS, "destinations": LAYERS, "towards": ("true", "false"),
    "fid": ("w", "sw", "nothing", "\u0000", "a" * 300), "name": ("viewer", "nobody", "\u4e00"), "lon": WHERE, "lat": WHERE,
    "radius_m": WHERE, "origin": WHERE, "destination": WHERE,
    "bbox": ("0,0,1,1", "1,1,0,0", "170,-10,-170,10", "0,0,nan,1", "0"), "datetime": WHEN, "as_known_at": WHEN, "at": WHEN,
    "since": WHEN, "until": WHEN, "limit": ("1", "0", "-1", "1e9", "10001"), "offset": ("0", "1", "99999999999999999999"),
    "k": ("1", "0", "101"), "zoom": ("0", "12", "99", "-1"), "by": ("time", "line"), "minutes": ("5", "5,10", "-5", "1e9"),
    "vehicle": ("car", "truck", "ship"), "without": ("r1", "nothing"), "hours": ("1", "-1", "1e9"),
    "cell_m": ("100", "1000", "1", "1e9"), "cell_id": ("0-0", "0_0", "1e9-1"),
    "needs": ("people:1", "tents:1e308", ":", "a:b:c"), "what": ("tents", ""), "variable": ("rain", "level"),
    "extension": ("csv", "xlsx", "exe"), "question": ("people", "damage", "x"),
    "If-Match": ('"0"', '"1"', "*", 'W/"1"', '"99999999999999999999"'), "If-None-Match": ("*", '"1"'),
    "lang": ("en", "zh-CN", "xx"), "Idempotency-Key": ("a", "", "a" * 300), "before": ("1", "0", "-1"),
    "f": ("csv", "xlsx", "json"), "people": ("true", "false"), "limit_min": ("10", "-1", "nan"), "whole": ("true", "false"),
    "free": ("true", "x"), "wait_s": ("0", "1e9"), "ways": ("1", "9"), "within_min": ("5", "nan"), "losses": ("true", "3"),
    "season": ("2020-01-01", "fire"), "night": ("true", "x"), "detail": ("w", ""),
}  # fmt: skip
POINT = {"type": "Point", "coordinates": [0.005, 0.005]}
SHAPES = (
    POINT, None, {}, {"type": "Point", "coordinates": []}, {"type": "Point", "coordinates": [1e308, -1e308]},
    {"type": "Polygon", "coordinates": [[[0, 0], [0.01, 0.01], [0, 0.01], [0.01, 0], [0, 0]]]},
    {"type": "Polygon", "coordinates": [[]]}, {"type": "LineString", "coordinates": [[0, 0], [0, 0]]},
    {"type": "GeometryCollection", "geometries": [POINT]},
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.sampled_from(SHAPES)
NAMES = st.sampled_from(
    ("type", "geometry", "properties", "id", "name", "area", "inputs", "question", "password", "key", "role", "batch", "revision",
     "capacity", "links", "feature", "place", "reason", "groups", "vehicle", "scopes", "days", "reads", "observed_at", "new", "old")
)  # fmt: skip
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=10)
FEATURE = {"type": "Feature", "geometry": POINT, "properties": {"name": "n"}}
BODIES = st.sampled_from((FEATURE, {"type": "FeatureCollection", "features": [FEATURE, {}]}, {"properties": {"name": None}}, {}))
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=5) | BODIES


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    path = tmp_path_factory.mktemp("fuzz") / "store.sqlite"
    with open_store(path) as store:
        for layer_id, frame in road_city.frames().items():
            store.apply(layer_id, frame, Batch(actor="test", reason="road city", source="roads"))
        callers.settle(store)
    with TestClient(create_app(Settings(store=path)), raise_server_exceptions=False) as opened:
        yield opened


OPERATIONS = [
    found.ok()
    for found in schemathesis.openapi.from_dict(create_app().openapi()).get_all_operations()
    if (found.ok().method.upper(), found.ok().path) not in ENDLESS
]


def drawn(data: st.DataObject, given_: Any, words: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Parameters as drawn, some of them replaced by a value that means something."""
    found = {}
    for name, value in dict(given_ or {}).items():
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        found[name] = data.draw(st.sampled_from(words[name])) if name in words and data.draw(st.booleans()) else text
    return found


def sent(client: TestClient, case: Any, data: st.DataObject, who: str) -> Any:
    path = case.path
    for name, text in drawn(data, case.path_parameters, WORDS).items():
        path = path.replace(f"{{{name}}}", quote(text, safe="", errors="replace") or "-")
    headers = {name: text for name, text in drawn(data, case.headers, WORDS).items() if text.isascii() and text.isprintable()}
    wants_body = case.method.upper() in ("POST", "PUT", "PATCH", "DELETE")
    body = {"json": data.draw(OBJECTS)} if wants_body and data.draw(st.booleans()) else {}
    query = {name: text for name, text in drawn(data, case.query, WORDS).items() if data.draw(st.booleans())}
    return client.request(case.method, path, params=query, headers=headers | callers.headers(who), **body)


@pytest.mark.parametrize("who", ["anonymous", "admin"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method.upper()} {each.path}")
def test_no_request_meets_a_fault_of_ours(service: TestClient, operation: Any, who: str) -> None:
    cases = operation.as_strategy(generation_mode=GenerationMode.POSITIVE) | operation.as_strategy(
        generation_mode=GenerationMode.NEGATIVE
    )

    @settings(max_examples=EACH, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(cases, st.data())
    def asked(case: Any, data: st.DataObject) -> None:
        answer = sent(service, case, data, who)
        assert answer.status_code < 500 or answer.status_code in (503, 504), answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"

    asked()
