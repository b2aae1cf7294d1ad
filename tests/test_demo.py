"""The demo city: the same each time, true to every layer's declaration, and laid out as a city is."""

import datetime as dt
import hashlib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from rasterio.features import rasterize
from rasterio.transform import rowcol
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from api.use.access.closure_rows import listed
from geo_risk.access.closures import effect_of
from geo_risk.access.road_graph import RoadGraph, parts
from geo_risk.access.road_index import index_roads
from geo_risk.access.road_lines import road_graph
from geo_risk.access.travel import on_road, weigh
from layers._catalog import catalog
from layers._demo import DemoCity, make_city, write_rasters
from layers._demo.grid import CRS, Grid, doubled
from layers._demo.lines import course, eased, halfway, outlined
from layers._demo.rivers import drain
from layers._demo.terrain import make_ground
from layers._demo.water import Flow, filled, flow, reaches, stream_order
from layers._frame import DTYPES
from layers._tables.vehicle_table import vehicle

SMALL = Grid(rows=180, columns=220)
COUNTS = {
    "flood_points": 989, "geological_hazards": 402, "fire_checkpoints": 21, "helipads": 10, "helicopters": 5, "shelters": 322,
    "rescue_teams": 62, "supply_depots": 31, "aeds": 256, "care_facilities": 402, "towns": 88, "counties": 6,
    "duty_holders": 6 + 3 * 88,
}  # fmt: skip


@pytest.fixture(scope="module")
def heard() -> list[float]:
    """The shares of the work done that `make_city` told of."""
    return []


@pytest.fixture(scope="module")
def city(heard: list[float]) -> DemoCity:
    return make_city(progress=lambda _stage, share: heard.append(share))


def digest(city: DemoCity) -> str:
    """Everything in the city as text: ids, every cell of every column, coordinates to a decimetre, every raster."""
    found = hashlib.sha256()
    for layer_id, frame in city.layers.items():
        places = shapely.to_wkt(frame.geometry.to_numpy(), rounding_precision=6)
        found.update(layer_id.encode() + frame.drop(columns="geometry").to_csv().encode() + "\n".join(map(str, places)).encode())
    for name, raster in city.rasters.items():
        found.update(name.encode() + raster.array.tobytes())
    return found.hexdigest()


def in_metres(frame: gpd.GeoDataFrame) -> gpd.GeoSeries:
    return frame.geometry.to_crs(CRS)


def sampled(city: DemoCity, name: str, points: gpd.GeoSeries) -> np.ndarray:
    raster = city.rasters[name]
    return raster.array[rowcol(raster.transform, points.x.to_numpy(), points.y.to_numpy())]


def fall(city: DemoCity, sides: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """How much the ground falls over each of a box's two sides, taken through its middle."""
    middle = (corners[0] + corners[2]) / 2
    ends = [gpd.GeoSeries(shapely.points(middle + part * sides), crs=CRS) for part in (-0.5, 0.5)]
    first, last = (sampled(city, "elevation_m", end) for end in ends)
    return last - first


def anywhere(city: DemoCity, count: int = 2000) -> gpd.GeoSeries:
    """Points evenly at random in the city."""
    land = in_metres(city.layers["towns"]).union_all()
    west, south, east, north = land.bounds
    rng = np.random.default_rng(1)
    points = gpd.GeoSeries(shapely.points(rng.uniform(west, east, count), rng.uniform(south, north, count)), crs=CRS)
    return points[points.within(land)]


def test_two_runs_are_equal_and_another_seed_is_another_city(city: DemoCity) -> None:
    assert digest(make_city()) == digest(city)
    assert not np.array_equal(make_ground(7, SMALL).height_mm, make_ground(8, SMALL).height_mm)


def test_there_is_a_frame_for_every_layer(city: DemoCity) -> None:
    assert set(city.layers) == set(catalog())


@pytest.mark.parametrize(("layer_id", "count"), COUNTS.items())
def test_counts(city: DemoCity, layer_id: str, count: int) -> None:
    assert len(city.layers[layer_id]) == count


def test_755_of_the_989_flood_points_had_a_danger_mended(city: DemoCity) -> None:
    assert city.layers["flood_points"]["hidden_danger"].value_counts().to_dict() == {"rectified": 755, "none": 176, "open": 58}


@pytest.mark.parametrize("layer_id", catalog())
def test_every_frame_keeps_to_its_declaration(city: DemoCity, layer_id: str) -> None:
    layer, frame = catalog()[layer_id], city.layers[layer_id]
    assert [*frame.columns] == [*(column.name for column in layer.columns), "geometry"]
    for column in layer.columns:
        values = frame[column.name]
        known = values.dropna()
        assert str(values.dtype) == DTYPES[column.type], column.name
        assert not column.required or values.notna().all(), column.name
        assert not column.choices or set(known) <= {choice.id for choice in column.choices}, column.name
        assert column.minimum is None or (known >= column.minimum).all(), column.name
        assert column.maximum is None or (known <= column.maximum).all(), column.name
        assert column.pattern is None or known.str.fullmatch(column.pattern).all(), column.name


@pytest.mark.parametrize("layer_id", catalog())
def test_no_check_between_columns_fails_but_the_one_shelter_of_unknown_capacity(city: DemoCity, layer_id: str) -> None:
    failing = {check.id: int((~check.holds(city.layers[layer_id]).fillna(True)).sum()) for check in catalog()[layer_id].checks}
    assert {check: count for check, count in failing.items() if count} == ({"capacity_given": 1} if layer_id == "shelters" else {})


@pytest.mark.parametrize("layer_id", [layer_id for layer_id, layer in catalog().items() if layer.key])
def test_a_layer_s_key_tells_its_features_apart(city: DemoCity, layer_id: str) -> None:
    assert not city.layers[layer_id].duplicated([*catalog()[layer_id].key]).any()


@pytest.mark.parametrize("layer_id", catalog())
def test_ids_are_stable_words_and_geometries_valid(city: DemoCity, layer_id: str) -> None:
    frame = city.layers[layer_id]
    assert frame.index.is_unique
    assert frame.index.str.fullmatch(f"demo-{layer_id}-[0-9]{{4}}").all()
    placeless = layer_id in ("duty_holders", "road_closures")
    assert frame.geometry.isna().all() if placeless else (frame.is_valid & ~frame.is_empty).all()


def test_towns_fill_the_city_without_gap_or_overlap(city: DemoCity) -> None:
    towns, counties = (in_metres(city.layers[layer_id]) for layer_id in ("towns", "counties"))
    whole = towns.union_all()
    assert towns.area.sum() == pytest.approx(whole.area, rel=1e-9)
    assert counties.area.sum() == pytest.approx(whole.area, rel=1e-9)
    assert set(towns.geom_type) | set(counties.geom_type) | {whole.geom_type} == {"Polygon"}


def along_the_grid(frame: gpd.GeoDataFrame) -> float:
    """The share of all borders' length that runs exactly north or east, to a few centimetres a side."""
    borders = shapely.get_parts(shapely.boundary(in_metres(frame).to_numpy()))
    sides = np.concatenate([np.abs(np.diff(shapely.get_coordinates(border), axis=0)) for border in borders])
    lengths = np.hypot(*sides.T)
    return float(lengths[sides.min(axis=1) < 0.5].sum() / lengths.sum())


@pytest.mark.parametrize(("layer_id", "share"), [("towns", 0.05), ("flood_zones", 0.1), ("landslide_zones", 0.02)])
def test_no_area_looks_like_cells(city: DemoCity, layer_id: str, share: float) -> None:
    assert along_the_grid(city.layers[layer_id]) < share


@pytest.mark.parametrize("layer_id", ["towns", "counties", "landslide_zones"])
def test_areas_that_tile_the_ground_share_their_borders_point_by_point(city: DemoCity, layer_id: str) -> None:
    assert shapely.coverage_is_valid(city.layers[layer_id].geometry.to_numpy())


def test_depth_classes_of_one_flood_do_not_overlap(city: DemoCity) -> None:
    zones = city.layers["flood_zones"]
    events = zones.groupby(["kind", "event", zones["hour"].fillna(-1)])
    assert len(events) == 7
    assert all(shapely.coverage_is_valid(event.geometry.to_numpy()) for _, event in events)


def test_the_design_flood_lies_along_rivers_and_all_floods_are_drawn_in_few_points(city: DemoCity) -> None:
    zones, rivers = city.layers["flood_zones"], in_metres(city.layers["rivers"]).union_all()
    design = in_metres(zones[zones["kind"] == "design"])
    floods = gpd.GeoSeries([design.union_all()], crs=CRS).explode()
    assert floods[floods.intersects(rivers)].area.sum() > 0.98 * floods.area.sum()
    assert shapely.get_num_coordinates(zones.geometry.to_numpy()).sum() < 120_000


def test_landslide_zones_lie_across_the_contour_lines(city: DemoCity) -> None:
    """Longer than wide, and higher at one end than at the other."""
    boxes = in_metres(city.layers["landslide_zones"]).minimum_rotated_rectangle()
    corners = np.stack([shapely.get_coordinates(box)[:3] for box in boxes])
    sides = np.diff(corners, axis=1)
    lengths = np.hypot(sides[..., 0], sides[..., 1])
    long = lengths.argmax(axis=1)
    drop = np.abs(np.stack([fall(city, side, corner) for side, corner in zip(sides, corners, strict=True)]) / lengths)
    rows = np.arange(len(boxes))
    assert np.median(drop[rows, long]) > 2 * np.median(drop[rows, 1 - long])


def test_codes_are_unique_unused_and_nested(city: DemoCity) -> None:
    towns, counties = city.layers["towns"], city.layers["counties"]
    assert towns["code"].is_unique
    assert (towns["code"].str[:6] == towns["county_code"].str[:6]).all()
    assert set(towns["county_code"]) == set(counties["code"])
    assert towns["code"].str.startswith("3399").all()


def test_a_county_has_its_towns_people(city: DemoCity) -> None:
    sums = city.layers["towns"].groupby("county_code")["population"].sum()
    assert sums.to_dict() == city.layers["counties"].set_index("code")["population"].to_dict()
    assert 2_500_000 < sums.sum() < 2_700_000


def test_the_population_raster_sums_to_each_town(city: DemoCity) -> None:
    raster, towns = city.rasters["population"], city.layers["towns"]
    number = rasterize(zip(in_metres(towns), range(1, 89), strict=True), out_shape=raster.array.shape, transform=raster.transform)
    people = np.bincount(number.ravel(), weights=np.where(raster.array == raster.nodata, 0, raster.array).ravel())[1:]
    assert people.tolist() == towns["population"].tolist()


def test_flood_points_lie_lower_and_nearer_water_than_anywhere(city: DemoCity) -> None:
    points, others, rivers = in_metres(city.layers["flood_points"]), anywhere(city), in_metres(city.layers["rivers"]).union_all()
    assert np.median(sampled(city, "elevation_m", points)) < 0.5 * np.median(sampled(city, "elevation_m", others))
    assert points.distance(rivers).median() < 0.5 * others.distance(rivers).median()


def test_hazards_lie_on_steeper_ground_than_anywhere(city: DemoCity) -> None:
    def slope(points: gpd.GeoSeries) -> np.ndarray:
        up = sampled(city, "elevation_m", points.translate(0, 250)) - sampled(city, "elevation_m", points.translate(0, -250))
        right = sampled(city, "elevation_m", points.translate(250, 0)) - sampled(city, "elevation_m", points.translate(-250, 0))
        return np.hypot(up, right) / 500

    points = in_metres(city.layers["geological_hazards"])
    land = in_metres(city.layers["towns"]).union_all().buffer(-300)
    others = anywhere(city)
    assert np.median(slope(points[points.within(land)])) > 1.5 * np.median(slope(others[others.within(land)]))


@pytest.mark.parametrize("layer_id", ["shelters", "helipads", "rescue_teams", "supply_depots", "aeds", "care_facilities"])
def test_what_helps_stands_in_a_town_and_not_in_a_river(city: DemoCity, layer_id: str) -> None:
    points = in_metres(city.layers[layer_id])
    assert points.within(in_metres(city.layers["towns"]).union_all()).all()
    assert points.distance(in_metres(city.layers["rivers"]).union_all()).min() > 30


def test_every_town_has_a_shelter_and_someone_to_call(city: DemoCity) -> None:
    towns = city.layers["towns"]
    inside = gpd.sjoin(city.layers["shelters"], towns[["code", "geometry"]], predicate="within")
    assert set(inside["code_right" if "code_right" in inside else "code"]) == set(towns["code"])
    assert set(towns["code"]) <= set(city.layers["duty_holders"]["area_code"])


def test_checkpoints_stand_on_forest_roads(city: DemoCity) -> None:
    roads = city.layers["roads"]
    forest = in_metres(roads[roads["road_class"] == "forest"]).union_all()
    assert in_metres(city.layers["fire_checkpoints"]).distance(forest).max() < 400


def over_rivers(city: DemoCity, bridge: bool) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a road that is a bridge, or is none, and a river that meet as drawn: position among those roads, river's order."""
    roads, rivers = city.layers["roads"], city.layers["rivers"]
    chosen = roads[roads["bridge"].astype(bool) == bridge].geometry.to_numpy()
    road, river = shapely.STRtree(rivers.geometry.to_numpy()).query(chosen, predicate="intersects")
    return road, rivers["stream_order"].to_numpy(dtype=int)[river]


def test_every_bridge_crosses_a_river_and_every_river_wider_than_a_brook_is_crossed_by_bridges_alone(city: DemoCity) -> None:
    road, order = over_rivers(city, bridge=True)
    assert len(set(road[order >= 2])) == city.layers["roads"]["bridge"].sum() == 167
    assert set(over_rivers(city, bridge=False)[1]) == {1}


def test_a_bridge_is_called_after_its_river_and_no_two_alike(city: DemoCity) -> None:
    bridges = city.layers["roads"][lambda roads: roads["bridge"].astype(bool)]
    named = bridges["name"].dropna()[lambda names: names.str.endswith("桥")]
    assert named.is_unique
    assert len(named) > 100


def test_roads_meet_at_shared_points_alone(city: DemoCity) -> None:
    crossed, shared = (road_graph(city.layers["roads"], noding=rule) for rule in ("crossings", "shared points"))
    assert (crossed.nodes, crossed.links, crossed.left) == (shared.nodes, shared.links, ())
    assert crossed.links == len(city.layers["roads"])


def far_from_roads(city: DemoCity, layer_id: str, graph: RoadGraph) -> float:
    """The share of a layer's points from which a car's people do not come to a road on foot."""
    car, points = vehicle("car"), city.layers[layer_id].geometry
    found = on_road(weigh(graph, car), index_roads(graph), points.x.to_numpy(), points.y.to_numpy())
    return float((found.link < 0).mean())


def test_nearly_all_places_lie_at_a_road_and_a_few_do_not(city: DemoCity) -> None:
    graph = road_graph(city.layers["roads"])
    far = {layer_id: far_from_roads(city, layer_id, graph) for layer_id in ("rescue_teams", "supply_depots", "helipads", "aeds")}
    assert set(far.values()) == {0.0}
    assert all(0 < far_from_roads(city, layer_id, graph) < 0.07 for layer_id in ("shelters", "care_facilities", "flood_points"))


def test_every_town_has_lanes(city: DemoCity) -> None:
    roads, towns = city.layers["roads"], city.layers["towns"]
    by_class = gpd.sjoin(roads, towns[["code", "geometry"]], predicate="intersects").groupby("code")["road_class"]
    assert len(by_class) == len(towns)
    assert by_class.apply(lambda classes: classes.isin(["street", "other"]).sum()).min() >= 5


def test_lanes_make_blocks_not_only_trees(city: DemoCity) -> None:
    """Each link more than a tree's closes a block."""
    graph = road_graph(city.layers["roads"])
    assert graph.links - (graph.nodes - 1) > 1000


def for_cars(graph: RoadGraph) -> np.ndarray:
    """Links that a car has a speed on."""
    return np.isin(np.array(graph.classes, dtype=object), list(vehicle("car").speed_kmh))[graph.road_class]


def test_a_car_comes_from_anywhere_to_anywhere(city: DemoCity) -> None:
    graph = road_graph(city.layers["roads"])
    assert set(parts(graph, for_cars(graph))) == {0}


def test_without_some_bridge_the_way_between_its_banks_is_a_long_one(city: DemoCity) -> None:
    graph = road_graph(city.layers["roads"])

    def way_round_m(link: int) -> float:
        kept = np.arange(graph.links) != link
        ways = coo_array((graph.length_m[kept], (graph.start[kept], graph.end[kept])), shape=(graph.nodes, graph.nodes))
        return float(dijkstra(ways.tocsr(), directed=False, indices=int(graph.start[link]))[graph.end[link]])

    around = np.array([way_round_m(link) for link in np.flatnonzero(graph.bridge)])
    assert np.isfinite(around).sum() > 50
    assert np.median(around[np.isfinite(around)]) > 10_000


def closures_at(city: DemoCity, moment: str) -> dict[str, str]:
    """How each closure stands for a car at a moment, by its cause, were all roads a metre under water."""
    graph, rows = road_graph(city.layers["roads"]), city.layers["road_closures"]
    deep, unknown = np.ones(graph.links), np.zeros(graph.links)
    closures = listed(rows, lambda _: (deep, unknown)).closures
    at = dt.datetime.fromisoformat(moment)
    return {each.cause: effect_of(graph, each, vehicle("car"), at).state for each in closures}


def test_closures_hold_at_any_later_time_and_one_has_ended(city: DemoCity) -> None:
    assert (
        closures_at(city, "2026-06-21T00:00+08:00")
        == closures_at(city, "2036-01-01T00:00+08:00")
        == {"flood": "honoured", "bridge": "honoured", "landslide": "honoured", "control": "another vehicle", "other": "ended"}
    )


def test_closures_name_roads_and_a_raster_of_the_city(city: DemoCity) -> None:
    closures, roads = city.layers["road_closures"], city.layers["roads"]
    assert set(closures["roads"].dropna()) <= set(roads.index)
    assert closures["depth_raster"].dropna().str.removesuffix(".tif").isin(list(city.rasters)).all()
    assert roads.loc[closures.set_index("cause").loc[["bridge", "control"], "roads"], "bridge"].all()


def test_without_the_bridge_that_is_out_a_car_still_comes_from_anywhere_to_anywhere(city: DemoCity) -> None:
    graph, closures = road_graph(city.layers["roads"]), city.layers["road_closures"].set_index("cause")
    left = np.array(graph.feature_ids, dtype=object)[graph.feature] != closures.loc["bridge", "roads"]
    assert left.sum() == graph.links - 1
    assert len(set(parts(graph, left & for_cars(graph)))) == 1


def test_no_telephone_is_real(city: DemoCity) -> None:
    personal = [
        (layer, column.name) for layer in catalog().values() for column in layer.columns if column.sensitivity == "personal"
    ]
    phones = pd.concat([city.layers[layer.id][name].dropna() for layer, name in personal])
    assert phones.str.fullmatch(r"000-[0-9]{8}").all()


def test_the_storm_rises_and_falls(city: DemoCity) -> None:
    wet = [int((city.rasters[f"flood_depth_m_h{hour:02d}"].array > 0).sum()) for hour in range(13)]
    peak = int(np.argmax(wet))
    assert wet[0] == 0
    assert 5 <= peak <= 9
    assert wet[:peak] == sorted(wet[:peak])
    assert wet[peak:] == sorted(wet[peak:], reverse=True)


def test_forecast_zones_cover_what_their_hour_s_raster_says(city: DemoCity) -> None:
    zones = city.layers["flood_zones"]
    hour_9 = in_metres(zones[(zones["kind"] == "forecast") & (zones["hour"] == 9)])
    wet_m2 = (city.rasters["flood_depth_m_h09"].array > 0).sum() * 250**2
    assert hour_9.area.sum() == pytest.approx(wet_m2, rel=0.1)
    assert hour_9.union_all().area == pytest.approx(hour_9.area.sum(), rel=1e-6)


def test_rivers_never_run_uphill() -> None:
    ground = make_ground(20260601, SMALL)
    streams = drain(ground)
    assert len(streams.tree.levels[0]) == 2 * (SMALL.rows + SMALL.columns) - 4, "water stops before the border"
    for path in reaches(streams.tree, streams.is_stream):
        assert (np.diff(ground.height_mm[path]) < 0).all()
        assert (np.diff(streams.order[path[:-1]]) == 0).all()


def test_rasters_are_written_tiled_with_their_nodata(city: DemoCity, tmp_path: Path) -> None:
    files = write_rasters(city, tmp_path)
    assert {file.stem for file in files} == {"elevation_m", "population", *(f"flood_depth_m_h{hour:02d}" for hour in range(13))}
    with rasterio.open(tmp_path / "population.tif") as file:
        assert (file.crs.to_epsg(), file.nodata, file.profile["tiled"], file.units) == (4549, -9999, True, ("people",))
        assert "synthetic" in file.tags()["attribution"]
        assert np.array_equal(file.read(1), city.rasters["population"].array)


def test_progress_rises_to_one(city: DemoCity, heard: list[float]) -> None:
    assert heard == sorted(heard)
    assert (heard[0], heard[-1]) == (0.0, 1.0)


TINY = Grid(rows=3, columns=5, cell_m=10)
SQUARE = Grid(rows=6, columns=6, cell_m=2, west_m=0, north_m=12)


def blocks(*places: tuple[int, int, int, int, int]) -> np.ndarray:
    """Labels on the six by six cells: each label with its rows from and to, columns from and to."""
    label = np.zeros(SQUARE.shape, dtype=np.int64)
    for number, top, bottom, left, right in places:
        label[top:bottom, left:right] = number
    return label.ravel()


def test_an_area_loses_half_a_half_cell_at_each_of_its_corners() -> None:
    (area,) = outlined(blocks((5, 1, 5, 1, 5)), SQUARE, halfway, least_cells=1, tolerance_m=0).values()
    assert area.area == 4 * (16 - 4 * 0.125)
    assert area.bounds == (2, 2, 10, 10)


def test_two_areas_keep_the_border_they_share_and_the_points_where_it_ends() -> None:
    west, east = outlined(blocks((1, 0, 6, 0, 3), (2, 0, 6, 3, 6)), SQUARE, halfway, least_cells=1, tolerance_m=0).values()
    assert west.intersection(east).length == 12
    assert west.union(east).area == 4 * (36 - 4 * 0.125)


def test_a_border_crosses_where_it_is_told_to() -> None:
    def nearer_the_left(cells: np.ndarray, beyond: np.ndarray) -> np.ndarray:
        return np.full(len(cells), 0.25)

    west, east = outlined(blocks((1, 0, 6, 0, 3), (2, 0, 6, 3, 6)), SQUARE, nearer_the_left, least_cells=1, tolerance_m=0).values()
    assert shapely.coverage_is_valid([west, east])
    assert set(shapely.get_coordinates(west.intersection(east))[:, 0]) == {6.0, 5.5}


def test_a_speck_goes_to_what_lies_around_it() -> None:
    label = blocks((1, 0, 6, 0, 6), (2, 2, 3, 2, 3))
    assert list(outlined(label, SQUARE, halfway, least_cells=2, tolerance_m=0)) == [1]
    assert list(outlined(label, SQUARE, halfway, least_cells=1, tolerance_m=0)) == [1, 2]


def test_no_label_makes_no_area() -> None:
    assert outlined(blocks(), SQUARE, halfway, least_cells=1, tolerance_m=0) == {}


def test_doubling_keeps_a_plain_flat_and_makes_a_step_four() -> None:
    assert doubled(np.full((2, 2), 7.0)).tolist() == [[7.0] * 4] * 4
    assert doubled(np.array([[0.0, 4.0]])).tolist() == [[0, 1, 3, 4]] * 2


def test_easing_moves_what_lies_between_and_nothing_else() -> None:
    bent = np.array([[0.0, 0.0], [1.0, 8.0], [2.0, 0.0]])
    middle, before, after = (np.array([cell]) for cell in (1, 0, 2))
    assert eased(bent, middle, before, after).tolist() == [[0, 0], [1, 1], [2, 0]]


def test_a_course_begins_and_ends_at_its_cells_and_tells_how_far_along_it_is() -> None:
    bent = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0]])
    assert course([0, 1, 2], bent, rounds=1).tolist() == [[0, 0, 0], [3, 0, 0.75], [4, 1, 1.25], [4, 4, 2]]


def test_a_pit_is_filled_to_its_rim_and_drains() -> None:
    bowl = np.array([9, 9, 9, 9, 9, 9, 1, 2, 1, 5, 9, 9, 9, 9, 9]) * 1000
    level = filled(bowl, TINY)
    assert level.tolist()[5:10] == [9000, 5003, 5002, 5001, 5000]
    assert flow(level, TINY).receiver.tolist()[5:10] == [5, 7, 8, 9, 9]


def test_what_drains_together_adds_up_and_a_fork_raises_the_order() -> None:
    fork = Flow(np.array([2, 2, 3, 3]), (np.array([3]), np.array([2]), np.array([0, 1])))
    assert fork.gathered(np.ones(4)).tolist() == [1, 1, 3, 4]
    assert stream_order(fork, np.ones(4, dtype=bool)).tolist() == [1, 1, 2, 2]
    assert reaches(fork, np.ones(4, dtype=bool)) == [[0, 2], [1, 2], [2, 3]]


def test_helicopters_stand_on_pads_and_those_in_need_are_some_of_the_people(city: DemoCity) -> None:
    pads, craft = in_metres(city.layers["helipads"]), in_metres(city.layers["helicopters"])
    assert craft.distance(pads.union_all()).max() < 0.01
    towns = city.layers["towns"]
    assert (towns["need_care"] < towns["need_wheels"]).all()
    assert (towns["need_wheels"] <= towns["population"] // 30).all()
    points = city.layers["flood_points"]
    assert points["need_wheels"].isna().tolist() == points["people_threatened"].isna().tolist()
