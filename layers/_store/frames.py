"""Frames of a snapshot: made when first asked for, and brought forward by what changed without touching what did not."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
from geopandas.array import GeometryArray
from numpy.typing import NDArray

from geo_risk.errors import NotFound
from layers._store.touched import carry

_PIECES: Final = 256
"""Pieces a column may be put together from; above, its rows are taken one by one, and text is laid together anew."""


class Part(NamedTuple):
    """Some rows of a frame that has ``of`` rows."""

    rows: gpd.GeoDataFrame
    of: int


class Pending(NamedTuple):
    """A frame still to be made: as a whole, or the rows from one position up to another alone."""

    whole: Callable[[], gpd.GeoDataFrame]
    part: Callable[[int, int], Part]


class Frames(Mapping[str, gpd.GeoDataFrame]):
    """Frames by layer; one that was given as a way to make it is made once, by whoever asks first.

    >>> frames = Frames({"aeds": lambda: gpd.GeoDataFrame({"name": ["hall"]})})
    >>> len(frames["aeds"]), frames["aeds"] is frames["aeds"], list(frames)
    (1, True, ['aeds'])
    """

    def __init__(self, given: Mapping[str, gpd.GeoDataFrame | Callable[[], gpd.GeoDataFrame] | Pending]) -> None:
        self._held: dict[str, _Held] = (
            dict(given._held) if isinstance(given, Frames) else {layer_id: _Held(frame) for layer_id, frame in given.items()}
        )

    def __getitem__(self, layer_id: str) -> gpd.GeoDataFrame:
        """The layer's frame, made now if nobody asked for it before; `NotFound` where the layer is not there for whoever asks."""
        return self._of(layer_id).frame()

    def is_made(self, layer_id: str) -> bool:
        """Whether the layer is there and its frame made."""
        held = self._held.get(layer_id)
        return held is not None and held.is_made

    def part(self, layer_id: str, start: int, stop: int) -> Part:
        """The layer's rows from one position up to another; of a frame still to be made they alone, if that can be."""
        return self._of(layer_id).part(start, stop)

    def __iter__(self) -> Iterator[str]:
        """Layer ids; makes no frame."""
        return iter(self._held)

    def __len__(self) -> int:
        """How many layers; makes no frame."""
        return len(self._held)

    def __contains__(self, layer_id: object) -> bool:
        """Whether there is such a layer; makes no frame."""
        return layer_id in self._held

    def with_changed(self, changed: Mapping[str, gpd.GeoDataFrame]) -> "Frames":
        """These frames with some replaced; those that are still to be made are made once for both."""
        made = Frames(changed)
        made._held = self._held | made._held
        return made

    def _of(self, layer_id: str) -> "_Held":
        held = self._held.get(layer_id)
        if held is None:
            raise NotFound(
                "this question needs a layer that is not there for whoever asks", expected="a caller who may read it",
                then="ask an admin",
            )
        return held


class _Held:
    def __init__(self, given: gpd.GeoDataFrame | Callable[[], gpd.GeoDataFrame] | Pending) -> None:
        self._lock = threading.Lock()
        self._frame = None if isinstance(given, Pending) or callable(given) else given
        self._make = given.whole if isinstance(given, Pending) else given if callable(given) else None
        self._part = given.part if isinstance(given, Pending) else None

    @property
    def is_made(self) -> bool:
        return self._make is None

    def frame(self) -> Any:
        if self._make is not None:
            with self._lock:
                if self._make is not None:
                    self._frame = self._make()
                    self._make = self._part = None
        return self._frame

    def part(self, start: int, stop: int) -> Part:
        make = self._part
        if make is not None:
            return make(start, stop)
        frame = self.frame()
        return Part(frame.iloc[start:stop], len(frame))


def is_made(frames: Mapping[str, gpd.GeoDataFrame], layer_id: str) -> bool:
    """Whether the layer's frame is there, so that nobody who asks for it waits until it is made.

    >>> is_made(Frames({"aeds": gpd.GeoDataFrame}), "aeds"), is_made({"aeds": gpd.GeoDataFrame()}, "aeds")
    (False, True)
    """
    return frames.is_made(layer_id) if isinstance(frames, Frames) else layer_id in frames


def part_of(frames: Mapping[str, gpd.GeoDataFrame], layer_id: str, start: int, stop: int) -> Part:
    """Rows of the layer's frame from one position up to another, whether it is made already or not.

    >>> part_of({"aeds": gpd.GeoDataFrame({"name": ["hall", "shop"]})}, "aeds", 1, 9).rows["name"].tolist()
    ['shop']
    """
    if isinstance(frames, Frames):
        return frames.part(layer_id, start, stop)
    return Part(frames[layer_id].iloc[start:stop], len(frames[layer_id]))


class _Piece(NamedTuple):
    """A run of rows, of the frame before (``fresh`` False) or of what was read anew."""

    fresh: bool
    start: int
    stop: int


def spliced(before: gpd.GeoDataFrame, fresh: gpd.GeoDataFrame, changed: Iterable[str]) -> gpd.GeoDataFrame:
    """The frame with its changed rows taken out and the fresh ones put in their places, in the order of ids.

    ``before`` is in the order of ids; ``changed`` names every row that may differ, ``fresh`` holds those of them that are there
    now. A column whose values stay as they were is the same array as before, and so is an index that was made over it.
    """
    old, wanted = before.index.to_numpy(), np.array(sorted({*changed, *fresh.index}), dtype=object)
    rows, at = fresh.index.get_indexer(wanted), np.searchsorted(old, wanted)
    there = np.array([place < len(old) and old[place] == fid for place, fid in zip(at.tolist(), wanted, strict=True)], dtype=bool)
    pieces = _pieces(len(old), at, there, rows)
    columns, new = _arrays(before), _arrays(fresh)
    if there.all() and (rows >= 0).all():
        return _framed(before.index, before, {name: _updated(columns[name], new[name], rows, at, pieces) for name in columns})
    index = pd.Index(_spliced(before.index.array, fresh.index.array, pieces).to_numpy(), dtype=object, name=before.index.name)
    return _framed(index, before, {name: _spliced(columns[name], new[name], pieces) for name in columns})


def position(frame: gpd.GeoDataFrame, fid: str) -> int | None:
    """Where the feature of that id stands in a frame in the order of ids, or None: found with no table of all ids.

    >>> position(gpd.GeoDataFrame({"name": ["x", "y"]}, index=["a", "c"]), "c")
    1
    """
    ids = frame.index.to_numpy()
    place = int(np.searchsorted(ids, fid)) if len(ids) else 0
    return place if place < len(ids) and ids[place] == fid else None


def _pieces(length: int, at: NDArray[np.intp], there: NDArray[np.bool_], rows: NDArray[np.intp]) -> list[_Piece]:
    """The runs of old rows between the changed ones, and in their places the fresh rows, where there are any."""
    pieces, done = [], 0
    for place, was, row in zip(at.tolist(), there.tolist(), rows.tolist(), strict=True):
        pieces.append(_Piece(False, done, place))
        done = place + was
        if row >= 0:
            pieces.append(_Piece(True, row, row + 1))
    return [piece for piece in (*pieces, _Piece(False, done, length)) if piece.stop > piece.start]


def _arrays(frame: gpd.GeoDataFrame) -> dict[Any, Any]:
    """Its columns' arrays; pandas alone gives them in a third of the time."""
    return {name: column.array for name, column in pd.DataFrame(frame).items()}


def _updated(old: Any, fresh: Any, rows: NDArray[np.intp], at: NDArray[np.intp], pieces: list[_Piece]) -> Any:
    new = fresh.take(rows)
    if old.take(at).equals(new):
        return old
    if old.dtype == "str":
        return _spliced(old, fresh, pieces)
    made = old.copy()
    made[at] = new
    if isinstance(made, GeometryArray):
        carry(old, made, at)
    return made


def _spliced(old: Any, fresh: Any, pieces: list[_Piece]) -> Any:
    if len(pieces) > _PIECES:
        order = [np.arange(piece.start, piece.stop) + piece.fresh * len(old) for piece in pieces]
        return type(old)._concat_same_type([old, fresh]).take(np.concatenate(order))
    parts = [(fresh if piece.fresh else old)[piece.start : piece.stop] for piece in pieces] or [old[:0]]
    return _laid_together(type(old)._concat_same_type(parts))


def _laid_together(values: Any) -> Any:
    """Text stays in pieces that are shared with the column before, until they are too many to be read quickly."""
    if values.dtype != "str":
        return values
    pieces = pa.chunked_array(values.__arrow_array__())
    return values.dtype.__from_arrow__(pieces.combine_chunks()) if pieces.num_chunks > _PIECES else values


def _framed(index: pd.Index, before: gpd.GeoDataFrame, columns: dict[str, Any]) -> gpd.GeoDataFrame:
    plain = pd.DataFrame(columns, index=index, copy=False)
    return gpd.GeoDataFrame(plain, geometry=before.geometry.name, copy=False)
