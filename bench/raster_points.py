"""A tiled raster at random points, file to values: ours beside rasterio.sample, rioxarray and the whole raster in memory.

``python -m bench.raster_points --folder DIR [--sizes 4000 20000] [--points 1000000]``. Each contender runs in a process
of its own, so that its memory is its own; the file is in the page cache for all. ``rasterio.sample`` is too slow for a
million points: it reads the first 20,000, and its seconds are scaled up in proportion (in its favour: opening counts too).
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import rasterio
from rasterio.windows import Window

from bench.versus import Timed, peak_mb, peer, timed, versus
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
    """Print seconds, CPU seconds, peak memory and what was decoded, as the peers do."""
    lon, lat = np.load(folder / "points.npy")
    before = peak_mb()

    def sampled() -> Any:
        with open_raster(folder / "raster.tif") as raster:
            return sample_points(raster, lon, lat)

    found = timed("geo_risk", sampled)
    figures = {"seconds": found.seconds, "cpu_s": found.cpu_s, "peak_mb": peak_mb(), "growth_mb": peak_mb() - before}
    np.save(folder / "ours.npy", found.answer)
    print(json.dumps({**figures, **floor(folder, lon, lat)}))


def floor(folder: Path, lon: Any, lat: Any) -> dict[str, float]:
    """Bytes of the blocks that the points touch, and the CPU seconds that decoding them takes with one cell asked of each."""
    with open_raster(folder / "raster.tif") as raster:
        (rows, columns), grid = raster.block, raster.grid
        row, column = np.divmod(cells_of(grid, lon, lat), grid.columns)
        blocks = np.unique(row // rows * rows * grid.columns + column // columns * columns)
        alone = timed("decoding", lambda: take(raster, blocks), 1)
        return {"decoded_mb": len(blocks) * rows * columns * 4 / 1e6, "floor_s": alone.cpu_s}


def in_a_process(folder: Path) -> tuple[Timed, dict[str, float]]:
    """Ours, measured as the peers are; and how it stands to the floor."""
    command = [sys.executable, "-m", "bench.raster_points", "--folder", str(folder), "--ours"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    answer = str(folder / "ours.npy")
    return Timed("geo_risk", told["seconds"], answer, cpu_s=told["cpu_s"], peak_mb=told["peak_mb"]), told


def other(name: str, way: str, folder: Path, count: int) -> Timed:
    """A peer on the first points."""
    return peer(name, "wheels", "raster_points_theirs.py", way, str(folder), str(count))


def agrees(one: str, other: str) -> str:
    """How many values differ."""
    theirs = np.load(other)
    mine = np.load(one)[: len(theirs)]
    differ = int((~((mine == theirs) | (np.isnan(mine) & np.isnan(theirs)))).sum())
    return f"{differ} of {len(theirs):,} differ"


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
        mine, told = in_a_process(given.folder)
        print(
            f"raster {size} square\tgeo_risk\t{mine.seconds:.3f} s, {mine.cpu_s:.3f} s CPU, grew by {told['growth_mb']:.0f} MB; "
            f"{told['decoded_mb']:.0f} MB decoded, alone {told['floor_s']:.3f} s CPU", flush=True,
        )
        few = min(SAMPLED, given.points)
        factor = given.points / few
        theirs = [
            other("rasterio.sample", "sample", given.folder, few).times(factor, f"rasterio.sample, {few:,} points x {factor:.0f}"),
            other("rioxarray .sel", "sel", given.folder, given.points),
            other("whole read + numpy", "whole", given.folder, given.points),
        ]
        versus(f"{given.points:,} points, raster {size} square", mine, theirs, agrees)


if __name__ == "__main__":
    main()
