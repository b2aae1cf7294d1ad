"""The shapes that the benchmarks write: each as WKB after its length."""

from pathlib import Path

import numpy as np
import shapely


def shapes(path: Path, count: int) -> np.ndarray:
    """The first so many."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data) and len(found) < count:
        size = int.from_bytes(data[at : at + 8], "little")
        found.append(data[at + 8 : at + 8 + size])
        at += 8 + size
    return shapely.from_wkb(found)
