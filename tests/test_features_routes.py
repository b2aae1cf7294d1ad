import datetime as dt
from urllib.parse import quote

import pyogrio
import pytest
import shapely
from fastapi.testclient import TestClient

from api.use.records import features
from api.use.single_item import item, told
from callers import acting
from layers._catalog import catalog
from layers._frame import typed
from layers._layer import Column, Geometry, Layer, Style
from layers._store import Snapshot


def test_every_layer_is_a_collection(client: TestClient) -> None:
    assert [each["id"] for each in client.get("/collections").json()["collections"]] == list(catalog())


def test_items_are_geojson_with_counts_and_crs(client: TestClient) -> None:
    answer = client.get("/collections/shelters/items")
    body = answer.json()
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.headers["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    assert (body["numberMatched"], body["numberReturned"]) == (2, 2)
    assert body["features"][0]["geometry"] == {"type": "Point", "coordinates": [0.008, 0.005]}
    assert body["features"][0]["properties"]["capacity"] == 400


def test_pages_follow_each_other_and_end(client: TestClient) -> None:
    seen, url = [], "/collections/shelters/items?limit=1"
    while url:
        body = client.get(url).json()
        seen += [feature["id"] for feature in body["features"]]
        url = next((link["href"] for link in body["links"] if link["rel"] == "next"), None)
    assert seen == ["open", "shut"]


@pytest.mark.parametrize(
    ("bbox", "ids"),
    [
        ("0.007,0,0.009,0.01", ["open"]),
        ("0.006,0,0.008,0.01", ["open", "shut"]),  # both lie on its edges
        ("1,1,2,2", []),
        ("179,-1,0.007,1", ["shut"]),  # across the antimeridian
    ],
)
def test_a_box_keeps_what_touches_it(client: TestClient, bbox: str, ids: list[str]) -> None:
    assert [feature["id"] for feature in client.get(f"/collections/shelters/items?bbox={bbox}").json()["features"]] == ids


def test_a_feature_without_geometry_is_null_in_geojson(client: TestClient) -> None:
    assert client.get("/collections/duty_holders/items").json()["features"][0]["geometry"] is None


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/collections/nothing/items", 404),
        ("/collections/shelters/items/nothing", 404),
        ("/collections/shelters/items?limit=0", 400),
        ("/collections/shelters/items?limit=10001", 400),
        ("/collections/shelters/items?bbox=1,2,3", 400),
        ("/collections/shelters/items?bbox=0,1,0,0", 400),
        ("/collections/shelters/items?filter=capacity%3E1", 400),
        ("/collections/shelters/items?offset=-1", 400),
        ("/nowhere", 404),
    ],
)
def test_what_cannot_be_answered_is_refused(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_the_landing_page_leads_to_the_description(client: TestClient) -> None:
    links = {link["rel"]: link for link in client.get("/", headers={"Accept": "application/json"}).json()["links"]}
    assert links["service-desc"]["type"] == "application/vnd.oai.openapi+json;version=3.0"
    document = client.get(links["service-desc"]["href"])
    assert document.headers["content-type"] == links["service-desc"]["type"]
    assert document.json()["components"]["parameters"]["limit"]["schema"]["maximum"] == 10_000
    assert "/collections/shelters/items" in document.json()["paths"]


@pytest.mark.parametrize(("rel", "holds"), [("processes", "processes"), ("job-list", "jobs")])
def test_the_landing_page_leads_to_the_processes_and_the_jobs(client: TestClient, rel: str, holds: str) -> None:
    links = {link["rel"]: link for link in client.get("/", headers={"Accept": "application/json"}).json()["links"]}
    assert holds in client.get(links[f"http://www.opengis.net/def/rel/ogc/1.0/{rel}"]["href"]).json()


def test_gdal_reads_the_collections_as_qgis_does(live_url: str) -> None:
    source = f"OAPIF:{live_url}/"
    assert {name for name, _ in pyogrio.list_layers(source)} == set(catalog())
    shelters = pyogrio.read_dataframe(source, layer="shelters").set_index("name")
    assert (shelters.crs.to_epsg(), shelters.loc["School", "capacity"], len(shelters)) == (4326, 400, 2)
    assert "phone" not in shelters


def test_gdal_asks_for_a_box_and_gets_it(live_url: str) -> None:
    found = pyogrio.read_dataframe(f"OAPIF:{live_url}/", layer="shelters", bbox=(0.007, 0, 0.009, 0.01))
    assert found["name"].tolist() == ["School"]


@pytest.mark.parametrize("name", ["anonymous", "field", "admin"])
def test_a_feature_alone_is_told_as_on_its_page(client: TestClient, name: str) -> None:
    """The short way of one feature and the frames of a page say the same of every feature, to whoever asks."""
    asked = acting(client, name)
    for layer_id in catalog():
        page = asked.get(f"/collections/{layer_id}/items").json()["features"]
        alone = [asked.get(f"/collections/{layer_id}/items/{quote(each['id'], safe='')}") for each in page]
        assert [{key: value for key, value in each.json().items() if key != "links"} for each in alone] == page
        assert [each.headers["etag"] for each in alone] == [f'"{each["revision"]}"' for each in page]


def test_values_of_every_kind_are_told_alike() -> None:
    """Missing, empty, derived, a day, yes and no, lines and areas: row-wise as from the frame."""
    place = shapely.Polygon([(0, 0), (1, 0), (1, 1)])
    columns = {
        "s": ("text", None, ""), "i": (7, None, 0), "f": (0.5, None, -0.0), "b": (True, None, False),
        "d": (dt.date(2026, 7, 1), None, dt.date(2000, 2, 29)),
    }  # fmt: skip
    types = {"s": str, "i": int, "f": float, "b": bool, "d": dt.date}
    made = [Column(each, kind, title={"en": each, "zh": each}) for each, kind in types.items()]
    style = Style(icon="dot", colour="#000000")
    layer = Layer(
        id="things", title={"en": "T", "zh": "T"}, geometry=Geometry.AREA, columns=tuple(made), style=style, group="base",
    )  # fmt: skip
    rows = typed(layer, {name: list(values) for name, values in columns.items()}, [place, None, shapely.Polygon()], list("abc"))
    rows = rows.assign(derived=["i", None, None], source="list", updated_at="2026", revision=[3, 1, 2])
    snapshot = Snapshot(revision=3, head="", recorded_at=None, frames={"things": rows}, updated={}, layers={"things": layer})
    assert [told(item(snapshot, "things", fid)) for fid in "abc"] == list(features(layer, rows, snapshot.readable))
