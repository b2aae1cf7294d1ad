"""What the map holds now: each layer's declaration, how many features, how old."""

import datetime as dt
from dataclasses import asdict
from typing import Any

import geopandas as gpd

from api.use._remember import remember
from geo_risk.levels import Scheme
from layers._layer import Layer
from layers._store import Snapshot
from layers._tables import scheme

SYNTHETIC_SOURCE = "demo"


def layers_answer(snapshot: Snapshot, now: dt.datetime) -> dict[str, Any]:
    """Every layer with its readable columns, count and age, and the scheme of levels."""
    return {
        "revision": snapshot.revision,
        "updated_at": snapshot.recorded_at,
        "synthetic": is_synthetic(snapshot),
        "layers": [layer_answer(layer, snapshot, now) for layer in snapshot.layers.values()],
        "scheme": scheme_answer(scheme("risk_index")),
    }


def layer_answer(layer: Layer, snapshot: Snapshot, now: dt.datetime) -> dict[str, Any]:
    """One layer's declaration as a page needs it."""
    updated_at = snapshot.updated_at(layer.id)
    age = now - dt.datetime.fromisoformat(updated_at) if updated_at else None
    readable = {column.name for column in layer.readable(snapshot.readable)}
    style = asdict(layer.style)
    return {
        "id": layer.id,
        "title": layer.title,
        "geometry": layer.geometry.value,
        "place_optional": layer.place_optional,
        "group": layer.group,
        "count": len(snapshot.frames[layer.id]),
        "updated_at": updated_at,
        "stale": age is not None and age > dt.timedelta(days=layer.stale_after_days),
        "stale_after_days": layer.stale_after_days,
        "attribution": layer.attribution,
        "licence": layer.licence,
        "style": {
            **style,
            "popup": [name for name in layer.style.popup if name in readable],
            "card": [name for name in layer.style.card if name in readable],
            "level_by": layer.style.level_by if layer.style.level_by in readable else None,
            "look_by": layer.style.look_by if layer.style.look_by in readable else None,
        },
        "columns": [column.declared() for column in layer.readable(snapshot.readable)],
        "derivations": [
            {"column": each.column, "inputs": each.inputs, "title": each.title}
            for each in layer.derivations
            if readable.issuperset((each.column, *each.inputs))
        ],
    }


def scheme_answer(given: Scheme) -> dict[str, Any]:
    """A scheme with its levels from the worst to the least, unknown last."""
    return {
        "id": given.id,
        "title": given.title,
        "unit": given.unit,
        "source": given.source,
        "checked": given.checked,
        "levels": [asdict(level) for level in (*given.levels, given.unknown)],
    }


def is_synthetic(snapshot: Snapshot) -> bool:
    """Whether any feature comes from the demo city."""
    return any(remember(frame, "synthetic", _from_demo) for frame in snapshot.frames.values())


def _from_demo(frame: gpd.GeoDataFrame) -> bool:
    return bool((frame["source"] == SYNTHETIC_SOURCE).any())
