"""How far one gets: sums on straight roads, every point of a link against its own time, ground against buffers."""

import math
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.access.reach import arrivals, lines_of, people_by_time, reach, reached
from geo_risk.access.road_graph import graph_of_arrays, mode_bit
from geo_risk.access.road_index import index_roads
from geo_risk.access.travel import OnRoad, close, cost_at, on_nodes, on_road, spread, weigh
from geo_risk.access.vehicles import Vehicle
from geo_risk.crs import GEOD, local_metric_crs
from geo_risk.errors import ParameterError

CAR = Vehicle(
    id="car", title={"en": "car", "zh": ""}, mode="car", speed_kmh={"road": 36.0}, heeds_one_way=True, heeds_limit=True,
    min_depth_m=0.0, max_depth_m=0.3, walk_kmh=3.6, walk_max_m=500.0, source="", checked="",
)  # 10 metres a second by road, 1 on foot
DEG_M = 111_319.49079327357  # a degree along the equator


def roads(lon, lat, links, **more):
    start, end = zip(*links, strict=True)
    return graph_of_arrays(lon, lat, start, end, classes=("road",), **more)


def at(link, along, walk_m=0.0):
    """A place at a share of one link."""
    return OnRoad(*(np.array([value]) for value in (link, along, walk_m, 0.0, 0.0)))


def stretches(graph, seeds, seconds, towards=False):
    travel = weigh(graph, CAR)
    found = reached(travel, spread(travel, seeds, towards=towards), seeds, seconds, towards=towards)
    return [(int(link), round(low, 9), round(high, 9)) for link, low, high in zip(found.link, found.low, found.high, strict=True)]


LINE = roads([0.0, 0.1], [0.0, 0.0], [(0, 1)], length_m=[1000.0])
PAIR = roads([0.0, 0.1, 0.2], [0.0, 0.0, 0.0], [(0, 1), (1, 2)], length_m=[1000.0, 500.0])
ONE_WAY = roads([0.0, 0.1], [0.0, 0.0], [(0, 1)], length_m=[1000.0], backward=0)
TWINS = roads([0.0, 0.1], [0.0, 0.0], [(0, 1), (0, 1)], length_m=[100.0, 1000.0])


@pytest.mark.parametrize(
    ("graph", "seeds", "seconds", "towards", "expected"),
    [
        (LINE, at(0, 0.5), 20, False, [(0, 0.3, 0.7)]),
        (LINE, at(0, 0.5, walk_m=10), 20, False, [(0, 0.4, 0.6)]),
        (LINE, at(0, 0.5, walk_m=30), 20, False, []),
        (LINE, at(0, 0.1), 20, False, [(0, 0.0, 0.3)]),
        (LINE, at(-1, math.nan), 999, False, []),
        (PAIR, at(0, 0.9), 20, False, [(0, 0.7, 1.0), (1, 0.0, 0.2)]),
        (PAIR, at(0, 0.9), 60, False, [(0, 0.3, 1.0), (1, 0.0, 1.0)]),
        (ONE_WAY, at(0, 0.5), 20, False, [(0, 0.5, 0.7)]),
        (ONE_WAY, at(0, 0.5), 20, True, [(0, 0.3, 0.5)]),
        (TWINS, at(0, 0.0), 40, False, [(0, 0.0, 1.0), (1, 0.0, 0.4), (1, 0.7, 1.0)]),
        (TWINS, at(0, 0.0), 55, False, [(0, 0.0, 1.0), (1, 0.0, 1.0)]),
        (TWINS, at(1, 0.5), 20, False, [(1, 0.3, 0.7)]),
    ],
)
def test_where_along_a_link_the_time_runs_out(graph, seeds, seconds, towards, expected):
    assert stretches(graph, seeds, seconds, towards) == expected


def test_two_seeds_on_one_link_whose_parts_meet_make_one():
    seeds = OnRoad(np.array([0, 0]), np.array([0.3, 0.6]), np.zeros(2), np.zeros(2), np.zeros(2))
    assert stretches(LINE, seeds, 10) == [(0, 0.2, 0.4), (0, 0.5, 0.7)]
    assert stretches(LINE, seeds, 16) == [(0, 0.14, 0.76)]


def test_a_link_without_length_is_passed_and_a_shut_one_is_not():
    graph = roads([0.0, 0.1, 0.1, 0.2], [0.0] * 4, [(0, 1), (1, 2), (2, 3)], length_m=[100.0, 0.0, 100.0])
    assert stretches(graph, at(0, 1.0), 5) == [(0, 0.5, 1.0), (1, 0.0, 1.0), (2, 0.0, 0.5)]
    travel = close(weigh(graph, CAR), np.array([False, True, False]))
    found = reached(travel, spread(travel, at(0, 1.0), towards=False), at(0, 1.0), 5, towards=False)
    assert found.link.tolist() == [0]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), towards=st.booleans())
def test_a_point_of_a_link_is_reached_where_its_own_time_is_within(data, towards):
    nodes = data.draw(st.integers(2, 6))
    links = data.draw(st.lists(st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1)), min_size=1, max_size=10))
    lengths = data.draw(st.lists(st.integers(1, 50), min_size=len(links), max_size=len(links)))
    ways = data.draw(st.lists(st.sampled_from([0, mode_bit("car")]), min_size=len(links), max_size=len(links)))
    graph = roads(np.arange(nodes) / 100, np.zeros(nodes), links, length_m=np.array(lengths) * 10.0, backward=ways)
    travel = weigh(graph, CAR)
    seeds = at(data.draw(st.integers(0, len(links) - 1)), data.draw(st.sampled_from([0.0, 0.25, 1.0])))
    seconds = data.draw(st.integers(1, 120)) + 0.0625
    found = spread(travel, seeds, towards=towards)
    parts = reached(travel, found, seeds, seconds, towards=towards)
    share = np.linspace(0, 1, 24)[1:-1]
    link = np.repeat(np.arange(len(links)), len(share))
    places = OnRoad(link, np.tile(share, len(links)), *(np.zeros(len(link)),) * 3)
    cost, _ = cost_at(travel, found, seeds, places, towards=towards)
    inside = np.zeros(len(link), dtype=bool)
    for number, low, high in zip(parts.link, parts.low, parts.high, strict=True):
        inside |= (link == number) & (low <= places.along) & (places.along <= high)
    unsure = np.abs(cost - seconds) < 1e-6
    assert (inside == (cost <= seconds))[~unsure].all()


def crossing(lon=120.0, lat=30.0, side=0.1):
    """Four arms of some 10 km that meet."""
    wide = side / math.cos(math.radians(lat))
    ends = [(lon + wide, lat), (lon, lat + side), (lon - wide, lat), (lon, lat - side)]
    east = np.array([lon, *(x for x, _ in ends)])
    return roads((east + 180) % 360 - 180, np.array([lat, *(y for _, y in ends)]), [(0, 1), (0, 2), (0, 3), (0, 4)])


def reach_of(graph, seeds, bands, beside_m=100, **more):
    travel, index = weigh(graph, CAR), index_roads(graph)
    return reach(travel, index, seeds, bands, beside_m=beside_m, **more)


@pytest.mark.parametrize(("lon", "lat"), [(120, 30), (180, 0), (-179.95, 60), (10, 85)])
def test_ground_beside_the_roads_is_their_buffer(lon, lat):
    graph = crossing(lon, lat)
    found = reach_of(graph, on_nodes(graph, [0]), [100, 200, 300])
    wrapped = gpd.GeoSeries([shapely.Point(graph.lon[0], graph.lat[0])], crs=4326)
    crs = local_metric_crs(wrapped)
    for band in found.bands:
        lines = lines_of(index_roads(graph), band.roads).to_crs(crs)
        by_buffer = shapely.union_all(shapely.buffer(lines.to_numpy(), 100, quad_segs=64))
        assert band.road_m == pytest.approx(40 * band.seconds, rel=1e-6)
        assert band.ground.is_valid
        assert band.ground_m2 == pytest.approx(by_buffer.area, rel=2e-3)
        off = shapely.symmetric_difference(by_buffer, gpd.GeoSeries([band.ground], crs=4326).to_crs(crs).iloc[0])
        assert off.area < 0.005 * by_buffer.area
        geodesic = abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(band.ground))[0])
        assert geodesic == pytest.approx(band.ground_m2, rel=1e-4)


def test_each_ground_holds_the_smaller_ones():
    graph = crossing()
    grounds = [band.ground for band in reach_of(graph, on_nodes(graph, [0]), range(60, 1000, 60)).bands]
    for small, large in pairwise(grounds):
        assert shapely.difference(small, large).area < 1e-12
        assert small.area <= large.area


def test_a_block_that_no_road_comes_near_is_a_hole():
    square = roads([0.0, 0.02, 0.02, 0.0], [0.0, 0.0, 0.02, 0.02], [(0, 1), (1, 2), (2, 3), (3, 0)])
    found = reach_of(square, on_nodes(square, [0]), [100, 1000]).bands
    assert [len(part.interiors) for band in found for part in band.ground.geoms] == [0, 1]
    assert found[1].ground_m2 == pytest.approx((0.02 * DEG_M + 200) ** 2 - (0.02 * DEG_M - 200) ** 2, rel=0.01)


def test_ground_over_the_antimeridian_is_cut_there():
    graph = crossing(180.0, 0.0)
    ground = reach_of(graph, on_nodes(graph, [0]), [300]).bands[0].ground
    assert ground.bounds[0] == -180
    assert ground.bounds[2] == 180
    assert ground.covers(shapely.Point(179.98, 0))
    assert ground.covers(shapely.Point(-179.98, 0))
    assert not ground.covers(shapely.Point(0, 0))


def test_a_road_over_the_antimeridian_is_drawn_in_two_parts():
    graph = roads([179.9, -179.9], [0.0, 1.0], [(0, 1)])
    line = lines_of(index_roads(graph), reach_of(graph, on_nodes(graph, [0]), [1e5]).bands[0].roads).iloc[0]
    assert sorted(part.bounds for part in line.geoms) == [(-180.0, 0.5, -179.9, 1.0), (179.9, 0.0, 180.0, 0.5)]


def test_no_road_no_reach_and_no_time_only_the_place():
    graph = crossing()
    travel, index = weigh(graph, CAR), index_roads(graph)
    nowhere = reach(travel, index, on_road(travel, index, [0.0], [0.0]), [300], beside_m=50).bands[0]
    assert (len(nowhere.roads), nowhere.road_m, nowhere.ground.is_empty, nowhere.ground_m2) == (0, 0.0, True, 0.0)
    walked = on_road(travel, index, [120.01], [30.001])
    first, second = reach(travel, index, walked, [60, 120], beside_m=50).bands
    assert first.ground.is_empty
    assert second.road_m == pytest.approx(2 * 10 * (120 - walked.walk_m[0]))


def test_places_by_their_own_time_parts_and_the_rest_make_the_whole():
    graph = crossing()
    travel, index = weigh(graph, CAR), index_roads(graph)
    found = reach(travel, index, on_nodes(graph, [0]), [100, 300], beside_m=50)
    places = on_road(travel, index, [120.005, 120.02, 120.09, 121.0, np.nan], [30.0] * 5)
    there = arrivals(travel, found, places, placed=np.array([True, True, True, True, False]))
    assert there.names == ("0 to 100 s", "100 to 300 s", "beyond", "unreachable", "unplaced")
    assert there.band.tolist() == [0, 1, 2, 3, 4]
    assert there.seed.tolist() == [0, 0, 0, -1, -1]
    table = people_by_time(there, [1, 20, 300, 4000, 50_000])
    assert table["people"].tolist() == [1, 20, 300, 4000, 50_000]
    assert table["places"].sum() == 5


def test_a_time_that_equals_a_bound_is_in_the_lower_band():
    travel = weigh(LINE, CAR)
    found = reach(travel, index_roads(LINE), at(0, 0.0), [50, 100, 200], beside_m=50)
    assert arrivals(travel, found, on_nodes(LINE, [0, 1])).band.tolist() == [0, 1]


def test_people_unknown_are_counted_apart():
    graph = crossing()
    travel, index = weigh(graph, CAR), index_roads(graph)
    found = reach(travel, index, on_nodes(graph, [0]), [100], beside_m=50)
    there = arrivals(travel, found, on_road(travel, index, [120.001, 120.002], [30.0, 30.0]))
    assert people_by_time(there, [2.5, np.nan]).to_numpy()[0].tolist() == [2, 2.5, 1]


@pytest.mark.parametrize(
    ("people", "said"),
    [
        ([1], "people are not those of the places.*expected: 2 figures; got: 1"),
        ([1, -2], "people are negative or infinite.*got: -2"),
        ([1, np.inf], "people are negative or infinite.*got: inf"),
    ],
)
def test_people_that_cannot_be(people, said):
    graph = crossing()
    travel, index = weigh(graph, CAR), index_roads(graph)
    found = reach(travel, index, on_nodes(graph, [0]), [100], beside_m=50)
    with pytest.raises(ParameterError, match=said):
        people_by_time(arrivals(travel, found, on_nodes(graph, [0, 1])), people)


@pytest.mark.parametrize(
    ("bands", "more", "said"),
    [
        ([], {}, "the bands do not rise"),
        ([300, 300], {}, "the bands do not rise.*each above the last"),
        ([0, 300], {}, "the bands do not rise"),
        ([300, math.inf], {}, "the bands do not rise"),
        (range(60, 6000, 60), {}, "the bands do not rise.*1 to 24 times"),
        ([300], {"beside_m": 0.5}, "beside_m is out of range.*1 to 5000 metres"),
        ([300], {"beside_m": math.nan}, "beside_m is out of range"),
    ],
)
def test_questions_that_have_no_reach(bands, more, said):
    graph = crossing()
    with pytest.raises(ParameterError, match=said):
        reach_of(graph, on_nodes(graph, [0]), bands, **more)


def test_bands_are_times_and_the_index_is_of_these_roads():
    graph = crossing()
    with pytest.raises(ParameterError, match=r"bands are times, costs are not.*weigh by time"):
        reach(weigh(graph, CAR, by="length"), index_roads(graph), on_nodes(graph, [0]), [300], beside_m=50)
    with pytest.raises(ParameterError, match=r"the index is of other roads.*expected: 4 links; got: 1"):
        reach(weigh(graph, CAR), index_roads(LINE), on_nodes(graph, [0]), [300], beside_m=50)


def test_a_reach_too_wide_to_be_drawn_says_how_wide_the_ground_must_be():
    graph = roads([0.0, 9.0], [0.0, 9.0], [(0, 1)])
    with pytest.raises(ParameterError, match=r"too wide to be drawn so finely.*beside_m of 399 or more") as refused:
        reach_of(graph, on_nodes(graph, [0]), [1e6], beside_m=100)
    assert "ask for less time" in str(refused.value)
    assert reach_of(graph, on_nodes(graph, [0]), [1e6], beside_m=420).bands[0].ground_m2 > 1e9
