"""Delft-FIAT on the files of a folder: ``damage_fiat.py FOLDER``; prints seconds and damages in the order of object_id."""

import json
import sys
import time
from pathlib import Path

from fiat.cfg import Configurations
from fiat.models import GeomModel
from osgeo import ogr


def main(folder: Path) -> None:
    settings = {
        "_root": folder,
        "model": {"srs": {"value": "EPSG:28992"}, "threads": 2},
        "output": {"path": "fiat", "geom": {"name1": "damage.gpkg"}},
        "hazard": {"file": "depth.tif", "elevation_reference": "DEM"},
        "exposure": {"geom": {"file1": "buildings.gpkg", "settings": {"index": "object_id"}}},
        "vulnerability": {"file": "fiat_curves.csv"},
    }
    start = time.perf_counter()
    cfg = Configurations(**settings)
    cfg.setup_output_dir()
    GeomModel(cfg).run()
    seconds = time.perf_counter() - start
    source = ogr.Open(str(folder / "fiat" / "damage.gpkg"))
    found = {feature.GetField("object_id"): feature.GetField("total_damage") for feature in source.GetLayer()}
    if not found:
        sys.exit("Delft-FIAT wrote no objects")  # no figures, so its seconds say nothing
    print(json.dumps({"seconds": seconds, "answer": [found[key] for key in sorted(found)]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
