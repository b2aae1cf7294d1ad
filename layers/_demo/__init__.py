"""The synthetic demo city 演示城市: made by code from a seed, like no place on earth."""

from layers._demo.city import SEED, DemoCity, Raster, make_city, write_observations, write_rasters

__all__ = ["SEED", "DemoCity", "Raster", "make_city", "write_observations", "write_rasters"]
