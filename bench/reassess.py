"""From a change of one feature to new levels: ours, which measures what the change touches, beside everything from scratch.

``python -m bench.reassess`` makes the demo city in a temporary store; ``--store FILE`` copies one that is there.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import shapely

from api.use import _raw_values
from api.use.assessments import Assessed, assess_cells, assess_layer
from layers._demo import make_city
from layers._store import Batch, Snapshot, Store, open_store

CELL_M = 2000
Ask = Callable[[Snapshot], Assessed]


def changes(snapshot: Snapshot) -> Iterator[tuple[str, str, gpd.GeoDataFrame]]:
    """One feature of each kind that bears on risk: closed, moved, deeper, gone."""
    shelters, points, zones = (snapshot.frames[layer] for layer in ("shelters", "flood_points", "flood_zones"))
    yield "a shelter closes", "shelters", shelters.iloc[[0]].assign(status="closed")
    moved = points.iloc[[0]].copy()
    moved.geometry = [shapely.affinity.translate(moved.geometry.iloc[0], 0.01, 0.0)]
    yield "a flood point moves 1 km", "flood_points", moved
    design = zones[zones["kind"] == "design"].iloc[[0]]
    yield "a design flood zone is half a metre deeper", "flood_zones", design.assign(depth_min_m=design["depth_min_m"] + 0.5)


def compared(name: str, store: Store, layer: str, row: gpd.GeoDataFrame, ask: Ask) -> None:
    """Store the change, assess as the service does, then from scratch; print both and whether they are equal."""
    before = store.snapshot()
    ask(before)
    start = time.perf_counter()
    store.apply(layer, row, Batch(actor="bench", reason=name, source=str(row["source"].iloc[0])))
    now = store.snapshot()
    stored = time.perf_counter()
    ours = ask(now)
    done = time.perf_counter()
    _raw_values.forget()
    again = time.perf_counter()
    scratch = ask(now)
    scratch_s = time.perf_counter() - again
    equal = "equal" if scratch.assessment == ours.assessment else "DIFFERENT"
    ours_s = done - stored
    figures = (f"{each:.3g}" for each in (scratch_s, ours_s, scratch_s / ours_s, done - start))
    print("\t".join((name, *figures, equal)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, help="a store to copy instead of the demo city")
    given = parser.parse_args()
    asks: dict[str, Ask] = {"towns": assess_layer, f"{CELL_M} m cells": lambda snapshot: assess_cells(snapshot, CELL_M)[0]}
    print("change\tfrom scratch s\tours s\tratio\tfrom change to levels s\tlevels")
    made = tempfile.TemporaryDirectory(prefix="geo-risk-bench-")
    with made as folder, _opened(Path(folder) / "store.sqlite", given.store) as store:
        for places, ask in asks.items():
            for name, layer, row in changes(store.snapshot()):
                compared(f"{places}: {name}", store, layer, row, ask)


def _opened(path: Path, copied: Path | None) -> Store:
    if copied is not None:
        shutil.copy(copied, path)
        return open_store(path)
    with open_store(path) as store:
        for layer_id, rows in make_city().layers.items():
            store.apply(layer_id, rows, Batch(actor="bench", reason="demo city", source="demo"))
    return open_store(path)


if __name__ == "__main__":
    main()
