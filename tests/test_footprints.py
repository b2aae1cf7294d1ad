"""Events that are rasters: against the value of each asset's cell, looked up one by one."""

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.errors import ParameterError
from geo_risk.hazard.grid import ArrayRaster, Grid
from geo_risk.impact.curves import Curve, CurveSet
from geo_risk.impact.footprints import raster_impact

GRID = Grid(crs=pyproj.CRS(4326), x=120.0, y=32.0, dx=0.5, dy=-0.5, columns=4, rows=4)
FINE = Grid(crs=pyproj.CRS(4326), x=119.0, y=33.0, dx=0.1, dy=-0.1, columns=40, rows=40)
CURVES = CurveSet(curves={
    "house": Curve(id="house", intensity=(0, 1, 3), fraction=(0, 0.4, 1)),
    "barn": Curve(id="barn", intensity=(0, 2), fraction=(0.1, 0.5)),
})


def looked_up(rasters, lon, lat, value, kind, unknown):
    """Losses of events x assets, the intensity of a cell without value and of places outside being ``unknown``."""
    losses = np.zeros((len(rasters), len(lon)))
    for event, raster in enumerate(rasters):
        for asset in range(len(lon)):
            row = int(np.floor((lat[asset] - raster.grid.y) / raster.grid.dy))
            column = int(np.floor((lon[asset] - raster.grid.x) / raster.grid.dx))
            inside = 0 <= row < raster.grid.rows and 0 <= column < raster.grid.columns
            depth = raster.values[row, column] if inside else np.nan
            curve = CURVES.curves[kind[asset]]
            losses[event, asset] = value[asset] * np.interp(unknown if np.isnan(depth) else depth, curve.intensity, curve.fraction)
    return losses


def flood(random, grid):
    """Depths of 0 to 4 m, a tenth of them unknown."""
    depth = random.uniform(0, 4, (grid.rows, grid.columns))
    return ArrayRaster(grid=grid, values=np.where(random.random(depth.shape) < 0.1, np.nan, depth))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), assets=st.integers(0, 40))
@pytest.mark.parametrize(("named", "unknown"), [("unknown", np.nan), ("zero", 0.0)])
def test_as_looked_up(named, unknown, seed, assets):
    random = np.random.default_rng(seed)
    rasters = [flood(random, grid) for grid in (GRID, GRID, FINE)]
    lon, lat = random.uniform(119.5, 122.5, assets), random.uniform(29.5, 32.5, assets)
    value, kind, often = random.uniform(0, 100, assets), random.choice(["house", "barn"], assets), random.random(3)
    losses = looked_up(rasters, lon, lat, value, kind, unknown)
    found = raster_impact(rasters, often, lon, lat, value, kind, CURVES, nodata=named, outside=named)
    np.testing.assert_allclose(found.at_event, losses.sum(axis=1))
    np.testing.assert_allclose(found.eai_exp, often @ losses)
    np.testing.assert_allclose(found.unknown_at_event, np.isnan(losses) @ value)
    least = raster_impact(rasters, often, lon, lat, value, kind, CURVES, nodata=named, outside=named, unknown="left_out")
    np.testing.assert_allclose(least.at_event, np.nansum(losses, axis=1))


def test_as_looked_up_at_a_real_place():
    raster = ArrayRaster(grid=GRID, values=np.full((4, 4), 1.0))
    found = raster_impact([raster], [0.5], [121.0], [31.0], [100.0], ["house"], CURVES)
    assert (found.at_event.tolist(), found.eai_exp.tolist(), found.aai_agg, found.tot_value) == ([40], [20], 20, 100)


def test_an_asset_without_place_value_or_curve_is_unknown():
    raster = ArrayRaster(grid=GRID, values=np.full((4, 4), 1.0))
    found = raster_impact(
        [raster], [0.5], [121.0, np.nan, 121, 121], [31.0] * 4, [100.0, 1, np.nan, 2], ["house", "house", "house", "tent"], CURVES,
        unknown="left_out",
    )
    np.testing.assert_array_equal(found.eai_exp, [20, np.nan, np.nan, np.nan])
    assert (found.unknown_assets, found.unknown_value, found.without_curve, found.at_event.tolist()) == (3, 3, ("tent",), [40])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"frequency": [0.1, 0.2]}, "differ in number.*2 frequencies"),
        ({"frequency": [-0.1]}, "a frequency must be a number"),
        ({"value": [-3.0]}, "a value is negative or infinite.*got: -3.0"),
        ({"value": []}, "assets lack something"),
        ({"nodata": "dry"}, "no such rule for nodata.*unknown, zero"),
        ({"unit": "ft"}, "curves and events differ in unit"),
    ],
)
def test_what_is_refused(change, text):
    asked = {"frequency": [0.5], "lon": [121.0], "lat": [31.0], "value": [1.0], "occupancy": ["house"], **change}
    with pytest.raises(ParameterError, match=text):
        raster_impact([ArrayRaster(grid=GRID, values=np.zeros((4, 4)))], mdd=CURVES, **asked)


def test_progress_after_each_raster():
    told = []
    raster = ArrayRaster(grid=GRID, values=np.zeros((4, 4)))
    raster_impact([raster] * 4, [0.1] * 4, [121.0], [31.0], [1.0], ["house"], CURVES, progress=told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]
