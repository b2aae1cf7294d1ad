"""Which rows of a layer a shape touches: by one tree, beside which the few that were moved since it was made stand.

To make the tree of a million geometries anew takes half a second, during which nothing else is answered.
"""

import weakref
from typing import Any, Final, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from geopandas.array import GeometryArray
from numpy.typing import NDArray

_MOST: Final = 2_000
"""Moved geometries up to which each is looked at; above, the tree is made anew by whoever needs it."""


class _Aged(NamedTuple):
    """The tree of geometries as they were, and the positions, rising, of those that may be others now."""

    tree: Any
    moved: NDArray[np.intp]


_aged: dict[int, _Aged] = {}


def touched(frame: gpd.GeoDataFrame, shape: shapely.Geometry) -> NDArray[np.intp]:
    """Positions, rising, of the rows whose geometry intersects the shape.

    >>> rows = gpd.GeoDataFrame(geometry=[shapely.Point(0, 0), None, shapely.Point(1, 1)], crs=4326)
    >>> touched(rows, shapely.box(1, 0, 2, 2)).tolist()
    [2]
    """
    places = frame.geometry.array
    aged = _aged.get(id(_content(places)))
    if aged is None:
        return np.sort(places.sindex.query(shape, predicate="intersects"))
    found = aged.tree.query(shape, predicate="intersects")
    moved = aged.moved[shapely.intersects(places.take(aged.moved).to_numpy(), shape)]
    return np.sort(np.concatenate([found[~np.isin(found, aged.moved)], moved]))


def carry(before: GeometryArray, after: GeometryArray, at: NDArray[np.intp]) -> None:
    """Let the tree of some geometries, if there is one, serve those after them, which differ at these positions at most."""
    known = _aged.get(id(_content(before)))
    if known is None and not before.has_sindex:
        return
    tree, moved = known or _Aged(before.sindex, np.empty(0, dtype=np.intp))
    moved = np.union1d(moved, at)
    if len(moved) <= _MOST:
        content = _content(after)
        _aged[id(content)] = _Aged(tree, moved)
        weakref.finalize(content, _aged.pop, id(content), None)


def _content(places: GeometryArray) -> NDArray[Any]:
    """The geometries themselves, which every frame that shares them has as a view of its own; of a part the part alone."""
    view = np.asarray(places)
    whole = view.base if isinstance(view.base, np.ndarray) else view
    same = (view.ctypes.data, view.shape, view.strides) == (whole.ctypes.data, whole.shape, whole.strides)
    return whole if same else view
