"""What shuts roads in tonight's storm: water on the low ones, a bridge, a slide, a weight limit; and a works site that is gone."""

import datetime as dt
from typing import Final

import geopandas as gpd
import numpy as np
import shapely

from layers._catalog import layer
from layers._demo.gauges import START
from layers._demo.grid import draws, metre_points
from layers._demo.names import Names
from layers._demo.sites import Country, ids
from layers._frame import typed

_THEME: Final = 22
WATER_AT_HOUR: Final = 2
"""The hour whose depths shut the roads: the storm has begun, some ways are longer and a few places are cut off."""
_SLIDE_M: Final = 120.0
_HOUR: Final = dt.timedelta(hours=1)


def make_closures(seed: int, country: Country) -> gpd.GeoDataFrame:
    """Four closures that hold until somebody ends them, and one that ended the day before the storm."""
    rng = draws(seed, _THEME)
    names = Names(rng)
    roads = country.roads.frame
    spans = roads.index[roads["bridge"].astype(bool) & (roads["road_class"] == "county") & roads["name"].notna()]
    out, weak = rng.choice(len(spans), 2, replace=False).tolist()
    lon, lat = _slide(country)
    works = roads.index[(roads["road_class"] == "national") & ~roads["bridge"].astype(bool)][0]
    called = roads["name"]
    rows: list[dict[str, object]] = [
        {
            "title": "演示暴雨：低洼道路积水", "cause": "flood", "depth_raster": f"flood_depth_m_h{WATER_AT_HOUR:02d}.tif",
            "bridges": "kept", "since": START + WATER_AT_HOUR * _HOUR,
        },
        {"title": f"{called[spans[out]]}桥墩冲刷，封闭", "cause": "bridge", "roads": spans[out], "since": START + 5 * _HOUR},
        {
            "title": "边坡塌方，双向中断", "cause": "landslide", "centre_lon": lon, "centre_lat": lat, "radius_m": _SLIDE_M,
            "bridges": "lost", "since": START + 7 * _HOUR,
        },
        {"title": f"{called[spans[weak]]}限载", "cause": "control", "roads": spans[weak], "vehicles": "truck", "since": START},
        {
            "title": "路面养护", "cause": "other", "roads": works, "since": START - 96 * _HOUR, "until": START - 24 * _HOUR,
        },
    ]  # fmt: skip
    wanted = [column.name for column in layer("road_closures").columns]
    columns = {name: [_told(row.get(name)) for row in rows] for name in wanted} | {"said_by": [names.person() for _ in rows]}
    return typed(layer("road_closures"), columns, [None] * len(rows), ids("road_closures", len(rows)))


def _slide(country: Country) -> tuple[float, float]:
    """Longitude and latitude of the middle of the county road on the steepest ground in a struck town."""
    roads = country.roads.frame
    lines = roads.geometry.to_numpy()[(roads["road_class"] == "county").to_numpy() & ~roads["bridge"].to_numpy(dtype=bool)]
    middles = shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True)).round(6)
    cells = country.grid.cell_at(*metre_points(middles).T)
    town = country.areas.town_of[cells] - 1
    steep = np.where((town >= 0) & country.struck[town], country.ground.slope[cells], -1.0)
    lon, lat = middles[int(steep.argmax())].tolist()
    return lon, lat


def _told(value: object) -> object:
    return value.isoformat(timespec="seconds") if isinstance(value, dt.datetime) else value
