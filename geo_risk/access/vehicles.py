"""What goes on the roads: which ways it may use, how fast, and through how deep water."""

from collections.abc import Mapping
from dataclasses import dataclass

from geo_risk.model import Text


@dataclass(frozen=True, kw_only=True)
class Vehicle:
    """A class of vehicle, or people on foot; all numbers come from table *vehicles*.

    ``mode`` is one of `geo_risk.access.road_graph.MODES`; ``speed_kmh`` is by class of road, and a class that is missing cannot
    be used; a posted limit below it counts instead where ``heeds_limit``. Water from ``min_depth_m`` to ``max_depth_m``
    can be passed, both included: a boat needs some, a car bears little. ``walk_kmh`` and ``walk_max_m`` hold between a
    place and its road: a place further from any passable road is unreachable.
    """

    id: str
    title: Text
    mode: str
    speed_kmh: Mapping[str, float]
    heeds_one_way: bool
    heeds_limit: bool
    min_depth_m: float
    max_depth_m: float
    walk_kmh: float
    walk_max_m: float
    source: str
    checked: str
