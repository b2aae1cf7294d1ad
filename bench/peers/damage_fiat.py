"""Delft-FIAT on the files of a folder: ``damage_fiat.py FOLDER``; prints seconds and damages in the order of object_id.

FIAT 0.4.0 beside libgdal 3.6 writes nothing: its writer takes the layer's definition from a file that it closes at
once, and the worker falls in it with a segmentation fault, which the run reports as no more than a line of its log.
`Held` keeps that file open; the arithmetic is FIAT's own.
"""

import json
import multiprocessing
import resource
import sys
from multiprocessing.synchronize import Lock
from pathlib import Path

from clock import Clock
from fiat.cfg import Configurations
from fiat.fio import BufferedGeomWriter, open_geom
from fiat.models import GeomModel, worker_geom
from osgeo import ogr, osr


class Held(BufferedGeomWriter):
    """FIAT's writer, with the file open for as long as its definition is used."""

    def __init__(self, file: Path, srs: osr.SpatialReference, buffer_size: int, lock: Lock | None) -> None:
        self.held = open_geom(file, mode="r")
        super().__init__(file, srs, self.held.layer.GetLayerDefn(), buffer_size, lock)


worker_geom.BufferedGeomWriter = Held  # at the top, so that the spawned workers have it too


def main(folder: Path) -> None:
    settings = {
        "_root": folder,
        "model": {"srs": {"value": "EPSG:28992"}, "threads": 2},
        "output": {"path": "fiat", "geom": {"name1": "damage.gpkg"}},
        "hazard": {"file": "depth.tif", "elevation_reference": "DEM"},
        "exposure": {"geom": {"file1": "buildings.gpkg", "settings": {"index": "object_id"}}},
        "vulnerability": {"file": "fiat_curves.csv"},
    }
    clock = Clock()
    cfg = Configurations(**settings)
    cfg.setup_output_dir()
    GeomModel(cfg).run()
    figures = clock.figures()
    for worker in multiprocessing.active_children():
        worker.join()
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures["cpu_s"] += workers.ru_utime + workers.ru_stime
    source = ogr.Open(str(folder / "fiat" / "damage.gpkg"))
    found = {feature.GetField("object_id"): feature.GetField("total_damage") for feature in source.GetLayer()}
    if not found:
        sys.exit("Delft-FIAT wrote no objects")  # no figures, so its seconds say nothing
    print(json.dumps(figures | {"answer": [found[key] for key in sorted(found)]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
