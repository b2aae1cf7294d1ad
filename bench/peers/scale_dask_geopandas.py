"""dask-geopandas on the files of bench/scale.py: centroids, joins with towns and zones, a raster gather."""

import json
import sys
import time
from functools import cache
from pathlib import Path

import dask_geopandas
import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from distributed import Client, LocalCluster

BOUNDS = (0.1, 0.5, 1.0, 2.0)


def piece(frame: gpd.GeoDataFrame, folder: str, zones: dict[str, gpd.GeoDataFrame]) -> pd.DataFrame:
    """Counts and people by hazard and class: the same rules as ours, in geopandas' own words."""
    points = frame.set_geometry(frame.geometry.centroid)
    values, transform = depths(folder)
    x, y = points.geometry.x.to_numpy(), points.geometry.y.to_numpy()
    columns = np.floor((x - transform.c) / transform.a).astype(int)
    rows = np.floor((y - transform.f) / transform.e).astype(int)
    classes = {"depth": np.searchsorted(BOUNDS, values[rows, columns].astype(float), side="right")}
    for name, zone in zones.items():
        hit = points.sjoin(zone, predicate="intersects").index.unique()
        classes[name] = points.index.isin(hit).astype(int)
    town = points.sjoin(zones_of_towns(folder), how="left", predicate="intersects")
    town = town[~town.index.duplicated()]["town"].to_numpy()
    parts = []
    for name, of in classes.items():
        table = pd.DataFrame({"hazard": name, "class": of, "town": town, "n": 1, "people": frame["people"].to_numpy()})
        parts.append(table.groupby(["hazard", "class", "town"], dropna=False)[["n", "people"]].sum().reset_index())
    return pd.concat(parts)


@cache
def depths(folder: str) -> tuple[np.ndarray, rasterio.Affine]:
    """The whole raster, read once by each worker."""
    with rasterio.open(f"{folder}/depth.tif") as file:
        return file.read(1), file.transform


@cache
def zones_of_towns(folder: str) -> gpd.GeoDataFrame:
    """The towns with their ids."""
    return gpd.read_parquet(f"{folder}/towns.parquet").rename(columns={"id": "town"})


def main() -> None:
    folder = sys.argv[1]
    zones = {name: gpd.read_parquet(f"{folder}/{name}.parquet") for name in ("slide", "flood")}
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50
    ) as local, Client(local):
        start = time.perf_counter()
        files = sorted(str(file) for file in Path(folder, "buildings").glob("*.parquet"))
        frame = dask_geopandas.read_parquet(files, split_row_groups=True)
        kinds = {"hazard": object, "class": int, "town": object, "n": int, "people": float}
        meta = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
        found = frame.map_partitions(piece, folder, zones, meta=meta).compute()
        sums = found.groupby(["hazard", "class"])[["n", "people"]].sum()
        seconds = time.perf_counter() - start
    answer = {}
    for name, count in (("depth", len(BOUNDS) + 2), ("slide", 3), ("flood", 3)):
        table = sums.loc[name].reindex(range(count), fill_value=0)
        answer[name] = [table["n"].astype(int).tolist(), table["people"].astype(float).tolist()]
    print(json.dumps({"seconds": seconds, "answer": answer}))


if __name__ == "__main__":
    main()
