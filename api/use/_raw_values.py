"""Raw values of factors, kept from one snapshot to the next: what did not change is not measured again.

A value is kept a set of places and a factor, with the places and features it came from. Frames that a snapshot shares with
the one before are known by identity; of a changed frame only what the change touches is measured (`geo_risk.risk.changes`),
which equals measuring all of it, so nothing here can make a figure wrong or old: it can only make it soon.
"""

import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from geo_risk.model import Factor
from geo_risk.risk.assess import absence
from geo_risk.risk.changes import Measured, measured, measured_again
from geo_risk.risk.measures import kept

_MOST = 200
_lock = threading.Lock()


@dataclass(frozen=True)
class _Kept:
    places: "weakref.ref[gpd.GeoDataFrame]"
    features: "weakref.ref[gpd.GeoDataFrame]"
    measured: Measured


_last: dict[tuple[str, str], _Kept] = {}


def raw_values(
    places_name: str, places: gpd.GeoDataFrame, inputs: Sequence[tuple[Factor, gpd.GeoDataFrame]]
) -> Mapping[str, "pd.Series[float]"]:
    """The raw values of the factors that can be read, by factor id."""
    found = {factor.id: _value(places_name, places, factor, features) for factor, features in inputs}
    return {factor: values for factor, values in found.items() if values is not None}


def forget() -> None:
    """Measure everything anew next time: for benchmarks."""
    with _lock:
        _last.clear()


def _value(places_name: str, places: gpd.GeoDataFrame, factor: Factor, features: gpd.GeoDataFrame) -> "pd.Series[float] | None":
    key = (places_name, factor.id)
    known = _last.get(key)
    if known is not None and known.places() is places and known.features() is features:
        return known.measured.raw
    rows = kept(features, factor)
    if absence(factor, rows):
        return None
    if known is None:
        values = measured(places, _read(rows, factor), factor)
    else:
        values, _ = measured_again(known.measured, places, _read(rows, factor), factor)
    with _lock:
        _last[key] = _Kept(weakref.ref(places), weakref.ref(features), values)
        while len(_last) > _MOST:
            _last.pop(next(iter(_last)))
    return values.raw


def _read(rows: gpd.GeoDataFrame, factor: Factor) -> gpd.GeoDataFrame:
    """Only the columns a measure reads: the frame outlives its snapshot."""
    return rows[[name for name in dict.fromkeys((factor.column, "occupancy")) if name in rows] + ["geometry"]]
