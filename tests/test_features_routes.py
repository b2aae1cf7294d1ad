import pyogrio
import pytest
from fastapi.testclient import TestClient

from layers._catalog import catalog


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
