"""DamageScanner on the files of a folder: ``damage_damagescanner.py FOLDER``; prints seconds and damages by position.

The release candidate 1.0.0b2, which overlays by exactextract; 0.7, the last release before it, turns every wet cell of
the raster into a polygon first, needs osgeo to be imported at all, and is slower.
"""

import json
import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
from clock import Clock
from damagescanner import DamageScanner


def main(folder: Path) -> None:
    clock = Clock()
    buildings = gpd.read_file(folder / "buildings.gpkg")
    worth = buildings[["object_type", "max_damage_m2"]].drop_duplicates("object_type")
    scanner = DamageScanner(
        folder / "depth.tif",
        buildings[["object_type", "geometry"]],
        pd.read_csv(folder / "curves.csv", index_col=0),
        worth.rename(columns={"max_damage_m2": "damage"}),
    )
    found = scanner.calculate(disable_progress=True, asset_type="buildings")
    figures = clock.figures()
    answer = found["damage"].reindex(range(len(buildings)))
    print(json.dumps(figures | {"answer": answer.tolist()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
