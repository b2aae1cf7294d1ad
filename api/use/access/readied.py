"""Compiled kernels made ready while nobody waits: each access question is asked once of a road of three nodes.

The first call of a kernel after an installation compiles it, some seconds each; later ones read it from the disk. The
service starts this module as a process of low priority, so that the first officer who asks is not the one who waits.
"""

import datetime as dt
import os
from typing import Final

import numpy as np
import pyproj
import shapely

from geo_risk.access.closures import Around, Closure, Inside, Named, shut_links
from geo_risk.access.evacuation import Groups, Shelters, evacuate
from geo_risk.access.isolation import Network, cut_off, detours, facility_losses, link_losses
from geo_risk.access.link_depths import link_depths
from geo_risk.access.nearest import nearest_many
from geo_risk.access.reach import reach
from geo_risk.access.road_graph import MODES, graph_of_arrays
from geo_risk.access.road_index import index_roads
from geo_risk.access.routes import route
from geo_risk.access.selection import inside_area
from geo_risk.access.travel import matrix, nearest_targets, on_road, weigh
from geo_risk.access.vehicles import Vehicle
from geo_risk.crs import WGS84
from geo_risk.hazard.grid import ArrayRaster, Grid
from geo_risk.points import index_points

_LON: Final = [120.0, 120.01, 120.02]
_LAT: Final = [30.0, 30.0, 30.0]


def ask_once() -> None:
    """Every access question once, of a road of three nodes."""
    graph = graph_of_arrays(_LON, _LAT, [0, 1], [1, 2], classes=["road"])
    walker = Vehicle(
        id="readied", title={"en": "", "zh": ""}, mode=MODES[-1], speed_kmh={"road": 5.0}, heeds_one_way=False, heeds_limit=False,
        min_depth_m=0.0, max_depth_m=0.3, walk_kmh=5.0, walk_max_m=5000.0, source="", checked="",
    )  # fmt: skip
    grid = Grid(crs=pyproj.CRS(WGS84), x=119.99, y=30.02, dx=0.01, dy=-0.01, columns=4, rows=4)
    link_depths(graph, ArrayRaster(grid=grid, values=np.zeros((4, 4))))
    closures = [
        Closure(id="a", cause="", what=Around(lon=121.0, lat=30.0, radius_m=10.0)),
        Closure(id="b", cause="", what=Inside(area=shapely.box(121.0, 30.0, 121.1, 30.1))),
        Closure(id="c", cause="", what=Named(links=("0",))),
    ]
    shut_links(graph, closures, walker, dt.datetime.now(tz=dt.UTC))
    travel, index = weigh(graph, walker), index_roads(graph)
    places = on_road(travel, index, _LON, _LAT)
    network = Network(travel=travel, places=places, facilities=places.take([0]))
    people = np.full(len(places), 1.0)
    cut_off(network, network, people)
    link_losses(network, people)
    facility_losses(network, people)
    detours(travel)
    seconds = matrix(travel, places, places)
    nearest_targets(travel, places, places, k=1)
    route(travel, places.take([0]), places.take([2]))
    reach(travel, index, places.take([0]), [300.0], beside_m=300.0)
    points = index_points(_LON, _LAT)
    nearest_many(points, _LON, _LAT, k=1, radius_m=1000.0)
    inside_area(np.array(_LON), np.array(_LAT), shapely.box(119.0, 29.0, 121.0, 31.0))
    evacuate(
        Groups(ids=_LON, people=[1, 1, 1], wheels=[0, 0, 0], care=[0, 0, 0]), Shelters(ids=_LON, free=[1, 1, 1]), seconds, 3600.0
    )


if __name__ == "__main__":
    os.nice(10)
    ask_once()
