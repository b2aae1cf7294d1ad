"""One variable of a NetCDF file by CF's conventions: its axes, grid, CRS and packing; through xarray, never through GDAL."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import pyproj
import xarray
from numpy.typing import NDArray

from geo_risk.errors import CrsError, FileError, shown
from geo_risk.hazard._raster_file import Packing, RasterLimits, kind_of, marks, require_holdable
from geo_risk.hazard.grid import Grid, Numbers

WHERE: Final = "open_raster"
ENGINES: Final = {"netcdf-classic": "scipy", "netcdf-4": "h5netcdf"}
EVEN: Final = 0.01  # of a cell: how far a centre may lie from where even spacing puts it (float32 degrees reach 0.002)
_OBJECTS: Final = 10_000
_AXIS_CELLS: Final = 10_000_000
_READ_AT_ONCE: Final = 65_536
_X_WORDS: Final = {"axis": {"X"}, "standard_name": {"longitude", "projection_x_coordinate"},
                   "units": {"degrees_east", "degree_east", "degrees_E", "degreeE"}}
_Y_WORDS: Final = {"axis": {"Y"}, "standard_name": {"latitude", "projection_y_coordinate"},
                   "units": {"degrees_north", "degree_north", "degrees_N", "degreeN"}}
_X_NAMES: Final = frozenset({"lon", "longitude", "x"})
_Y_NAMES: Final = frozenset({"lat", "latitude", "y"})
_UNWRITTEN: Final = {"f4": 9.969209968386869e36, "f8": 9.969209968386869e36, "i2": -32767, "i4": -2147483647}
"""What the NetCDF library fills cells with that nobody wrote, where the variable declares no mark of its own."""
_METRES: Final = frozenset({"m", "metre", "metres", "meter", "meters"})
# what xarray, h5py, h5netcdf and scipy raise on files that are broken in one way or another
_BROKEN: Final = (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, OverflowError)


@dataclass(frozen=True, kw_only=True)
class Field:
    """A variable whose last two dimensions, after turning, are rows and columns; ``steps`` is what lies before them."""

    name: str
    y: str
    x: str
    before: tuple[str, ...]
    steps: int
    shape: tuple[int, int]
    grid: Grid | None
    packing: Packing
    units: str
    attrs: Mapping[str, Any]


@contextmanager
def opened(path: Path, limits: RasterLimits) -> Iterator[xarray.Dataset]:
    """The file with nothing decoded and nothing read but the axes.

    Raises
    ------
    FileError
        Broken, or an HDF5 file that takes its data from other files.
    """
    kind = kind_of(path, WHERE)
    try:
        if kind == "netcdf-4":
            _require_itself(path, limits)
        dataset = xarray.open_dataset(path, engine=ENGINES[kind], decode_cf=False, cache=False, chunks=None)
    except _BROKEN as error:
        raise broken(path) from error
    try:
        yield dataset
    finally:
        dataset.close()


def broken(path: Path) -> FileError:
    """The error for a file that cannot be read."""
    return FileError("the raster cannot be read", where=WHERE, expected="a whole NetCDF file", got=shown(path.name),
                     then="fetch it again, or check it with ncdump -h")


def field(dataset: xarray.Dataset, name: str | None, path: Path, *, crs: pyproj.CRS | None, nodata: float | None,
          limits: RasterLimits) -> Field:
    """The variable of that name, or the only one that lies on a map.

    Raises
    ------
    FileError
        No such variable, several and none named, no numbers, or more than the file can hold.
    CrsError
        A projected variable that does not say its CRS.
    """
    found = _named(dataset, name)
    variable = dataset[found]
    if variable.dtype.kind not in "iuf":
        raise FileError("the variable holds no numbers", where=WHERE, expected="integers or floats", got=shown(str(variable.dtype)))
    y, x = _map_dims(dataset, found) or ("", "")
    before = tuple(str(dim) for dim in variable.dims if dim not in (y, x))
    shape = variable.sizes[y], variable.sizes[x]
    _require_size(variable, shape, path, limits)
    return Field(
        name=found, y=y, x=x, before=before, steps=int(np.prod([variable.sizes[dim] for dim in before], dtype=np.int64)),
        shape=shape, grid=_grid(dataset, variable, y, x, crs), packing=_packing(variable, nodata),
        units=str(variable.attrs.get("units", "")), attrs=variable.attrs,
    )


class NetCdf:
    """One step of a field in an open file."""

    masked = False

    def __init__(self, dataset: xarray.Dataset, found: Field, step: int, path: Path) -> None:
        self._variable, self._field, self._path = dataset[found.name].variable, found, path
        lengths = [self._variable.sizes[dim] for dim in found.before]
        self._at = dict(zip(found.before, np.unravel_index(step, lengths) if lengths else (), strict=True))
        self.dtype = _stored_type(self._variable)
        self.block = _block(self._variable, found)

    def stored(self, row: int, column: int, rows: int, columns: int) -> NDArray[Any]:
        """The numbers as the file holds them."""
        return read(self._variable, self._field, self._at, slice(row, row + rows), slice(column, column + columns), self._path)

    def hidden(self, row: int, column: int, rows: int, columns: int) -> NDArray[np.bool_]:
        """Nothing: a NetCDF variable has no mask but its marks."""
        return np.zeros((rows, columns), dtype=bool)

    def close(self) -> None:
        """Nothing is held: the dataset is closed by whoever opened it."""


def read(variable: xarray.Variable, found: Field, at: Mapping[str, Any], rows: slice, columns: slice, path: Path) -> NDArray[Any]:
    """A window of the stored numbers, with rows before columns and what else is sliced before them."""
    try:
        window = variable.isel({**at, found.y: rows, found.x: columns})
        turned = window.transpose(..., found.y, found.x).values
    except _BROKEN as error:
        raise broken(path) from error
    return turned.view(_stored_type(variable)) if turned.dtype != _stored_type(variable) else turned


def centres(dataset: xarray.Dataset, found: Field) -> tuple[Numbers, Numbers] | None:
    """Longitudes and latitudes of the cells of a curvilinear field, of shape (rows, columns); nan where not stated."""
    pair = [_two_dimensional(dataset, found, words, names) for words, names in ((_X_WORDS, _X_NAMES), (_Y_WORDS, _Y_NAMES))]
    if any(name is None for name in pair):
        return None
    lon, lat = (_packing(dataset[name], None).values(dataset[name].transpose(found.y, found.x).values) for name in pair)
    return lon, lat


def _require_itself(path: Path, limits: RasterLimits) -> None:
    """Stop at links, virtual sets and raw data in other files (any file of this machine), and at blocks that are too large."""
    with h5py.File(path, "r") as file:
        waiting, seen = [file["/"]], 0
        while waiting:
            group = waiting.pop()
            for name in group:
                seen += 1
                if seen > _OBJECTS:
                    raise FileError("the file holds too many objects", where=WHERE, expected=f"at most {_OBJECTS:,}", got="more")
                if isinstance(group.get(name, getlink=True), h5py.ExternalLink | h5py.SoftLink):
                    raise _elsewhere(path)
                item = group[name]
                if isinstance(item, h5py.Group):
                    waiting.append(item)
                elif isinstance(item, h5py.Dataset):
                    _require_plain(item, path, limits)


def _require_plain(item: h5py.Dataset, path: Path, limits: RasterLimits) -> None:
    if item.is_virtual or item.external:
        raise _elsewhere(path)
    block = int(np.prod(item.chunks, dtype=np.float64)) * item.dtype.itemsize if item.chunks else 0
    axis = item.size if item.ndim == 1 and item.size else 0
    if block > limits.block_bytes or axis > _AXIS_CELLS:
        raise FileError(
            "a block of the raster is too large to read", where=WHERE,
            expected=f"at most {limits.block_bytes:,} bytes, an axis of at most {_AXIS_CELLS:,}",
            got=f"{block:,} bytes, an axis of {axis:,}", then="rewrite it in smaller chunks",
        )


def _elsewhere(path: Path) -> FileError:
    return FileError("the file takes data from elsewhere", where=WHERE, expected="all data in the file itself",
                     got=f"{shown(path.name)} with links, virtual or external data", then="copy it to one file with nccopy")


def _named(dataset: xarray.Dataset, name: str | None) -> str:
    on_a_map = [str(found) for found in dataset.variables if _map_dims(dataset, str(found))]
    if name is None and len(on_a_map) == 1:
        return on_a_map[0]
    if name in on_a_map:
        return str(name)
    raise FileError(
        "no such variable on a map" if name is not None else "the file does not have one variable on a map", where=WHERE,
        expected="one of " + ", ".join(map(shown, on_a_map[:10])) if on_a_map else "a variable over latitude and longitude",
        got=shown(name) if name is not None else f"{len(on_a_map)} of them", then="give variable=",
    )


def _map_dims(dataset: xarray.Dataset, name: str) -> tuple[str, str] | None:
    """The dimensions that run along columns and rows of a variable, as (y, x); none if it does not lie on a map."""
    variable = dataset[name].variable
    if variable.ndim < 2 or _says(variable, name, _X_WORDS, _X_NAMES) or _says(variable, name, _Y_WORDS, _Y_NAMES):
        return None
    along = [_dim_along(dataset, variable.dims, words, names) for words, names in ((_Y_WORDS, _Y_NAMES), (_X_WORDS, _X_NAMES))]
    if along[0] and along[1]:
        return along[0], along[1]
    return _curved_dims(dataset, variable)


def _dim_along(dataset: xarray.Dataset, dims: tuple[Any, ...], words: Mapping[str, set[str]], names: frozenset[str]) -> str | None:
    axes = [str(dim) for dim in dims if dim in dataset.variables and dataset[dim].ndim == 1]
    return next((dim for dim in axes if _says(dataset[dim].variable, dim, words, names)), None)


def _curved_dims(dataset: xarray.Dataset, variable: xarray.Variable) -> tuple[str, str] | None:
    for name, other in dataset.variables.items():
        if other.ndim == 2 and _says(other, str(name), _Y_WORDS, _Y_NAMES) and set(other.dims) <= set(variable.dims):
            return str(other.dims[0]), str(other.dims[1])
    return None


def _two_dimensional(dataset: xarray.Dataset, found: Field, words: Mapping[str, set[str]], names: frozenset[str]) -> str | None:
    candidates = (str(name) for name, other in dataset.variables.items()
                  if set(other.dims) == {found.y, found.x} and _says(other, str(name), words, names))
    return next(candidates, None)


def _says(variable: xarray.Variable, name: str, words: Mapping[str, set[str]], names: frozenset[str]) -> bool:
    told = [str(variable.attrs[key]) in known for key, known in words.items() if key in variable.attrs]
    return any(told) or name.lower() in names


def _require_size(variable: xarray.DataArray, shape: tuple[int, int], path: Path, limits: RasterLimits) -> None:
    chunks = variable.encoding.get("chunksizes") or (1,)
    require_holdable(
        cells=shape[0] * shape[1], bytes_of_all=int(variable.size) * variable.dtype.itemsize,
        block_bytes=int(np.prod(chunks, dtype=np.float64)) * variable.dtype.itemsize, path=path, limits=limits, where=WHERE,
    )


def _block(variable: xarray.Variable, found: Field) -> tuple[int, int]:
    chunks = variable.encoding.get("chunksizes")
    if chunks:
        sizes = dict(zip(variable.dims, chunks, strict=True))
        return int(sizes[found.y]), int(sizes[found.x])
    return max(1, min(found.shape[0], _READ_AT_ONCE // found.shape[1])), found.shape[1]


def _stored_type(variable: xarray.Variable) -> np.dtype[Any]:
    """Classic NetCDF has no unsigned types: an attribute says so, and the bytes are read as such."""
    unsigned = str(variable.attrs.get("_Unsigned", "false")).lower() == "true"
    if unsigned and variable.dtype.kind == "i":
        return np.dtype(f"{variable.dtype.byteorder}u{variable.dtype.itemsize}")
    plain: np.dtype[Any] = variable.dtype
    return plain


def _packing(variable: xarray.DataArray | xarray.Variable, nodata: float | None) -> Packing:
    """CF's packing: _FillValue and missing_value are marks, valid_min, valid_max and valid_range are in stored units.

    Without a mark, the number is one that the NetCDF library leaves in cells that nobody wrote.
    """
    attrs = variable.attrs
    stored = _stored_type(variable.variable if isinstance(variable, xarray.DataArray) else variable)
    told = _numbers(attrs, "_FillValue") + _numbers(attrs, "missing_value") if nodata is None else [nodata]
    told = [mark for mark in told if np.isfinite(mark)] or [_UNWRITTEN.get(f"{stored.kind}{stored.itemsize}")]
    least, most = [*_numbers(attrs, "valid_range"), None, None][:2]
    return Packing(
        marks=marks(stored, tuple(told)),
        scale=next(iter(_numbers(attrs, "scale_factor")), 1.0), offset=next(iter(_numbers(attrs, "add_offset")), 0.0),
        least=next(iter(_numbers(attrs, "valid_min")), -np.inf if least is None else least),
        most=next(iter(_numbers(attrs, "valid_max")), np.inf if most is None else most),
    )


def _numbers(attrs: Mapping[Any, Any], key: str) -> list[Any]:
    told = np.atleast_1d(np.asarray(attrs.get(key, [])))
    return [float(value) for value in told] if told.dtype.kind in "iuf" else []


def _grid(dataset: xarray.Dataset, variable: xarray.DataArray, y: str, x: str, crs: pyproj.CRS | None) -> Grid | None:
    if not (x in dataset.variables and y in dataset.variables and dataset[x].ndim == dataset[y].ndim == 1):
        return None
    if not (_says(dataset[x].variable, x, _X_WORDS, _X_NAMES) and _says(dataset[y].variable, y, _Y_WORDS, _Y_NAMES)):
        return None
    (west, dx), (edge, dy) = _even(dataset[x].values, x), _even(dataset[y].values, y)
    if dx < 0:
        raise FileError("the columns run westwards", where=WHERE, expected="columns from west to east", got=f"{shown(dx)} a column",
                        then="sort the file by longitude")
    columns, rows = variable.sizes[x], variable.sizes[y]
    return Grid(crs=crs or _crs(dataset, variable, x), x=west, y=edge, dx=dx, dy=dy, columns=columns, rows=rows)


def _even(centres_of: NDArray[Any], name: str) -> tuple[float, float]:
    """The edge before the first centre and the step between centres, which must be even within `EVEN` of a cell."""
    at = centres_of.astype(np.float64)
    if len(at) < 2 or not np.isfinite(at).all() or at[-1] == at[0]:
        raise FileError("an axis gives no cell size", where=WHERE, expected="two centres", got=f"{len(at)} along {shown(name)}")
    step = (at[-1] - at[0]) / (len(at) - 1)
    off = np.abs(at - (at[0] + step * np.arange(len(at)))).max() / abs(step)
    if off > EVEN:
        raise FileError("the cells are not of one size", where=WHERE, expected=f"centres even within {EVEN} of a cell",
                        got=f"{shown(float(off))} of a cell along {shown(name)}", then="resample it to a regular grid")
    return float(at[0] - step / 2), float(step)


def _crs(dataset: xarray.Dataset, variable: xarray.DataArray, x: str) -> pyproj.CRS:
    """What the grid mapping says; else degrees east and north are read as WGS84, which CF leaves open."""
    mapping = str(variable.attrs.get("grid_mapping", variable.encoding.get("grid_mapping", "")))
    units = str(dataset[x].attrs.get("units", ""))
    if mapping in dataset.variables:
        known = _from_cf(dict(dataset[mapping].attrs))
        if known.is_projected and units not in _METRES:
            raise CrsError("the axes are not in metres", where=WHERE, expected="m", got=shown(units), then="rewrite them in metres")
        return known
    if units in _X_WORDS["units"] or dataset[x].attrs.get("standard_name") == "longitude":
        return pyproj.CRS(4326)
    raise CrsError("the variable has no CRS", where=WHERE, expected="a grid_mapping, or degrees_east and degrees_north",
                   got=shown(units) if units else "none", then="open_raster(path, crs=...)")


def _from_cf(attrs: dict[str, Any]) -> pyproj.CRS:
    written = attrs.get("crs_wkt") or attrs.get("spatial_ref")
    try:
        return pyproj.CRS.from_wkt(written) if written else pyproj.CRS.from_cf(attrs)
    except (pyproj.exceptions.CRSError, KeyError, ValueError, TypeError) as error:
        raise CrsError("the grid mapping is not understood", where=WHERE, expected="crs_wkt or CF's parameters", got="another",
                       then="open_raster(path, crs=...)") from error


def require_step(band: int, steps: int) -> int:
    """The step of a band counted from 1."""
    if not 1 <= band <= steps:
        raise FileError("no such band", where=WHERE, expected=f"1 to {steps}", got=shown(band), then="name a step of the variable")
    return band - 1
