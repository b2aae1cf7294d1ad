import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine

from geo_risk.errors import ParameterError
from geo_risk.impact.curves import Curve, CurveSet
from geo_risk.scale.partitions import points_of, write_partitions
from geo_risk.scale.survey import DepthField, Survey, ZoneField, joined, readings, tally, tally_frame, tally_of

HOUSE = CurveSet(curves={"house": Curve(id="house", intensity=(0, 1, 2), fraction=(0, 0.4, 0.6))})
WEST, EAST = shapely.box(120.0, 30.0, 120.05, 30.1), shapely.box(120.05, 30.0, 120.1, 30.1)
AREAS = {"east": EAST.wkb, "west": WEST.wkb}
SLIDE = shapely.box(120.0, 30.0, 120.1, 30.02)


@pytest.fixture(scope="module")
def depth(tmp_path_factory):
    """Ten by ten cells of 0.01 degrees over the two areas: as deep as the column's number; the last column unknown."""
    path = tmp_path_factory.mktemp("depth") / "depth.tif"
    values = np.tile(np.arange(10, dtype=np.float32) / 4, (10, 1))
    values[:, 9] = -9999
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "width": 10, "height": 10, "crs": "EPSG:4326", "nodata": -9999}
    with rasterio.open(path, "w", transform=Affine(0.01, 0, 120.0, 0, -0.01, 30.1), **profile) as file:
        file.write(values, 1)
    return str(path)


def found_by(asked, exposure):
    return readings(points_of(exposure, asked.columns), asked)


def survey(depth, **changes):
    asked = {
        "hazards": (DepthField(id="flood", path=depth, bounds=(0.5, 1.0)), ZoneField(id="slide", zones=(SLIDE.wkb,))),
        "areas": AREAS, "amounts": ("people",), "occupancy_column": "kind", "value_column": "value", "curves": HOUSE,
        "damage_by": ("flood",),
    }  # fmt: skip
    return Survey(**(asked | changes))


def buildings():
    points = gpd.points_from_xy([120.005, 120.045, 120.085, 120.095, 120.2, 120.05], [30.01, 30.01, 30.05, 30.05, 30.05, 30.05])
    told = {"id": list("abcdef"), "kind": ["house"] * 6, "value": [100.0] * 6, "people": [1.0, 2.0, 4.0, 8.0, 16.0, np.nan]}
    return gpd.GeoDataFrame(told, geometry=points, crs=4326)


def test_each_building_meets_what_it_meets(depth):
    found = found_by(survey(depth), buildings()).set_index("id")
    assert found["area"].tolist() == ["west", "west", "east", "east", "outside", "east"]  # f stands on the border
    assert found["flood"].tolist()[:4] == pytest.approx([0.0, 1.0, 2.0, np.nan], nan_ok=True)
    assert found["slide"].tolist() == [1, 1, 0, 0, 0, 0]
    assert found["flood_damage"].tolist()[:5] == pytest.approx([0.0, 40.0, 60.0, np.nan, np.nan], nan_ok=True)


def test_the_sums_add_up_to_the_whole_with_outside_and_unknown(depth):
    told = tally_frame(tally_of(found_by(survey(depth), buildings()), survey(depth)), survey(depth))
    flood = told[told["hazard"] == "flood"].set_index(["area", "class"])
    assert flood["buildings"].sum() == 6
    assert flood["people"].sum() == 31
    assert flood["people_missing"].sum() == 1
    assert flood.loc[("east", "unknown"), ["buildings", "people", "damage", "damage_missing"]].tolist() == [1, 8, 0, 1]
    assert flood.loc[("outside", "unknown"), "people"] == 16


@pytest.mark.parametrize("rows", [7, 100, 1000])
def test_any_cut_gives_the_same_sums_and_fingerprint(depth, tmp_path, rows):
    rng = np.random.default_rng(3)
    count = 400
    many = gpd.GeoDataFrame(
        {"id": [f"b{n}" for n in range(count)], "kind": rng.choice(["house", "barn"], count), "value": rng.random(count) * 1e5,
         "people": rng.integers(0, 9, count).astype(float)},
        geometry=gpd.points_from_xy(rng.uniform(119.99, 120.11, count), rng.uniform(29.99, 30.11, count)), crs=4326,
    )  # fmt: skip
    asked = survey(depth)
    whole = tally_of(found_by(asked, many), asked)
    pieces = joined(tally(piece, asked) for piece in write_partitions([many], tmp_path / "out", rows))
    assert (pieces.rows, pieces.fingerprint) == (whole.rows, whole.fingerprint)
    pd.testing.assert_frame_equal(tally_frame(pieces, asked), tally_frame(whole, asked), check_exact=True)


def test_a_building_without_a_place_is_unknown_not_dry(depth):
    nowhere = buildings().iloc[:2].set_geometry(gpd.GeoSeries([None, shapely.Polygon()], crs=4326))
    found = found_by(survey(depth), nowhere)
    assert found["flood"].isna().all()
    assert found["slide"].isna().all()
    assert (found["area"] == "outside").all()


def test_a_footprint_stands_at_its_centroid(depth):
    flat = shapely.box(120.03, 29.99, 120.07, 30.02)
    found = found_by(survey(depth), buildings().iloc[:1].set_geometry([flat], crs=4326))
    assert found[["area", "flood", "slide"]].to_numpy().tolist() == [["east", 1.0, 1.0]]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"hazards": ()}, "needs hazards with ids of their own"),
        ({"damage_by": ("fire",)}, "needs hazards with ids of their own.*got: fire"),
        ({"curves": None}, "damage needs curves"),
    ],
)
def test_a_survey_that_contradicts_itself(depth, changes, told):
    with pytest.raises(ParameterError, match=told):
        survey(depth, **changes)


@pytest.mark.parametrize(
    ("column", "told"), [(["x"] * 6, "holds no numbers"), ([-1.0] * 6, "cannot be summed exactly")]
)
def test_amounts_that_are_none(depth, column, told):
    with pytest.raises(ParameterError, match=told):
        tally_of(found_by(survey(depth), buildings().assign(people=column)), survey(depth))
