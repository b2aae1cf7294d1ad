"""Ids that are the same each time the same rows are loaded: a hash of layer, source and key, with an occurrence number."""

import datetime as dt
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from json.encoder import encode_basestring
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
    return [
        _canonical([shape, *(word for name, part in zip(names, parts, strict=True) if part is not None for word in (name, part))])
        for parts, shape in zip(rows, wkb, strict=True)
    ]


def _rows(columns: dict[str, list[Any]], names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    count = len(next(iter(columns.values()), []))
    return list(zip(*(columns.get(name) or [None] * count for name in names), strict=True))


def _canonical(parts: Iterable[Any]) -> str:
    """Values as a JSON array in the one way it is always written."""
    return f"[{','.join(map(_word, parts))}]"


def _word(value: Any) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    return '"' + value.isoformat() + '"' if isinstance(value, dt.date) else json.dumps(value)


def _hashed(layer_id: str, source: str, keys: list[str]) -> list[str]:
    start = _canonical([layer_id, source])
    occurrences = _occurrences(keys)
    return [
        hashlib.sha256(f"{start}{key}{occurrence}".encode()).hexdigest()[:_DIGITS]
        for key, occurrence in zip(keys, occurrences, strict=True)
    ]


def _occurrences(keys: list[str]) -> list[int]:
    """How often each key was seen up to and with its place."""
    if len(set(keys)) == len(keys):
        return [1] * len(keys)
    seen: Counter[str] = Counter()
    counts = []
    for key in keys:
        seen[key] += 1
        counts.append(seen[key])
    return counts


def _twins(
    keys: list[str], by: str, columns: dict[str, list[Any]], geometry: Geometries
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    if len(set(keys)) == len(keys):
        return [], []
    places: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        places[key].append(place)
    groups = [group for group in places.values() if len(group) > 1]
    if by == "content":
        return [(place, group[0]) for group in groups for place in group[1:]], []
    repeated: list[tuple[int, int]] = []
    shared: list[tuple[int, int]] = []
    for group in groups:
        contents = content_of({name: [values[place] for place in group] for name, values in columns.items()}, geometry[group])
        for place, content in zip(group[1:], contents[1:], strict=True):
            (repeated if content == contents[0] else shared).append((place, group[0]))
    return repeated, shared
