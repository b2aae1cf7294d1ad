"""Fill a store with the synthetic demo city, once."""

from collections.abc import Callable
from pathlib import Path

from api.use.catalogue import SYNTHETIC_SOURCE
from layers._demo import make_city, write_rasters
from layers._store import Batch, Store

Progress = Callable[[str, float], None]


def fill(store: Store, rasters: Path, progress: Progress) -> int:
    """Make the demo city and store every layer of it; returns the number of features. A filled store is left as it is."""
    held = sum(len(frame) for frame in store.snapshot().frames.values())
    if held:
        return held
    city = make_city(progress=lambda _, share: progress("city", share))
    batch = Batch(actor="demo", reason="synthetic demo city", source=SYNTHETIC_SOURCE)
    for number, (layer_id, frame) in enumerate(city.layers.items()):
        progress("store", number / len(city.layers))
        store.apply(layer_id, frame, batch)
    write_rasters(city, rasters)
    progress("store", 1.0)
    return sum(len(frame) for frame in city.layers.values())
