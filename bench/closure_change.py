"""One bridge of the demo city shut: how long until nearest, reach, evacuation and mobilisation are told anew.

Each question is asked after the list of closures changed, with what is kept between questions (the graph, its index, the
effects of the other closures), and from scratch: the graph built from the rows of the store, everything else forgotten.
"""

import argparse
import datetime as dt
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from api.use.access.evacuation_plan import EvacuationQuestion, evacuation_plan
from api.use.access.groups import groups_named
from api.use.access.mobilised import mobilised
from api.use.access.nearby_by_road import nearby_by_road
from api.use.access.reach_from import reach_from
from api.use.access.roads_now import AccessFiles, RoadsNow, access_files, roads_now
from api.use.demonstration import fill
from bench.figures import Figure, told
from layers._catalog import layer
from layers._store import Snapshot, open_store

_LON, _LAT = 119.70, 28.56


def questions(snapshot: Snapshot, files: AccessFiles) -> dict[str, Callable[[RoadsNow, str], Any]]:
    shelters, towns = layer("shelters"), layer("towns")
    return {
        "nearest shelters by time": lambda roads, _: nearby_by_road(
            snapshot, roads, _LON, _LAT, (shelters,), limit_min=120, k=10, free_only=True
        ),
        "reach in four bands": lambda roads, _: reach_from(
            snapshot, roads, _LON, _LAT, (5, 10, 15, 20), people=groups_named(snapshot, files, "towns"), facilities=(shelters,),
            towards=False,
        ),
        "evacuation of all flood points": lambda _, bridge: evacuation_plan(
            snapshot, files, EvacuationQuestion(limit_min=60, without=(bridge,)), lambda *_: None
        ),
        "mobilisation of 200 people": lambda roads, _: mobilised(snapshot, roads, towns, {"people": 200}, within_min=180),
    }


def measure(folder: Path) -> list[Figure]:
    path = folder / "demo.sqlite"
    with open_store(path) as store:
        fill(store, folder / "rasters", lambda *_: None)
        snapshot = store.snapshot()
    files, at = access_files(path), dt.datetime.now(tz=dt.UTC)
    roads = snapshot.frames["roads"]
    bridges = [str(fid) for fid in roads.index[roads["bridge"].fillna(value=False).astype(bool)]]
    for ask in questions(snapshot, files).values():  # kernels compiled, the graph saved and read
        ask(_shut(snapshot, files, at, bridges[0]), bridges[0])
    figures = []
    for number, name in enumerate(questions(snapshot, files)):
        bridge = bridges[number + 1]
        start = time.perf_counter()
        questions(snapshot, files)[name](_shut(snapshot, files, at, bridge), bridge)
        anew = time.perf_counter() - start
        fresh, nowhere = _forgotten(snapshot), replace(files, network=folder / f"{number}.npz")
        start = time.perf_counter()
        questions(fresh, nowhere)[name](_shut(fresh, nowhere, at, bridge), bridge)
        scratch = time.perf_counter() - start
        figures += [
            Figure(f"{name}, after one closure", anew, "s"), Figure(f"{name}, from scratch", scratch, "s"),
            Figure(f"{name}, scratch over kept", scratch / anew, "times"),
        ]  # fmt: skip
    return figures


def _shut(snapshot: Snapshot, files: AccessFiles, at: dt.datetime, bridge: str) -> RoadsNow:
    found = roads_now(snapshot, files, vehicle="car", at=at, without=(bridge,))
    assert found is not None
    return found


def _forgotten(snapshot: Snapshot) -> Snapshot:
    """The same rows in other frames, so that nothing kept for them is found."""
    return replace(snapshot, frames=MappingProxyType({name: frame.copy() for name, frame in snapshot.frames.items()}))


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="geo-risk-closure-") as made:
        told(measure(Path(made)))
