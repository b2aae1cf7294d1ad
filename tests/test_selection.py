"""What is inside a drawn circle or area: against every point by hand, over the antimeridian, with holes and borders."""

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import translate

from geo_risk.access.selection import circle, inside_area, inside_circle, on_the_map, shares_inside, sums_inside, totals
from geo_risk.crs import geodesic_m
from geo_risk.errors import ParameterError
from geo_risk.points import index_points

SQUARE = shapely.box(0, 0, 2, 2)
FRAME = SQUARE - shapely.box(0.5, 0.5, 1.5, 1.5)
BOW = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
OVER = shapely.box(179, 0, 181, 2)
CUT = shapely.MultiPolygon([shapely.box(179, 0, 180, 2), shapely.box(-180, 0, -179, 2)])
LON, LAT = st.floats(-180, 180), st.floats(-89, 89)
NEAR = st.tuples(st.floats(-4, 4), st.floats(-4, 4))


@settings(max_examples=100, deadline=None)
@given(
    points=st.lists(NEAR, max_size=40), centre=st.sampled_from([(120, 30), (180, 0), (-179, 60), (0, 86)]),
    radius_m=st.floats(1, 500_000),
)
def test_a_circle_holds_what_is_within_its_radius_by_hand(points, centre, radius_m):
    lon = np.array([(centre[0] + east + 180) % 360 - 180 for east, _ in points])
    lat = np.array([centre[1] + north for _, north in points])
    metres, _ = geodesic_m(np.full(len(lon), float(centre[0])), np.full(len(lon), float(centre[1])), lon, lat)
    found = inside_circle(index_points(lon, lat), *centre, radius_m)
    assert found.positions.tolist() == np.flatnonzero(metres <= radius_m).tolist()


def test_a_point_at_the_radius_is_inside_and_one_a_hair_beyond_is_not():
    index = index_points([4.0], [0.0])
    at_m = float(geodesic_m(*(np.array([value]) for value in (0.0, 0.0, 4.0, 0.0)))[0][0])
    assert inside_circle(index, 0, 0, at_m).positions.tolist() == [0]
    assert inside_circle(index, 0, 0, float(np.nextafter(at_m, 0))).positions.tolist() == []


@pytest.mark.parametrize(
    ("area", "inside"),
    [
        (SQUARE, [0, 1, 2, 3]),
        (FRAME, [0, 1, 2]),
        (shapely.MultiPolygon([shapely.box(0, 0, 0.2, 2), shapely.box(1, 1, 9, 9)]), [0, 1, 2, 3, 4]),
        (BOW, [0, 1, 2, 3]),
    ],
)
def test_borders_count_in_and_holes_do_not(area, inside):
    """Points: a corner, an edge, the border's own side, the middle, one outside."""
    found = inside_area([0, 0.0, 2, 1, 3], [0, 1.1, 1.9, 1, 1], area)
    assert found.positions.tolist() == inside


@pytest.mark.parametrize("area", [OVER, CUT, shapely.box(-181, 0, -179, 2)])
def test_an_area_over_the_antimeridian_however_it_is_written(area):
    found = inside_area([179.5, -179.5, 180, -180, 0, 178.9, np.nan], [1, 1, 1, 1, 1, 1, 1], area)
    assert found.positions.tolist() == [0, 1, 2, 3]
    assert found.unplaced.tolist() == [6]
    assert on_the_map(area).equals(CUT)


@pytest.mark.parametrize("west", [180.0, -181.0])
def test_an_area_whose_border_is_the_antimeridian_holds_no_more_than_it_does(west):
    area = shapely.box(west, 0.0, west + 1.0, 1.0)
    far, on_it = [0.0, 90.0, 178.0, -178.0], [180.0, -180.0]
    assert inside_area([*far, *on_it], [0.5] * 6, area).positions.tolist() == [4, 5]
    assert on_the_map(area).geom_type == "Polygon"


@settings(max_examples=60, deadline=None)
@given(
    points=st.lists(NEAR, min_size=1, max_size=30), corners=st.lists(NEAR, min_size=3, max_size=9),
    west=st.sampled_from([0.0, 180.0, -180.0]),
)
def test_an_area_holds_the_same_points_wherever_it_is_drawn(points, corners, west):
    hull = shapely.MultiPoint(np.round(corners, 2)).convex_hull
    if hull.geom_type != "Polygon":
        return
    lon, lat = np.round(np.array(points).T, 2)
    there = translate(hull, xoff=west)
    by_hand = np.flatnonzero(shapely.intersects_xy(hull.buffer(-1e-6), lon, lat))
    at_most = np.flatnonzero(shapely.intersects_xy(hull.buffer(1e-6), lon, lat))
    found = inside_area((lon + west + 180) % 360 - 180, lat, there).positions
    assert set(by_hand) <= set(found) <= set(at_most)


def test_the_whole_world_holds_every_known_point():
    assert len(inside_area([-180, 180, 0, 12], [-90, 90, 0, 50], shapely.box(-180, -90, 180, 90)).positions) == 4


@pytest.mark.parametrize(
    ("area", "said"),
    [
        (None, "no area to choose by.*got: nothing"),
        (shapely.Point(0, 0), "no area to choose by.*got: Point"),
        (shapely.Polygon(), "no area to choose by"),
        (shapely.box(0, 0, 1, 91), "the area is not on the map"),
        (shapely.box(30, 0, 541, 1), "the area is not on the map"),
        (shapely.box(-179, 0, 179, 1), "spans more than 180 degrees.*got: 358 degrees.*cut the area at the antimeridian"),
    ],
)
def test_areas_that_choose_nothing_for_sure(area, said):
    with pytest.raises(ParameterError, match=said):
        inside_area([0.0], [0.0], area)


@pytest.mark.parametrize("radius_m", [0, -1, np.nan, 500_001])
def test_a_radius_out_of_range(radius_m):
    with pytest.raises(ParameterError, match=r"radius_m is out of range; where: inside_circle"):
        inside_circle(index_points([0.0], [0.0]), 0, 0, radius_m)


def test_nothing_to_choose_from():
    assert inside_circle(index_points([], []), 0, 0, 1000).positions.tolist() == []
    assert inside_area([], [], SQUARE).positions.tolist() == []


BEDS = pd.DataFrame(
    {
        "beds": pd.array([10, 20, None, 5], dtype="Int64"), "open": [True, False, True, True],
        "area": [0.1, 0.2, 0.3, np.nan], "name": list("abcd"),
    }
)


@pytest.mark.parametrize(
    ("column", "positions", "known", "unknown"),
    [
        ("beds", [0, 1], 30, 0), ("beds", [0, 2, 3], 15, 1), ("beds", [], 0, 0), ("open", [0, 1, 2], 2, 0),
        ("area", [0, 1, 2], 0.6, 0), ("area", [3], 0.0, 1),
    ],
)
def test_sums_and_how_many_are_unknown(column, positions, known, unknown):
    total = totals(BEDS, positions, [column])[column]
    assert (total.known, total.unknown) == (known, unknown)
    assert math.isnan(total.sum) == (unknown > 0)
    assert isinstance(total.known, float) == (column == "area")


@pytest.mark.parametrize(
    ("column", "said"), [("name", "a column holds no numbers"), ("cots", "no such column to sum.*got: cots")]
)
def test_columns_that_have_no_sum(column, said):
    with pytest.raises(ParameterError, match=said):
        totals(BEDS, [0], [column])


def test_an_infinite_number_has_no_sum():
    with pytest.raises(ParameterError, match=r"a value is infinite; where: totals, beds"):
        totals(pd.DataFrame({"beds": [np.inf]}), [0], ["beds"])


def test_a_town_half_inside_counts_with_half_its_people_and_the_rest_is_outside():
    places = [shapely.box(178, 0, 180, 1), shapely.box(-180, 0, -179, 1), None]
    towns = gpd.GeoDataFrame({"people": [100, 7, 50]}, geometry=places, crs=4326)
    found = sums_inside(towns, OVER, ["people"])["people"]
    assert (int(found.inside.iloc[0]), found.outside, found.unplaced, found.whole) == (57, 50, 50, 157)
    assert found.rule.chosen == "split_by_share"


def test_shares_of_lines_areas_and_points():
    things = [shapely.LineString([(1, 1), (3, 1)]), shapely.box(1, 0, 3, 2), shapely.Point(2, 2), shapely.Point(3, 3)]
    found = shares_inside(gpd.GeoSeries(things, crs=4326), SQUARE)
    assert found["share"].round(6).tolist() == [0.5, 0.5, 1.0, 0.0]
    assert found["meets"].tolist() == [True, True, True, False]


@settings(max_examples=50, deadline=None)
@given(lon=LON, lat=st.floats(-80, 80), radius_m=st.floats(10, 500_000))
def test_a_drawn_circle_is_the_radius_all_round(lon, lat, radius_m):
    drawn = shapely.get_coordinates(circle(lon, lat, radius_m))
    metres, _ = geodesic_m(np.full(len(drawn), lon), np.full(len(drawn), lat), drawn[:, 0], drawn[:, 1])
    np.testing.assert_allclose(metres, radius_m, rtol=0, atol=1e-6)
    assert circle(lon, lat, radius_m).is_valid


def test_a_circle_about_a_pole_is_no_area():
    with pytest.raises(ParameterError, match=r"a circle about a pole is no area on the map.*choose points by inside_circle"):
        circle(0, 89.9, 20_000)
