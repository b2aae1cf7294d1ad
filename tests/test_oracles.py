"""Results that others published, reproduced: see the README of the shared data for whose and how."""

import json

import geopandas as gpd
import numpy as np
import pytest

from geo_risk.crs import geodesic_m
from geo_risk.datum import from_wgs84, to_wgs84
from geo_risk.risk.areas import union_area_m2


@pytest.fixture(scope="module")
def cities(shared_data):
    """664 Chinese cities: system -> (longitudes, latitudes)."""
    rows = json.loads((shared_data / "gcj02" / "china-cities.json").read_text(encoding="utf-8"))
    return {system: np.array([row["coords"][system] for row in rows]).T for system in ("WGS84", "GCJ02", "BD09")}


def farthest_m(one, other):
    return geodesic_m(*one, *other)[0].max()


@pytest.mark.parametrize(("datum", "system", "limit_m"), [("gcj02", "GCJ02", 1.0), ("bd09", "BD09", 1.0)])
def test_cities_from_wgs84_and_back(cities, datum, system, limit_m):
    assert farthest_m(from_wgs84(*cities["WGS84"], datum), cities[system]) < limit_m
    assert farthest_m(to_wgs84(*cities[system], datum), cities["WGS84"]) < limit_m


def test_cities_from_gcj02_to_bd09(cities):
    found = from_wgs84(*to_wgs84(*cities["GCJ02"], "gcj02"), "bd09")
    assert farthest_m(found, cities["BD09"]) < 0.05


def test_the_city_of_yaizu_dissolved_its_flood_history_to_the_same_area(shared_data):
    history = gpd.read_file(shared_data / "yaizu" / "yaizu.gpkg", layer="flood_history")
    assert len(history) == 1272
    assert union_area_m2(history.geometry, "EPSG:6676") == pytest.approx(12_970_191, rel=1e-4)
