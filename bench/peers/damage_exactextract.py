"""exactextract and numpy on the files of a folder: ``damage_exactextract.py FOLDER``; the same sum cell by cell."""

import json
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from clock import Clock
from exactextract import exact_extract

CELL_M2 = 25.0


def main(folder: Path) -> None:
    clock = Clock()
    buildings = gpd.read_file(folder / "buildings.gpkg")
    curves = pd.read_csv(folder / "curves.csv", index_col=0)
    cells = exact_extract(str(folder / "depth.tif"), buildings, ["values", "coverage"], output="pandas")
    answer = [
        float(np.sum(np.interp(values, curves.index, curves[kind]) * coverage * (values > 0)) * CELL_M2 * worth)
        for values, coverage, kind, worth in zip(
            cells["values"], cells["coverage"], buildings["object_type"], buildings["max_damage_m2"], strict=True
        )
    ]
    print(json.dumps(clock.figures() | {"answer": answer}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
