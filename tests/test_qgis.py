"""QGIS itself over the real service: what it reads is what we tell."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from layers._catalog import catalog
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
