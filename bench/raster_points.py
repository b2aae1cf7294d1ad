"""A tiled raster at random points, file to values: ours beside rasterio.sample, rioxarray and the whole raster in memory.

``python -m bench.raster_points --folder DIR [--sizes 4000 20000] [--points 1000000]``. Each contender runs in a process
of its own, so that its memory is its own; the file is in the page cache for all. ``rasterio.sample`` is too slow for a
million points: it reads the first 20,000, and its seconds are scaled up in proportion (in its favour: opening counts too).
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import rasterio
from rasterio.windows import Window

from bench.versus import Timed, peer, versus
from geo_risk.hazard.raster import cells_of, open_raster, sample_points, take

BLOCK: Final = 256
NODATA: Final = -9999.0
SAMPLED: Final = 20_000
CELL: Final = 0.0005


def make(folder: Path, size: int, points: int) -> None:
    """A flood-like depth raster in centimetres, deflated float32 in tiles of 256, some of it unknown; and points all over it."""
    place = rasterio.Affine(CELL, 0, 100, 0, -CELL, 30)
    rng = np.random.default_rng(7)
    with rasterio.open(
        folder / "raster.tif", "w", driver="GTiff", width=size, height=size, count=1, dtype="float32", crs="EPSG:4326",
        nodata=NODATA, transform=place, tiled=True, blockxsize=BLOCK, blockysize=BLOCK, compress="deflate", zlevel=1, num_threads=2,
    ) as raster:
        across = np.sin(np.arange(size) / 700)
        for row in range(0, size, BLOCK):
            rows = min(BLOCK, size - row)
            ground = across + np.cos((row + np.arange(rows)) / 900)[:, None] + rng.normal(0, 0.05, (rows, size))
            depth = np.where(ground < -1.2, NODATA, np.round(np.maximum(ground, 0) * 2, 2)).astype("float32")
            raster.write(depth, 1, window=Window(0, row, size, rows))
    far = size * CELL
    np.save(folder / "points.npy", np.vstack([rng.uniform(100, 100 + far, points), rng.uniform(30 - far, 30, points)]))


def ours(folder: Path) -> None:
    """Print seconds, peak memory and what was decoded, as the peers do."""
    lon, lat = np.load(folder / "points.npy")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        with open_raster(folder / "raster.tif") as raster:
            found = sample_points(raster, lon, lat)
        best = min(best, time.perf_counter() - start)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    np.save(folder / "ours.npy", found)
    memory = {"peak_mb": after / 1024, "growth_mb": (after - before) / 1024}
    print(json.dumps({"seconds": best, "answer": {"file": str(folder / "ours.npy"), **memory, **floor(folder, lon, lat)}}))


def floor(folder: Path, lon: Any, lat: Any) -> dict[str, float]:
    """Bytes of the blocks that the points touch, and the seconds that decoding them takes with one cell asked of each."""
    with open_raster(folder / "raster.tif") as raster:
        (rows, columns), grid = raster.block, raster.grid
        row, column = np.divmod(cells_of(grid, lon, lat), grid.columns)
        blocks = np.unique(row // rows * rows * grid.columns + column // columns * columns)
        start = time.perf_counter()
        take(raster, blocks)
        return {"decoded_mb": len(blocks) * rows * columns * 4 / 1e6, "floor_s": time.perf_counter() - start}


def in_a_process(folder: Path) -> Timed:
    """Ours, measured as the peers are."""
    command = [sys.executable, "-m", "bench.raster_points", "--folder", str(folder), "--ours"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return Timed("geo_risk", told["seconds"], told["answer"])


def other(name: str, way: str, folder: Path, count: int) -> Timed:
    """A peer on the first points."""
    return peer(name, "wheels", "raster_points_theirs.py", way, str(folder), str(count))


def agrees(one: dict[str, Any], other: dict[str, Any]) -> str:
    """How many values differ, and the other's peak memory."""
    theirs = np.load(other["file"])
    mine = np.load(one["file"])[: len(theirs)]
    differ = int((~((mine == theirs) | (np.isnan(mine) & np.isnan(theirs)))).sum())
    return f"{differ} of {len(theirs):,} differ, peak {other['peak_mb']:.0f} MB"


def scaled(found: Timed, times: float) -> Timed:
    """As if it had gone on as it began."""
    return Timed(f"{found.name}, {SAMPLED:,} points x {times:.0f}", found.seconds * times, found.answer, found.absent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--sizes", type=int, nargs="*", default=[4000, 20_000])
    parser.add_argument("--ours", action="store_true")
    given = parser.parse_args()
    if given.ours:
        ours(given.folder)
        return
    for size in given.sizes:
        make(given.folder, size, given.points)
        mine = in_a_process(given.folder)
        answer = mine.answer
        told = (f"{mine.seconds:.3f} s", f"peak {answer['peak_mb']:.0f} MB", f"grew by {answer['growth_mb']:.0f} MB",
                f"{answer['decoded_mb']:.0f} MB decoded, alone {answer['floor_s']:.3f} s")
        print("\t".join((f"raster {size} square", "geo_risk", *told)), flush=True)
        few = min(SAMPLED, given.points)
        theirs = [
            scaled(other("rasterio.sample", "sample", given.folder, few), given.points / few),
            other("rioxarray .sel", "sel", given.folder, given.points),
            other("whole read + numpy", "whole", given.folder, given.points),
        ]
        versus(f"{given.points:,} points, raster {size} square", mine, theirs, agrees)


if __name__ == "__main__":
    main()
