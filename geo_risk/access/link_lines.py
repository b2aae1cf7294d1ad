"""The lines of links as shapes, over the antimeridian too."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_risk.access.road_graph import Floats, Ints, RoadGraph


def lines_of_links(graph: RoadGraph, links: Ints) -> NDArray[Any]:
    """The lines of links; over the antimeridian longitudes go on beyond 180."""
    count = np.diff(graph.point_at)[links]
    of = np.repeat(np.arange(len(links)), count)
    starts = np.cumsum(count) - count
    points = graph.points[np.arange(len(of)) + np.repeat(graph.point_at[links] - starts, count)]
    turns = np.zeros(len(of))
    turns[1:] = np.where(of[1:] == of[:-1], east_turns(points[:, 0]), 0.0)
    if turns.any():
        total = np.cumsum(turns)
        points[:, 0] += total - np.repeat(total[starts], count)
    return np.asarray(shapely.linestrings(points, indices=of), dtype=object) if len(of) else np.empty(0, dtype=object)


def east_turns(lon: Floats) -> Floats:
    """What to add from each point on so that no step goes over more than 180 degrees; a full turn of 360 stays one."""
    step = np.diff(lon)
    return np.where((np.abs(step) > 180.0) & (np.abs(step) < 360.0), -360.0 * np.sign(step), 0.0)
