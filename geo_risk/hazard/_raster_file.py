"""What a raster file may be before it is read: local, of a known kind by its first bytes, no larger than it can hold."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geo_risk.errors import FileError, shown
from geo_risk.hazard.grid import Numbers

KINDS: Final = {
    b"II*\x00": "geotiff",
    b"MM\x00*": "geotiff",
    b"II+\x00": "geotiff",
    b"MM\x00+": "geotiff",
    b"CDF\x01": "netcdf-classic",
    b"CDF\x02": "netcdf-classic",
    b"\x89HDF": "netcdf-4",
}
"""First bytes and what they are; a file that starts with anything else is opened by no library."""


@dataclass(frozen=True, kw_only=True)
class RasterLimits:
    """What a raster file may promise: cells of a band, bytes of a block, bytes promised for each byte of the file.

    Deflate reaches 1,030 to 1 at best, so a header that promises more than ``times_its_size`` holds nothing but holes.
    Files that promise at most ``harmless_bytes`` are let through whatever their ratio.
    """

    cells: int = 20_000_000_000
    block_bytes: int = 256_000_000
    times_its_size: float = 2_000.0
    harmless_bytes: int = 64_000_000


@dataclass(frozen=True, kw_only=True)
class Packing:
    """How stored numbers become values: ``stored * scale + offset``, nan where stored is a mark of unknown or out of range.

    ``marks`` are in the stored type; ``least`` and ``most`` in stored units. Infinite values are no measurement: nan.
    """

    marks: tuple[Any, ...] = ()
    scale: float = 1.0
    offset: float = 0.0
    least: float = -math.inf
    most: float = math.inf

    def values(self, stored: NDArray[Any]) -> Numbers:
        """The values as float64 of the same shape.

        >>> Packing(marks=(np.int16(-1),), scale=0.1).values(np.array([-1, 25], dtype=np.int16)).tolist()
        [nan, 2.5]
        """
        values = stored.astype(np.float64)
        unknown = ~np.isfinite(values)
        for mark in self.marks:
            unknown |= stored == mark
        if math.isfinite(self.least) or math.isfinite(self.most):
            unknown |= (values < self.least) | (values > self.most)
        if (self.scale, self.offset) != (1.0, 0.0):
            values *= self.scale
            values += self.offset
        values[unknown] = np.nan
        return values


AS_IT_IS: Final = Packing()


def local_file(path: Path | str, where: str) -> Path:
    """The absolute path of an ordinary file on this machine.

    Raises
    ------
    FileError
        There is no such file: addresses of the network and GDAL's virtual paths (``/vsi...``) are none.
    """
    found = Path(path)
    if not found.is_file():
        raise FileError(
            "no such raster file", where=where, expected="an ordinary file on this machine, not an address or a /vsi path",
            got=shown(found.name), then="check the path, or fetch the file first",
        )
    return found.resolve()


def kind_of(path: Path, where: str) -> str:
    """``geotiff``, ``netcdf-classic`` or ``netcdf-4``, by the first bytes and never by the name.

    Raises
    ------
    FileError
        The file starts otherwise: a VRT, a web service description and a text grid are no rasters here.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start not in KINDS:
        raise FileError(
            "not a raster of a kind that is read", where=where, expected="GeoTIFF, COG, NetCDF-4 or classic NetCDF",
            got=f"{shown(path.name)}, which starts otherwise", then="convert it with gdal_translate -of COG",
        )
    return KINDS[start]


def require_holdable(*, cells: int, bytes_of_all: int, block_bytes: int, path: Path, limits: RasterLimits, where: str) -> None:
    """Stop where a header promises more cells, larger blocks, or far more bytes than the file can hold.

    Raises
    ------
    FileError
        Names the limit; each is a field of `RasterLimits`.
    """
    size = max(path.stat().st_size, 1)
    if cells > limits.cells:
        _refuse("the raster promises too many cells", f"at most {limits.cells:,} cells a band", f"{cells:,}", "cells", where)
    if block_bytes > limits.block_bytes:
        _refuse("a block of the raster is too large to read", f"at most {limits.block_bytes:,} bytes", f"{block_bytes:,}",
                "block_bytes", where)
    if bytes_of_all > max(limits.harmless_bytes, limits.times_its_size * size):
        _refuse("the header promises far more than the file can hold", f"at most {limits.times_its_size:,.0f} times its size",
                f"{bytes_of_all:,} bytes in a file of {size:,}", "times_its_size", where)


def _refuse(what: str, expected: str, got: str, limit: str, where: str) -> None:
    raise FileError(what, where=where, expected=expected, got=got, then=f"cut or rewrite it, or raise RasterLimits({limit}=...)")


def marks(dtype: np.dtype[Any], values: tuple[float | None, ...]) -> tuple[Any, ...]:
    """The marks of unknown in a stored type, without those that it cannot hold.

    >>> marks(np.dtype("uint8"), (-9999.0, 255.0, None)), marks(np.dtype("float32"), (-1.7e308,))
    ((np.uint8(255),), ())
    """
    return tuple(dtype.type(value) for value in values if value is not None and _holds(dtype, value))


def _holds(dtype: np.dtype[Any], value: float) -> bool:
    if not math.isfinite(value):
        return False
    if dtype.kind == "f":
        return abs(value) <= float(np.finfo(dtype).max)
    bounds = np.iinfo(dtype)
    return value == int(value) and bounds.min <= int(value) <= bounds.max
