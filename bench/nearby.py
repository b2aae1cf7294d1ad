"""What is near a place: the use case behind ``/nearby``, its bare index, and two other ways to ask, over the same points.

`geopandas.sindex.nearest` measures on the plane in degrees: fast, but its nearest need not be the nearest on the
ground. The brute force is the geodesic to every point: the truth. Figures of both stand beside ours, and how often
the planar answer is another point than the true one.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from api.use.nearby import nearby
from bench.figures import Figure, scattered, told
from geo_risk.access.nearest import nearest
from geo_risk.crs import geodesic_m
from geo_risk.points import index_points
from layers._catalog import layer
from layers._frame import typed
from layers._layer import SYSTEM_COLUMNS
from layers._store import Snapshot

_ASKED = 2_000
_BRUTE = 40


def times_ms(ask: Callable[[float, float], object], lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    taken = np.empty(len(lon))
    for number, (x, y) in enumerate(zip(lon.tolist(), lat.tolist(), strict=True)):
        start = time.perf_counter()
        ask(x, y)
        taken[number] = (time.perf_counter() - start) * 1000
    return taken


def p50_p99(what: str, taken: np.ndarray) -> list[Figure]:
    return [
        Figure(f"{what}: p50", float(np.percentile(taken, 50)), "ms"),
        Figure(f"{what}: p99", float(np.percentile(taken, 99)), "ms"),
    ]


def measure(points: int) -> list[Figure]:
    lon, lat = scattered(points)
    asked_lon, asked_lat = scattered(_ASKED, seed=2)
    start = time.perf_counter()
    index = index_points(lon, lat)
    built = time.perf_counter() - start
    frame, snapshot = _snapshot(lon, lat)
    aeds = layer("aeds")

    def ours(x: float, y: float) -> object:
        return nearby(snapshot, x, y, (aeds,), radius_m=10_000, k=10)

    def planar(x: float, y: float) -> int:
        return int(frame.sindex.nearest(shapely.Point(x, y), return_all=False)[1][0])

    def brute(x: float, y: float) -> int:
        return int(np.argmin(geodesic_m(np.full(points, x), np.full(points, y), lon, lat)[0]))

    ours(float(asked_lon[0]), float(asked_lat[0]))
    planar(float(asked_lon[0]), float(asked_lat[0]))
    use_case = times_ms(ours, asked_lon, asked_lat)
    bare = times_ms(lambda x, y: nearest(index, x, y, k=1, radius_m=10_000), asked_lon, asked_lat)
    flat = times_ms(planar, asked_lon, asked_lat)
    slow = times_ms(brute, asked_lon[:_BRUTE], asked_lat[:_BRUTE])
    other = [
        planar(x, y) != nearest(index, x, y, k=1, radius_m=500_000).positions[0] for x, y in zip(asked_lon, asked_lat, strict=True)
    ]
    return [
        Figure(f"nearest: index over {points:,} points built", built, "s"),
        *p50_p99(f"nearby: 10 nearest of {points:,} with all their columns", use_case),
        *p50_p99("nearest: 1 nearest, geodesic, exact", bare),
        *p50_p99("geopandas sindex.nearest: 1 nearest, planar degrees", flat),
        *p50_p99("brute force geodesic: 1 nearest", slow),
        Figure("nearest, exact, over geopandas planar (median)", float(np.median(bare) / np.median(flat)), "times the time"),
        Figure("brute force over nearest, exact (median)", float(np.median(slow) / np.median(bare)), "times the time"),
        Figure("planar answer is another point than the true nearest", 100 * float(np.mean(other)), "% of questions"),
    ]


def _snapshot(lon: np.ndarray, lat: np.ndarray) -> tuple[gpd.GeoDataFrame, Snapshot]:
    ids = [f"aed-{number}" for number in range(len(lon))]
    system = {
        "derived": [None] * len(ids),
        "source": ["bench"] * len(ids),
        "updated_at": [None] * len(ids),
        "revision": [1] * len(ids),
    }
    columns = {"name": [f"AED {number}" for number in range(len(lon))], **{name: system[name] for name in SYSTEM_COLUMNS}}
    frame = typed(layer("aeds"), columns, shapely.points(lon, lat), ids)
    return frame, Snapshot(revision=1, head="", recorded_at=None, frames={"aeds": frame}, updated={})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=200_000)
    parser.add_argument("--folder", type=Path)
    told(measure(parser.parse_args().points))
