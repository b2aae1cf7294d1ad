"""How deep water stands on each link, by a raster of depth."""

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import shapely

from geo_risk.access.link_lines import lines_of_links
from geo_risk.access.road_graph import Floats, Ints, RoadGraph
from geo_risk.hazard.contacts import budgeted, cell_costs, figures, line_contacts, tallied
from geo_risk.hazard.grid import Raster
from geo_risk.hazard.raster import take, to_grid

_CELLS_AT_ONCE: Final = 4_000_000


class LinkDepths(NamedTuple):
    """Of each link the deepest known depth in metres, nan where none is known, and the share of its length without one."""

    depth_m: Floats
    unknown_share: Floats


def link_depths(graph: RoadGraph, raster: Raster) -> LinkDepths:
    """The deepest known depth in the cells that each link runs through, and how much of it has none.

    Parameters
    ----------
    graph : RoadGraph
    raster : Raster
        Depths in metres; nodata, what lies outside and depths below 0 are unknown.

    Returns
    -------
    LinkDepths
        A link of no length has the depth of its cell.

    Notes
    -----
    Links are read by spans, so memory stays bounded; 400,000 links take some seconds.

    Examples
    --------
    >>> import pyproj
    >>> from geo_risk.access.road_graph import graph_of_arrays
    >>> from geo_risk.hazard.grid import ArrayRaster, Grid
    >>> grid = Grid(crs=pyproj.CRS(4326), x=120.0, y=30.0, dx=1.0, dy=-1.0, columns=3, rows=1)
    >>> depth = ArrayRaster(grid=grid, values=np.array([[0.1, 0.5, np.nan]]))
    >>> graph = graph_of_arrays([120.5, 121.5, 122.5, 124.0], [29.5] * 4, [0, 1, 2], [1, 2, 3])
    >>> [column.round(3).tolist() for column in link_depths(graph, depth)]
    [[0.5, 0.5, nan], [0.0, 0.5, 1.0]]
    """
    lines = to_grid(lines_of_links(graph, np.arange(graph.links)), raster.grid)
    depth, unknown = np.full(graph.links, np.nan), np.ones(graph.links)
    for part in budgeted(cell_costs(raster.grid, lines), _CELLS_AT_ONCE):
        found = line_contacts(raster.grid, lines[part])
        sums = tallied(replace(found, cell=np.arange(len(found))), _depths_at(raster, found.cell))
        told = figures(sums, found.whole, known_only=True)
        depth[part], unknown[part] = told["max"], told["unknown_share"].fillna(1.0)
    points = np.flatnonzero(shapely.length(lines) == 0)
    if len(points):
        depth[points] = _depths_at(raster, raster.grid.cells_at(*shapely.get_coordinates(lines[points])[::2].T))
        unknown[points] = np.isnan(depth[points])
    return LinkDepths(depth, unknown)




def _depths_at(raster: Raster, cells: Ints) -> Floats:
    values = take(raster, cells)
    values[values < 0] = np.nan
    return values
