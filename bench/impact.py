"""From hazard to impact beside CLIMADA: a raster file to the figures of many assets, and an event set.

``python -m bench.impact --folder DIR [--size 4000] [--assets 1000000]``. CLIMADA runs in its own environment, once; ours three
times, the best counts. CLIMADA from its files to figures; and for events its ``ImpactCalc`` alone beside our sums alone, both
with everything read and sites assigned. Of a raster we have no sums alone: it is never held.
"""

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import rasterio
from scipy import sparse

from bench.versus import Timed, peer, timed, versus
from geo_risk.hazard.raster import open_raster
from geo_risk.impact.curves import Curve, CurveSet
from geo_risk.impact.events import EventImpact, event_set, impact
from geo_risk.impact.footprints import raster_impact
from geo_risk.impact.sites import assets_to_sites
from layers._events import read_entity, read_events, write_npz

CELL = 0.0005
INTENSITY, MDD, PAA = (0.0, 0.5, 1.0, 2.0, 4.0), (0.0, 0.25, 0.4, 0.6, 1.0), (0.0, 0.8, 1.0, 1.0, 1.0)


def made_raster(folder: Path, size: int, assets: int) -> None:
    """A smooth flood of a third of the raster, tiled and deflated; assets all over it."""
    place = rasterio.Affine(CELL, 0, 100, 0, -CELL, 30)
    rng = np.random.default_rng(7)
    with rasterio.open(
        folder / "raster.tif", "w", driver="GTiff", width=size, height=size, count=1, dtype="float32", crs="EPSG:4326",
        nodata=-9999.0, transform=place, tiled=True, blockxsize=256, blockysize=256, compress="deflate", zlevel=1,
    ) as raster:
        ground = np.sin(np.arange(size) / 700) + np.cos(np.arange(size) / 900)[:, None] + rng.normal(0, 0.05, (size, size))
        raster.write(np.round(np.maximum(ground - 0.3, 0) * 2, 2).astype("float32"), 1)
    far = size * CELL
    lon, lat = 100 + rng.uniform(0, far, assets), 30 - rng.uniform(0, far, assets)
    np.save(folder / "assets.npy", np.vstack([lon, lat, rng.uniform(1, 1000, assets)]))
    np.save(folder / "curve.npy", np.array([INTENSITY, MDD, PAA]))


def made_events(folder: Path, climada: Path | None, assets: int) -> None:
    """CLIMADA's storms and its 50 assets over and over with other values; without its files storms of the same size."""
    rng = np.random.default_rng(7)
    if climada is None:
        lon, lat = (axis.ravel().astype(float) for axis in np.meshgrid(np.arange(-84, -74), np.arange(21, 31)))
        wind = sparse.random(14_450, 100, 0.08, "csr", rng=rng) * 80
        storms = event_set(lon, lat, wind, np.full(14_450, 1 / 1610), unit="m")
        places = np.column_stack([rng.uniform(-82, -79, 50), rng.uniform(24, 29, 50)])
        heights = np.array([(0.0, 20, 40, 60, 100), (0.0, 0.0, 0.04, 0.2, 1), (0.0, 0.0, 0.2, 1, 1)])
    else:
        storms, today = read_events(climada / "atl_prob_nonames.mat"), read_entity(climada / "demo_today.xlsx", "TC")
        places = np.column_stack([today.lon, today.lat])
        mdd, paa = (curves.curves["1"] for curves in (today.mdd, today.paa))
        heights = np.array([mdd.intensity, mdd.fraction, paa.fraction])
    write_npz(folder / "events.npz", storms)
    at = np.arange(assets) % len(places)
    np.save(folder / "assets.npy", np.column_stack([places[at], rng.uniform(1, 1000, assets)]).T)
    np.save(folder / "curve.npy", heights)


def curves(folder: Path, unit: str) -> tuple[CurveSet, CurveSet]:
    intensity, mdd, paa = np.load(folder / "curve.npy")

    def of(heights: np.ndarray) -> CurveSet:
        return CurveSet(curves={"1": Curve(id="1", intensity=tuple(intensity), fraction=tuple(heights), unit=unit)})

    return of(mdd), of(paa)


def alike(assets: np.ndarray) -> pd.Categorical:
    """The same occupancy for all, told as a category: CLIMADA is told a number."""
    return pd.Categorical.from_codes(np.zeros(len(assets), dtype=int), ["1"])


def of_raster(folder: Path) -> EventImpact:
    """File to figures."""
    lon, lat, value = np.load(folder / "assets.npy")
    with open_raster(folder / "raster.tif") as raster:
        return raster_impact([raster], [0.01], lon, lat, value, alike(lon), *curves(folder, "m"))


def of_events(folder: Path) -> EventImpact:
    """Files to figures."""
    lon, lat, value = np.load(folder / "assets.npy")
    storms = read_events(folder / "events.npz")
    site = assets_to_sites(storms, lon, lat, metric="degrees")
    return impact(storms, site, value, alike(lon), *curves(folder, storms.unit))


def alone(folder: Path) -> Timed:
    """With everything read and sites assigned, as CLIMADA's ImpactCalc alone."""
    lon, lat, value = np.load(folder / "assets.npy")
    storms = read_events(folder / "events.npz")
    site, names, both = assets_to_sites(storms, lon, lat, metric="degrees"), alike(lon), curves(folder, storms.unit)
    return timed("ours", lambda: impact(storms, site, value, names, *both))


def agrees(kind: str, folder: Path, ours: EventImpact, theirs: dict[str, Any]) -> str:
    """The greatest relative difference of the average year, of any event and of any asset."""
    if not math.isfinite(ours.aai_agg):
        return "ours is unknown"
    their = np.load(folder / f"climada_{kind}.npz")
    worst = [abs(ours.aai_agg / theirs["aai_agg"] - 1)]
    for name in ("at_event", "eai_exp"):
        one, other = getattr(ours, name), their[name]
        worst.append(float((abs(one - other) / np.maximum(abs(other), abs(other).max() * 1e-9)).max()))
    return "greatest difference " + ", ".join(f"{value:.1e}" for value in worst)


def compared(kind: str, folder: Path, ours: Timed) -> Timed:
    """Files to figures of both; what CLIMADA's ``ImpactCalc`` took of it."""
    theirs = peer("climada", "climada", "impact_climada.py", kind, str(folder))
    versus(f"{kind}: files to figures", ours, [theirs], lambda one, other: agrees(kind, folder, one, other))
    alone = theirs.answer["alone"] if theirs.answer else {"seconds": math.nan}
    return Timed("climada ImpactCalc alone", answer=theirs.answer, absent=theirs.absent, **alone)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--size", type=int, default=4000, help="pixels of the raster's side")
    parser.add_argument("--assets", type=int, default=1_000_000)
    parser.add_argument("--climada", type=Path, help="folder of atl_prob_nonames.mat and demo_today.xlsx")
    parser.add_argument("--only", choices=("raster", "events"))
    given = parser.parse_args()
    if given.only != "events":
        made_raster(given.folder, given.size, given.assets)
        compared("raster", given.folder, timed("ours", lambda: of_raster(given.folder)))
    if given.only != "raster":
        made_events(given.folder, given.climada, given.assets)
        only = compared("events", given.folder, timed("ours", lambda: of_events(given.folder)))
        versus("events: the sums alone", alone(given.folder), [only], lambda one, other: agrees("events", given.folder, one, other))


if __name__ == "__main__":
    main()
