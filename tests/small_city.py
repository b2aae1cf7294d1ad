"""A city small enough to check by hand: two square towns side by side on the equator, 0.01 degrees wide (about 1.1 km).

West (town "w", 10,000 people) lies half under a past flood; East (town "e") has a population nobody stated.
One open and one closed shelter, one helipad, one flood point, a duty holder with a phone that must never be seen.
"""

from typing import Any

import geopandas as gpd
import shapely

from layers._catalog import layer
from layers._frame import typed

WEST = shapely.box(0.00, 0.00, 0.01, 0.01)
EAST = shapely.box(0.01, 0.00, 0.02, 0.01)
PHONE = "000-7654321"
HOLDER = "Holder Canary"

_ROWS: dict[str, dict[str, tuple[shapely.Geometry | None, dict[str, Any]]]] = {
    "towns": {
        "w": (WEST, {"name": "West", "code": "339900001000", "population": 10_000}),
        "e": (EAST, {"name": "East", "code": "339900002000"}),
    },
    "flood_zones": {"past": (shapely.box(0.00, 0.00, 0.005, 0.01), {"kind": "past", "year": 2019})},
    "flood_points": {
        "fp": (
            shapely.Point(0.002, 0.002),
            {
                "name": "Sluice",
                "people_threatened": 500,
                "hidden_danger": "open",
                "duty_holder": HOLDER,
                "duty_phone": PHONE,
            },
        ),
    },
    "shelters": {
        "open": (
            shapely.Point(0.008, 0.005),
            {"name": "School", "kind": "shelter", "capacity": 400, "occupancy": 100, "status": "open", "phone": PHONE},
        ),
        "shut": (shapely.Point(0.006, 0.005), {"name": "Hall", "kind": "shelter", "capacity": 900, "status": "closed"}),
    },
    "helipads": {"h": (shapely.Point(0.015, 0.005), {"name": "Field", "pad_length_m": 120.0, "pad_width_m": 100.0})},
    "duty_holders": {
        "d": (
            None,
            {"post": "Flood duty", "organisation": "West town", "area_code": "339900001000", "name": HOLDER, "phone": PHONE},
        )
    },
}


def frame(layer_id: str, rows: dict[str, tuple[shapely.Geometry | None, dict[str, Any]]]) -> gpd.GeoDataFrame:
    """A layer's frame from rows of id: (geometry, values)."""
    columns = {column.name: [values.get(column.name) for _, values in rows.values()] for column in layer(layer_id).columns}
    return typed(layer(layer_id), columns, [geometry for geometry, _ in rows.values()], list(rows))


def frames() -> dict[str, gpd.GeoDataFrame]:
    """Every layer of the small city."""
    return {layer_id: frame(layer_id, rows) for layer_id, rows in _ROWS.items()}
