"""Points on a raster by others: ``raster_points_theirs.py WAY FOLDER COUNT``; WAY is sample, sel or whole."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from clock import Clock

Floats = np.ndarray[Any, np.dtype[np.float64]]


def sample(path: Path, lon: Floats, lat: Floats) -> Floats:
    """rasterio.sample, point by point; in the order of the points, as a caller has them."""
    with rasterio.open(path) as raster:
        found = np.fromiter((value for (value,) in raster.sample(zip(lon, lat, strict=True))), dtype=float, count=len(lon))
        found[found == raster.nodata] = np.nan
    return found


def sel(path: Path, lon: Floats, lat: Floats) -> Floats:
    """rioxarray: the nearest cell centre of each point."""
    import rioxarray  # noqa: PLC0415 (the other ways do without it)
    import xarray  # noqa: PLC0415

    with rioxarray.open_rasterio(path, masked=True) as raster:
        found = raster.sel(x=xarray.DataArray(lon), y=xarray.DataArray(lat), method="nearest", band=1)
        return found.to_numpy().astype(float)


def whole(path: Path, lon: Floats, lat: Floats) -> Floats:
    """The whole raster in memory, and numpy."""
    with rasterio.open(path) as raster:
        values, (dx, _, west, _, dy, north, *_), nodata = raster.read(1), raster.transform, raster.nodata
    row, column = np.floor((lat - north) / dy).astype(int), np.floor((lon - west) / dx).astype(int)
    inside = (row >= 0) & (row < values.shape[0]) & (column >= 0) & (column < values.shape[1])
    found = np.full(len(lon), np.nan)
    found[inside] = values[row[inside], column[inside]]
    found[found == nodata] = np.nan
    return found


WAYS: dict[str, Callable[[Path, Floats, Floats], Floats]] = {"sample": sample, "sel": sel, "whole": whole}


def main(way: str, folder: Path, count: int) -> None:
    points = np.load(folder / "points.npy")[:, :count]
    clock = Clock()
    found = WAYS[way](folder / "raster.tif", *points)
    figures = clock.figures()
    np.save(folder / f"{way}.npy", found)
    print(json.dumps({**figures, "answer": str(folder / f"{way}.npy")}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
