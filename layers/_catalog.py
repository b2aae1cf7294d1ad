"""The catalogue finds layers by looking: every ``layers/<id>.py`` with a plain name holds one `Layer` called ``LAYER``."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

import layers
from geo_risk.errors import DeclarationError, NotFound, shown
from layers._layer import Layer

_ORDER = ("hazard", "response", "people", "area", "base")


@cache
def catalog() -> dict[str, Layer]:
    """All layers by id, in the order of a legend: hazards, response, people, areas, base; then by id."""
    names = sorted(found.name for found in pkgutil.iter_modules(layers.__path__) if not found.name.startswith("_"))
    found = [_load(name) for name in names]
    return {layer.id: layer for layer in sorted(found, key=lambda layer: (_ORDER.index(layer.group), layer.id))}


def layer(layer_id: str) -> Layer:
    """The layer of that id.

    Raises
    ------
    NotFound
        There is none; the error lists those there are.
    """
    return named(catalog(), layer_id)


def named(layers_there: Mapping[str, Layer], layer_id: str) -> Layer:
    """The layer of that id among these; `NotFound` names these only."""
    try:
        return layers_there[layer_id]
    except KeyError:
        raise NotFound(
            f"no layer {shown(layer_id)!r}", expected="one of " + ", ".join(layers_there), got=shown(layer_id),
            then="check the spelling",
        ) from None


def _load(name: str) -> Layer:
    module = importlib.import_module(f"layers.{name}")
    found = getattr(module, "LAYER", None)
    if not isinstance(found, Layer) or found.id != name:
        raise DeclarationError(
            "a file in layers/ with a plain name declares one layer of its own name",
            where=f"layers/{name}.py",
            expected=f"LAYER = Layer(id={name!r}, ...)",
            got=type(found).__name__,
            then="mend it, or start the file's name with _",
        )
    return found
