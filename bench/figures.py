"""What a measurement hands back, the points it uses, and the memory it took."""

import resource
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WEST, SOUTH, EAST, NORTH = 119.0, 28.0, 121.0, 30.0


@dataclass(frozen=True)
class Figure:
    """One measured figure."""

    what: str
    value: float
    unit: str


def told(figures: list[Figure]) -> None:
    """Print each on a line: what, figure, unit, between tabs."""
    for figure in figures:
        print(
            f"{figure.what}\t{figure.value:,.4g}\t{figure.unit}"
            if figure.value < 1000
            else f"{figure.what}\t{figure.value:,.0f}\t{figure.unit}"
        )


def peak_mb(who: int = resource.RUSAGE_SELF) -> float:
    """The most memory this process held so far (or with ``RUSAGE_CHILDREN`` its largest child that has ended), megabytes."""
    return resource.getrusage(who).ru_maxrss / 1024


def pace() -> Figure:
    """How fast this machine is just now: milliseconds for a million additions, to see other figures by."""
    began, total = time.thread_time(), 0
    for number in range(1_000_000):
        total += number
    return Figure("pace of the machine: a million additions", (time.thread_time() - began) * 1000, "ms")


def scattered(count: int, seed: int = 1) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitudes and latitudes in a square of two degrees, half of them crowded in its middle, to 1e-6 degrees."""
    rng = np.random.default_rng(seed)
    spread = np.where(rng.random(count) < 0.5, 0.15, 1.0)
    lon = (WEST + EAST) / 2 + rng.uniform(-1, 1, count) * spread * (EAST - WEST) / 2
    lat = (SOUTH + NORTH) / 2 + rng.uniform(-1, 1, count) * spread * (NORTH - SOUTH) / 2
    return lon.round(6), lat.round(6)


def write_csv(path: Path, count: int) -> None:
    """AEDs at scattered places, with the columns that the layer's own template has."""
    lon, lat = scattered(count)
    with path.open("w", encoding="utf-8") as file:
        file.write("name,floor,opening_hours,address,lon,lat\n")
        file.writelines(
            f"AED {n},1 层,24 小时,测试路 {n % 997} 号,{x},{y}\n" for n, (x, y) in enumerate(zip(lon, lat, strict=True))
        )
