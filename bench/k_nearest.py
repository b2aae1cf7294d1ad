"""The five nearest points within 10 km of each of many places, by exact geodesic distance: ours beside four others.

geopandas' ``sindex.nearest`` finds one point on the plane in degrees, scikit-learn's BallTree five on a sphere, SedonaDB's
``ST_KNN`` five on the plane, PostGIS ``<->`` over geography five on the ellipsoid, as it says. Each starts from points
with its index built where it has one, and ends with all answers. Of a sample of places the answers are held against every
point measured by pyproj.Geod: how many places have another set of neighbours than the true one stands beside each.

Those that are slow answer fewer places, and their time is stretched to all; the name says so.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from bench.figures import scattered
from bench.versus import Timed, peer, timed, versus
from geo_risk.access.nearest import nearest_many
from geo_risk.crs import geodesic_m
from geo_risk.points import index_points

K, RADIUS_M = 5, 10_000.0
SAMPLE = 100
_BOX_DEG = 0.2  # half a box that holds the circle of 10 km below 50 degrees of latitude
_PEERS = (
    ("scikit-learn BallTree, haversine", "roads", "sklearn", 10),
    ("SedonaDB ST_KNN", "wheels", "sedonadb", 10),
    ("PostGIS <->", "wheels", "postgis", 20),
)


def true_neighbours(lon: np.ndarray, lat: np.ndarray, asked_lon: np.ndarray, asked_lat: np.ndarray) -> list[list[int]]:
    """The nearest of each place within the radius, the nearest first, by the distance of every point in a box around it."""
    found = []
    for x, y in zip(asked_lon, asked_lat, strict=True):
        near = np.flatnonzero((np.abs(lon - x) <= _BOX_DEG) & (np.abs(lat - y) <= _BOX_DEG))
        metres = geodesic_m(np.full(len(near), x), np.full(len(near), y), lon[near], lat[near])[0]
        first = np.argsort(metres, kind="stable")[:K]
        found.append(near[first[metres[first] <= RADIUS_M]].tolist())
    return found


def wrong(answer: Any, truth: list[set[int]]) -> str:
    """How many places of the sample have other neighbours than the true ones."""
    theirs: list[set[int]] = [set() for _ in truth]
    for place, point in answer:
        theirs[place].add(point)
    missed = sum(one != other for one, other in zip(theirs, truth, strict=True))
    return f"{missed} of {len(truth)} places answered wrong"


def pairs(positions: np.ndarray) -> list[tuple[int, int]]:
    row, place = np.nonzero(positions[:SAMPLE] >= 0)
    return list(zip(row.tolist(), positions[row, place].tolist(), strict=True))


def measure(points: int, places: int, rounds: int) -> None:
    lon, lat = scattered(points)
    asked_lon, asked_lat = scattered(places, seed=2)
    sample = slice(0, min(SAMPLE, places // 20))
    index = index_points(lon, lat)
    nearest_many(index, asked_lon[:9], asked_lat[:9], k=K, radius_m=RADIUS_M)

    def ours() -> list[tuple[int, int]]:
        return pairs(nearest_many(index, asked_lon, asked_lat, k=K, radius_m=RADIUS_M).positions)

    def with_index() -> list[tuple[int, int]]:
        return pairs(nearest_many(index_points(lon, lat), asked_lon, asked_lat, k=K, radius_m=RADIUS_M).positions)

    best = timed("geo_risk", ours, rounds)
    frame = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat), crs=4326)
    asked = shapely.points(asked_lon, asked_lat)
    frame.sindex.nearest(asked[:9])
    planar = timed("geopandas sindex.nearest, k = 1", lambda: _planar(frame, asked), rounds)
    neighbours = true_neighbours(lon, lat, asked_lon[sample], asked_lat[sample])
    agrees = _held_against([set(found) for found in neighbours])
    work = f"{K} nearest within 10 km, {points:,} points, {places:,} places"
    print(f"{work}\tgeo_risk\t{best.seconds:.3g} s\t{agrees(None, best.answer)}", flush=True)
    versus(work, best, [planar], _held_against([set(found[:1]) for found in neighbours]))
    versus(work, best, [timed("geo_risk, its index built as well", with_index, rounds)], agrees)
    versus(work, best, _theirs(lon, lat, asked_lon, asked_lat), agrees)


def _planar(frame: gpd.GeoDataFrame, asked: np.ndarray) -> list[list[int]]:
    return frame.sindex.nearest(asked, return_all=False).T[:SAMPLE].tolist()


def _theirs(lon: np.ndarray, lat: np.ndarray, asked_lon: np.ndarray, asked_lat: np.ndarray) -> list[Timed]:
    found = []
    with tempfile.TemporaryDirectory(prefix="geo-risk-bench-") as folder:
        for name, environment, script, fewer in _PEERS:
            part = slice(0, len(asked_lon) // fewer)
            data = Path(folder) / f"{script}.npz"
            np.savez(
                data, lon=lon, lat=lat, asked_lon=asked_lon[part], asked_lat=asked_lat[part], k=K, radius_m=RADIUS_M,
                sample=min(SAMPLE, len(asked_lon) // 20),
            )
            told = peer(name, environment, f"k_nearest_{script}.py", str(data), timeout_s=300)
            found.append(told if told.absent else told.times(fewer, f"{name} (a {fewer}th of the places, stretched)"))
    return found


def _held_against(truth: list[set[int]]) -> Callable[[Any, Any], str]:
    """What `versus` asks of another's answer."""

    def agrees(_: Any, other: Any) -> str:
        return wrong([(place, point) for place, point in other if place < len(truth)], truth)

    return agrees


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=200_000)
    parser.add_argument("--places", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    measure(given.points, given.places, given.rounds)
