"""What may not be read is absent everywhere: every GET is asked by every actor, and the answers are searched for canaries."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache

import geopandas as gpd
import pytest
import shapely
from fastapi.testclient import TestClient

import callers
import road_city
from api.app import create_app, routers
from api.settings import Settings
from api.use.runs import inputs_of
from api.use.scenarios import scenario_of
from geo_risk.errors import ParameterError
from layers._catalog import catalog, layer
from layers._frame import typed
from layers._layer import Column, Geometry, Layer, Style
from layers._store import Batch, Change, open_store

PHONE, PHONE_BEFORE = "000-5550123", "000-5550777"
KEEPER = "Keeper Canary"
HIDDEN = "quarantine_sites"
HIDDEN_TITLE, HIDDEN_NAME, HIDDEN_ID = "Quarantine Canary", "Site Canary", "site-canary"
UNGRANTED = "Depot Canary"

PERSONAL = (PHONE, PHONE_BEFORE)
INTERNAL = (KEEPER, HIDDEN, HIDDEN_TITLE, HIDDEN_NAME, HIDDEN_ID)
SEES: Mapping[str, tuple[str, ...]] = {
    "anonymous": (UNGRANTED,),
    "wall": (UNGRANTED,),
    "viewer": (UNGRANTED, *INTERNAL),
    "field": (UNGRANTED, *INTERNAL),
    "operator": (UNGRANTED, *INTERNAL, *PERSONAL),
    "admin": (UNGRANTED, *INTERNAL, *PERSONAL),
    "blinkered": (*INTERNAL, *PERSONAL),
}
"""What each may read; blinkered is an operator for whom the depots are hidden."""
CANARIES = {*PERSONAL, *INTERNAL, UNGRANTED}

LAYER = Layer(
    id=HIDDEN, title={"en": HIDDEN_TITLE, "zh": HIDDEN_TITLE}, geometry=Geometry.POINT, group="response", sensitivity="internal",
    key=("name",), columns=(Column("name", str, required=True, title={"en": "Name", "zh": "名称"}),),
    style=Style(icon="shelter", colour="#123456", popup=("name",)),
)  # fmt: skip

LAYERS = ("shelters", "duty_holders", HIDDEN, "supply_depots", "towns")
FIDS = {"shelters": "sw", "duty_holders": "d", HIDDEN: HIDDEN_ID, "supply_depots": "depot", "towns": "w"}
PLACE = "lon=0.005&lat=0.005"
QUERIES: Mapping[str, tuple[str, ...]] = {
    "/nearby": (
        PLACE, *(f"{PLACE}&layers={each}&by={by}" for each in ("shelters", "supply_depots", HIDDEN) for by in ("line", "time")),
    ),
    "/field": (PLACE, f"{PLACE}&layers={HIDDEN}", f"{PLACE}&layers=supply_depots", f"{PLACE}&by=line"),
    "/select": tuple(f"{PLACE}&radius_m=50000{more}" for more in ("", f"&layers={HIDDEN}", "&layers=duty_holders")),
    "/reach": (f"{PLACE}&layers=shelters,supply_depots", f"{PLACE}&layers={HIDDEN}"),
    "/closures/here": (PLACE,),
    "/routes": ("origin=0.005,0.005&destination=0.01,0.005",),
    "/matrix": ("origins=towns&destinations=shelters", f"origins=towns&destinations={HIDDEN}", "destinations=supply_depots"),
    "/isolation": ("facilities=shelters", f"facilities={HIDDEN}", "facilities=supply_depots"),
    "/coverage": ("things=shelters", f"things={HIDDEN}", "things=supply_depots"),
    "/stock": ("what=tents", "what=tents&detail=w"),
    "/changes": ("since=0", f"since=0&layers={HIDDEN}", "since=0&layers=supply_depots", "since=0&person=clerk"),
    "/moments": ("hours=24", "hours=24&layers=" + HIDDEN),
    "/mobilisation": ("needs=people:1", "needs=tents:1"),
    "/assessments/compare": ("a=none&b=none",),
    "/rain": ("variable=rain", f"layer={HIDDEN}"), "/rain/hours": (f"layer={HIDDEN}",),
    "/templates/{layer_id}.{extension}": ("",),
}  # fmt: skip
STREAMS = ("/events",)
REST = {
    "view": "command", "path:path": "css/base.css", "cell_id": "0-0", "closure_id": "none", "job_id": "none", "question": "people",
    "run_id": "none", "extension": "csv", "name": "operator", "key_id": "none",
}  # fmt: skip


def city() -> dict[str, gpd.GeoDataFrame]:
    """The road city with a phone and a keeper in a shelter, somebody on duty, a depot; and a layer that is not for all."""
    frames = dict(road_city.frames())
    frames["shelters"] = frames["shelters"].assign(phone=PHONE_BEFORE, keeper=KEEPER)
    duty = {"post": "Flood duty", "organisation": "West", "area_code": "339900001000", "name": KEEPER, "phone": PHONE}
    depot = {"name": UNGRANTED, "tents": 5, "keeper": KEEPER, "phone": PHONE}
    for layer_id, fid, values, place in (
        ("duty_holders", "d", duty, None), ("supply_depots", "depot", depot, shapely.Point(0.006, 0.005)),
    ):  # fmt: skip
        columns = {column.name: [values.get(column.name)] for column in layer(layer_id).columns}
        frames[layer_id] = typed(layer(layer_id), columns, [place], [fid])
    frames[HIDDEN] = typed(LAYER, {"name": [HIDDEN_NAME]}, [shapely.Point(0.007, 0.005)], [HIDDEN_ID])
    return frames


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The city, written to twice, so that there is a history of what was told before."""
    path = tmp_path_factory.mktemp("redaction") / "store.sqlite"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalog(), HIDDEN, LAYER)
        with open_store(path) as store:
            for layer_id, frame in city().items():
                store.apply(layer_id, frame, Batch(actor="clerk", reason="city", source="test"))
            change = Change(layer="shelters", fid="sw", op="patch", values={"phone": PHONE, "status": "closed"})
            store.write(Batch(actor="clerk", reason="closed", source="test"), [change])
            callers.settle(store)
            callers.add_account(store, "blinkered", role="operator", reads=set(catalog()) - {"supply_depots"})
            callers.add_key(store, "blinkered")
        with TestClient(create_app(Settings(store=path)), raise_server_exceptions=False) as opened:
            yield opened


def addresses(path: str) -> Iterator[str]:
    """The path filled for each layer, with every query of the table."""
    for layer_id in LAYERS if "{layer_id}" in path else ("",):
        filled = path.replace("{layer_id}", layer_id).replace("{fid}", FIDS.get(layer_id, ""))
        for name, value in REST.items():
            filled = filled.replace(f"{{{name}}}", value)
        for query in QUERIES.get(path, ("",)):
            yield f"{filled}?{query}".rstrip("?")


GETS = sorted({route.path for router in routers() for route in router.routes if "GET" in route.methods} - set(STREAMS))


def told(service: TestClient, address: str, actor: str, accept: str = "*/*") -> tuple[int, str]:
    """The status, and all that an answer tells: body and headers."""
    carried = callers.headers(actor) | {"Accept": accept, "Accept-Encoding": "identity"}
    answer = service.get(address, headers=carried, follow_redirects=False)
    return answer.status_code, answer.text + "\n".join(f"{name}: {value}" for name, value in answer.headers.items())


@pytest.fixture(scope="module")
def crawled(service: TestClient) -> Callable[[str], dict[str, tuple[int, str]]]:
    """All that every GET tells an actor, by address; asked once."""
    return cache(lambda actor: {address: told(service, address, actor) for path in GETS for address in addresses(path)})


def leaked(text: str, actor: str, asked: str) -> set[str]:
    """The canaries in an answer that the actor may not read; a name that the question itself holds tells him nothing."""
    return {canary for canary in CANARIES - set(SEES[actor]) if canary in text and canary not in asked}


@pytest.mark.parametrize("actor", SEES)
def test_no_answer_tells_what_its_reader_may_not_know(actor: str, crawled: Callable[[str], dict[str, tuple[int, str]]]) -> None:
    answers = crawled(actor)
    assert {address: status for address, (status, _) in answers.items() if status >= 500} == {}
    leaks = {address: leaked(text, actor, address) for address, (_, text) in answers.items()}
    assert {address: canaries for address, canaries in leaks.items() if canaries} == {}


@pytest.mark.parametrize("actor", SEES)
def test_the_canaries_are_there_for_who_may_read_them(actor: str, crawled: Callable[[str], dict[str, tuple[int, str]]]) -> None:
    whole = "".join(text for _, text in crawled(actor).values())
    assert {canary for canary in CANARIES if canary in whole} >= set(SEES[actor])


@pytest.mark.parametrize("actor", ["anonymous", "wall", "blinkered"])
def test_a_hidden_layer_answers_as_one_that_is_not_there(actor: str, service: TestClient) -> None:
    hidden = "supply_depots" if actor == "blinkered" else HIDDEN
    another = hidden[:-1] + "z"
    for address in (address for path in GETS for address in addresses(path) if hidden in address):
        there, not_there = told(service, address, actor), told(service, address.replace(hidden, another), actor)
        assert (there[0], without_numbers(there[1])) == (not_there[0], without_numbers(not_there[1].replace(another, hidden)))


def without_numbers(text: str) -> str:
    """An answer without what differs between any two: its number, times."""
    return re.sub(r"x-request-id: .*|last-modified: .*|etag: .*", "", text)


@pytest.mark.parametrize("actor", ["anonymous", "wall", "viewer", "blinkered"])
@pytest.mark.parametrize("path", ["/layers", "/collections/{layer_id}/items", "/marks/{layer_id}", "/select", "/nearby"])
def test_nor_does_the_past(path: str, actor: str, service: TestClient) -> None:
    for address in addresses(path):
        status, text = told(service, f"{address}{'&' if '?' in address else '?'}datetime=2000-01-01T00:00:00Z", actor)
        assert (status < 500, leaked(text, actor, address)) == (True, set()), address


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "address", [f"/collections/{HIDDEN}/items", f"/collections/{HIDDEN}/items/{HIDDEN_ID}", "/collections/shelters/items/sw"]
)
def test_an_answer_to_a_write_tells_no_more(method: str, address: str, service: TestClient) -> None:
    for actor in ("field", "wall", "blinkered"):
        body = {"json": {"type": "Feature", "properties": {"phone": 5, "name": None}, "geometry": None}}
        given = {} if method == "DELETE" else body
        answer = service.request(method, address, headers=callers.headers(actor) | {"If-Match": '"1"'}, **given)
        assert answer.status_code < 500
        assert leaked(answer.text + str(answer.headers), actor, address) == set()


@pytest.mark.parametrize("actor", SEES)
def test_nor_does_a_question_that_is_posted(actor: str, service: TestClient) -> None:
    square = {"area": {"type": "Polygon", "coordinates": [[[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]]}}
    for query in ("", f"?layers={HIDDEN}", "?layers=duty_holders", "?layers=supply_depots,shelters"):
        answer = service.post(f"/select{query}", json=square, headers=callers.headers(actor))
        assert answer.status_code < 500
        assert leaked(answer.text, actor, query) == set()


@pytest.mark.parametrize("column", ["phone", "keeper"])
def test_a_run_cannot_be_made_of_columns_that_are_not_for_all(column: str, service: TestClient) -> None:
    areas = [{"id": "a", "layer": "shelters", "name_column": column}]
    sent = service.post("/assessments", json={"question": "people", "hazard": [], "exposure": {"file": "x"}, "areas": areas})
    assert leaked(sent.text, "anonymous", "") == set()
    scenario = scenario_of({"question": "index"})
    inputs = inputs_of(scenario, None, service.app.state.store.snapshot, confined=True)  # type: ignore[attr-defined]
    assert column not in inputs.rows("shelters")


def test_a_plan_is_for_who_may_read_as_much_as_who_asked(service: TestClient) -> None:
    made = service.post("/evacuations?wait_s=20", json={"limit_min": 60}, headers=callers.headers("operator")).json()
    assert service.get(f"/evacuations/{made['jobID']}", headers=callers.headers("admin")).status_code == 200
    for actor in ("anonymous", "wall", "viewer", "blinkered"):
        assert service.get(f"/evacuations/{made['jobID']}", headers=callers.headers(actor)).status_code == 404
        assert service.get("/evacuations", headers=callers.headers(actor)).json() == {"jobs": []}


def test_risk_is_the_same_for_everybody(service: TestClient) -> None:
    answers = {actor: service.get("/risk", headers=callers.headers(actor)).json()["areas"] for actor in SEES}
    assert all(answer == answers["admin"] for answer in answers.values())


def test_what_a_job_met_is_told_to_nobody_from_whom_a_layer_is_hidden(service: TestClient) -> None:
    """The words of a failure may name any layer: an operator's job, and another operator for whom the depots are hidden."""
    jobs = service.app.state.jobs  # type: ignore[attr-defined]
    job = jobs.submit(scenario_of({"question": "index"}), "operator", "operator")
    jobs._end(job.id, status="failed", message=UNGRANTED, error=ParameterError(UNGRANTED))
    for path in ("/jobs", f"/jobs/{job.id}", f"/jobs/{job.id}/results"):
        texts = {actor: service.get(path, headers=callers.headers(actor)).text for actor in ("operator", "viewer", "blinkered")}
        assert {actor: UNGRANTED in text for actor, text in texts.items()} == {"operator": True, "viewer": True, "blinkered": False}
