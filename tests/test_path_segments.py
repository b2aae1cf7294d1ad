"""Ids with a slash, or with anything else, are reached over HTTP; an encoded slash never makes another path of a request."""

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import shapely
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

import callers
import small_city
from api.app import create_app
from api.path_segments import _Segment, path_of
from api.settings import Settings
from callers import acting
from layers._store import Batch, open_store

ITEMS = "/collections/shelters/items"
ODD = ("city/7", "a%2Fb", "50%", "%", "村/1", "a b?c#d", "open/history", "/", "//", "..%2f..", "+", "{{7*191}}")
"""Ids as imported lists have them."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The small city, and a shelter under each odd id."""
    path = tmp_path_factory.mktemp("odd") / "store.sqlite"
    odd = {fid: (shapely.Point(0.002, 0.002), {"name": fid, "capacity": 1}) for fid in ODD}
    with open_store(path) as store:
        for layer_id, frame in small_city.frames().items():
            store.apply(layer_id, frame, Batch(actor="test", reason="small city", source="small"))
        store.apply("shelters", small_city.frame("shelters", odd), Batch(actor="test", reason="odd", source="odd"))
        callers.settle(store)
    with TestClient(create_app(Settings(store=path)), raise_server_exceptions=False) as opened:
        yield opened


def at(fid: str) -> str:
    return f"{ITEMS}/{quote(fid, safe='')}"


@pytest.mark.parametrize("fid", ODD)
def test_an_odd_id_is_read_changed_and_told_of(city: TestClient, fid: str) -> None:
    operator = acting(city, "operator")
    found = operator.get(at(fid))
    assert (found.status_code, found.json()["id"]) == (200, fid)
    assert operator.get(found.json()["links"][0]["href"]).json()["id"] == fid
    tag = {"If-Match": found.headers["etag"]}
    changed = operator.patch(at(fid), json={"id": fid, "properties": {"capacity": 9}}, headers=tag)
    assert (changed.status_code, changed.json()["id"]) == (200, fid), changed.text
    assert [each["op"] for each in operator.get(at(fid) + "/history").json()["revisions"]][-1] == "create"
    assert operator.get(f"/situation/shelters/{quote(fid, safe='')}").status_code == 200


def test_an_odd_id_is_removed_and_nothing_is_made_under_one(city: TestClient) -> None:
    operator = acting(city, "operator")
    assert operator.delete(at("/"), headers={"If-Match": "*"}).status_code == 204
    whole = small_feature("/")
    assert operator.put(at("/"), json=whole, headers={"If-None-Match": "*"}).status_code == 400


def small_feature(fid: str) -> dict[str, Any]:
    place = {"type": "Point", "coordinates": [0.002, 0.002]}
    return {"type": "Feature", "id": fid, "geometry": place, "properties": {"name": "Hall"}}


@pytest.mark.parametrize(
    "path",
    [
        "/collections%2Fshelters/items", f"{ITEMS}%2Fopen", f"{ITEMS}/shut%2fhistory", f"{ITEMS}/shut%252Fhistory",
        f"{ITEMS}/%2e%2e%2f..%2fhelipads", "/%2Fcollections", "/static/..%2f..%2fapi%2fapp.py", "/static%2fjs%2fkeys.js",
        f"{ITEMS}/city%252F7", f"{ITEMS}/%00", f"{ITEMS}/%ff",
    ],
)  # fmt: skip
def test_an_encoded_slash_makes_no_other_path(city: TestClient, path: str) -> None:
    assert acting(city, "admin").get(path).status_code == 404


def test_a_refused_request_to_an_odd_id_is_refused_all_the_same(city: TestClient) -> None:
    for name, status in (("viewer", 403), ("anonymous", 401)):
        assert acting(city, name).delete(at("city/7"), headers={"If-Match": "*"}).status_code == status


def test_a_real_server_hands_over_the_path_as_it_was_sent(live_url: str) -> None:
    """Over a socket: the route that a slash would make is not the one that ``%2F`` asks for."""
    address, port = live_url.removeprefix("http://").split(":")
    answers = []
    for path in (f"{ITEMS}/open", f"{ITEMS}%2Fopen", f"{ITEMS}/op%65n", f"{ITEMS}/open%2Fhistory"):
        with socket.create_connection((address, int(port)), timeout=20) as plain:
            plain.sendall(f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
            answers.append(int(plain.recv(12).split()[1]))
    assert answers == [200, 404, 200, 404]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=5))
def test_segments_come_back_as_they_were_sent(segments: list[str]) -> None:
    """However a client writes them, what it did not need to escape included: each segment is what it was, and there are as many."""
    raw = "/".join(quote(each, safe="") for each in segments).encode()
    assert [_Segment().convert(each) for each in path_of(raw).split("/")] == (segments or [""])


@given(st.binary(max_size=30))
def test_whatever_bytes_come_slashes_alone_divide(raw: bytes) -> None:
    assert path_of(raw).count("/") == raw.count(b"/")
