"""Exact coverage of a million small footprints on a raster of 5 m cells: ours, and exactextract on a part, scaled.

Footprints are rotated rectangles and L shapes of 20 to 400 m2. exactextract takes a fifth of a millisecond each or
more, so it is run on the first 5,000 and its time scaled by the count; shares are compared on those.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyproj
import shapely

from bench.versus import peak_mb, peer, timed, versus
from geo_risk.hazard.contacts import area_contacts, area_contacts_in_spans
from geo_risk.hazard.grid import Grid

_SUBSAMPLED, _SIZE_M, _LEAST = 5_000, 5.0, 1e-8
_RECTANGLE = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]) / 2
_ELL = np.array([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1), (-1, -1)]) / 2


def footprints(count: int, extent_m: float) -> np.ndarray:
    """Every other one an L, each turned by an angle of its own."""
    made = np.random.default_rng(1)
    area, ratio, angle = made.uniform(20, 400, count), made.uniform(1, 2.5, count), made.uniform(0, np.pi, count)
    is_ell = np.arange(count) % 2 == 1
    wide = np.sqrt(area * ratio / np.where(is_ell, 0.75, 1.0))
    middle = made.uniform(50, extent_m - 50, (count, 2))
    shapes = np.empty(count, object)
    for outline, chosen in ((_RECTANGLE, ~is_ell), (_ELL, is_ell)):
        x, y = outline[:, 0] * wide[chosen, None], outline[:, 1] * (wide / ratio)[chosen, None]
        cos, sin = np.cos(angle[chosen, None]), np.sin(angle[chosen, None])
        corners = np.stack([x * cos - y * sin, x * sin + y * cos], axis=-1) + middle[chosen, None]
        shapes[chosen] = shapely.polygons(corners)
    return shapes


def difference(one: np.ndarray, other: list[float]) -> str:
    """How far the shares differ; those below a hundred-millionth of a cell left out, of which ours keep none."""
    ours, theirs = one[one > _LEAST], np.asarray(other)[np.asarray(other) > _LEAST]
    return f"largest difference of a share {np.max(np.abs(ours - theirs)):.1e} over {len(ours):,}"


def measure(count: int, folder: Path, side: int = 4_000) -> None:
    grid = Grid(crs=pyproj.CRS(32650), x=0.0, y=side * _SIZE_M, dx=_SIZE_M, dy=-_SIZE_M, columns=side, rows=side)
    shapes = footprints(count, side * _SIZE_M)
    sampled = area_contacts(grid, shapes[:_SUBSAMPLED])
    (folder / "shapes.wkb").write_bytes(
        b"".join(len(wkb).to_bytes(8, "little") + wkb for wkb in shapely.to_wkb(shapes[:_SUBSAMPLED]))
    )
    spread = timed("ours", lambda: sum(len(found) for _, found in area_contacts_in_spans(grid, shapes)))
    ours = replace(spread, answer=sampled.amount)
    told = peer(
        f"exactextract, {_SUBSAMPLED:,} scaled to {count:,}", "wheels", "zonal_footprints.py",
        str(folder), str(_SUBSAMPLED), str(_SIZE_M), str(side),
    )
    scaled = told.times(count / min(count, _SUBSAMPLED), told.name)
    versus(f"exact coverage of {count:,} footprints", ours, [scaled], difference)
    print(f"{spread.answer:,} contacts; peak memory {peak_mb() / 1e3:.2f} GB with the shapes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--footprints", type=int, default=1_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geo-risk-bench-") as made_folder:
        measure(given.footprints, Path(made_folder))
