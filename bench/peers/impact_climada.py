"""CLIMADA on the files that ``bench/impact.py`` made: ``raster FOLDER`` or ``events FOLDER``; one JSON line."""

import json
import logging
import sys
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
from climada.engine import ImpactCalc
from climada.entity import Exposures, ImpactFunc, ImpactFuncSet
from climada.hazard import Centroids, Hazard
from clock import Clock
from scipy import sparse


def curve(folder: Path) -> ImpactFuncSet:
    intensity, mdd, paa = np.load(folder / "curve.npy")
    return ImpactFuncSet([ImpactFunc(haz_type="XX", id=1, intensity=intensity, mdd=mdd, paa=paa, intensity_unit="m")])


def exposures(folder: Path) -> Exposures:
    lon, lat, value = np.load(folder / "assets.npy")
    frame = gpd.GeoDataFrame({"value": value, "impf_XX": 1}, geometry=gpd.points_from_xy(lon, lat), crs=4326)
    return Exposures(frame)


def hazard(kind: str, folder: Path) -> Hazard:
    if kind == "raster":
        return Hazard.from_raster([str(folder / "raster.tif")], haz_type="XX", attrs={"frequency": np.array([0.01])})
    found = np.load(folder / "events.npz")
    count, sites = len(found["frequency"]), len(found["lon"])
    matrix = sparse.csr_matrix((found["intensity"], found["indices"], found["indptr"]), shape=(count, sites))
    return Hazard(
        haz_type="XX", units="m", intensity=matrix, fraction=sparse.csr_matrix((count, sites)), frequency=found["frequency"],
        event_id=np.arange(1, count + 1), event_name=[str(number) for number in range(count)], date=np.arange(1, count + 1),
        centroids=Centroids(lat=found["lat"], lon=found["lon"]),
    )


def main(kind: str, folder: Path) -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    whole = Clock()
    storms, assets = hazard(kind, folder), exposures(folder)
    assets.assign_centroids(storms)
    alone = Clock()
    found = ImpactCalc(assets, curve(folder), storms).impact(save_mat=False, assign_centroids=False)
    sums, told = alone.figures(), whole.figures()
    np.savez(folder / f"climada_{kind}.npz", at_event=found.at_event, eai_exp=found.eai_exp)
    print(json.dumps({**told, "answer": {"aai_agg": found.aai_agg, "alone": sums}}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
