"""How many people stand at the features of a layer, by the column that table *access* names; unknown stays unknown."""

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from geo_risk.errors import ParameterError, shown
from layers._layer import Layer
from layers._tables import table

Floats = NDArray[np.float64]


def people_of(layer: Layer, frame: gpd.GeoDataFrame) -> Floats:
    """People at each feature, nan where unknown."""
    return _column(frame, _columns(layer)["people"])


def needs_of(layer: Layer, frame: gpd.GeoDataFrame) -> tuple[Floats, Floats]:
    """Of them, how many need wheels, and how many need care; unknown throughout where the layer has no such column."""
    columns = _columns(layer)
    return _column(frame, columns.get("wheels")), _column(frame, columns.get("care"))


def _columns(layer: Layer) -> dict[str, str]:
    known: dict[str, dict[str, str]] = table("access")["people"]
    if layer.id not in known:
        raise ParameterError(
            "nobody says how many people stand at features of this layer", where="groups", expected=", ".join(known),
            got=shown(layer.id), then="name one of these, or add its row to table access",
        )
    return known[layer.id]


def _column(frame: gpd.GeoDataFrame, name: str | None) -> Floats:
    if name is None or name not in frame:
        return np.full(len(frame), np.nan)
    return np.asarray(frame[name].astype("Float64").to_numpy(dtype=float, na_value=np.nan), dtype=float)
