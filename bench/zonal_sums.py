"""Sums of a raster over irregular areas, first and repeated: ours, exactextract and rasterstats on the same values.

The areas are 2,000 Voronoi cells with wiggled borders, so that their parts fill the raster. First = cells and shares
from the shapes, then sums; repeated = sums of another band over the runs kept. rasterstats takes cells by their centre,
another rule: its sums are compared with ours by centre, and differ by 1e-7 since it adds float32 in float32.
exactextract and rasterstats sum no twice: their repeated time is their first.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pyproj
import shapely

from bench.versus import Timed, peer, timed, versus
from geo_risk.hazard.contacts import Runs, area_runs, zonal
from geo_risk.hazard.grid import Grid

_SUBSAMPLED = 100


def areas(count: int, side: int) -> np.ndarray:
    """Voronoi cells over the raster with borders drawn in 12 wiggling steps, the same for both neighbours."""
    made = np.random.default_rng(1)
    seeds = shapely.multipoints(made.uniform(0, side, (count, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=shapely.box(0, 0, side, side)))
    dense = shapely.segmentize(shapely.intersection(cells, shapely.box(0, 0, side, side)), side / 800)
    wiggled = shapely.transform(dense, lambda at: at + side / 4000 * np.sin(at[:, ::-1] / side * 900))
    return shapely.make_valid(wiggled, method="structure", keep_collapsed=False)


def relative(one: np.ndarray, other: np.ndarray) -> str:
    """How far the sums differ, as a part of ours."""
    return f"largest relative difference {np.max(np.abs(np.asarray(other) - one) / np.abs(one)):.1e}"


def sums(runs: Runs, values: np.ndarray) -> np.ndarray:
    return zonal(runs, values, known_only=True)["sum"].to_numpy()  # wiggles at the rim leave the raster


def measure(side: int, count: int, folder: Path) -> None:
    grid = Grid(crs=pyproj.CRS(32650), x=0.0, y=float(side), dx=1.0, dy=-1.0, columns=side, rows=side)
    shapes, values = areas(count, side), np.random.default_rng(2).random((side, side), np.float32)
    area_runs(grid, shapes[:2])
    zonal(area_runs(grid, shapes[:2]), values)
    np.save(folder / "values.npy", values)
    (folder / "shapes.wkb").write_bytes(b"".join(len(wkb).to_bytes(8, "little") + wkb for wkb in shapely.to_wkb(shapes)))
    covered = timed("ours", lambda: area_runs(grid, shapes), 1)
    runs = covered.answer
    again = timed("ours", lambda: sums(runs, values))
    first = Timed("ours", covered.seconds + again.seconds, again.answer, cpu_s=covered.cpu_s + again.cpu_s)
    exact = peer("exactextract", "wheels", "zonal_exactextract.py", str(folder), str(count))
    centre = timed("ours", lambda: sums(area_runs(grid, shapes[:_SUBSAMPLED], "centre"), values), 1)
    stats = peer(f"rasterstats, {_SUBSAMPLED} areas", "wheels", "zonal_rasterstats.py", str(folder), str(_SUBSAMPLED))
    versus(f"sums over {count} areas of {side} x {side}, first", first, [exact], relative)
    versus(f"sums over {count} areas of {side} x {side}, repeated", again, [exact], relative)
    versus(f"sums over {_SUBSAMPLED} areas of {side} x {side} by centre, first", centre, [stats], relative)
    print(f"runs kept: {len(runs.of):,} for {len(runs):,} cells; floor: {values.nbytes / 1e9:.2f} GB of values read")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=10_000)
    parser.add_argument("--areas", type=int, default=2_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geo-risk-bench-") as made_folder:
        measure(given.side, given.areas, Path(made_folder))
