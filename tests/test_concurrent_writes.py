"""Many at once, against the real service in a process of its own: nothing is lost, nothing is done twice."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import pytest

import callers
from layers._store import open_store

ITEMS = "/collections/shelters/items"
POINT = {"type": "Point", "coordinates": [0.002, 0.002]}
WRITERS = 100
COUNTERS = 10


class City(NamedTuple):
    """The running service: its address, and the store's file that it writes."""

    address: str
    path: Path


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        return json.loads(self.body)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    path = tmp_path_factory.mktemp("concurrent") / "store.sqlite"
    with open_store(path) as store:
        callers.settle(store)
    command = [sys.executable, "-m", "api.cli.main", "serve", "--port", "0", "--store", str(path)]
    unhurried = {"GEO_RISK_COMPILE_AHEAD": "false", "GEO_RISK_ADMISSION": '{"writes": {"wait_s": 30}}'}
    environment = os.environ | unhurried
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment) as service:
        assert service.stdout is not None
        yield City(urlsplit(service.stdout.readline().split()[0]).netloc, path)
        service.terminate()


class Client:
    """One connection that stays open, as an operator's."""

    def __init__(self, address: str) -> None:
        self.connection = http.client.HTTPConnection(address, timeout=60)
        self.carried = callers.headers("operator") | {"Content-Type": "application/json"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def ask(self, method: str, path: str, body: Any, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, json.dumps(body), self.carried | named)
        found = self.connection.getresponse()
        return Answer(found.status, {name.lower(): value for name, value in found.getheaders()}, found.read())


def feature(**values: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": POINT, "properties": {"name": "Hall", "occupancy": 0} | values}


def at_once(city: City, work: Callable[[Client, int], Any], count: int = WRITERS) -> list[Any]:
    """What each of so many gets, all working at the same time, each over a connection of its own."""

    def connected(writer: int) -> Any:
        with Client(city.address) as client:
            return work(client, writer)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(connected, range(count)))


def incremented(client: Client, path: str, occupancy: int, tag: str) -> tuple[int, str]:
    """Add one to what was seen last, looking again as often as somebody else was first; the new number and its tag."""
    while True:
        answer = client.ask("PATCH", path, {"properties": {"occupancy": occupancy + 1}}, If_Match=tag)
        if answer.status == 200:
            return occupancy + 1, answer.headers["etag"]
        assert answer.status == 412, answer.body
        occupancy, tag = answer.told["current"]["properties"]["occupancy"], answer.headers["etag"]


def test_no_update_is_lost(city: City) -> None:
    """100 writers add 1 twice to one of ten counters each: every counter ends at 20, and each number was reached once."""
    made = at_once(city, lambda client, _: client.ask("POST", ITEMS, feature()), COUNTERS)
    counters = [(each.headers["location"], each.told["id"], each.headers["etag"]) for each in made]

    def add_twice(client: Client, writer: int) -> list[int]:
        path, _, tag = counters[writer % COUNTERS]
        first, tag = incremented(client, path, 0, tag)
        second, _ = incremented(client, path, first, tag)
        return [first, second]

    reached = at_once(city, add_twice)
    each = WRITERS // COUNTERS * 2
    with open_store(city.path) as store:
        for place, (_, fid, _) in enumerate(counters):
            acknowledged = sorted(number for told in reached[place::COUNTERS] for number in told)
            history = store.history("shelters", fid)
            assert acknowledged == list(range(1, each + 1))
            assert [entry.properties["occupancy"] for entry in history] == list(range(each + 1))
        store.verify()


def test_every_acknowledged_change_is_in_the_history_once(city: City) -> None:
    def report(client: Client, writer: int) -> list[tuple[str, int]]:
        made = client.ask("POST", ITEMS, feature(name=f"Hall {writer}"))
        path, tag = made.headers["location"], made.headers["etag"]
        changed = client.ask("PATCH", path, {"properties": {"occupancy": writer}}, If_Match=tag)
        return [(each.told["id"], each.told["revision"]) for each in (made, changed)]

    acknowledged = [told for each in at_once(city, report) for told in each]
    with open_store(city.path) as store:
        logged = [(change.fid, change.seq) for change in store.changes_since(0)]
        assert all(before < after for (_, before), (_, after) in pairwise(logged))
        assert sorted(logged.count(told) for told in acknowledged) == [1] * (2 * WRITERS)


def test_one_key_sent_by_all_at_once_is_done_once(city: City) -> None:
    answers = at_once(city, lambda client, _: client.ask("POST", ITEMS, feature(name="Once"), Idempotency_Key="once"), 20)
    assert {(each.status, each.body) for each in answers} == {(201, answers[0].body)}
    assert sorted("idempotency-replayed" in each.headers for each in answers) == [False] + [True] * 19
    with open_store(city.path) as store:
        assert (store.snapshot().frames["shelters"]["name"] == "Once").sum() == 1


def test_of_many_who_make_the_same_feature_one_does(city: City) -> None:
    path = f"{ITEMS}/only-one"
    answers = at_once(city, lambda client, writer: client.ask("PUT", path, feature(occupancy=writer), If_None_Match="*"), 20)
    assert sorted(each.status for each in answers) == [201] + [412] * 19
    told = {(each.told.get("current") or each.told)["properties"]["occupancy"] for each in answers}
    assert len(told) == 1
