"""The demo city 演示城市: one call makes every layer and raster, the same from the same seed on every machine."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import geopandas as gpd
import h5netcdf
import numpy as np
import pandas as pd
import pyproj
import rasterio
from affine import Affine
from numpy.typing import NDArray

from layers._demo.areas import make_areas
from layers._demo.dangers import make_flood_points, make_hazards, make_landslide_zones
from layers._demo.gauges import START, make_rain_gauges, make_readings, make_water_gauges, rain_cube
from layers._demo.grid import CRS, Floats, Grid
from layers._demo.relief import (
    make_aeds,
    make_care_facilities,
    make_checkpoints,
    make_depots,
    make_duty_holders,
    make_helicopters,
    make_helipads,
    make_shelters,
    make_teams,
)
from layers._demo.rivers import drain, make_rivers
from layers._demo.roads import make_roads
from layers._demo.shut_roads import make_closures
from layers._demo.sites import Country
from layers._demo.storm import TONIGHT, depth_m, stages, zones
from layers._demo.terrain import make_ground

SEED: Final = 20260601
NODATA: Final = -9999.0
Progress = Callable[[str, float], None]

_POINTS: Final = (
    ("flood_points", make_flood_points), ("geological_hazards", make_hazards), ("landslide_zones", make_landslide_zones),
    ("shelters", make_shelters), ("helipads", make_helipads),
    ("helicopters", make_helicopters), ("fire_checkpoints", make_checkpoints),
    ("rescue_teams", make_teams), ("supply_depots", make_depots), ("aeds", make_aeds),
    ("care_facilities", make_care_facilities), ("duty_holders", make_duty_holders), ("rain_gauges", make_rain_gauges),
    ("water_gauges", make_water_gauges), ("road_closures", make_closures),
)  # fmt: skip


@dataclass(frozen=True)
class Raster:
    """A grid of float32 with what is needed to read it; ``nodata`` marks cells outside the city."""

    array: NDArray[np.float32]
    transform: Affine
    crs: str
    nodata: float
    unit: str
    title: Mapping[str, str]


@dataclass(frozen=True)
class DemoCity:
    """Every layer's frame by id, and the rasters by name: ``elevation_m``, ``population``, ``flood_depth_m_h00`` to ``h12``.

    ``readings`` are those of the gauges, ``rain`` is hours x rows x columns in mm (nan outside the city), hour 0 first.
    """

    layers: Mapping[str, gpd.GeoDataFrame]
    rasters: Mapping[str, Raster]
    readings: pd.DataFrame
    rain: NDArray[np.float32]


def make_city(seed: int = SEED, progress: Progress | None = None) -> DemoCity:
    """Make the city; ``progress`` hears a stage's name and the share done, 0 to 1."""
    tell = progress or _unheard
    tell("terrain", 0.0)
    grid = Grid()
    ground = make_ground(seed, grid)
    drainage = drain(ground)
    tell("towns", 0.5)
    areas = make_areas(seed, ground, drainage.above_m)
    rivers = make_rivers(seed, ground, drainage)
    tell("storm", 0.65)
    tonight = stages(TONIGHT, drainage, grid)
    depths = [depth_m(stage, drainage, areas.town_of > 0) for stage in tonight]
    flooded = zones(tonight, drainage, rivers, areas.fine_town_of, grid)
    tell("roads", 0.85)
    roads = make_roads(seed, ground, drainage, areas, rivers)
    tell("places", 0.9)
    country = Country(ground, drainage, areas, roads, rivers.frame, np.max(depths, axis=0))
    found = {"towns": areas.towns, "counties": areas.counties, "rivers": rivers.frame, "roads": roads.frame, "flood_zones": flooded}
    found |= {layer_id: make(seed, country) for layer_id, make in _POINTS}
    rasters = dict(_rasters(country, depths))
    readings = make_readings(seed, country, tonight)
    inside = (areas.town_of > 0).reshape(grid.shape)
    rain = np.where(inside, rain_cube(grid), np.nan).astype(np.float32)
    tell("places", 1.0)
    return DemoCity(MappingProxyType(found), MappingProxyType(rasters), readings, rain)


def write_rasters(city: DemoCity, folder: Path) -> tuple[Path, ...]:
    """Write each raster as ``<name>.tif`` (tiled, deflate); returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_write(raster, folder / f"{name}.tif") for name, raster in city.rasters.items())


def write_observations(city: DemoCity, folder: Path) -> tuple[Path, Path]:
    """Write the gauges' readings as ``observations.csv`` and the rain as the time cube ``rain_mm.nc``; returns both."""
    folder.mkdir(parents=True, exist_ok=True)
    table, cube = folder / "observations.csv", folder / "rain_mm.nc"
    city.readings.to_csv(table, index=False, encoding="utf-8-sig")
    _write_cube(city.rain, city.rasters["elevation_m"].transform, cube)
    return table, cube


def _write_cube(rain: NDArray[np.float32], transform: Affine, path: Path) -> None:
    """NetCDF 4 after the CF conventions: centres of cells, hours in UTC, and what maps the plane to the Earth."""
    hours, rows, columns = rain.shape
    with h5netcdf.File(path, "w") as file:
        file.dimensions = {"time": hours, "y": rows, "x": columns}
        file.attrs.update({"Conventions": "CF-1.8", "title": "演示数据 synthetic"})
        for name, (values, attributes) in _axes(hours, rows, columns, transform).items():
            file.create_variable(name, (name,), data=values).attrs.update(attributes)
        plane = file.create_variable("crs", (), data=np.int32(0))
        plane.attrs.update(pyproj.CRS(CRS).to_cf())
        cube = file.create_variable(
            "rain_mm", ("time", "y", "x"), data=rain, fillvalue=np.float32(np.nan), chunks=(1, rows, columns), compression="gzip",
            compression_opts=1,
        )  # fmt: skip
        cube.attrs.update({"units": "mm", "long_name": "rain in the hour before", "grid_mapping": "crs"})


def _axes(hours: int, rows: int, columns: int, transform: Affine) -> dict[str, tuple[Floats, dict[str, str]]]:
    since = START.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
    y = np.asarray(transform.f + transform.e * (np.arange(rows) + 0.5), dtype=float)
    x = np.asarray(transform.c + transform.a * (np.arange(columns) + 0.5), dtype=float)
    return {
        "time": (np.arange(hours, dtype=float), {"units": f"hours since {since}", "calendar": "standard", "standard_name": "time"}),
        "y": (y, {"units": "m", "standard_name": "projection_y_coordinate"}),
        "x": (x, {"units": "m", "standard_name": "projection_x_coordinate"}),
    }


def _write(raster: Raster, path: Path) -> Path:
    rows, columns = raster.array.shape
    profile = {
        "driver": "GTiff", "dtype": "float32", "count": 1, "height": rows, "width": columns, "crs": raster.crs,
        "transform": raster.transform, "nodata": raster.nodata, "tiled": True, "blockxsize": 256, "blockysize": 256,
        "compress": "deflate", "predictor": 2,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(raster.array, 1)
        file.set_band_description(1, raster.title["en"])
        file.set_band_unit(1, raster.unit)
        file.update_tags(attribution="演示数据 synthetic", title_zh=raster.title["zh"])
    return path


def _rasters(country: Country, depths: list[Floats]) -> Iterator[tuple[str, Raster]]:
    yield "elevation_m", _raster(country, country.ground.height_m, "m", "Elevation", "高程")
    yield "population", _raster(country, country.areas.people.astype(float), "people", "People in the cell", "人口")
    for hour, depth in enumerate(depths):
        yield f"flood_depth_m_h{hour:02d}", _raster(country, depth, "m", f"Flood depth at hour {hour}", f"第 {hour} 小时淹没水深")


def _raster(country: Country, values: Floats, unit: str, en: str, zh: str) -> Raster:
    inside = np.where(country.areas.town_of > 0, values, NODATA).astype(np.float32).reshape(country.grid.shape)
    return Raster(inside, country.grid.transform, CRS, NODATA, unit, MappingProxyType({"en": en, "zh": zh}))


def _unheard(_stage: str, _share: float) -> None:
    """Progress that nobody asked to hear."""
