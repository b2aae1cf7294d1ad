"""What a caller may read of a snapshot: the rest is not there for him, whatever is asked of it."""

import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Final

import geopandas as gpd
import numpy as np

from layers._layer import SENSITIVITIES, Layer, Sensitivity
from layers._store.frames import Frames, Part, Pending, part_of
from layers._store.snapshot import Snapshot


@dataclass(frozen=True)
class Sight:
    """The sensitivities of columns that may be read, and the layers (None: every layer)."""

    sensitivities: tuple[Sensitivity, ...]
    layers: frozenset[str] | None = None

    def sees(self, layer: Layer) -> bool:
        """Whether the layer is there for this caller at all."""
        return layer.sensitivity in self.sensitivities and (self.layers is None or layer.id in self.layers)

    def covers(self, other: "Sight") -> bool:
        """Whether all that the other sees is there for this one too.

        >>> WHOLE.covers(PUBLIC), PUBLIC.covers(WHOLE)
        (True, False)
        """
        layers = self.layers is None or (other.layers is not None and other.layers <= self.layers)
        return layers and set(other.sensitivities) <= set(self.sensitivities)


def sight_up_to(clearance: Sensitivity, layers: frozenset[str] | None = None) -> Sight:
    """The sight of a clearance: its own sensitivity and the lower ones.

    >>> sight_up_to("internal").sensitivities
    ('public', 'internal')
    """
    return Sight(SENSITIVITIES[: SENSITIVITIES.index(clearance) + 1], layers)


PUBLIC: Final = sight_up_to("public")
WHOLE: Final = sight_up_to("personal")

_lock = threading.Lock()
_redacted: dict[int, dict[tuple[Sensitivity, ...], gpd.GeoDataFrame]] = {}


def seen(snapshot: Snapshot, sight: Sight) -> Snapshot:
    """The snapshot as the sight allows: hidden layers gone, columns that may not be read missing throughout.

    Frames that lose nothing are the same objects, and the others are made once a frame, so that what is remembered of
    them lasts. What must be the same for every caller, such as risk, is computed on ``.whole``.
    """
    whole = snapshot.whole
    if sight == WHOLE:
        return whole
    layers = {layer_id: layer for layer_id, layer in whole.layers.items() if sight.sees(layer)}
    frames = Frames({layer_id: _pending(layer, whole.frames, sight) for layer_id, layer in layers.items()})
    updated = {layer_id: moment for layer_id, moment in whole.updated.items() if layer_id in layers}
    return replace(
        whole, layers=MappingProxyType(layers), frames=frames, updated=MappingProxyType(updated),
        recorded_at=max(updated.values(), default=None), readable=sight.sensitivities, seen_of=whole,
    )


def _pending(layer: Layer, frames: Mapping[str, gpd.GeoDataFrame], sight: Sight) -> Pending:
    def part(start: int, stop: int) -> Part:
        rows, of = part_of(frames, layer.id, start, stop)
        return Part(_without(rows, _hidden(layer, sight)), of)

    return Pending(partial(_readable, layer, frames, sight), part)


def _hidden(layer: Layer, sight: Sight) -> list[str]:
    return [column.name for column in layer.columns if column.sensitivity not in sight.sensitivities]


def _without(frame: gpd.GeoDataFrame, hidden: list[str]) -> gpd.GeoDataFrame:
    """The frame with these columns missing throughout."""
    nothing = np.full(len(frame), -1)
    return frame.assign(**{name: frame[name].array.take(nothing, allow_fill=True) for name in hidden}) if hidden else frame


def _readable(layer: Layer, frames: Mapping[str, gpd.GeoDataFrame], sight: Sight) -> gpd.GeoDataFrame:
    frame = frames[layer.id]
    hidden = _hidden(layer, sight)
    if not hidden:
        return frame
    key = id(frame)
    with _lock:
        if key not in _redacted:
            _redacted[key] = {}
            weakref.finalize(frame, _redacted.pop, key, None)
        made = _redacted[key]
        if sight.sensitivities not in made:
            made[sight.sensitivities] = _without(frame, hidden)
        return made[sight.sensitivities]
