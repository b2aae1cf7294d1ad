import numpy as np
import pyproj
import pytest

from geo_risk.errors import ParameterError
from geo_risk.hazard.grid import ArrayRaster, Grid

NORTH_UP = {"crs": pyproj.CRS(4326), "x": 100.0, "y": 10.0, "dx": 1.0, "dy": -1.0, "columns": 3, "rows": 2}


@pytest.mark.parametrize(
    ("x", "y", "cell"),
    [(100, 10, 0), (101, 9.5, 1), (100.5, 9, 3), (102.999, 8.001, 5), (103, 9.5, -1), (101, 8, -1), (99.9, 9, -1), (np.inf, 9, -1)],
)
def test_a_point_on_an_edge_belongs_to_the_cell_after_it(x, y, cell):
    assert Grid(**NORTH_UP).cells_at(np.array([x]), np.array([y])).tolist() == [cell]


def test_a_grid_whose_first_row_is_the_southern_one():
    south_up = Grid(**{**NORTH_UP, "y": 8.0, "dy": 1.0})
    assert south_up.cells_at(np.array([100.5, 100.5]), np.array([8.5, 9.5])).tolist() == [0, 3]
    assert south_up.bounds == Grid(**NORTH_UP).bounds == (100.0, 8.0, 103.0, 10.0)


@pytest.mark.parametrize("wrong", [{"dx": 0.0}, {"dx": -1.0}, {"dy": 0.0}, {"columns": 0}, {"x": np.nan}, {"dy": np.inf}])
def test_a_grid_without_cells_is_refused(wrong):
    with pytest.raises(ParameterError, match="a grid needs cells of a size"):
        Grid(**{**NORTH_UP, **wrong})


def test_a_window_of_an_array():
    raster = ArrayRaster(grid=Grid(**NORTH_UP), values=np.arange(6.0).reshape(2, 3))
    assert raster.read(1, 1, 1, 2).tolist() == [[4.0, 5.0]]
    assert raster.block == (2, 3)
