"""Ids that are the same each time the same rows are loaded: a hash of layer, source and key, with an occurrence number."""

import hashlib
import json
from collections import Counter, defaultdict
from typing import Any, Final, NamedTuple

import numpy as np
import shapely

from layers._check.geometry import Geometries
from layers._layer import Layer

_DIGITS: Final = 20
_DECIMALS: Final = 9  # of a degree: a tenth of a millimetre, so that a last bit of rounding makes no new feature


class Identities(NamedTuple):
    """Ids by place; what told the rows apart; places that repeat an earlier one whole, or only its key, with that one."""

    ids: list[str]
    by: str
    repeated: list[tuple[int, int]]
    key_shared: list[tuple[int, int]]


def identities(layer: Layer, source: str, columns: dict[str, list[Any]], geometry: Geometries, key: list[str] | None) -> Identities:
    """Ids of the rows: by the clerk's key column, else the layer's key if every row has some of it, else the content.

    Rows with the same key are numbered in the file's order, so an edit of one leaves its id and its twins' as they are.
    """
    if key is not None:
        keys: list[str] = [_canonical([text]) for text in key]
        by = "key"
    elif layer.key and all(any(part is not None for part in parts) for parts in _rows(columns, layer.key)):
        keys, by = [_canonical(parts) for parts in _rows(columns, layer.key)], "layer_key"
    else:
        keys, by = content_of(columns, geometry), "content"
    repeated, shared = _twins(keys, by, columns, geometry)
    return Identities(_hashed(layer.id, source, keys), by, repeated, shared)


def content_of(columns: dict[str, list[Any]], geometry: Geometries) -> list[str]:
    """Each row's values and place as one canonical text."""
    rounded = shapely.transform(geometry, lambda places: np.round(places, _DECIMALS) + 0.0) if len(geometry) else geometry
    wkb = shapely.to_wkb(rounded, hex=True, byte_order=1)
    names = sorted(name for name, values in columns.items() if any(value is not None for value in values))
    rows = _rows(columns, tuple(names)) if names else [()] * len(geometry)
    return [_canonical([{name: part for name, part in zip(names, parts, strict=True) if part is not None}, shape])
            for parts, shape in zip(rows, wkb, strict=True)]


def _rows(columns: dict[str, list[Any]], names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    count = len(next(iter(columns.values()), []))
    return list(zip(*(columns.get(name) or [None] * count for name in names), strict=True))


def _canonical(parts: Any) -> str:
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str)


def _hashed(layer_id: str, source: str, keys: list[str]) -> list[str]:
    start = _canonical([layer_id, source])
    seen: Counter[str] = Counter()
    ids = []
    for key in keys:
        seen[key] += 1
        ids.append(hashlib.sha256(f"{start}{key}{seen[key]}".encode()).hexdigest()[:_DIGITS])
    return ids


def _twins(keys: list[str], by: str, columns: dict[str, list[Any]], geometry: Geometries) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        places[key].append(place)
    groups = [group for group in places.values() if len(group) > 1]
    if by == "content":
        return [(place, group[0]) for group in groups for place in group[1:]], []
    repeated, shared = [], []
    for group in groups:
        contents = content_of({name: [values[place] for place in group] for name, values in columns.items()}, geometry[group])
        for place, content in zip(group[1:], contents[1:], strict=True):
            (repeated if content == contents[0] else shared).append((place, group[0]))
    return repeated, shared
