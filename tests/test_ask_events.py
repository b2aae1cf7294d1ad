"""The question *events* through the real command line: CLIMADA's published figures, sums by hand, hostile input."""

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

import ask_cli
from ask_cli import asked

EXAMPLE = Path(__file__).resolve().parents[1] / "docs" / "scenarios" / "events_climada.toml"
SCENARIO = """
question = "events"
return_period_years = [4, 2]
[events]
file = "storms.csv"
unit = "m/s"
[exposure]
file = "assets.geojson"
id_column = "name"
occupancy_column = "kind"
value_column = "worth"
[curves]
file = "curves.csv"
unit = "m/s"
[[areas]]
id = "towns"
file = "towns.geojson"
id_column = "code"
"""


def rows(answer, table):
    """Records by the last of their keys."""
    return {key[-1]: record for key, record in ask_cli.rows(answer, table).items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two storms at two sites: often 2 at the first, rarely 4 at both; two houses at the first site, one asset far away."""
    path = tmp_path_factory.mktemp("events")
    (path / "storms.csv").write_text(
        "event,frequency,lon,lat,intensity\noften,0.25,0,0,2\nrare,0.25,0,0,4\nrare,0.25,1,0,4\n"
    )
    (path / "curves.csv").write_text("wind,house\n0,0\n4,1\n")
    told = {"name": ["a", "b", "c"], "kind": ["house"] * 3, "worth": [100.0, 10.0, 8.0], "borne": [0.0, 5.0, 0.0]}
    gpd.GeoDataFrame(told, geometry=gpd.points_from_xy([0, 0, 1], [0, 0, 0]), crs=4326).to_file(path / "assets.geojson")
    gpd.GeoDataFrame({"code": ["t"]}, geometry=[shapely.box(-0.5, -1, 0.5, 1)], crs=4326).to_file(path / "towns.geojson")
    return path


@pytest.fixture(scope="module")
def answer(folder, small_store):
    return asked(folder, small_store, SCENARIO)


def test_losses_by_hand_both_ways(answer):
    """Often: half of 110; rare: all of 118; a year 0.25 of both."""
    assert {name: row["loss"] for name, row in rows(answer, "events").items()} == {"often": 55, "rare": 118}
    assert {name: row["annual"] for name, row in rows(answer, "objects").items()} == {
        "a": 37.5, "b": 3.75, "c": 2, "(total)": 43.25,
    }
    assert rows(answer, "totals")["average_year"]["amount"] == (55 + 118) * 0.25


def test_the_loss_of_a_period_is_on_the_curve(answer):
    found = rows(answer, "exceedance")
    assert (found[2]["loss"], found[4]["loss"]) == (55, 118)


def test_areas_and_the_outside_are_the_total(answer):
    assert {name: row["annual_known"] for name, row in rows(answer, "areas").items()} == {
        "t": 41.25, "(outside)": 2, "(total)": 43.25,
    }


def test_an_asset_beyond_reach_is_unknown_or_not_exposed_by_choice(folder, small_store):
    far = SCENARIO + "[rules]\nreach_m = 10.0\n"
    places = gpd.read_file(folder / "assets.geojson")
    places.set_geometry(places.translate(0, 0.01)).to_file(folder / "moved.geojson")
    moved = asked(folder, small_store, far.replace("assets.geojson", "moved.geojson"))
    assert rows(moved, "totals")["average_year"]["amount"] is None
    assert rows(moved, "events")["rare"]["loss"] is None
    assert moved["unknown"][0].startswith("3 assets lack a site")
    dry = asked(folder, small_store, far.replace("assets.geojson", "moved.geojson") + 'outside = "unexposed"\n')
    assert rows(dry, "totals")["unexposed_assets"]["amount"] == 3
    assert rows(dry, "totals")["average_year"]["amount"] == 0


def test_what_owners_bear_is_not_paid(folder, small_store):
    text = SCENARIO.replace('value_column = "worth"', 'value_column = "worth"\ninsured = true\ndeductible_column = "borne"')
    assert rows(asked(folder, small_store, text), "objects")["b"]["annual"] == 0.25 * (5 - 5) + 0.25 * (10 - 5)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (('curves.csv"\nunit = "m/s"', 'curves.csv"\nunit = "m"'), "curves and events differ in unit"),
        (('file = "storms.csv"', 'file = "storms.csv"\nids = ["none"]'), "no such event"),
        (('file = "storms.csv"', 'file = "storms.csv"\nobserved = true'), "no event is marked as observed"),
        (('file = "storms.csv"', 'file = "curves.csv"'), "the table is no event set"),
        (('file = "storms.csv"', 'file = "assets.geojson"'), "no such form of event set"),
        (("[4, 2]", "[4, 4]"), "each of return_period_years once"),
        (('occupancy_column = "kind"', ""), "either kind, or occupancy_column and value_column"),
        (('[curves]\nfile = "curves.csv"\nunit = "m/s"', ""), "curves for objects; a workbook has its own"),
        (('"worth"', '"price"'), "the objects have no such column"),
        (("[[areas]]", '[rules]\nmetric = "miles"\n[[areas]]'), "where: rules.metric"),
    ],
)
def test_what_cannot_be_asked(folder, small_store, changed, told):
    assert told in asked(folder, small_store, SCENARIO.replace(*changed), status=1)


def test_a_negative_value_is_refused(folder, small_store):
    places = gpd.read_file(folder / "assets.geojson")
    places.assign(worth=-places["worth"]).to_file(folder / "minus.geojson")
    told = asked(folder, small_store, SCENARIO.replace("assets.geojson", "minus.geojson"), status=1)
    assert "a value is negative" in told


@pytest.fixture(scope="module")
def florida(shared_data, small_store, tmp_path_factory):
    return asked(tmp_path_factory.mktemp("florida"), small_store, EXAMPLE.read_text(encoding="utf-8"), shared_data)


# CLIMADA-project/climada_python, climada/engine/test/test_impact_calc.py: test_calc_impact_TC_pass
def test_climada_impacts_by_the_example(florida):
    events, assets, totals = (rows(florida, name) for name in ("events", "objects", "totals"))
    assert events["13810"]["loss"] == pytest.approx(1.472482938320243e8, rel=1e-13)
    assert events["12148"]["loss"] == pytest.approx(7.076504723057620e10, rel=1e-13)
    assert [assets[name]["annual"] for name in ("0", "25", "49")] == pytest.approx(
        [1.518553670803242e8, 1.373490457046383e8, 1.066837260150042e8], rel=1e-13
    )
    assert totals["average_year"]["amount"] == pytest.approx(6.512201157564421e9, rel=1e-13)
    assert totals["value"]["amount"] == pytest.approx(6.570532945599105e11, rel=1e-13)
    assert assets["(total)"]["annual"] == pytest.approx(totals["average_year"]["amount"], rel=1e-12)


# climada/hazard/test/test_base.py (versions to 5): test_ref_all_pass
@pytest.mark.parametrize(
    ("site", "years", "metres_a_second"),
    [
        ("0", 25, 55.424015590131290), ("0", 250, 94.615033842370963), ("66", 50, 70.608592953031405),
        ("99", 100, 79.717518054203623),
    ],
)
def test_climada_winds_by_the_example(florida, site, years, metres_a_second):
    assert rows(florida, "sites")[site][f"intensity_{years}y"] == pytest.approx(metres_a_second, rel=1e-12)


def test_the_ten_worst_events_are_told_and_those_asked_for(florida):
    ranks = sorted(row["rank"] for row in rows(florida, "events").values())
    assert ranks[:10] == list(range(1, 11))
    assert len(ranks) == 12
