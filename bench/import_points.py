"""Import points from a CSV file by the clerk's own way: read in a worker, check every row, store in one transaction."""

import argparse
import resource
import time
from pathlib import Path

from api.use.imports import import_file
from bench.figures import Figure, peak_mb, told, write_csv
from layers._check import CheckOptions
from layers._read import ReadOptions
from layers._store import open_store


def measure(points: int, folder: Path) -> list[Figure]:
    source, place = folder / f"points-{points}.csv", folder / f"points-{points}.sqlite"
    write_csv(source, points)
    stages: dict[str, float] = {}
    start = time.perf_counter()
    with open_store(place) as store:
        import_file(
            store, "aeds", source, ReadOptions(crs="EPSG:4326", datum="wgs84"), CheckOptions(), actor="bench",
            progress=lambda stage, _share: stages.setdefault(stage, time.perf_counter() - start),
        )  # fmt: skip
    took = time.perf_counter() - start
    begun = [Figure(f"import: stage {stage} begins", at, "s") for stage, at in stages.items()]
    return [
        Figure(f"import of {points:,} points", points / took, "rows/s"),
        Figure("import: whole time", took, "s"),
        *begun,
        Figure("import: peak memory", peak_mb(), "MB"),
        Figure("import: peak memory of the reading worker", peak_mb(resource.RUSAGE_CHILDREN), "MB"),
        Figure("import: source file", source.stat().st_size / 1e6, "MB"),
        Figure("import: store file", place.stat().st_size / 1e6, "MB"),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    told(measure(given.points, given.folder))
