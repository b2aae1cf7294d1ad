"""DamageScanner on the files of a folder: ``damage_damagescanner.py FOLDER``; damages by position, 0 where it lists none."""

import json
import sys
import time
from pathlib import Path

# it imports osgeo, which has no wheel: that of the environment beside this one serves, behind all that is here
sys.path += [str(found) for found in Path(sys.prefix).parent.glob("fiat/lib/python3*/site-packages")]

import geopandas as gpd
import pandas as pd
from damagescanner.core import VectorScanner


def main(folder: Path) -> None:
    start = time.perf_counter()
    buildings = gpd.read_file(folder / "buildings.gpkg")
    amounts = dict(zip(buildings["object_type"], buildings["max_damage_m2"], strict=True))
    found = VectorScanner(
        exposure_file=buildings[["object_type", "geometry"]],
        hazard_file=str(folder / "depth.tif"),
        curve_path=pd.read_csv(folder / "curves.csv", index_col=0),
        maxdam_path=amounts,
        cell_size=5,
        exp_crs=28992,
        haz_crs=28992,
        object_col="object_type",
        centimeters=True,  # leaves metres as they are: its switch multiplies by 100 where it is off
    )
    seconds = time.perf_counter() - start
    answer = pd.Series(0.0, index=range(len(buildings)))
    answer.loc[found.index] = found["damage"].to_numpy()
    print(json.dumps({"seconds": seconds, "answer": answer.tolist()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
