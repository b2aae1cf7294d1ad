"""Which of 5,000 zones hold each of 10^6 points: ours beside geopandas, shapely, SedonaDB, DuckDB spatial and PostGIS.

Zones are stars of 60 corners that overlap; points are scattered over all. Each contender starts from points as columns
and polygons in its own memory and ends with all pairs, which must be as many. PostGIS runs in a private cluster.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from bench.versus import peer, timed, versus
from geo_risk.hazard.zones import index_zones, points_in_zones

_CORNERS = 60


def stars(count: int, seed: int = 1) -> gpd.GeoDataFrame:
    random = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    radius = 0.85 / np.sqrt(count) * (0.6 + 0.4 * random.random((count, _CORNERS)))
    centre = random.uniform(0, 1, (count, 1, 2)) + np.array([120.0, 30.0])
    corners = centre + radius[:, :, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return gpd.GeoDataFrame({"zone": np.arange(count)}, geometry=shapely.polygons(corners), crs=4326)


def scattered(count: int, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    lon, lat = np.random.default_rng(seed).uniform(0, 1, (2, count)) + np.array([[120.0], [30.0]])
    return lon, lat


def contains_by_zone(zones: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> int:
    """Prepared zones, each against the points in its box, which lie sorted by longitude."""
    order = np.argsort(lon)
    east, north = lon[order], lat[order]
    shapely.prepare(zones)
    total = 0
    for zone, (west, south, far, top) in zip(zones, shapely.bounds(zones), strict=True):
        part = slice(*np.searchsorted(east, [west, np.nextafter(far, np.inf)]))
        near = (north[part] >= south) & (north[part] <= top)
        total += int(shapely.intersects_xy(zone, east[part][near], north[part][near]).sum())
    return total


def same(one: object, other: object) -> str:
    return "same pairs" if one == other else f"{one} against {other}"


def measure(points: int, zones: int, rounds: int) -> None:
    frame, (lon, lat) = stars(zones), scattered(points)
    points_in_zones(frame.iloc[:3], lon[:9], lat[:9])
    index = index_zones(frame)
    work = f"{points:,} points in {zones:,} zones"
    ours = timed("geo_risk", lambda: len(points_in_zones(frame, lon, lat)[0]), rounds)
    repeated = timed("geo_risk, zones indexed", lambda: len(points_in_zones(index, lon, lat)[0]), rounds)
    shapes = frame.geometry.to_numpy()
    located = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat), crs=4326)
    spots = located.geometry.to_numpy()
    here = [
        timed("geopandas.sjoin", lambda: len(gpd.sjoin(located, frame, predicate="intersects")), 1),
        timed("shapely STRtree", lambda: shapely.STRtree(spots).query(shapes, predicate="intersects").shape[1], 1),
        timed("shapely intersects_xy by zone", lambda: contains_by_zone(shapes, lon, lat), 1),
    ]
    with tempfile.TemporaryDirectory(prefix="geo-risk-bench-") as folder:
        data = Path(folder) / "points_in_zones.npz"
        np.savez(data, lon=lon, lat=lat, wkb=np.array([bytes(wkb) for wkb in shapely.to_wkb(shapes)], dtype=object))
        theirs = [
            peer(name, "wheels", f"points_in_zones_{script}.py", str(data))
            for name, script in (("SedonaDB", "sedonadb"), ("DuckDB spatial", "duckdb"), ("PostGIS", "postgis"))
        ]
    versus(work, ours, [repeated, *here, *theirs], same)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--zones", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    sys.exit(measure(given.points, given.zones, given.rounds))
