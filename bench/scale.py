"""Millions of buildings under three hazards: one process, Dask with two workers, and dask-geopandas, on the same files."""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from affine import Affine

from bench.versus import Timed, peer, versus
from geo_risk.chunks import each_here
from geo_risk.scale.cluster import cluster, each_on
from geo_risk.scale.partitions import Partition, partitions, write_partitions
from geo_risk.scale.survey import DepthField, Survey, Tally, ZoneField, joined, tally

WEST, SOUTH, SIDE_DEG, PIXELS = 119.0, 28.0, 2.0, 4000
BOUNDS = (0.1, 0.5, 1.0, 2.0)
CHUNK = 500_000


def buildings(count: int) -> Iterator[gpd.GeoDataFrame]:
    """Footprints of some 10 m, half of them crowded, with people as whole numbers."""
    rng = np.random.default_rng(7)
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        spread = np.where(rng.random(size) < 0.5, 0.2, 0.98)
        x = WEST + SIDE_DEG / 2 + rng.uniform(-1, 1, size) * spread * SIDE_DEG / 2
        y = SOUTH + SIDE_DEG / 2 + rng.uniform(-1, 1, size) * spread * SIDE_DEG / 2
        side = rng.uniform(5e-5, 2e-4, size)
        told = {"id": np.arange(start, start + size), "people": rng.integers(0, 12, size).astype(float)}
        yield gpd.GeoDataFrame(told, geometry=shapely.box(x, y, x + side, y + side), crs=4326)


def blobs(count: int, seed: int, size_deg: float) -> np.ndarray:
    """Irregular zones of some 60 corners."""
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    x = rng.uniform(WEST, WEST + SIDE_DEG, count)[:, None]
    y = rng.uniform(SOUTH, SOUTH + SIDE_DEG, count)[:, None]
    reach = size_deg * rng.uniform(0.6, 1.4, (count, 60))
    ring = np.stack([x + reach * np.cos(angle), y + reach * np.sin(angle)], axis=-1)
    return shapely.polygons(ring)


def make(folder: Path, count: int) -> None:
    """The exposure, the depth raster, two zone layers and a hundred towns, once."""
    if (folder / "ready").exists():
        return
    rng = np.random.default_rng(5)
    waves = np.add.outer(np.sin(np.linspace(0, 40, PIXELS)), np.cos(np.linspace(0, 31, PIXELS)))
    depth = np.maximum(waves + rng.normal(0, 0.2, (PIXELS, PIXELS)), 0).astype(np.float32)
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "width": PIXELS, "height": PIXELS, "crs": "EPSG:4326",
               "tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}  # fmt: skip
    step = SIDE_DEG / PIXELS
    with rasterio.open(folder / "depth.tif", "w", transform=Affine(step, 0, WEST, 0, -step, SOUTH + SIDE_DEG), **profile) as file:
        file.write(depth, 1)
    for name, number, size in (("slide", 2000, 0.008), ("flood", 500, 0.03)):
        gpd.GeoDataFrame(geometry=blobs(number, number, size), crs=4326).to_parquet(folder / f"{name}.parquet")
    edges = np.linspace(0, SIDE_DEG, 11)
    boxes = [shapely.box(WEST + a, SOUTH + b, WEST + a + 0.2, SOUTH + b + 0.2) for a in edges[:-1] for b in edges[:-1]]
    gpd.GeoDataFrame({"id": [f"t{n:03d}" for n in range(100)]}, geometry=boxes, crs=4326).to_parquet(folder / "towns.parquet")
    write_partitions(buildings(count), folder / "buildings")
    (folder / "ready").touch()


def asked(folder: Path) -> Survey:
    """Three hazards, towns, people."""
    zones = {name: tuple(shapely.to_wkb(gpd.read_parquet(folder / f"{name}.parquet").geometry)) for name in ("slide", "flood")}
    towns = gpd.read_parquet(folder / "towns.parquet")
    return Survey(
        hazards=(
            DepthField(id="depth", path=str(folder / "depth.tif"), bounds=BOUNDS),
            *(ZoneField(id=name, zones=wkb) for name, wkb in zones.items()),
        ),
        areas=dict(zip(towns["id"], shapely.to_wkb(towns.geometry), strict=True)),
        amounts=("people",),
    )


class Work:
    """The tally of a piece for one survey."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey

    def __call__(self, piece: Partition) -> Tally:
        """The sums of one piece."""
        return tally(piece, self.survey)


def answer(whole: Tally) -> dict[str, object]:
    """What all contenders must agree on: buildings by hazard and class, people by hazard and class."""
    people = {name: sums.values() for (name, _), sums in whole.amounts.items()}
    return {
        name: [number.sum(axis=0).tolist(), people[name].reshape(number.shape).sum(axis=0).tolist()]
        for name, number in whole.number.items()
    }


def run(folder: Path, workers: int) -> None:
    """One contender in this process; prints seconds, answer, fingerprint, peak memory of the process or of its workers."""
    pieces, work = partitions(folder / "buildings"), Work(asked(folder))
    each_here(work, pieces[:1], lambda _: None)  # compiled code is loaded once and kept
    if workers:
        with cluster(None, workers) as client:
            each_on(client, work, pieces[:workers], lambda _: None)
            start = time.perf_counter()
            whole = joined(each_on(client, work, pieces, lambda _: None))
            seconds = time.perf_counter() - start
            peak = max(client.run(_peak_mb).values())
    else:
        start = time.perf_counter()
        whole = joined(each_here(work, pieces, lambda _: None))
        seconds, peak = time.perf_counter() - start, _peak_mb()
    told = {"seconds": seconds, "answer": answer(whole), "fingerprint": whole.fingerprint, "rows": whole.rows, "peak_mb": peak}
    print(json.dumps(told))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _contender(folder: Path, workers: int) -> dict[str, object]:
    command = [sys.executable, "-m", "bench.scale", "--folder", str(folder), "--run", str(workers)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=1800)
    told: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("var/bench-scale"))
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--run", type=int, default=None, help="one contender: 0 for one process, or so many workers")
    given = parser.parse_args()
    if given.run is not None:
        run(given.folder, given.run)
        return
    folder = given.folder / str(given.points)
    folder.mkdir(parents=True, exist_ok=True)
    make(folder, given.points)
    one, two = _contender(folder, 0), _contender(folder, 2)
    ours = Timed("Dask, 2 workers", float(str(two["seconds"])), two["answer"])
    same = "same digest" if one["fingerprint"] == two["fingerprint"] else "DIGESTS DIFFER"
    theirs = peer("dask-geopandas, 2 workers", "wheels", "scale_dask_geopandas.py", str(folder), timeout_s=3600)
    title = f"{given.points:,} buildings x 3 hazards"
    versus(title, ours, [Timed("ours, one process", float(str(one["seconds"])), one["answer"])], lambda a, b: same)
    versus(title, ours, [theirs], lambda a, b: "same" if a == b else f"differs: {a} {b}")
    for name, told in (("one process", one), ("two workers", two)):
        rate = int(str(told["rows"])) / float(str(told["seconds"]))
        print(f"{title}, {name}\t{rate:,.0f} rows/s\tpeak {told['peak_mb']:.0f} MB a process of {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
