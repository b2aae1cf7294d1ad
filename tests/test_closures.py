"""Closures: what each shuts, for whom and when; against every link measured by hand."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.access.closures import Around, Closure, Flooded, Inside, Named, effect_of, shut_by, shut_links
from geo_risk.access.link_depths import link_depths
from geo_risk.access.road_graph import graph_of_arrays
from geo_risk.access.vehicles import Vehicle
from geo_risk.crs import GEOD
from geo_risk.errors import ParameterError
from geo_risk.hazard.grid import ArrayRaster, Grid

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CAR = Vehicle(
    id="car", title={"en": "Car"}, mode="car", speed_kmh={}, heeds_one_way=True, heeds_limit=True, min_depth_m=0.0,
    max_depth_m=0.3, walk_kmh=4.0, walk_max_m=500.0, source="", checked="",
)  # fmt: skip
TRUCK, BOAT = replace(CAR, id="truck", max_depth_m=0.7), replace(CAR, id="boat", min_depth_m=0.5, max_depth_m=99.0)


def street(links, **columns):
    """A straight street of so many links of 0.01 degrees to the east of 120, 30."""
    lon = 120.0 + 0.01 * np.arange(links + 1)
    return graph_of_arrays(lon, np.full(links + 1, 30.0), np.arange(links), np.arange(links) + 1, **columns)


def closed(what, name="a", **more):
    return Closure(id=name, cause="operator", what=what, **more)


def shut_by_one(graph, what, vehicle=CAR):
    return np.flatnonzero(shut_links(graph, [closed(what)], vehicle, NOW).links).tolist()


@pytest.mark.parametrize(
    ("vehicle", "unknown", "shut"),
    [(CAR, "open", [2, 3]), (CAR, "shut", [2, 3, 4]), (TRUCK, "open", [3]), (BOAT, "open", [0, 1, 4]), (BOAT, "shut", [0, 1, 4])],
    ids=lambda value: getattr(value, "id", value),
)
def test_water_shuts_links_outside_the_depths_a_vehicle_passes_both_ends_included(vehicle, unknown, shut):
    flood = Flooded(depth_m=np.array([0.0, 0.3, 0.7, 0.71, np.nan]), unknown=unknown)
    found = shut_links(street(5), [closed(flood)], vehicle, NOW)
    assert np.flatnonzero(found.links).tolist() == shut
    assert found.effects[0].unknown.tolist() == [4]


def test_a_depth_that_is_known_for_a_part_is_not_taken_for_the_whole():
    flood = Flooded(depth_m=np.array([0.1, 0.1, 0.9]), unknown_share=np.array([0.0, 0.4, 0.4]))
    effect = effect_of(street(3), closed(flood), CAR, NOW)
    assert (effect.links.tolist(), effect.unknown.tolist()) == ([2], [1])
    assert shut_by_one(street(3), replace(flood, unknown="shut")) == [1, 2]


def test_bridges_over_water_are_kept_or_lost_and_a_boat_goes_under():
    graph, depth = street(2, bridge=[True, False]), np.array([2.0, 2.0])
    assert shut_by_one(graph, Flooded(depth_m=depth)) == [1]
    assert shut_by_one(graph, Flooded(depth_m=depth, bridges="lost")) == [0, 1]
    assert shut_by_one(graph, Flooded(depth_m=depth), BOAT) == []
    assert shut_by_one(graph, Flooded(depth_m=np.zeros(2)), BOAT) == [0, 1]


def test_the_unknown_depth_under_a_bridge_that_is_kept_is_of_no_matter():
    effect = effect_of(street(1, bridge=True), closed(Flooded(depth_m=np.array([np.nan]), unknown="shut")), CAR, NOW)
    assert (effect.state, effect.unknown.tolist()) == ("meets no road", [])


def test_an_underpass_has_the_depth_of_the_ground_above_it():
    assert shut_by_one(street(1, tunnel=True), Flooded(depth_m=np.array([0.5]))) == [0]


def test_a_boat_needs_water_that_somebody_knows_of():
    found = shut_links(street(2), [closed(Named(links=("0",)))], BOAT, NOW)
    assert found.links.all()
    assert [(one.closure, one.cause) for one in found.effects] == [("a", "operator"), ("", "no water known")]


def test_a_boat_passes_where_one_of_two_floods_is_deep_enough_and_nothing_else_bars_it():
    floods = [closed(Flooded(depth_m=np.array(depth)), name) for name, depth in [("a", [1, np.nan, 0, 1]), ("b", [0, 1, 0, 1.0])]]
    found = shut_links(street(4), [*floods, closed(Named(links=("3",)), "c")], BOAT, NOW)
    assert found.links.tolist() == [False, False, True, True]


@pytest.mark.parametrize("depth", [-0.1, np.inf])
def test_a_depth_that_is_none_is_refused(depth):
    with pytest.raises(ParameterError, match=f"a depth is no depth.*got: {depth}.*declare the raster's nodata"):
        Flooded(depth_m=np.array([0.0, depth]))


def test_depths_of_other_roads_are_refused():
    with pytest.raises(ParameterError, match=r"depths are of other roads.*one for each of 2 links; got: \(3,\)"):
        shut_by_one(street(2), Flooded(depth_m=np.zeros(3)))


def raster_of(rows):
    """Cells of 0.01 degrees, the first with its corner at 120, 30.005."""
    values = np.array(rows, dtype=float)
    grid = Grid(crs=pyproj.CRS(4326), x=120.0, y=30.005, dx=0.01, dy=-0.01, columns=values.shape[1], rows=values.shape[0])
    return ArrayRaster(grid=grid, values=values)


def test_the_deepest_cell_a_link_runs_through_and_how_much_is_unknown():
    graph = graph_of_arrays([120.005, 120.025, 120.045, 120.2], [30.0] * 4, [0, 1, 2], [1, 2, 3])
    depth, unknown = link_depths(graph, raster_of([[0.1, 0.4, 0.2, np.nan, 0.0]]))
    np.testing.assert_array_equal(depth, [0.4, 0.2, 0.0])
    np.testing.assert_allclose(unknown, [0.0, 0.5, 1 - 0.005 / 0.155])


def test_a_depth_below_0_is_unknown_and_so_is_what_lies_outside():
    depth, unknown = link_depths(street(2), raster_of([[-9999.0]]))
    assert np.isnan(depth).all()
    np.testing.assert_allclose(unknown, [1, 1])


def test_a_link_of_no_length_has_the_depth_of_its_cell():
    graph = graph_of_arrays([120.005, 120.005, 121.0], [30.0] * 3, [0, 2], [1, 2])
    depth, unknown = link_depths(graph, raster_of([[0.6]]))
    np.testing.assert_array_equal(depth, [0.6, np.nan])
    assert unknown.tolist() == [0, 1]


def upright(values):
    """Cell (0, 0) at the south-west corner of 0, 0; one degree a side."""
    grid = Grid(crs=pyproj.CRS(4326), x=0.0, y=0.0, dx=1.0, dy=1.0, columns=values.shape[1], rows=values.shape[0])
    return ArrayRaster(grid=grid, values=values)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_depths_are_the_worst_of_the_cells_that_hold_some_of_the_line(seed):
    random = np.random.default_rng(seed)
    values = random.choice([0.0, 0.2, 0.5, 1.0, np.nan], (6, 6))
    ends = random.uniform(-0.5, 6.5, (4, 2))
    graph = graph_of_arrays(*ends.T, [0, 1, 2], [1, 2, 3])
    row, column = np.divmod(np.arange(36), 6)
    cells = shapely.box(column, row, column + 1, row + 1)
    depth, unknown = link_depths(graph, upright(values))
    for link in range(3):
        line = shapely.LineString(ends[link : link + 2])
        length = shapely.length(shapely.intersection(line, cells))
        inside, flat = length > 1e-9, values.ravel()
        known = inside & ~np.isnan(flat)
        assert unknown[link] == pytest.approx(1 - length[known].sum() / line.length, abs=1e-6)
        np.testing.assert_equal(depth[link], flat[known].max() if known.any() else np.nan)


@pytest.mark.parametrize(("radius_m", "shut"), [(1, [0]), (962, [0]), (967, [0, 1]), (1930, [0, 1, 2])])
def test_what_comes_within_the_radius(radius_m, shut):
    assert shut_by_one(street(3), Around(lon=120.0, lat=30.0, radius_m=radius_m)) == shut


def test_a_radius_that_just_reaches_a_link_shuts_it():
    graph = street(1)
    at_m = GEOD.inv(119.0, 30.0, 120.0, 30.0)[2]
    assert shut_by_one(graph, Around(lon=119.0, lat=30.0, radius_m=at_m)) == [0]
    assert shut_by_one(graph, Around(lon=119.0, lat=30.0, radius_m=np.nextafter(at_m, 0))) == []


def test_the_middle_of_a_link_counts_not_only_its_ends():
    graph = graph_of_arrays([120.0, 120.2], [30.0, 30.0], [0], [1])
    off_m = GEOD.inv(120.1, 30.0, 120.1, 30.05)[2]
    assert shut_by_one(graph, Around(lon=120.1, lat=30.05, radius_m=off_m + 3)) == [0]
    assert shut_by_one(graph, Around(lon=120.1, lat=30.05, radius_m=off_m - 10)) == []


def nearest_by_steps(what, ends):
    """The least distance to a geodesic, by 2,000 points along it."""
    steps = [ends[0], *GEOD.npts(*ends[0], *ends[1], 2000), ends[1]]
    lon, lat = np.array(steps).T
    return GEOD.inv(np.full(len(lon), what.lon), np.full(len(lon), what.lat), lon, lat)[2].min()


@given(
    centre=st.sampled_from([(120, 30), (179.99, 0), (-179.99, -60), (10, 89.5), (0, 0)]), seed=st.integers(0, 2**32 - 1),
    spread=st.sampled_from([0.01, 0.3, 3.0]), radius_m=st.floats(100, 300_000),
)
@settings(max_examples=60, deadline=None)
def test_around_as_measured_step_by_step(centre, seed, spread, radius_m):
    offsets = np.random.default_rng(seed).uniform(-spread, spread, (6, 2))
    lon, lat = (centre[0] + offsets[:, 0] + 180) % 360 - 180, np.clip(centre[1] + offsets[:, 1], -90, 90)
    graph = graph_of_arrays(lon, lat, [0, 2, 4], [1, 3, 5])
    what = Around(lon=centre[0], lat=centre[1], radius_m=radius_m)
    found = shut_by_one(graph, what)
    for link in range(3):
        away = nearest_by_steps(what, graph.points[2 * link : 2 * link + 2])
        if abs(away - radius_m) > 1 + 1e-3 * spread * 111_000:
            assert (link in found) == (away < radius_m)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lon": 181.0}, "a coordinate is not on the earth; where: Around.*longitude 181"),
        ({"lat": np.nan}, "a coordinate is not on the earth"),
        ({"radius_m": 0.0}, "radius_m is out of range.*at most 500000 metres; got: 0.0"),
        ({"radius_m": np.nan}, "radius_m is out of range"),
        ({"radius_m": 500_001.0}, "radius_m is out of range"),
        ({"bridges": "both"}, "no such rule of bridges.*kept or lost; got: both"),
    ],
)
def test_a_circle_that_is_none(change, message):
    with pytest.raises(ParameterError, match=message):
        Around(**{"lon": 120.0, "lat": 30.0, "radius_m": 10.0, **change})


def test_an_area_shuts_what_shares_a_point_with_it_its_border_included():
    graph = street(4)
    assert shut_by_one(graph, Inside(area=shapely.box(120.012, 29.9, 120.018, 30.1))) == [1]
    assert shut_by_one(graph, Inside(area=shapely.box(120.01, 29.9, 120.015, 30.1))) == [0, 1]
    assert shut_by_one(graph, Inside(area=shapely.box(120.012, 30.0, 120.018, 30.1))) == [1]
    assert shut_by_one(graph, Inside(area=shapely.box(120.012, 30.0001, 120.018, 30.1))) == []


def test_a_hole_is_no_part_of_an_area():
    ring = shapely.box(119, 29, 121, 31) - shapely.box(119.5, 29.5, 120.5, 30.5)
    assert shut_by_one(street(3), Inside(area=ring)) == []


def test_bridges_in_an_area_are_lost_unless_kept():
    graph, area = street(2, bridge=[True, False]), shapely.box(119, 29, 121, 31)
    assert shut_by_one(graph, Inside(area=area)) == [0, 1]
    assert shut_by_one(graph, Inside(area=area, bridges="kept")) == [1]
    assert shut_by_one(graph, Around(lon=120.0, lat=30.0, radius_m=9e3, bridges="kept")) == [1]


OVER = [
    shapely.MultiPolygon([shapely.box(179.85, -1, 180, 1), shapely.box(-180, -1, -179.85, 1)]),
    shapely.box(179.85, -1, 180.15, 1),
    shapely.box(-180.15, -1, -179.85, 1),
    shapely.Polygon([(179.85, -1), (-179.85, -1), (-179.85, 1), (179.85, 1)]),
]


@pytest.mark.parametrize("area", OVER, ids=["two parts", "beyond 180", "beyond -180", "one ring"])
def test_an_area_over_the_antimeridian_however_it_comes(area):
    lon = [179.7, 179.8, 179.9, -179.9, -179.8, -179.7]
    graph = graph_of_arrays(lon, [0.0] * 6, range(5), range(1, 6))
    assert shut_by_one(graph, Inside(area=area)) == [1, 2, 3]
    assert shut_by_one(graph, Inside(area=shapely.box(-179.95, -1, -179.92, 1))) == [2]
    assert shut_by_one(graph, Inside(area=shapely.box(179.92, -1, 179.95, 1))) == [2]


def test_a_hole_goes_over_the_antimeridian_with_its_area():
    area = shapely.Polygon([(170, -9), (-170, -9), (-170, 9), (170, 9)], [[(-179, -1), (-178, -1), (-178, 1), (-179, 1)]])
    graph = graph_of_arrays([-178.6, -178.4, -175.0, -174.0], [0.0] * 4, [0, 2], [1, 3])
    assert shut_by_one(graph, Inside(area=area)) == [1]


def test_an_area_round_a_pole_is_refused_with_the_way_to_draw_it():
    ring = shapely.Polygon([(0, 80), (120, 80), (-120, 80)])
    with pytest.raises(ParameterError, match=r"goes round a pole.*ends 360.0 degrees east.*along latitude 90"):
        shut_by_one(street(1), Inside(area=ring))


def test_an_invalid_area_is_repaired():
    bow_tie = shapely.Polygon([(120.0, 29.9), (120.03, 30.1), (120.03, 29.9), (120.0, 30.1)])
    assert shut_by_one(street(3), Inside(area=bow_tie)) == [0, 1, 2]
    twice_round = shapely.Polygon([(119, 29), (121, 29), (121, 31), (119, 31), (119, 29), (121, 29), (121, 31), (119, 31)])
    assert shut_by_one(street(3), Inside(area=twice_round)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("area", "message"),
    [
        (shapely.Polygon(), "there is no area.*got: Polygon"),
        (shapely.Point(1, 1), "there is no area.*got: Point"),
        (None, "there is no area.*got: nothing"),
        (shapely.box(0, 0, 1, 91), "a corner is not on the earth"),
        (shapely.box(0, 0, 541, 1), "a corner is not on the earth"),
        (shapely.box(0, 0, 1, 1).segmentize(3e-5), "too many corners.*at most 100000; got: 133337"),
    ],
)
def test_an_area_that_is_none(area, message):
    with pytest.raises(ParameterError, match=message):
        Inside(area=area)


def ring_of(radii, lon=120.0, lat=30.0):
    turn = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    return shapely.Polygon(np.column_stack([lon + radii * np.cos(turn), lat + radii * np.sin(turn)]))


def scattered(links, seed=1):
    random = np.random.default_rng(seed)
    ends = random.uniform([119, 29], [121, 31], (links, 2))
    lon, lat = np.concatenate([ends, ends + random.normal(0, 1e-3, (links, 2))]).T
    return graph_of_arrays(lon, lat, np.arange(links), np.arange(links) + links)


def test_a_round_area_of_many_corners_is_quick_and_a_star_of_as_many_is_refused_at_once():
    graph, since = scattered(20_000), time.perf_counter()
    away = np.hypot(*(graph.points - [120, 30]).T).reshape(-1, 2).min(axis=1)
    found = shut_by_one(graph, Inside(area=ring_of(np.full(99_999, 0.5))))
    assert set(np.flatnonzero(away < 0.499)) <= set(found) <= set(np.flatnonzero(away < 0.501))
    with pytest.raises(ParameterError, match=r"too intricate to test roads against.*simplify the area"):
        shut_by_one(graph, Inside(area=ring_of(np.where(np.arange(99_998) % 2, 1.0, 0.01))))
    assert time.perf_counter() - since < 10


def test_a_feature_s_id_is_all_its_links_and_a_part_is_one():
    graph = street(4, feature=[0, 0, 1, 2], part=[0, 1, 0, 0], feature_ids=["way/1", "way/2", "way/1#1"])
    assert shut_by_one(graph, Named(links=("way/1",))) == [0, 1]
    assert shut_by_one(graph, Named(links=("way/1#0", "way/2"))) == [0, 2]
    assert shut_by_one(graph, Named(links=("way/1#1",))) == [3]


def test_two_features_of_one_id_are_both_shut():
    assert shut_by_one(street(3, feature_ids=["a", "b", "a"]), Named(links=("a",))) == [0, 2]


def test_a_name_that_meets_no_road_is_said():
    graph = street(2)
    lost = effect_of(graph, closed(Named(links=("9", "0#7", "", "#", "0#x", "0#1" + "0" * 400))), CAR, NOW)
    assert (lost.state, lost.links.tolist(), len(lost.unmet)) == ("meets no road", [], 6)
    partly = effect_of(graph, closed(Named(links=("1", "9"))), CAR, NOW)
    assert (partly.state, partly.links.tolist(), partly.unmet) == ("honoured", [1], ("9",))


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, "honoured"),
        ({"since": NOW}, "honoured"),
        ({"since": NOW + HOUR}, "not yet"),
        ({"until": NOW}, "ended"),
        ({"until": NOW + HOUR}, "honoured"),
        ({"until": NOW.astimezone(datetime.now().astimezone().tzinfo) + HOUR}, "honoured"),
        ({"vehicles": ("truck",)}, "another vehicle"),
        ({"vehicles": ("truck", "car")}, "honoured"),
        ({"vehicles": ("truck",), "until": NOW}, "ended"),
    ],
)
def test_a_closure_holds_from_since_up_to_until_for_its_vehicles(more, state):
    found = shut_links(street(1), [closed(Named(links=("0",)), **more)], CAR, NOW)
    assert (found.effects[0].state, found.links[0]) == (state, state == "honoured")


def test_times_without_a_zone_are_refused():
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(ParameterError, match="a time has no zone; where: Closure"):
        closed(Named(links=()), since=naive)
    with pytest.raises(ParameterError, match="a time has no zone; where: effect_of"):
        shut_links(street(1), [closed(Named(links=()))], CAR, naive)
    with pytest.raises(ParameterError, match="ends before it begins"):
        closed(Named(links=()), since=NOW, until=NOW)


def test_lifting_one_of_two_that_overlap_opens_nothing_of_the_other():
    graph = street(3)
    one, other = closed(Named(links=("0", "1")), "one"), closed(Named(links=("1", "2")), "other")
    both = shut_links(graph, [one, other], CAR, NOW)
    assert both.links.all()
    assert [effect.links.tolist() for effect in both.effects] == [[0, 1], [1, 2]]
    assert shut_links(graph, [other], CAR, NOW).links.tolist() == [False, True, True]


def test_the_order_of_closures_is_of_no_matter():
    graph, list_ = street(3), [closed(Named(links=(str(link),)), f"c{link}") for link in range(3)]
    one, other = (shut_links(graph, some, CAR, NOW) for some in (list_, list_[::-1]))
    assert (one.links == other.links).all()
    assert [effect.closure for effect in one.effects] == [effect.closure for effect in other.effects] == ["c0", "c1", "c2"]


def test_two_closures_of_one_id_are_refused():
    with pytest.raises(ParameterError, match=r"two closures have one id.*got: a"):
        shut_links(street(1), [closed(Named(links=()))] * 2, CAR, NOW)


def test_no_closures_and_no_roads():
    assert not shut_links(street(2), [], CAR, NOW).links.any()
    empty = graph_of_arrays([], [], [], [])
    dry = Flooded(depth_m=np.empty(0))
    every = Around(lon=0, lat=0, radius_m=9), Inside(area=shapely.box(0, 0, 1, 1)), Named(links=("a",)), dry
    for what in every:
        assert effect_of(empty, closed(what), CAR, NOW).state == "meets no road"
    assert len(link_depths(empty, raster_of([[1.0]])).depth_m) == 0


def test_effects_that_were_kept_give_the_same_as_from_scratch():
    graph = scattered(2000)
    list_ = [closed(Around(lon=120.0 + at / 10, lat=30.0, radius_m=9000.0), f"c{at}") for at in range(3)]
    kept = [effect_of(graph, one, CAR, NOW) for one in list_]
    assert (shut_by(graph, kept, CAR).links == shut_links(graph, list_, CAR, NOW).links).all()
