"""What grants go by, whoever asks: the least role that may change a layer, and the administrative code of what has no place."""

from collections.abc import Mapping
from typing import Final

from layers._layer import Column, Layer
from layers._store.accounts import Role

CLOSURES: Final = "road_closures"
SHUTS: Final = ("roads", "centre_lon", "centre_lat", "radius_m", "depth_raster")
"""Columns of a closure that say what it shuts beside its area."""
FIELD_GROUPS: Final = ("hazard", "response")
"""Groups of layers that field teams report on; closures, areas, roads and people are for operators."""
SIGNIFICANT: Final[Mapping[str, int]] = {"towns": 9, "counties": 6}
"""Digits of the code that all within such an area share (GB/T 2260, GB/T 10114)."""
_CODE: Final = r"[0-9]{12}"


def least_role(layer: Layer) -> Role:
    """The least role that may change features of the layer.

    >>> from layers import road_closures, shelters, towns
    >>> [least_role(each.LAYER) for each in (shelters, road_closures, towns)]
    ['field', 'operator', 'operator']
    """
    return "field" if layer.group in FIELD_GROUPS and layer.id != CLOSURES else "operator"


def code_column(layer: Layer) -> Column | None:
    """The column by which a feature without a place is known to lie in an area."""
    return next((column for column in layer.columns if column.pattern == _CODE), None)
