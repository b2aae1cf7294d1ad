"""Columns of a layer as arrays of floats, nan where a value is missing."""

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray


def numbers(frame: gpd.GeoDataFrame, name: str | None) -> NDArray[np.float64]:
    """A column of numbers, on the rows of the frame; nan throughout where the layer has no such column.

    >>> numbers(gpd.GeoDataFrame({"beds": [3, None]}, geometry=[None, None]), "beds").tolist()
    [3.0, nan]
    """
    if name is None or name not in frame:
        return np.full(len(frame), np.nan)
    return np.asarray(frame[name].astype("Float64").to_numpy(dtype=float, na_value=np.nan), dtype=float)
