"""Runs over HTTP: a job in the shape of OGC API - Processes, its run, comparison, explanation; bodies that are refused."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from api.use.jobs import FINISHED
from geo_risk.errors import shown

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def service(small_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service whose store may be written, with an empty data folder."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "data").mkdir()
    (folder / "store.sqlite").write_bytes(small_store.read_bytes())
    settings = Settings(store=folder / "store.sqlite", data_folder=folder / "data")
    with TestClient(create_app(settings), raise_server_exceptions=False) as opened:
        yield opened


def done(service: TestClient, job: str) -> dict[str, Any]:
    """A job's status once it is finished."""
    end = time.monotonic() + 90
    while (status := service.get(f"/jobs/{job}").json())["status"] not in FINISHED:
        assert time.monotonic() < end
        time.sleep(0.1)
    return dict(status)


@pytest.fixture(scope="module")
def status(service: TestClient) -> dict[str, Any]:
    """A job that is done, asked for through the plain door."""
    answer = service.post("/assessments", json={"question": "index", "title": "now"})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/jobs/{answer.json()['jobID']}"
    return done(service, answer.json()["jobID"])


def test_a_question_becomes_a_job_and_its_run_is_kept(service: TestClient, status: dict[str, Any]) -> None:
    assert (status["status"], status["progress"], status["processID"], status["type"]) == ("successful", 100, "index", "process")
    run = service.get(f"/jobs/{status['jobID']}/results").json()["run"]
    assert service.get(f"/assessments/{run['id']}").json() == run
    assert [each["id"] for each in service.get("/assessments").json()["assessments"]] == [run["id"]]
    assert [each["jobID"] for each in service.get("/jobs").json()["jobs"]] == [status["jobID"]]


def test_the_run_says_what_the_map_says(service: TestClient, status: dict[str, Any]) -> None:
    areas = service.get(f"/assessments/{status['run']}").json()["tables"][0]
    names = [field["name"] for field in areas["fields"]]
    told = {row[0]: dict(zip(names, row, strict=True))["score"] for row in areas["rows"]}
    assert told == {area["id"]: area["score"] for area in service.get("/risk").json()["areas"]}


def test_a_run_is_explained_and_equal_to_itself(service: TestClient, status: dict[str, Any]) -> None:
    why = service.get(f"/assessments/{status['run']}/explain?area=w").json()
    assert {each["factor"]: each["raw"] for each in why["figures"]["readings"]}["flooded_before"] == 0.5
    same = service.get(f"/assessments/compare?a={status['run']}&b={status['run']}").json()
    assert (same["equal"], same["changes"], same["why"]) == (True, [], [])


def test_processes_describe_themselves(service: TestClient) -> None:
    listed = service.get("/processes").json()["processes"]
    assert [each["id"] for each in listed] == [service.get(f"/processes/{each['id']}").json()["id"] for each in listed]
    people = service.get("/processes/people").json()
    assert people["inputs"]["hazard"]["minOccurs"] == 1
    assert people["jobControlOptions"] == ["async-execute", "dismiss"]


def test_an_execute_request_that_cannot_be_run_is_refused(service: TestClient) -> None:
    answers = [
        service.post("/processes/luck/execution", json={"inputs": {}}),
        service.post("/processes/index/execution", json={"inputs": [], "mode": "sync"}),
        service.post("/processes/index/execution", json={"inputs": {"colour": "red"}}),
    ]
    assert [answer.status_code for answer in answers] == [404, 400, 400]


def test_a_waiting_job_can_be_dismissed(service: TestClient, status: dict[str, Any]) -> None:
    jobs = [service.post("/processes/index/execution", json={"inputs": {}}).json()["jobID"] for _ in range(2)]
    assert [service.delete(f"/jobs/{job}").json()["status"] for job in jobs] == ["dismissed"] * 2
    answer = service.get(f"/jobs/{jobs[0]}/results")
    assert (answer.status_code, answer.json()["title"]) == (404, "the job has no result")
    assert service.delete(f"/jobs/{status['jobID']}").json()["status"] == "successful"  # what is done stays


def test_a_failed_job_holds_its_problem(service: TestClient) -> None:
    job = service.post("/assessments", json={"question": "index", "layer": "shelters"}).json()["jobID"]
    failed = done(service, job)
    assert (failed["status"], failed["problem"]["title"]) == ("failed", "only areas can be assessed")
    assert service.get(f"/jobs/{job}/results").status_code == 400


def test_a_full_queue_is_503_with_a_time_to_come_again(small_store: Path, tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_bytes(small_store.read_bytes())
    with TestClient(create_app(Settings(store=tmp_path / "store.sqlite", jobs_waiting=1)), raise_server_exceptions=False) as opened:
        answers = [opened.post("/assessments", json={"question": "index"}) for _ in range(3)]
    refused = answers[-1]
    assert (refused.status_code, refused.headers["retry-after"], refused.json()["title"]) == (503, "10", "too many jobs wait")


@pytest.mark.parametrize(
    ("file", "code"), [("../../etc/passwd", 400), ("/etc/passwd", 400), ("a/../../x", 400), ("vsicurl/x.tif", 422), ("..%2fx", 422)]
)
def test_no_name_leads_out_of_the_data_folder(service: TestClient, file: str, code: int) -> None:
    sections = {"hazard": [{"id": "h", "file": file}], "exposure": {"file": file}, "areas": [{"id": "a", "layer": "towns"}]}
    answer = service.post("/assessments", json={"question": "people", **sections})
    assert (answer.status_code, answer.json()["where"]) == (code, "file" if code == 400 else shown(file))
    assert "passwd" not in answer.text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no JSON"),
        (b"[]", "no JSON object"),
        (b'{"question": "index", "question": "people"}', "a key stands twice"),
        (b'{"question": NaN}', "a number that is none"),
        (b'{"question": -Infinity}', "a number that is none"),
        (b'{"question": 1e999}', "a number that is too large"),
        (b'{"question": ' + b"9" * 500 + b"}", "a number that is too long"),
        (b'{"question": "\\ud800"}', "text that cannot be kept"),
        (b'{"a\\u0000": 1}', "text that cannot be kept"),
        (b'{"question": "\xff"}', "not UTF-8"),
        (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", "nested too deep"),
        (b'{"a":' * 100_000, "nested too deep"),
        (b'{"a": "' + b"[" * 40 + b'"}', "no such question"),
        (b'{"a": "' + b"x" * 2_000_001 + b'"}', "too long"),
        (b'{"question": "<script>alert(1)</script>"}', "no such question"),
    ],
)
def test_a_body_that_readers_could_read_otherwise_is_refused(service: TestClient, body: bytes, says: str) -> None:
    answer = service.post("/assessments", content=body, headers=JSON)
    assert answer.status_code in (400, 404, 413)
    assert says in answer.json()["title"]
    assert "<script>" not in answer.text


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_page_of_another_site_cannot_send_a_form(service: TestClient, kind: str) -> None:
    answer = service.post("/assessments", content=b'{"question": "index"}', headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["expected"]) == (400, "Content-Type: application/json")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/jobs/nothing", 404), ("/jobs/nothing/results", 404), ("/assessments/nothing", 404), ("/processes/nothing", 404),
        ("/assessments?limit=0", 400), ("/assessments?page=2", 400), ("/assessments/compare?a=x", 400),
        ("/assessments/compare?a=x&b=y", 404), ("/assessments/x/explain", 400), ("/jobs?status=running", 400),
    ],
)  # fmt: skip
def test_what_is_not_there_or_not_understood(service: TestClient, path: str, code: int) -> None:
    answer = service.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (code, "application/problem+json")
