import json

import pytest
from fastapi.testclient import TestClient

from maps.shell import shell

HTML = {"Accept": "text/html"}


def test_a_browser_gets_the_map_and_a_program_the_landing_page(client: TestClient) -> None:
    assert client.get("/", headers=HTML).headers["content-type"].startswith("text/html")
    assert client.get("/", headers={"Accept": "application/json"}).headers["content-type"] == "application/json"


def test_the_command_map_holds_no_data(client: TestClient) -> None:
    page = client.get("/", headers=HTML).text
    assert "Sluice" not in page
    assert "West" not in page


@pytest.mark.parametrize(
    ("given", "language"),
    [
        ({}, "zh-CN"),
        ({"params": {"lang": "en"}}, "en"),
        ({"params": {"lang": "zh"}, "headers": HTML | {"Accept-Language": "en"}}, "zh-CN"),
        ({"params": {"lang": "EN-gb"}}, "en"),
        ({"headers": HTML | {"Accept-Language": "en-GB,en"}}, "en"),
    ],
)
def test_the_language_is_the_one_asked_for(client: TestClient, given: dict[str, dict[str, str]], language: str) -> None:
    client.cookies.clear()
    page = client.get("/", **({"headers": HTML} | given))
    assert page.headers["content-language"] == language
    assert f'lang="{language}"' in page.text
    client.cookies.clear()


def test_the_field_list_is_plain_html(client: TestClient) -> None:
    page = client.get("/field?lon=0.0075&lat=0.005&lang=en").text
    assert page.index("School") < page.index("Hall")
    assert "56 m" in page


@pytest.mark.parametrize(
    "query", ["lon=abc&lat=0", "lon=0", "lon=200&lat=0", "lon=0&lat=0&radius_m=-1", "lon=0&lat=0&layers=nothing"]
)
def test_a_wrong_place_is_said_on_the_page(client: TestClient, query: str) -> None:
    page = client.get(f"/field?{query}&lang=en")
    assert page.status_code == 400
    assert "expected" in page.text


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("lon=abc&lat=0", "经度不对"),
        ("lon=28.46&lat=119.92", "纬度不对：应是 -90 到 90 之间的数，如 28.46。经度和纬度是否填反了？"),
        ("lon=0&lat=0&radius_m=-1", "半径不对：应是 1 到 500,000 之间的米数。"),
        ("lon=0&lat=0&layers=nothing", "要找的种类不对"),
        ("lon=0&lat=0&layers=towns", "要找的种类不对"),
    ],
)
def test_a_wrong_place_is_said_in_chinese_with_the_english_folded_away(client: TestClient, query: str, says: str) -> None:
    page = client.get(f"/field?{query}&lang=zh-CN").text
    problem = page[page.index('class="problem"') :]
    assert says in problem[: problem.index("<details>")]
    assert "expected" not in problem[: problem.index("<details>")]
    assert "expected" in problem[problem.index("<details>") : problem.index("</details>")]


def test_the_wrong_radius_comes_back_as_typed_and_marked(client: TestClient) -> None:
    page = client.get("/field?lon=0&lat=0&radius_m=-1").text
    assert 'value="-1" aria-invalid="true"' in page


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/shell.py",
        "/static/js/",
        "/static/.hidden",
        "/static/nothing.js",
        "/shell/nothing.js",
    ],
)
def test_only_our_static_files_are_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/shell/command.js", "/static/vendor/leaflet/dist/leaflet.js", "/static/icon.svg", "/static/js/reference.js"]
)
def test_what_pages_are_made_of_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("view", ["command", "field"])
def test_every_address_of_a_maps_parts_is_answered(client: TestClient, view: str) -> None:
    parts = (*shell(view).styles, *shell(view).scripts)
    assert {path: client.get(f"/{path}").status_code for path in parts} == dict.fromkeys(parts, 200)


def test_a_file_is_sent_compressed_and_only_if_it_changed(client: TestClient) -> None:
    first = client.get("/static/js/command.js", headers={"Accept-Encoding": "gzip"})
    plain = client.get("/static/js/command.js", headers={"Accept-Encoding": "identity"})
    again = client.get("/static/js/command.js", headers={"If-None-Match": first.headers["etag"]})
    assert (first.headers["content-encoding"], first.text) == ("gzip", plain.text)
    assert "content-encoding" not in plain.headers
    assert (again.status_code, again.content) == (304, b"")


def test_the_reference_stands_without_an_outside_host(client: TestClient) -> None:
    assert "http" not in client.get("/docs").text


@pytest.mark.parametrize(("query", "status"), [("", 200), ("?next=field&lang=en", 200), ("?next=//evil.example", 400)])
def test_the_page_for_signing_in_leads_to_our_pages_only(client: TestClient, query: str, status: int) -> None:
    page = client.get(f"/sign-in{query}")
    assert page.status_code == status
    assert "evil" not in page.text


def test_the_page_for_signing_in_holds_no_secret_and_no_data(client: TestClient) -> None:
    page = client.get("/sign-in?lang=en").text
    assert "Sign in" in page
    assert "School" not in page


def test_a_report_offers_public_columns_only(client: TestClient) -> None:
    """Keeper and phone of a shelter are not public: the page does not even name them."""
    page = client.get("/field?lon=0.0075&lat=0.005&lang=en").text
    declared = json.loads(page[page.index('id="page">') + len('id="page">') : page.index("</script>")])
    shelters = next(each for each in declared["layers"] if each["id"] == "shelters")
    names = {column["name"] for column in shelters["columns"]}
    assert {"status", "capacity"} <= names
    assert names.isdisjoint({"keeper", "phone"})
    assert set(shelters["reported"]) <= names


def test_without_javascript_the_field_list_shows_no_form_that_needs_it(client: TestClient) -> None:
    page = client.get("/field?lon=0.0075&lat=0.005&lang=en").text
    assert '<section id="reports" class="reports" aria-label="Reports" hidden>' in page


def test_the_layers_whose_change_may_change_a_level_are_those_with_factors_and_the_areas(client: TestClient) -> None:
    page = client.get("/", headers=HTML).text
    named = set(json.loads(page[page.index('id="page">') + len('id="page">') : page.index("</script>")])["riskLayers"])
    assert {"towns", "counties", "shelters", "flood_zones"} <= named
    assert named.isdisjoint({"roads", "aeds", "duty_holders"})
