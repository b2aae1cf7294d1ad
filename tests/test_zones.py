"""Points in zones agree with shapely to the last pair; readings are shares of squares that the reader can see."""

import time

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPoint, MultiPolygon, Point, Polygon, box

from geo_risk.chunks import with_threads
from geo_risk.errors import CrsError, ParameterError
from geo_risk.hazard.overlay import bounded_intersection, overlaps
from geo_risk.hazard.zones import ZONE_RULES, index_zones, points_in_zones, zone_readings

NAN = float("nan")
BOW_TIE = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
RING = box(0, 0, 3, 3) - box(1, 1, 2, 2)
CORNERS = st.tuples(st.integers(0, 12), st.integers(0, 12))


def series(*shapes):
    return gpd.GeoSeries(list(shapes), crs=4326)


def pairs(zones, points):
    lon, lat = np.array(points, dtype=float).reshape(-1, 2).T
    point_at, zone_at = points_in_zones(zones, lon, lat)
    return list(zip(point_at.tolist(), zone_at.tolist(), strict=True))


def by_shapely(zones, lon, lat):
    """Every point against every zone."""
    held = shapely.intersects_xy(np.asarray(zones)[None, :], np.asarray(lon)[:, None], np.asarray(lat)[:, None])
    return [tuple(pair) for pair in np.argwhere(held).tolist()]


def comb(teeth, flipped=False):
    """A valid polygon with that many teeth to the north, or to the east."""
    corners = [(0.0, 0.0)]
    for tooth in range(teeth):
        west, east = 2 * tooth / (2 * teeth), (2 * tooth + 1) / (2 * teeth)
        corners += [(west, 0.02), (west, 1.0), (east, 1.0), (east, 0.02)]
    corners = np.array([*corners, (1.0, 0.0)])
    return Polygon(corners[:, ::-1] if flipped else corners)


# --- points ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "point", "inside"),
    [
        (RING, (0.5, 0.5), True),
        (RING, (1.5, 1.5), False),  # in the hole
        (RING, (1.0, 1.5), True),  # on the hole's border
        (RING, (0.0, 0.0), True),  # a corner
        (RING, (3.0, 3.0), True),  # the far corner
        (RING, (3.0, np.nextafter(3.0, 4.0)), False),
        (RING, (NAN, 0.5), False),
        (RING, (np.inf, 0.5), False),
        (Polygon([(0, 0), (3, 1), (0, 1)]), (0.3, 0.1), True),  # on a slope, but for rounding
        (MultiPolygon([box(0, 0, 1, 1), box(1, 1, 2, 2)]), (1.0, 1.0), True),  # where two parts touch
        (BOW_TIE, (0.9, 0.5), True),  # repaired first
        (BOW_TIE, (0.5, 0.9), False),
        (None, (0.5, 0.5), False),
        (Polygon(), (0.5, 0.5), False),
    ],
)
def test_one_point_and_one_zone(zone, point, inside):
    assert (pairs(series(zone), [point]) == [(0, 0)]) == inside


def test_a_shared_border_is_in_both_and_pairs_are_sorted():
    two = series(box(0, 0, 1, 1), box(1, 0, 2, 1))
    assert pairs(two, [(1, 0.5), (0.5, 0.5), (1, 1)]) == [(0, 0), (0, 1), (1, 0), (2, 0), (2, 1)]


def test_nothing_in_nothing():
    assert pairs(series(box(0, 0, 1, 1)), []) == []
    assert pairs(gpd.GeoSeries([], crs=4326), [(0, 0)]) == []
    assert pairs(series(None, None), [(0, 0)]) == []


@settings(max_examples=80, deadline=None)
@given(
    triangles=st.lists(st.tuples(CORNERS, CORNERS, CORNERS), min_size=1, max_size=6),
    cut=st.booleans(),
    along=st.lists(st.floats(0, 1), min_size=1, max_size=4),
)
def test_corners_edges_and_their_neighbours_agree_with_shapely(triangles, cut, along):
    zones = [Polygon(corners) for corners in triangles if Polygon(corners).area > 0]
    if cut and len(zones) > 1:
        zones = [zones[0] - zones[1], *zones[1:]]
    zones = [zone for zone in zones if zone.geom_type in ("Polygon", "MultiPolygon") and zone.is_valid]
    edges = np.array([pair for zone in zones for pair in shapely.get_coordinates(zone).reshape(1, -1, 2)[0]]).reshape(-1, 2)
    spots = [edges] + [edges[:-1] + t * np.diff(edges, axis=0) for t in along if len(edges) > 1]
    lon, lat = np.concatenate([*spots, [[5.0, 5.0]]]).T
    lon, lat = (np.concatenate([of, np.nextafter(of, -99), np.nextafter(of, 99)]) for of in (lon, lat))
    found = points_in_zones(series(*zones), lon, lat)
    assert list(zip(*(of.tolist() for of in found), strict=True)) == by_shapely(zones, lon, lat)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 40), size=st.sampled_from([0.001, 0.05, 1.0]))
def test_stars_and_scattered_points_agree_with_shapely(seed, count, size):
    random = np.random.default_rng(seed)
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    radius = size * random.uniform(0.2, 1, (count, 12))
    centre = random.uniform(0, 1, (count, 2, 1)) + np.array([[120.0], [30.0]])
    zones = shapely.polygons((centre + radius[:, None] * [np.cos(angles), np.sin(angles)]).transpose(0, 2, 1))
    lon, lat = random.uniform(0, 1, (2, 200)) + np.array([[120.0], [30.0]])
    found = points_in_zones(series(*zones), lon, lat)
    assert list(zip(*(of.tolist() for of in found), strict=True)) == by_shapely(zones, lon, lat)


@pytest.mark.parametrize("scale", [1e-100, 1e-9, 1.0, 1e9])
def test_small_and_large_numbers(scale):
    zone = shapely.transform(Polygon([(0, 0), (7, 3), (2, 9)]), lambda corners: corners * scale)
    lon, lat = (of.ravel() * scale for of in np.meshgrid(np.linspace(0, 7, 29), np.linspace(0, 9, 37)))
    found = points_in_zones(series(zone), lon, lat)
    assert list(zip(*(of.tolist() for of in found), strict=True)) == by_shapely([zone], lon, lat)


def test_the_same_pairs_from_an_index_on_one_thread_and_in_many_spans():
    lon, lat = np.random.default_rng(1).uniform(0, 1, (2, 70_000))
    zones = series(*shapely.buffer(shapely.points(lon[:300], lat[:300]), 0.03))
    both = points_in_zones(zones, lon, lat)
    with with_threads(1):
        one = points_in_zones(index_zones(zones), lon, lat)
    assert all((a == b).all() for a, b in zip(both, one, strict=True))
    assert len(both[0]) == shapely.STRtree(zones).query(shapely.points(lon, lat), predicate="intersects").shape[1]


def test_a_comb_and_zones_that_all_cover_all_stay_small():
    index = index_zones(series(*[comb(500)] * 50, *[box(0, 0, 1, 1)] * 2000))
    assert len(index.filled.zones) < 1 << 24
    assert len(index.bands.members) < 4 * 50 * 2001 + 10 * 2050


@pytest.mark.parametrize(
    ("zones", "lon", "error", "text"),
    [
        (series(box(0, 0, 1, 1)), [1.0, 2.0], ParameterError, "differ in shape"),
        (series(box(0, 0, 1, 1), Point(0, 0)), [1.0], ParameterError, "a zone is no area; where: zone 1"),
        (series(box(0, 0, 1, 1)).set_crs(3857, allow_override=True), [1.0], CrsError, "to_crs"),
    ],
)
def test_what_is_refused(zones, lon, error, text):
    with pytest.raises(error, match=text):
        points_in_zones(zones, lon, [1.0])


# --- readings ----------------------------------------------------------------------------------------------------
# One row of squares of one degree: low from 0 to 3, high from 3 to 4, of no class from 4 to 5.

ZONES = gpd.GeoDataFrame(
    {"class": ["low", "high", None], "depth_m": [1.0, 3.0, NAN]},
    geometry=[box(0, 0, 3, 1), box(3, 0, 4, 1), box(4, 0, 5, 1)], index=["l", "h", "u"], crs=4326,
)  # fmt: skip
ORDER = ("high", "low")
OF_NUMBERS = ("worst", "largest_share", "share_weighted_mean", "at_point", "centroid")


def read(shape, rule, column="class", order=ORDER, zones=ZONES):
    return zone_readings(series(shape), zones, column, rule, order=order).iloc[0]


@pytest.mark.parametrize(
    ("rule", "shape", "value", "share"),
    [
        ("worst", box(1, 0, 4, 1), "high", 1 / 3),
        ("worst", box(1, 0, 3, 1), "high", 0.0),  # touches
        ("worst", box(1, 0, 2, 1), "low", 1.0),
        ("worst", Point(3, 0.5), "high", 1.0),
        ("worst", box(3.5, 0, 4.5, 1), "high", 0.5),  # nothing is worse, so the unknown half changes nothing
        ("largest_share", box(1, 0, 4, 1), "low", 2 / 3),
        ("largest_share", box(2, 0, 4, 1), "high", 0.5),  # of equal shares the worse
        ("largest_share", box(3.2, 0, 4.5, 1), "high", 0.8 / 1.3),
        ("largest_share", LineString([(2, 0.5), (3.5, 0.5)]), "low", 2 / 3),
        ("at_point", box(0.5, 0, 1.5, 1), "low", 1.0),
        ("centroid", box(2.5, 0, 3.9, 1), "high", 1.0),
        ("worst", MultiPoint([(0.5, 0.5), (3.5, 0.5), (9, 9), (8, 8)]), "high", 0.25),
    ],
)
def test_a_class_by_each_rule(rule, shape, value, share):
    found = read(shape, rule)
    assert (found["value"], found["share"]) == (value, pytest.approx(share, rel=1e-4))


@pytest.mark.parametrize("rule", OF_NUMBERS)
@pytest.mark.parametrize(("shape", "zones_met", "unknown_share"), [(box(7, 0, 8, 1), 0, 0.0), (box(4.2, 0, 4.8, 1), 1, 1.0)])
def test_outside_is_known_and_a_zone_without_a_value_is_not(rule, shape, zones_met, unknown_share):
    found = read(shape, rule, "depth_m", ())
    assert np.isnan(found["value"])
    assert (found["zones"], found["unknown_share"]) == (zones_met, pytest.approx(unknown_share))


@pytest.mark.parametrize(
    ("rule", "shape"),
    [("worst", box(2, 0, 5, 1) - box(3, 0, 4, 1)), ("largest_share", box(3.5, 0, 5, 1)), ("share_weighted_mean", box(3, 0, 5, 1))],
)
def test_an_unknown_part_that_could_decide_makes_it_unknown(rule, shape):
    zones = ZONES.loc[["l", "u"]] if rule == "worst" else ZONES
    assert np.isnan(read(shape, rule, "depth_m", (), zones)["value"])


def test_a_mean_weighs_by_share_and_counts_only_what_is_in_zones():
    found = read(box(2, -1, 4, 1), "share_weighted_mean", "depth_m", ())
    assert found[["value", "share", "zones"]].tolist() == pytest.approx([2.0, 0.5, 3], rel=1e-3)


def test_overlapping_zones_of_one_class_cover_once():
    twice = gpd.GeoDataFrame({"class": ["low"] * 2}, geometry=[box(0, 0, 1, 1), box(0, 0, 1, 1)], crs=4326)
    assert read(box(0, 0, 2, 1), "largest_share", zones=twice)["share"] == pytest.approx(0.5)


@pytest.mark.parametrize("rule", ZONE_RULES)
def test_the_order_of_rows_does_not_matter_and_a_missing_shape_is_unknown(rule):
    things = gpd.GeoSeries([box(0.5, 0, 4, 0.7), Point(3, 1), None, LineString([(0, 0), (4, 1)])], index=list("abcd"), crs=4326)
    zones = ZONES.iloc[:2]
    found = zone_readings(things, zones, "depth_m", rule)
    again = zone_readings(things.iloc[::-1], zones.iloc[::-1], "depth_m", rule).iloc[::-1]
    assert found.equals(again)
    assert found.loc["c"].isna().tolist() == [True, True, False, True, True]
    assert found.attrs["rule"] == rule


def test_size_in_metres_and_square_metres():
    found = zone_readings(series(LineString([(0, 0), (1, 0)]), box(0, 0, 1, 1), Point(0, 0)), ZONES, "class", "worst", order=ORDER)
    metric = gpd.GeoSeries([box(0, 0, 1, 1)], crs=4326).to_crs(6933)
    assert found["size"].tolist() == pytest.approx([111_319.49, metric.area.iloc[0], 1.0])


@pytest.mark.parametrize(
    ("column", "rule", "order", "text"),
    [
        ("class", "worst", (), "holds classes.*give order="),
        ("class", "share_weighted_mean", ORDER, "holds classes.*another rule"),
        ("nothing", "worst", ORDER, "no such column"),
        ("class", "median", ORDER, "no such rule.*expected: worst"),
    ],
)
def test_readings_that_are_refused(column, rule, order, text):
    with pytest.raises(ParameterError, match=text):
        zone_readings(series(Point(0, 0)), ZONES, column, rule, order=order)


# --- overlays under a budget -------------------------------------------------------------------------------------


def test_two_combs_are_refused_at_once_and_hide_nobody():
    shapes = series(comb(400), box(0.4, -1, 0.6, 0.01))
    zones = gpd.GeoDataFrame({"depth_m": [1.0, 2.0]}, geometry=shapes).set_index(np.array(["comb", "box"]))
    things = gpd.GeoSeries([comb(400, flipped=True), box(0.4, -0.99, 0.6, 0)], index=["bad", "good"], crs=4326)
    start = time.process_time()
    found = zone_readings(things, zones, "depth_m", "largest_share")
    assert time.process_time() - start < 8
    assert found["value"].tolist() == pytest.approx([NAN, 2.0], nan_ok=True)
    assert found.attrs["refused"] == (("bad", "comb", "their borders cross too often"),)
    assert zone_readings(things, zones, "depth_m", "worst")["value"].tolist() == [2.0, 2.0]


@pytest.mark.parametrize(("budget", "refused"), [(3_000, True), (4_000, False)])  # 60 edges across 60
def test_the_budget_counts_crossings(budget, refused):
    found = bounded_intersection(np.array([comb(30)]), np.array([comb(30, flipped=True)]), budget=budget)
    assert found.refused.tolist() == [refused]


@settings(max_examples=30, deadline=None)
@given(
    boxes=st.lists(st.tuples(CORNERS, st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=5),
    thing=st.tuples(CORNERS, st.integers(1, 6), st.integers(1, 6)),
)
def test_shares_by_counting_cells(boxes, thing):
    def cells(spot):
        (west, south), wide, tall = spot
        return {(x, y) for x in range(west, west + wide) for y in range(south, south + tall)}

    def shape(spot):
        (west, south), wide, tall = spot
        return box(west * 1e-3, south * 1e-3, (west + wide) * 1e-3, (south + tall) * 1e-3)

    found = overlaps(series(shape(thing)), series(*map(shape, boxes)))
    share = dict(zip(found.area_at.tolist(), found.share.tolist(), strict=True))
    for at, spot in enumerate(boxes):
        assert share.get(at, 0.0) == pytest.approx(len(cells(thing) & cells(spot)) / len(cells(thing)), abs=1e-6)
    together = found.share_in_any(np.zeros(len(found.share), dtype=int), 1)[0] if len(found.share) else 0.0
    assert together == pytest.approx(len(cells(thing) & set().union(*map(cells, boxes))) / len(cells(thing)), abs=1e-6)


def test_a_collection_is_no_zone():
    mixed = shapely.GeometryCollection([shapely.box(0, 0, 1, 1), shapely.LineString([(2, 0), (2, 1)])])
    with pytest.raises(ParameterError, match=r"a zone is no area.*GeometryCollection"):
        points_in_zones(gpd.GeoSeries([mixed], crs=4326), [0.5], [0.5])
