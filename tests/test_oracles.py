"""Results that others published, reproduced: see the README of the shared data for whose and how."""

import dataclasses
import datetime as dt
import json
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from exactextract import exact_extract
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from geo_risk.access.closures import Closure, Inside, Named, shut_links
from geo_risk.access.isolation import detours
from geo_risk.access.reach import reach
from geo_risk.access.road_graph import graph_of_arrays
from geo_risk.access.road_index import index_roads
from geo_risk.access.road_lines import road_graph
from geo_risk.access.routes import route, routes
from geo_risk.access.travel import close, cost_at, on_nodes, on_road, spread, weigh
from geo_risk.access.vehicles import Vehicle
from geo_risk.areas import union_area_m2
from geo_risk.crs import geodesic_m
from geo_risk.datum import from_wgs84, to_wgs84
from geo_risk.hazard.contacts import area_contacts
from geo_risk.hazard.raster import open_raster, to_grid
from geo_risk.hazard.zones import zone_readings
from geo_risk.impact.curves import fractions
from geo_risk.impact.damage import ExposureColumns, grid_damage
from geo_risk.impact.events import impact, intensity_of_period, losses_of_event, observed
from geo_risk.impact.frequency import annual_expectation, exceedance, loss_at
from geo_risk.impact.needs import needs
from geo_risk.impact.people import affected, people_by_class_and_area
from geo_risk.impact.raster_damage import damage_on_raster
from geo_risk.impact.sites import METRICS, assets_to_sites
from geo_risk.risk.rollup import roll_up_chain, tally
from layers._catalog import layer
from layers._check import CheckOptions, check
from layers._curves import amounts, load_curves
from layers._events import read_entity, read_events
from layers._read import ReadOptions, read
from layers._tables.need_sets import need_set
from layers._tables.vehicle_table import class_modes, vehicle


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


FIAT = ExposureColumns(occupancy="curve", max_damage="max_damage")


@pytest.fixture(scope="module")
def fiat(shared_data):
    """Delft-FIAT's own small case: buildings by object_id, depths by file and band, curves, and its published numbers."""
    folder = shared_data / "fiat_micro"
    buildings = gpd.read_file(folder / "buildings.geojson").set_index("object_id")
    curves = load_curves(folder / "vulnerability_curves.csv", "wide")

    def damages(name, band=1, rule="fiat"):
        with open_raster(folder / name, band=band) as depth:
            return damage_on_raster(depth, buildings, curves, rule, columns=FIAT)["damage"]

    def cells(name, band=1):
        with open_raster(folder / name, band=band) as raster:
            return raster.read(0, 0, 10, 10)

    return SimpleNamespace(damages=damages, cells=cells, curves=curves, told=json.loads((folder / "expected.json").read_text()))


def test_delft_fiat_event_damage_of_objects(fiat):
    found = fiat.damages("event_depth.tif")
    told = fiat.told["geom_event"]
    assert found[2] == told["object 2 total_damage (int)"]
    assert found[3] == told["object 3 total_damage (int)"]


def test_delft_fiat_risk_of_objects(fiat):
    found = [fiat.damages("risk_depth_rp2_5_10_25.tif", band) for band in (1, 2, 3, 4)]
    told = fiat.told["geom_risk"]
    assert int(found[1][2]) == told["object 2 damage_structure_5.0y"]
    assert int(found[2][4]) == told["object 4 total_damage_10.0y"]
    yearly = annual_expectation(fiat.told["return_periods"], [damages[3] for damages in found], rule="log_linear")
    assert round(float(yearly), 2) == told["object 3 ead_damage"]
    assert float(annual_expectation(fiat.told["return_periods"], [one[3] for one in found])) == pytest.approx(1030.86, abs=0.01)


def test_delft_fiat_grids(fiat):
    worth = fiat.cells("exposure_grid.tif")
    event = grid_damage(fiat.cells("event_depth.tif"), worth, fiat.curves, "struct_1", depth_decimals=2)
    assert event[2, 4] == pytest.approx(fiat.told["grid_event"]["arr[2,4]"], abs=1e-9)
    assert event[7, 3] == pytest.approx(fiat.told["grid_event"]["arr[7,3]"], abs=1e-9)
    depths = [fiat.cells("risk_depth_rp2_5_10_25.tif", band) for band in (1, 2, 3, 4)]
    bands = [grid_damage(depth, worth, fiat.curves, "struct_1", depth_decimals=2) for depth in depths]
    yearly = annual_expectation(fiat.told["return_periods"], [band.ravel() for band in bands], rule="log_linear").reshape(10, 10)
    told = fiat.told["grid_risk ead"]  # to one decimal, the rest cut off
    assert (int(yearly[1, 2] * 10) / 10, int(yearly[5, 6] * 10) / 10) == (told["arr[1,2]"], told["arr[5,6]"])


def test_delft_fiat_object_3_by_exact_areas(fiat):
    assert fiat.damages("event_depth.tif", rule="mean_depth")[3] == pytest.approx(1004.3, abs=0.05)


def test_jrc_asia_residential(shared_data):
    curves = load_curves(shared_data / "depth_damage" / "jrc_huizinga_2017_damage_fraction.csv", "jrc")
    assert fractions(curves, ["asia residential"] * 3, [0.5, 1.0, 2.0]).fraction.tolist() == [0.327, 0.494, 0.721]


@pytest.mark.parametrize(
    ("kind", "feet", "per_cent"), [("R11N", 1, 23), ("R11N", 1.5, 27.5), ("R11B", -2, 14), ("R11B", -9, 0), ("R11N", 30, 84)]
)
def test_hazus_one_storey_house_by_its_table(shared_data, kind, feet, per_cent):
    path = shared_data / "depth_damage" / "hazus_fast_lookuptables" / "Building_DDF_Riverine_LUT_Hazus4p0.csv"
    assert fractions(load_curves(path, "hazus"), [kind], [feet * 0.3048]).fraction[0] == pytest.approx(per_cent / 100)


def test_damagescanner_micro_buildings_to_the_last_figure(shared_data):
    folder = shared_data / "damagescanner_micro"
    buildings = gpd.read_file(folder / "buildings.gpkg")
    columns = ExposureColumns(occupancy="object_type", max_damage="max_damage_per_m2")
    with open_raster(folder / "depth.tif") as depth:
        found = damage_on_raster(depth, buildings, load_curves(folder / "curves.csv", "wide"), "per_cell", columns=columns)
    np.testing.assert_allclose(found["damage_known"], buildings["expected_damage"])
    assert found["unknown"].dropna().to_dict() == {6: "depth unknown", 7: "depth unknown for a part"}  # DamageScanner: dry


def test_people_flooded_in_jakarta(shared_data):
    def cells(name):
        with open_raster(shared_data / "jakarta" / name) as raster:
            return raster.read(0, 0, raster.grid.rows, raster.grid.columns)

    people = cells("population_density_hkv.tif") * 0.025
    found = [affected(cells(f"flood_depth_{name}.tif"), people, 0.0).affected for name in ("current", "design")]
    assert [round(count) for count in found] == [2_480_451, 1_533_821]
    # InaSAFE printed 2,480 and 1,533 thousand. Both agree if it cut the rest off, the second not if it rounded: that it
    # cuts is inferred from these two figures, it is not said where they are printed.
    assert [int(count / 1000) for count in found] == [2480, 1533]


def test_minimum_needs_of_jakarta_as_inasafe_printed_them():
    found = needs(979_000, need_set("bnpb"))["amount"]
    assert found.tolist() == [2_741_200, 17_132_500, 65_593_000, 195_800, 48_950]


@pytest.fixture(scope="module")
def florida(shared_data):
    """CLIMADA's demonstration: 14,450 tropical cyclones at 100 sites, 50 assets and their impact function."""
    storms = read_events(shared_data / "climada" / "atl_prob_nonames.mat")
    today = read_entity(shared_data / "climada" / "demo_today.xlsx", "TC")
    site = assets_to_sites(storms, today.lon, today.lat)
    return SimpleNamespace(storms=storms, today=today, asked=(site, today.value, today.occupancy, today.mdd, today.paa))


# CLIMADA-project/climada_python, climada/engine/test/test_impact_calc.py: test_calc_impact_TC_pass and the insured ones,
# with cover / 1000 and deductible + 100,000. Columns: events 13809 and 12147, assets 0, 25 and 49, the average year.
CLIMADA_IMPACTS = {
    (): (
        1.472482938320243e8, 7.076504723057620e10, 1.518553670803242e8, 1.373490457046383e8, 1.066837260150042e8,
        6.512201157564421e9,
    ),
    ("cover", "deductible"): (62_989_686, 657_053_294, 3_072_092, 2_778_593, 2_716_548, 143_180_396),
    ("deductible",): (147_188_636, 70_761_282_665, 151_847_975, 137_341_654, 106_676_521, 6_511_839_456),
    ("cover",): (62_989_686, 657_053_294, 3_072_413, 2_778_914, 2_716_831, 143_195_738),
}


@pytest.mark.parametrize("insured", CLIMADA_IMPACTS)
def test_climada_impacts_of_tropical_cyclones(florida, insured):
    terms = {"cover": florida.today.cover / 1e3, "deductible": florida.today.deductible + 1e5}
    found = impact(florida.storms, *florida.asked, **{name: terms[name] for name in insured})
    figures = [*found.at_event[[13809, 12147]], *found.eai_exp[[0, 25, 49]], found.aai_agg]
    np.testing.assert_allclose(figures, CLIMADA_IMPACTS[insured], rtol=0 if insured else 1e-13, atol=1 if insured else 0)
    assert found.at_event[[0, 7225, 14449]].tolist() == [0, 0, 0]
    assert found.tot_value == pytest.approx(6.570532945599105e11, rel=1e-14)


@pytest.mark.parametrize("metric", METRICS)
def test_climada_average_year_by_every_metric(florida, metric):
    site = assets_to_sites(florida.storms, florida.today.lon, florida.today.lat, metric=metric)
    assert impact(florida.storms, site, *florida.asked[1:]).aai_agg == pytest.approx(6.512201157564421e9, rel=1e-13)


def test_climada_fraction_of_six_tenths(florida):
    storms = dataclasses.replace(florida.storms, fraction=florida.storms.fraction * 0.6)
    assert impact(storms, *florida.asked).aai_agg == pytest.approx(0.6 * 6.512201157564421e9, rel=1e-13)


def test_an_event_of_climada_by_asset_is_its_total(florida):
    assert losses_of_event(florida.storms, 12147, *florida.asked).sum() == pytest.approx(7.076504723057620e10, rel=1e-13)


# climada/hazard/test/test_base.py (versions to 5): test_ref_all_pass, and test_ref_orig_pass of version 1
@pytest.mark.parametrize(
    ("kept", "years", "site", "metres_a_second"),
    [
        ("all", 25, 0, 55.424015590131290), ("all", 50, 0, 67.221687644669998), ("all", 100, 0, 79.019359699208721),
        ("all", 250, 0, 94.615033842370963), ("all", 50, 66, 70.608592953031405), ("all", 250, 33, 88.510983305123631),
        ("all", 100, 99, 79.717518054203623), ("observed", 25, 0, 55.763055630205507), ("observed", 25, 82, 51.142476557641359),
        ("observed", 100, 96, 79.651362050077225), ("observed", 50, 20, 66.439658831126991),
    ],
)
def test_climada_wind_of_a_return_period(florida, kept, years, site, metres_a_second):
    storms = florida.storms if kept == "all" else observed(florida.storms)
    found = intensity_of_period(storms, [years], above=10.0, rule="log_fit")[0, site]
    assert found == pytest.approx(metres_a_second, rel=1e-12)


# climada/hazard/test/test_base.py: TestYearset.test_ref_pass
@pytest.mark.parametrize(
    ("year", "ids"), [(1851, range(1, 32, 10)), (1958, range(8421, 8512, 10)), (2010, range(14071, 14252, 10))]
)
def test_climada_observed_storms_of_a_year(florida, year, ids):
    storms = observed(florida.storms)
    assert [storms.ids[at] for at in np.flatnonzero(storms.year == year)] == [str(number) for number in ids]


# climada/engine/test/test_impact.py: TestFreqCurve
CLIMADA_LOSSES = 1e9 * np.array([
    0, 0.400665463736549, 3.150330960044466, 3.715826406781887, 2.900244271902339, 0.778570745161971, 0.698736262566472,
    0.381063674256423, 0.569142464157450, 0.467572545849132,
])


def test_climada_exceedance_curve():
    curve = exceedance(CLIMADA_LOSSES, np.full(10, 6.211180124223603e-4))
    np.testing.assert_allclose(curve.return_period, 1610 / np.arange(1, 11), rtol=1e-12)
    assert curve.loss.tolist() == sorted(CLIMADA_LOSSES, reverse=True)
    for beyond in ("held", "rarer_unknown"):
        found = loss_at(curve, [100, 500, 1000], beyond=beyond)
        assert found.tolist() == pytest.approx([0, 2320408028.5695677, 3287314329.129928], rel=1e-12)


# climada/engine/test/test_impact.py: TestRPmatrix.test_local_exceedance_impact_methods (printed to 80 % there)
def test_climada_local_exceedance_by_step_and_by_logarithms():
    curve = exceedance([10.0, 100.0, 1000.0], [1.0, 0.1, 0.01])
    assert loss_at(curve, [1000, 30, 0.1], rule="step", beyond="zero_and_held").tolist() == [1000, 100, 0]
    found = loss_at(curve, [1000, 30, 0.1], rule="log_log", beyond="zero_and_held")
    assert found.tolist() == pytest.approx([1000, 300, 0], rel=0.2)


# --- InaSAFE: buildings by hazard class and area. Its rule: a building has the worst class it touches, and counts in the
# area of the least id among those it touches. A zone without a class is no zone to InaSAFE; to us it is unknown.


def inasafe(shared_data, *names):
    return (gpd.read_file(shared_data / "jakarta" / "inasafe" / name).to_crs(4326) for name in names)


@pytest.fixture(scope="module")
def inasafe_grid(shared_data):
    """Zones of three classes and one without, and three areas."""
    zones, areas = inasafe(shared_data, "gisv4/hazard/classified_vector.geojson", "gisv4/aggregation/small_grid.geojson")
    return zones, areas.set_index("area_id")


@pytest.mark.parametrize(
    ("name", "high", "medium", "affected_by_area", "not_exposed"),
    [("building-points", 4, 1, None, 4), ("buildings", 4, 2, {10: 3, 20: 1, 30: 2}, 3)],
)
def test_buildings_by_class_and_area_as_inasafe_counts_them(
    shared_data, inasafe_grid, name, high, medium, affected_by_area, not_exposed
):
    zones, areas = inasafe_grid
    (buildings,) = inasafe(shared_data, f"gisv4/exposure/{name}.geojson")
    order = ("high", "medium", "low")
    readings = zone_readings(buildings, zones, "hazard_value", "worst", order=order)
    found = tally(readings, buildings, areas, "first_touched", order=order)
    by_class = found.inside.sum()
    assert by_class[["high", "medium", "low"]].tolist() == [high, medium, 0]
    assert by_class["none"] + by_class["unknown"] == not_exposed
    if affected_by_area:
        assert found.inside[["high", "medium"]].sum(axis=1).to_dict() == affected_by_area


@pytest.mark.parametrize(
    ("kind", "by_area"),  # published rounded up to tens; kinds by area B, C, F, G
    [
        ("", [10, 10, 20, 20]),
        ("government", [10, 0, 10, 0]),
        ("residential", [0, 10, 10, 20]),
        ("commercial", [0, 0, 0, 10]),
        ("school", [10, 0, 10, 0]),
        ("place of worship - islam", [10, 0, 10, 0]),
        ("clinic/doctor", [0, 0, 0, 10]),
    ],
)
def test_flooded_buildings_by_kind_and_area_as_inasafe_counts_them(shared_data, kind, by_area):
    zones, buildings, areas = inasafe(
        shared_data, "hazard/flood_multipart_polygons.shp", "exposure/buildings.shp", "aggregation/grid_jakarta.geojson"
    )
    zones["flooded"] = zones["FLOODPRONE"].str.lower()
    readings = zone_readings(buildings, zones, "flooded", "worst", order=("yes", "no"))
    of_kind = (buildings["TYPE"].str.lower() == kind).astype(int) if kind else None
    found = tally(readings, buildings, areas.set_index("name"), "first_touched", order=("yes", "no"), weights=of_kind)
    assert (np.ceil(found.inside["yes"].loc[["B", "C", "F", "G"]] / 10) * 10).tolist() == by_area
    if not kind:
        extent = shapely.box(*zones.total_bounds)
        assert (found.inside["yes"].sum(), buildings.intersects(extent).sum()) == (33, 176)


def test_jakarta_districts_hold_every_building_at_each_level(shared_data):
    """Conservation on real data: 22,266 buildings to 261, 42 and 5 areas."""
    path = shared_data / "jakarta" / "jakarta.gpkg"
    buildings = gpd.read_file(path, layer="buildings_osm_geometry_only")
    levels = [gpd.read_file(path, layer=name) for name in ("admin3_kelurahan_261", "admin2_kecamatan_42", "admin1_kabupaten_5")]
    steps = roll_up_chain(pd.Series(1, index=buildings.index), buildings, levels, "centroid")
    assert [int(step.known.sum()) + step.outside + step.unplaced for step in steps] == [len(buildings)] * 3


# --- Kampen: buildings of OpenStreetMap on a depth raster, object by object. Delft-FIAT 0.4.0 and DamageScanner 1.0.0b2
# give the same figures for 20,000 of them (bench/damage_kampen.py); here each rule is written out anew, one by one.


@pytest.fixture(scope="module")
def kampen(shared_data):
    """500 buildings, the depth raster and its cells, curves, and money a square metre."""
    folder = shared_data / "kampen"
    read = pyogrio.read_dataframe(
        folder / "exposure" / "kampen.osm.pbf", layer="multipolygons", columns=["building"], where="building is not null",
        max_features=500,
    )
    worth = amounts(folder / "vulnerability" / "maxdam_osm.csv", "object_type", "damage")
    buildings = read.to_crs(28992)
    buildings["kind"] = buildings["building"].where(buildings["building"].isin(worth), "yes")
    buildings["m2_worth"] = buildings["kind"].map(worth)
    buildings["worth"] = buildings["m2_worth"] * buildings.area
    path = folder / "hazard" / "1in100_inundation_map.tif"
    with open_raster(path) as raster:
        cells = raster.read(0, 0, raster.grid.rows, raster.grid.columns)
    curves = pd.read_csv(folder / "vulnerability" / "curves_osm.csv", index_col=0)
    return SimpleNamespace(
        buildings=buildings, path=path, cells=cells, curves=curves,
        ours=load_curves(folder / "vulnerability" / "curves_osm.csv", "wide"),
    )


def kampen_damage(kampen, rule, max_damage):
    columns = ExposureColumns(occupancy="kind", max_damage=max_damage)
    with open_raster(kampen.path) as depth:
        found = damage_on_raster(depth, kampen.buildings, kampen.ours, rule, columns=columns)
    assert (found["damage"] > 0).sum() > 50
    assert found["unknown"].isna().all()
    return found["damage"]


def test_kampen_buildings_under_fiat_s_rule_one_by_one(kampen):
    def of(row):
        west, south, east, north = row.geometry.bounds
        left, top = grid.x, grid.y
        columns = range(int((west - left) // 5), int((east - left) // 5) + 1)
        rows = range(int((top - north) // 5), int((top - south) // 5) + 1)
        touched = [
            float(kampen.cells[r, c]) for r in rows for c in columns
            if row.geometry.intersects(shapely.box(left + 5 * c, top - 5 * r - 5, left + 5 * c + 5, top - 5 * r))
        ]
        wet = [depth for depth in touched if depth > 0.0001]
        if not wet:
            return 0.0
        depth = min(round(sum(wet) / len(wet), 2), kampen.curves.index[-1])
        return round(np.interp(depth, kampen.curves.index, kampen.curves[row.kind]) * row.worth * len(wet) / len(touched), 2)

    with open_raster(kampen.path) as raster:
        grid = raster.grid
    expected = [of(row) for row in kampen.buildings.itertuples()]
    np.testing.assert_allclose(kampen_damage(kampen, "fiat", "worth"), expected, atol=0.011, rtol=0)


def test_kampen_buildings_cell_by_cell_as_exactextract_covers_them(kampen):
    found = exact_extract(str(kampen.path), kampen.buildings, ["values", "coverage"], output="pandas")
    expected = [
        row.m2_worth * 25 * np.sum(np.interp(depths, kampen.curves.index, kampen.curves[row.kind]) * shares)
        for row, depths, shares in zip(kampen.buildings.itertuples(), found["values"], found["coverage"], strict=True)
    ]
    np.testing.assert_allclose(kampen_damage(kampen, "per_cell", "m2_worth"), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["current", "design"])
def test_jakarta_s_people_are_the_same_to_the_last_one_by_5_42_and_261_areas(shared_data, name):
    """In every class and in all, each set of areas with what lies outside it sums to the people of the raster."""
    folder = shared_data / "jakarta"
    with open_raster(folder / f"flood_depth_{name}.tif") as raster, open_raster(folder / "population_density_hkv.tif") as density:
        grid = raster.grid
        depth, people = (each.read(0, 0, grid.rows, grid.columns) for each in (raster, density))
    sums = []
    for level in ("admin1_kabupaten_5", "admin2_kecamatan_42", "admin3_kelurahan_261"):
        areas = to_grid(gpd.read_file(folder / "jakarta.gpkg", layer=level).to_crs(4326).geometry.to_numpy(), grid)
        table = people_by_class_and_area(area_contacts(grid, areas), depth, people * 0.025, (0, 0.5, 1, 1.5))
        assert (table.dtypes == np.int64).all()
        assert (table >= 0).all(axis=None)
        sums.append(table.sum().to_dict())
    assert sums[0] == sums[1] == sums[2]
    assert sums[0]["total"] == round(np.nansum(people) * 0.025)


EARTH_M = 6_371_000.0
CARS = {
    # openrouteservice, the API tests of its repository (directions, preference shortest or the one way there is): metres
    "posted width 2 m in the way": ("car", (8.690915, 49.430117, 8.68834, 49.427758), 808.0),
    "by an arterial road": ("car", (8.689993, 49.399208, 8.692824, 49.406562), 850.2),
    "across a park": ("car", (8.686581, 49.403154, 8.688126, 49.409074), 1046.2),
    "one-way streets": ("car", (8.681495, 49.41461, 8.687872, 49.420318), 1365.16),
    "one of them": ("car", (8.681495, 49.41461, 8.686507, 49.41943), 886.14),
    "the other": ("car", (8.686507, 49.41943, 8.687872, 49.420318), 479.08),
    "and back": ("car", (8.687872, 49.420318, 8.686507, 49.41943), 376.77),
    "out of town": ("car", (8.669232130050661, 49.40850204416985, 8.625125885009767, 49.37098664229148), 7648.0),
    "lorry, streets for delivery": ("truck", (8.672016, 49.382663, 8.667426, 49.380285), 619.0),
    "car, the same": ("car", (8.672016, 49.382663, 8.667426, 49.380285), 494.0),
    "lorry, through a tunnel": ("truck", (8.684872, 49.40527, 8.719071, 49.414851), 2808.0),
    "lorry 4 m high": ("truck", (8.688941, 49.427668, 8.691315, 49.425962), 573.5),
    "lorry 3 m wide": ("truck", (8.76121, 49.417929, 8.761028, 49.419332), 719.0),
}


@pytest.fixture(scope="module")
def heidelberg(shared_data):
    """Roads of the extract, their graph and one whose lengths are on the other router's sphere."""
    raw = read(shared_data / "heidelberg" / "heidelberg.test.osm.pbf", ReadOptions())
    frame = check(layer("roads"), raw, CheckOptions()).frame
    graph = road_graph(frame, class_modes=class_modes())
    rows = np.repeat(np.arange(graph.links), np.diff(graph.point_at))[1:]
    steps = np.where(np.diff(rows, prepend=0) == 0, on_sphere_m(graph.points), 0.0)
    return SimpleNamespace(
        frame=frame, graph=graph, index=index_roads(graph),
        round=dataclasses.replace(graph, length_m=np.bincount(rows, steps, minlength=graph.links)),
    )


def on_sphere_m(points):
    """Haversines between neighbours, the other router's measure; up to 0.34 % short of the ellipsoid, eastward."""
    (lon, lat), (to_lon, to_lat) = np.radians(points[:-1]).T, np.radians(points[1:]).T
    half = np.sin((to_lat - lat) / 2) ** 2 + np.cos(lat) * np.cos(to_lat) * np.sin((to_lon - lon) / 2) ** 2
    return 2 * EARTH_M * np.arcsin(np.sqrt(half))


def shortest_m(town, graph, mode, ends, *closures):
    car = vehicle(mode)
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    travel = weigh(graph, car, by="length", shut=shut_links(graph, closures, car, at).links)
    open_ = weigh(graph, car, by="length")
    places = on_road(open_, town.index, ends[::2], ends[1::2])
    return route(travel, places.take([0]), places.take([1])).metres


@pytest.mark.parametrize("case", CARS)
def test_heidelberg_s_shortest_ways_are_another_router_s(heidelberg, case):
    mode, ends, metres = CARS[case]
    assert shortest_m(heidelberg, heidelberg.round, mode, ends) == pytest.approx(metres, rel=0.0005, abs=1)


@pytest.mark.parametrize(
    ("ends", "area", "metres"),
    [
        ((8.678613, 49.411721, 8.687782, 49.424597), [(8.680, 49.421), (8.687, 49.421), (8.687, 49.418), (8.680, 49.418)], 2181.7),
        (
            (8.673191, 49.446812, 8.689499, 49.398295),
            [(8.685873, 49.414421), (8.688169, 49.403978), (8.702095, 49.407762), (8.695185, 49.416013)],
            6435.1,
        ),
    ],
)
def test_heidelberg_s_shortest_ways_round_an_area_are_another_router_s(heidelberg, ends, area, metres):
    closed = Closure(id="drawn", cause="area", title="drawn", what=Inside(area=shapely.Polygon(area)))
    assert shortest_m(heidelberg, heidelberg.round, "car", ends, closed) == pytest.approx(metres, rel=0.0005)


def test_heidelberg_s_way_round_a_closed_square_is_another_router_s(heidelberg):
    ends = (8.645178, 49.399496, 8.646015, 49.400899)
    (square,) = heidelberg.frame.index[heidelberg.frame["source_id"] == "way/27884831"]
    closed = Closure(id="market", cause="operator", title="market", what=Named(links=(square,)))
    assert shortest_m(heidelberg, heidelberg.round, "car", ends) == pytest.approx(230.2, rel=0.0005)
    assert shortest_m(heidelberg, heidelberg.round, "car", ends, closed) == pytest.approx(367.2, rel=0.0005)


def test_heidelberg_s_geodesic_lengths_lie_where_the_sphere_allows(heidelberg):
    ratio = [
        shortest_m(heidelberg, heidelberg.graph, mode, ends) / shortest_m(heidelberg, heidelberg.round, mode, ends)
        for mode, ends, _ in CARS.values()
    ]
    assert 1.0001 < min(ratio) < max(ratio) < 1.0034


@pytest.fixture(scope="module")
def beira(shared_data):
    """RA2CE's road network of Beira, its origins and destinations (nodes), and the links that flood shuts.

    Its rule: lengths as they stand in the file, every road both ways, a link shut where the mean depth is above 0 unless it
    is tagged ``bridge=yes``.
    """
    folder = shared_data / "beira"
    edges = pyogrio.read_dataframe(folder / "origins_destinations_graph_hazard_edges.gpkg")
    nodes = pyogrio.read_dataframe(folder / "origins_destinations_graph_hazard_nodes.gpkg")
    at = pd.Series(range(len(nodes)), index=nodes["osmid"])
    graph = graph_of_arrays(nodes["x"], nodes["y"], at[edges["u"]], at[edges["v"]], length_m=edges["length"])
    walker = Vehicle(
        id="any", title={"en": "Any"}, mode="car", speed_kmh={"other": 36.0}, heeds_one_way=False, heeds_limit=False,
        min_depth_m=0.0, max_depth_m=0.0, walk_kmh=4.0, walk_max_m=100.0, source="RA2CE", checked="",
    )  # fmt: skip
    od = nodes["od_id"].astype(str)
    shut = ((edges["EV1_me"] > 0) & (edges["bridge"] != "yes")).to_numpy()
    open_ = weigh(graph, walker, by="length")
    origins, destinations = (np.flatnonzero(od.str.contains(letter)) for letter in "OD")
    return SimpleNamespace(
        folder=folder, nodes=nodes, od=od, now=close(open_, shut), open=open_, origins=origins, destinations=destinations
    )


def beira_routes(beira, travel):
    """Of each origin node that reaches a destination: the two nodes, their ids and the metres, by origin node."""
    places, targets = on_nodes(travel.graph, beira.origins), on_nodes(travel.graph, beira.destinations)
    cost, label = cost_at(travel, spread(travel, targets, towards=True), targets, places, towards=True)
    reached = np.flatnonzero(label >= 0)
    ends = beira.origins[reached], beira.destinations[label[reached]]
    osmid, od = beira.nodes["osmid"].to_numpy(), beira.od.to_numpy()
    rows = {"o_node": osmid[ends[0]], "d_node": osmid[ends[1]], "origin": od[ends[0]], "destination": od[ends[1]]}
    ways = routes(travel, places, targets, np.column_stack([reached, label[reached]]))
    np.testing.assert_allclose([way.metres for way in ways], cost[reached], rtol=1e-9)
    return pd.DataFrame({**rows, "metres": cost[reached]}).set_index("o_node").sort_index()


@pytest.mark.parametrize(
    ("state", "file", "column", "count"),
    [("open", "optimal_routes_without_hazard", "lengthNorm", 98), ("now", "optimal_routes_with_hazard", "lengthDisr", 57)],
)
def test_beira_s_routes_to_the_nearest_destination_are_ra2ce_s(beira, state, file, column, count):
    published = pd.read_csv(beira.folder / f"OD_accessibility_analysis_{file}.csv").drop_duplicates(["o_node", "origin"])
    published = published.set_index("o_node").sort_index()
    found = beira_routes(beira, getattr(beira, state))
    assert len(published) == len(found) == count
    pd.testing.assert_frame_equal(found[["d_node", "origin", "destination"]], published[["d_node", "origin", "destination"]])
    np.testing.assert_allclose(found["metres"], published[column], atol=0.5, rtol=0)


def test_beira_s_110_verdicts_and_the_people_cut_off_are_ra2ce_s(beira):
    origins = pd.read_csv(beira.folder / "OD_accessibility_analysis_origins.csv").set_index("o_id")
    reached = {name for names in beira_routes(beira, beira.now)["origin"] for name in names.split(",")}
    cut_off = ~origins.index.isin(reached)
    assert (cut_off == (origins["EV1_me_A"] == "no access")).all()
    assert ((~cut_off).sum(), cut_off.sum()) == (59, 51)
    assert origins["POPULATION"][cut_off].sum() == pytest.approx(73_510.83, abs=0.005)


@pytest.mark.parametrize("by", ["length", "time"])
def test_ways_round_each_of_beira_s_2109_links_are_ra2ce_s_rule_link_by_link(shared_data, by):
    """RA2CE's single-link redundancy: take the edge out of the undirected graph, ask for the least weight between its ends."""
    edges = pyogrio.read_dataframe(shared_data / "beira" / "redundancy_edges.gpkg", read_geometry=False)
    ends, weights = edges[["u", "v"]].to_numpy(), edges[by].to_numpy()
    assert len(edges) == 2109
    nodes = int(ends.max()) + 1
    graph = graph_of_arrays(np.zeros(nodes), np.zeros(nodes), *ends.T, length_m=weights, backward=0)
    anyone = Vehicle(
        id="any", title={"en": "Any"}, mode="car", speed_kmh={"other": 36.0}, heeds_one_way=True, heeds_limit=False,
        min_depth_m=0.0, max_depth_m=0.0, walk_kmh=4.0, walk_max_m=100.0, source="RA2CE", checked="",
    )  # fmt: skip
    found = detours(weigh(graph, anyone, by="length"), ways="either way")
    pairs, pair = np.unique(np.sort(ends, axis=1), axis=0, return_inverse=True)
    least, second = np.array([[*sorted(weights[pair == number]), np.inf][:2] for number in range(len(pairs))]).T
    expected = np.empty(len(edges))
    for link, (one, other) in enumerate(ends):
        stays = least.copy()  # of parallel links: scipy would add them up
        if weights[link] == least[pair[link]]:
            stays[pair[link]] = second[pair[link]]
        undirected = csr_array((stays, pairs.T), shape=(nodes, nodes))
        expected[link] = dijkstra(undirected, directed=False, indices=one)[other]
    np.testing.assert_allclose(found["detour_cost"], expected, rtol=1e-9)
    assert (found["detour"] == np.isfinite(expected)).all()
    np.testing.assert_allclose(found["cost"], weights)
    assert found["detour"].sum() == 1772


def test_nodes_of_real_roads_lie_where_geos_nodes_the_same_lines(shared_data):
    roads = gpd.read_file(shared_data / "jakarta" / "jakarta.gpkg", layer="roads_osm").iloc[:6000]
    graph = road_graph(roads, tolerance_m=1e-6)
    noded = shapely.get_parts(shapely.node(shapely.multilinestrings(shapely.get_parts(roads.geometry.to_numpy()))))
    ends = np.concatenate([shapely.get_coordinates(shapely.get_point(noded, at)) for at in (0, -1)])
    ours = np.column_stack([graph.lon, graph.lat])
    apart = [cKDTree(one).query(other)[0].max() for one, other in ((ends, ours), (ours, ends))]
    assert max(apart) < 1e-7
    assert graph.links > 10_000


def test_heidelberg_s_reach_by_bicycle_is_as_wide_as_another_router_s(heidelberg):
    """openrouteservice draws a smoothed outline of 6.6 km2 at speeds of its own: a band from half to twice that, not a figure."""
    travel = weigh(heidelberg.graph, vehicle("bicycle"))
    seeds = on_road(travel, heidelberg.index, [8.684177], [49.423034])
    (band,) = reach(travel, heidelberg.index, seeds, [400], beside_m=100).bands
    assert 3.3e6 < band.ground_m2 < 13.2e6
