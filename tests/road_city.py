"""Roads that one can add up by hand: one road along the equator over a bridge, and a long way round in the north.

All roads bear 36 km/h, so 10 m a second; a hundredth of a degree on the equator is 1,113.1949 m. The river runs at
longitude 0.021. West of it lies town *w* with a shelter of 100 places, east of it town *e* with one of 500.

    north ──────── north          0.02
      |              |
    main-w ─ bridge ─ main-e      0.00
    0.00   0.02   0.022   0.04
"""

from typing import Any

import shapely

from small_city import frame

CELL_M = 1113.1949079327358
"""A hundredth of a degree along the equator (WGS84)."""
SPEED_M_S = 10.0


def _road(*points: tuple[float, float], **values: Any) -> tuple[shapely.LineString, dict[str, Any]]:
    return shapely.LineString(points), {"road_class": "county", "max_speed_kmh": 36.0, "joined_by": "shared_points", **values}


ROADS = {
    "main-w": _road((0.0, 0.0), (0.02, 0.0), name="Main Street"),
    "bridge": _road((0.02, 0.0), (0.022, 0.0), name="Old Bridge", bridge=True),
    "main-e": _road((0.022, 0.0), (0.04, 0.0), name="Main Street"),
    "north": _road((0.02, 0.0), (0.02, 0.02), (0.022, 0.02), (0.022, 0.0), name="North Loop", bridge=True),
    "island": _road((0.1, 0.1), (0.11, 0.1), name="Island Road"),
}
_ROWS: dict[str, dict[str, tuple[shapely.Geometry | None, dict[str, Any]]]] = {
    "roads": ROADS,
    "towns": {
        "w": (shapely.box(-0.001, -0.01, 0.0205, 0.03), {"name": "West", "code": "339900001000", "population": 300}),
        "e": (shapely.box(0.0215, -0.01, 0.041, 0.03), {"name": "East", "code": "339900002000", "population": 200}),
        "i": (shapely.box(0.099, 0.099, 0.111, 0.101), {"name": "Island", "code": "339900003000", "population": 50}),
    },
    "flood_points": {
        "fw": (shapely.Point(0.01, 0.0), {"name": "Sluice", "people_threatened": 150}),
        "fe": (shapely.Point(0.03, 0.0), {"name": "Weir", "people_threatened": 80}),
    },
    "shelters": {
        "sw": (shapely.Point(0.0, 0.0), {"name": "School", "kind": "shelter", "capacity": 100, "occupancy": 0, "status": "open",
                                         "for_flood": True}),
        "se": (shapely.Point(0.04, 0.0), {"name": "Hall", "kind": "shelter", "capacity": 500, "occupancy": 0, "status": "open",
                                          "for_flood": True}),
    },
    "rescue_teams": {
        "t1": (shapely.Point(0.0, 0.0), {"name": "Fire", "kind": "fire_rescue", "people": 30, "ready_minutes": 5,
                                         "status": "ready"}),
        "t2": (shapely.Point(0.04, 0.0), {"name": "Boats", "kind": "water", "people": 12, "ready_minutes": 5, "status": "ready"}),
    },
}  # fmt: skip


def frames() -> dict[str, Any]:
    """Every layer of the road city."""
    return {layer_id: frame(layer_id, rows) for layer_id, rows in _ROWS.items()}
