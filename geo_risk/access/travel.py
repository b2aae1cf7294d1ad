"""The roads as one vehicle finds them now: what each arc costs, places on roads, times, the nearest, routes.

Costs are seconds, or metres where the shortest way is asked for. `math.inf` is "no way": it is never replaced by a guess.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from geo_risk.access.roads import Floats, Ints, Mask, RoadGraph
from geo_risk.access.vehicles import Vehicle

By = Literal["time", "length"]
BY: Final[tuple[By, ...]] = ("time", "length")


@dataclass(frozen=True, kw_only=True, eq=False)
class Travel:
    """A road graph as a vehicle finds it: ``cost`` (2 x links) of each arc, inf where it may not go or the road is shut.

    Costs are seconds (``by="time"``) or metres (``by="length"``). ``shut`` (links) marks what closures took: those links
    would have a finite cost without them.
    """

    graph: RoadGraph
    vehicle: Vehicle
    by: By
    cost: Floats
    shut: Mask


@dataclass(frozen=True, eq=False)
class OnRoad:
    """Places on their nearest passable road, one entry a place.

    ``link`` is -1 where no passable road is within the vehicle's ``walk_max_m`` (or the place is unknown); ``along`` 0..1
    from the link's start; ``walk_m`` geodesic metres to ``lon``, ``lat``, the point on the road.
    """

    link: NDArray[np.int64]
    along: Floats
    walk_m: Floats
    lon: Floats
    lat: Floats

    def __len__(self) -> int:
        return len(self.link)


@dataclass(frozen=True, eq=False)
class Nearest:
    """For each asker the ``k`` nearest targets by cost, shape (askers, k): positions (-1 none) and costs (inf none)."""

    positions: Ints
    cost: Floats
