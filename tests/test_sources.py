"""What comes from points: distances are checked with pyproj, the rest by hand."""

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point

from geo_risk.crs import GEOD
from geo_risk.errors import CrsError, ParameterError
from geo_risk.hazard.sources import COMBINATIONS, LAWS, reach, reach_table

NAN = float("nan")


def sources(*places, **columns):
    return gpd.GeoDataFrame(columns, geometry=[Point(place) if place else None for place in places], crs=4326)


def east_of(metres, lon=120.0, lat=30.0):
    return GEOD.fwd(lon, lat, 90, metres)[:2]


@pytest.mark.parametrize(
    ("law", "columns", "combination", "at_500_m"),
    [
        ("within", {"radius_m": [1000.0]}, "max", 1.0),
        ("within", {"radius_m": [499.0]}, "max", 0.0),
        ("linear", {"strength": [0.8], "radius_m": [1000.0]}, "max", 0.4),
        ("linear", {"strength": [0.8], "radius_m": [400.0]}, "max", 0.0),
        ("inverse_square", {"strength": [8.0], "reference_m": [250.0]}, "max", 2.0),
        ("inverse_square", {"strength": [8.0], "reference_m": [600.0]}, "max", 8.0),
        ("exponential", {"strength": [1.0], "decay_m": [500.0]}, "max", np.exp(-1)),
        ("scaled_distance", {"charge_kg": [1000.0]}, "min", 50.0),
        ("reach_angle", {"drop_m": [300.0], "angle_deg": [30.0]}, "max", 1.0),  # 300 / tan 30 = 519.6 m
        ("reach_angle", {"drop_m": [300.0], "angle_deg": [32.0]}, "max", 0.0),  # 480.1 m
    ],
)
def test_each_law_at_500_metres(law, columns, combination, at_500_m):
    lon, lat = east_of(500.0)
    found = reach(sources((120, 30), **columns), [lon], [lat], law, combination=combination, reach_m=5000)
    assert found.tolist() == pytest.approx([at_500_m])


def test_every_law_says_where_it_comes_from():
    assert all(law.source and law.formula and set(law.combinations) <= set(COMBINATIONS) for law in LAWS.values())


@pytest.mark.parametrize(("combination", "both"), [("max", 0.5), ("sum", 0.9), ("noisy_or", 0.7)])
def test_two_sources_at_one_place(combination, both):
    two = sources((120, 30), (120, 30), strength=[0.5, 0.4], radius_m=[1000.0, 1000.0])
    assert reach(two, [120.0], [30.0], "linear", combination=combination, reach_m=1000).tolist() == pytest.approx([both])


def test_the_nearer_of_two_charges():
    two = sources((120, 30), (121, 30), charge_kg=[8.0, 1000.0])
    lon, lat = east_of(100.0)
    found = reach(two, [lon, 150.0], [lat, 30.0], "scaled_distance", combination="min", reach_m=1000)
    assert found == pytest.approx([50.0, np.inf])


@pytest.mark.parametrize("radius_m", [None, -5.0, 0.0, np.inf])
def test_a_source_without_a_sound_number_makes_its_surroundings_unknown(radius_m):
    two = sources((120, 30), (121, 30), radius_m=[radius_m, 1000.0])
    found = reach_table(two, [120.0, 121.0, 125.0], [30.0] * 3, "within", reach_m=2000)
    assert found["value"].tolist() == pytest.approx([NAN, 1.0, 0.0], nan_ok=True)
    assert found["unknown_sources"].tolist() == [1, 0, 0]
    assert found["sources"].tolist() == [0, 1, 0]


def test_an_angle_of_90_degrees_is_unknown():
    assert np.isnan(reach(sources((120, 30), drop_m=[9.0], angle_deg=[90.0]), [120.0], [30.0], "reach_angle", reach_m=100)).all()


def test_edges():
    one = sources((120, 30), None, radius_m=[100.0, None])
    assert reach(one, [120.0, NAN], [30.0, 30.0], "within", reach_m=1000) == pytest.approx([1.0, NAN], nan_ok=True)
    assert reach(one, [], [], "within", reach_m=1000).tolist() == []
    assert np.isnan(reach(one.iloc[:0], [120.0], [30.0], "within", reach_m=1000)).all()


def test_over_the_antimeridian():
    assert reach(sources((179.999, 0), radius_m=[1000.0]), [-179.999], [0.0], "within", reach_m=1000).tolist() == [1.0]


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=8),
    seed=st.integers(0, 99),
)
def test_sums_by_looking_at_each_pair_in_any_order(rows, seed):
    lon, lat, radius = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    lon, lat, radius = 120 + lon / 100, 30 + lat / 100, radius * 500
    asked = np.meshgrid(np.linspace(120, 120.09, 4), np.linspace(30, 30.09, 4))
    x, y = (one.ravel() for one in asked)
    shuffled = np.random.default_rng(seed).permutation(len(rows))
    places = sources(*zip(lon[shuffled], lat[shuffled], strict=True), strength=[1.0] * len(rows), radius_m=radius[shuffled])
    metres = np.array([GEOD.inv(np.full(len(x), a), np.full(len(x), b), x, y)[2] for a, b in zip(lon, lat, strict=True)])
    expected = np.where(metres <= radius[:, None], 1 - metres / radius[:, None], 0).sum(axis=0)
    found = reach(places, x, y, "linear", combination="sum", reach_m=9000)
    assert found == pytest.approx(expected, abs=1e-9)
    in_order = sources(*zip(lon, lat, strict=True), strength=[1.0] * len(rows), radius_m=radius)
    assert (reach(in_order, x, y, "linear", combination="sum", reach_m=9000) == found).all()


@pytest.mark.parametrize(
    ("frame", "law", "options", "text"),
    [
        (sources((120, 30), radius_m=[1.0]), "nuclear", {}, "no such law.*expected: within"),
        (sources((120, 30), radius_m=[1.0]), "within", {"combination": "mean"}, "no such combination"),
        (sources((120, 30), charge_kg=[1.0]), "scaled_distance", {}, "does not fit the law.*expected: min"),
        (sources((120, 30), radius_m=[1.0]), "within", {"combination": "min"}, "does not fit the law"),
        (sources((120, 30)), "within", {}, "lack a column of numbers.*radius_m"),
        (sources((120, 30), radius_m=["far"]), "within", {}, "lack a column of numbers"),
        (sources((120, 30), radius_m=[1.0]), "within", {"reach_m": 0.0}, "reach_m is out of range"),
        (sources((120, 30), radius_m=[1.0]), "within", {"reach_m": NAN}, "reach_m is out of range"),
        (sources((120, 30), strength=[2.0], radius_m=[9.0]), "linear", {"combination": "noisy_or"}, "a chance is over 1"),
        (gpd.GeoDataFrame({"radius_m": [1.0]}, geometry=[LineString([(0, 0), (1, 1)])], crs=4326), "within", {}, "no point"),
    ],
)
def test_what_is_refused(frame, law, options, text):
    with pytest.raises(ParameterError, match=text):
        reach(frame, [120.0], [30.0], law, **{"reach_m": 1000.0, **options})


def test_the_wrong_crs_is_refused():
    with pytest.raises(CrsError, match="to_crs"):
        reach(sources((120, 30), radius_m=[1.0]).to_crs(3857), [120.0], [30.0], "within", reach_m=1000)
