"""GeoTIFF and COG through rasterio with GDAL's GeoTIFF driver alone, and without the files that lie beside it."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.errors import RasterioError
from rasterio.windows import Window

from geo_risk.errors import CrsError, FileError, shown
from geo_risk.hazard._raster_file import Packing, RasterLimits, marks, require_holdable
from geo_risk.hazard.grid import Grid

Look: TypeAlias = Callable[[int, int, int, int], NDArray[Any]]
"""From first row, first column, rows and columns to the numbers of that window."""
WHERE: Final = "open_raster"
CACHE_MB: Final = 32
_MASKED: Final = frozenset({MaskFlags.per_dataset, MaskFlags.alpha})


@contextmanager
def gdal() -> Iterator[None]:
    """GDAL that looks at no file but the one named (a mask or overview beside it may be of any kind) and caches little."""
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_CACHEMAX=CACHE_MB, GDAL_PAM_ENABLED="NO"):
        yield


class GeoTiff:
    """One band of an open file; each thread that reads at the same time has a handle of its own, as GDAL asks."""

    def __init__(self, path: Path, band: int) -> None:
        self._path, self._band = path, band
        self._idle: deque[Any] = deque()
        self._closed = False
        with self._lent() as dataset:
            _require_readable(dataset, band)
            self.masked = bool(_MASKED & set(dataset.mask_flag_enums[band - 1]))
            self.dtype = np.dtype(dataset.dtypes[band - 1])
            self.block: tuple[int, int] = dataset.block_shapes[band - 1]

    @contextmanager
    def reader(self) -> Iterator[Look]:
        """The numbers as the file holds them, window by window, on one handle: setting GDAL up costs a tenth of a block or more."""
        with self._lent() as dataset:
            yield lambda row, column, rows, columns: np.asarray(dataset.read(self._band, window=Window(column, row, columns, rows)))

    def stored(self, row: int, column: int, rows: int, columns: int) -> NDArray[Any]:
        """The numbers of one window as the file holds them."""
        with self.reader() as look:
            return look(row, column, rows, columns)

    def hidden(self, row: int, column: int, rows: int, columns: int) -> NDArray[np.bool_]:
        """Where the file's mask or alpha band hides the cell."""
        with self._lent() as dataset:
            return np.asarray(dataset.read_masks(self._band, window=Window(column, row, columns, rows)) == 0)

    def described(self, crs: pyproj.CRS | None, nodata: float | None, limits: RasterLimits) -> tuple[Grid, Packing, str]:
        """Where the cells lie, how stored numbers become values, and the unit the file states."""
        with self._lent() as dataset:
            _require_size(dataset, self._band, self._path, limits)
            at = self._band - 1
            packing = Packing(
                marks=marks(self.dtype, (dataset.nodatavals[at] if nodata is None else nodata,)),
                scale=dataset.scales[at], offset=dataset.offsets[at],
            )
            return _grid(dataset, crs), packing, dataset.units[at] or ""

    def close(self) -> None:
        """Close every handle."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _lent(self) -> Iterator[Any]:
        if self._closed:
            raise FileError("the raster is closed", where=WHERE, expected="reading within `with`", got=shown(self._path.name))
        try:
            with gdal():
                dataset = self._handle()
                try:
                    yield dataset
                finally:
                    self._idle.append(dataset)
        except RasterioError as error:
            raise FileError(
                "the raster cannot be read", where=WHERE, expected="a whole GeoTIFF", got=shown(self._path.name),
                then="fetch it again, or check it with gdalinfo",
            ) from error

    def _handle(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:  # all are lent to other threads
            return rasterio.open(self._path, driver="GTiff")


def _require_readable(dataset: Any, band: int) -> None:
    if not 1 <= band <= dataset.count:
        raise FileError(
            "no such band", where=WHERE, expected=f"1 to {dataset.count}", got=shown(band), then="name a band of the file"
        )
    if np.dtype(dataset.dtypes[band - 1]).kind == "c":
        raise FileError(
            "the raster holds complex numbers", where=WHERE, expected="real numbers", got=shown(dataset.dtypes[band - 1]),
            then="take the part or the amplitude that is meant",
        )


def _require_size(dataset: Any, band: int, path: Path, limits: RasterLimits) -> None:
    rows, columns = dataset.block_shapes[band - 1]
    itemsize = max(np.dtype(name).itemsize for name in dataset.dtypes)
    together = dataset.count if str(dataset.interleaving or "").lower().endswith("pixel") else 1
    require_holdable(
        cells=dataset.width * dataset.height, bytes_of_all=dataset.width * dataset.height * dataset.count * itemsize,
        block_bytes=rows * columns * itemsize * together, path=path, limits=limits, where=WHERE,
    )


def _grid(dataset: Any, crs: pyproj.CRS | None) -> Grid:
    known = crs or (dataset.crs and pyproj.CRS.from_wkt(dataset.crs.to_wkt()))
    if not known:
        raise CrsError("the raster has no CRS", where=WHERE, expected="one in the file", got="none", then="give crs=")
    to_ground = dataset.transform
    if to_ground.is_identity:
        raise CrsError("the raster does not say where it lies", where=WHERE, expected="a geotransform", got="none",
                       then="write one with gdal_edit -a_ullr")
    if to_ground.b or to_ground.d or to_ground.a < 0:
        raise CrsError("the raster is rotated", where=WHERE, expected="rows running east and columns running north or south",
                       got=f"turned by {shown(to_ground.d)} a column", then="warp it with gdalwarp")
    return Grid(
        crs=known, x=to_ground.c, y=to_ground.f, dx=to_ground.a, dy=to_ground.e, columns=dataset.width, rows=dataset.height
    )
