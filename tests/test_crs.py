"""Frames meet only in longitude and latitude; metres are metres."""

import geopandas as gpd
import numpy as np
import pytest
from shapely import Point, box

from geo_risk.crs import GEOD, geodesic_m, local_metric_crs, require_lonlat, require_metric, wind
from geo_risk.errors import CrsError


def at(crs):
    return gpd.GeoSeries([Point(120, 30)], crs=crs)


@pytest.mark.parametrize("crs", [4326, 4490, "OGC:CRS84"])
def test_longitude_latitude_is_let_in(crs):
    assert require_lonlat(at(crs), "here") is None


@pytest.mark.parametrize(
    ("crs", "text"),
    [(None, "no CRS; where: here"), (3857, "not longitude, latitude.*got: EPSG:3857.*to_crs"), (4549, "got: EPSG:4549")],
)
def test_other_frames_are_stopped(crs, text):
    with pytest.raises(CrsError, match=text):
        require_lonlat(at(crs), "here")


@pytest.mark.parametrize("crs", [6676, 4549, 6933, local_metric_crs(at(4326))])
def test_metres_are_let_in(crs):
    assert require_metric(crs, "here") is None


@pytest.mark.parametrize(
    ("crs", "text"), [(None, "no CRS"), (4326, "not metres.*got: EPSG:4326"), (3857, "not Web Mercator"), (2263, "not metres")],
)
def test_degrees_feet_and_web_mercator_are_stopped(crs, text):
    with pytest.raises(CrsError, match=text):
        require_metric(crs, "here")


def test_the_local_crs_keeps_area():
    square = gpd.GeoSeries([box(120, 30, 120.1, 30.1)], crs=4326)
    area_m2 = square.to_crs(local_metric_crs(square)).area.iloc[0]
    assert area_m2 == pytest.approx(abs(GEOD.geometry_area_perimeter(square.iloc[0])[0]), rel=1e-5)


def test_an_empty_frame_has_no_local_crs():
    with pytest.raises(CrsError, match="an empty frame has no place"):
        local_metric_crs(gpd.GeoSeries([], crs=4326))


def test_a_degree_on_the_equator():
    metres, bearing = geodesic_m(np.array([0.0]), np.array([0.0]), np.array([1.0]), np.array([0.0]))
    assert (metres[0], bearing[0]) == (pytest.approx(111_319.49, abs=0.01), 90.0)


def test_bearings_run_from_0_to_360():
    _, bearing = geodesic_m(np.zeros(4), np.zeros(4), np.array([0.0, 1, 0, -1]), np.array([1.0, 0, -1, 0]))
    assert bearing.tolist() == [0, 90, 180, 270]


@pytest.mark.parametrize(("bearing", "name"), [(0, "N"), (44, "NE"), (90, "E"), (337.4, "NW"), (337.5, "N"), (-90, "W")])
def test_wind(bearing, name):
    assert wind(bearing) == name
