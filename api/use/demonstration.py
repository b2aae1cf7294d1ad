"""Fill a store with the synthetic demo city, once."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from api.use.access.closing import SOURCE
from api.use.catalogue import SYNTHETIC_SOURCE
from geo_risk.errors import ParameterError
from layers._demo import make_city, write_observations, write_rasters
from layers._store import Batch, Store

Progress = Callable[[str, float], None]
_LAST: Final = "the last layer: the city is whole"
_MANY: Final = 1_000_000


def fill(store: Store, rasters: Path, progress: Progress) -> int:
    """Make the demo city and store every layer of it; the number of features.

    A store that holds the whole city is left as it is; one that was cut off in the middle is completed.

    Raises
    ------
    ParameterError
        The store holds real data: invented features must not get among them.
    """
    held = store.snapshot().frames
    if any((~frame["source"].isin([SYNTHETIC_SOURCE, SOURCE])).any() for frame in held.values()):
        raise ParameterError(
            "this store holds real data", where="--store", expected="a store of the demo's own", got="features of other sources",
            then="name another file for the demo",
        )
    if any(batch.note == _LAST for batch in store.batches(_MANY)):
        return sum(map(len, held.values()))
    city = make_city(progress=lambda _, share: progress("city", share))
    write_rasters(city, rasters)
    write_observations(city, rasters)
    for number, (layer_id, frame) in enumerate(city.layers.items(), start=1):
        note = _LAST if number == len(city.layers) else ""
        store.apply(layer_id, frame, Batch(actor="demo", reason="synthetic demo city", source=SYNTHETIC_SOURCE, note=note))
        progress("store", number / len(city.layers))
    return sum(map(len, city.layers.values()))
