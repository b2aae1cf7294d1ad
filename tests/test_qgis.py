"""QGIS itself: over the real service it reads what we tell, and in PostGIS it changes what the login's account may."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from gis_people import let_in, make_logins

import small_city
from layers._catalog import catalog
from layers._store import Batch, audit, open_store, views
from postgis_server import Server
from tests.real_qgis import qgis, require_qgis


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person's folder in which QGIS was never used."""
    require_qgis()
    return tmp_path_factory.mktemp("qgis")


def collection(url: str, layer_id: str, **asked: Any) -> dict[str, Any]:
    """A layer of the service, as the dialogue "WFS / OGC API - Features" of QGIS adds it."""
    return {"provider": "OAPIF", "source": f"typename='{layer_id}' url='{url}/' pagingEnabled='true'"} | asked


def test_qgis_reads_every_collection_whole(live_url: str, client: TestClient, home: Path) -> None:
    told = qgis(home, *(collection(live_url, layer_id) for layer_id in catalog()))
    ours = [client.get(f"/collections/{layer_id}/items?limit=10000").json() for layer_id in catalog()]
    assert [len(each["rows"]) for each in told] == [each["numberMatched"] for each in ours]
    assert {each["crs"] for each in told} <= {"EPSG:4326", ""}


def test_qgis_picks_by_column_and_by_box_what_we_would(live_url: str, home: Path) -> None:
    open_ones = collection(live_url, "shelters", subset="\"status\" = 'open'")
    in_box = collection(live_url, "shelters", box=[0.007, 0, 0.009, 0.01])
    assert [[row["name"] for row in each["rows"]] for each in qgis(home, open_ones, in_box)] == [["School"], ["School"]]


def test_qgis_sees_columns_and_place_of_a_feature_but_nothing_personal(live_url: str, home: Path) -> None:
    (row,) = qgis(home, collection(live_url, "shelters", subset="\"name\" = 'School'"))[0]["rows"]
    assert (row["id"], row["capacity"], row["place"]) == ("open", "400", "Point (0.008 0.005)")
    assert "phone" not in row


# ---- editing ----


@pytest.fixture
def shared(postgis_server: Server) -> Iterator[SimpleNamespace]:
    """The small city in PostGIS, and its shelters as the west town's operator opens them to edit."""
    make_logins(postgis_server, qgis_west=views.window_of("personal"), qgis_county=views.window_of("personal"))
    url = postgis_server.fresh()

    def shelters(login: str, **asked: Any) -> dict[str, Any]:
        place = f"dbname='{url.rpartition('/')[2]}' host=127.0.0.1 port={postgis_server.port} user='{login}' key='fid'"
        table = "srid=4326 type=MultiPoint table=\"geo_risk_edit\".\"layer_shelters\" (shape)"
        return {"provider": "postgres", "source": f"{place} {table}"} | asked

    with open_store(url) as store:
        for layer_id, rows in small_city.frames().items():
            store.apply(layer_id, rows, Batch(actor="test", reason="city", source="small"))
        store.transact(lambda connection: let_in(connection, "qgis_west", areas=frozenset({"towns:w"})))
        store.transact(lambda connection: let_in(connection, "qgis_county"))
        yield SimpleNamespace(store=store, shelters=shelters)


def test_what_qgis_saves_stands_in_log_and_audit(shared: SimpleNamespace, home: Path) -> None:
    closed = shared.shelters("qgis_west", set={"open": {"status": "closed", "place": "MULTIPOINT(0.009 0.009)"}})
    new = shared.shelters("qgis_west", add=[{"name": "Tent", "kind": "shelter", "capacity": 3, "place": "MULTIPOINT(0.001 0.001)"}])
    gone = shared.shelters("qgis_west", delete=["shut"])
    told = qgis(home, closed, new, gone)
    assert [each["errors"] for each in told] == [[], [], []]
    assert {(row["name"], row["status"], row["place"]) for row in told[-1]["rows"]} == {
        ("School", "closed", "MultiPoint ((0.009 0.009))"), ("Tent", None, "MultiPoint ((0.001 0.001))"),
    }  # fmt: skip
    with shared.store.read() as connection:
        entries = audit.entries(connection)
    assert [(entry.actor, entry.detail["op"], entry.detail["application"]) for entry in entries] == [
        ("qgis_west", op, "QGIS") for op in ("delete", "create", "update")
    ]
    assert shared.store.history("shelters", "open")[-1].actor == "qgis_west"
    shared.store.verify()


def test_what_may_not_be_saved_is_told_in_qgis_and_not_stored(shared: SimpleNamespace, home: Path) -> None:
    next_town, below, no_choice = {"place": "MULTIPOINT(0.015 0.005)"}, {"capacity": -1}, {"status": "half"}
    told = qgis(home, *(shared.shelters("qgis_west", set={"open": values}) for values in (next_town, below, no_choice)))
    for refused, where in zip(told, ("area", "column capacity", "column status"), strict=True):
        assert where in "".join(refused["errors"])
        assert "HINT" in "".join(refused["errors"])
    assert len(shared.store.history("shelters", "open")) == 1


def test_what_another_changed_meanwhile_is_not_overwritten(shared: SimpleNamespace, home: Path) -> None:
    theirs = shared.shelters("qgis_county", set={"open": {"occupancy": 390}})
    mine = {"set": {"open": {"occupancy": 120}}, "on_update": {"seen_revision": '"revision"'}}
    late, again = qgis(home, shared.shelters("qgis_west", meanwhile=theirs, **mine), shared.shelters("qgis_west", **mine))
    assert "revision" in "".join(late["errors"])
    assert [row["occupancy"] for row in late["rows"] if row["fid"] == "open"] == ["390"]
    assert (again["errors"], [row["occupancy"] for row in again["rows"] if row["fid"] == "open"]) == ([], ["120"])
