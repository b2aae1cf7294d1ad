"""What CLIMADA writes: hazards in MATLAB 7.3 and HDF5, entities (assets and impact functions) in Excel."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray
from python_calamine import CalamineError, CalamineWorkbook
from scipy import sparse

from geo_risk.errors import FileError, shown
from geo_risk.hazard.grid import Numbers
from geo_risk.impact.curves import Curve, CurveSet
from geo_risk.impact.events import EventSet, event_set
from layers._events.bounds import EventLimits, inside, numbers_in, require_file
from layers._worker.limits import Limits
from layers._worker.zipped import require_bounded

_ASSETS: Final = {"latitude": ("latitude", "lat"), "longitude": ("longitude", "lon"), "value": ("value",)}
_YEAR_DAYS: Final = 365.2425


class Entity(NamedTuple):
    """Assets and their impact functions: MDD and PAA by occupancy (the id of the function). Absent columns are None."""

    lon: Numbers
    lat: Numbers
    value: Numbers
    occupancy: tuple[str, ...]
    mdd: CurveSet
    paa: CurveSet
    deductible: Numbers | None
    cover: Numbers | None


def read_hdf5(path: Path, limits: EventLimits) -> EventSet:
    """A hazard of CLIMADA: MATLAB 7.3 (a struct ``hazard``) or its own HDF5.

    MATLAB stores sparse matrices by column (``data``, ``ir``, ``jc``, the number of rows as an attribute), CLIMADA by row.
    """
    where = shown(path.name)
    try:
        with h5py.File(path, "r") as file:
            return _matlab(file, limits, where) if "hazard" in file else _own_hdf5(file, limits, where)
    except (OSError, RuntimeError, UnicodeDecodeError) as fault:
        raise FileError(
            "the file is no HDF5, or is damaged", where=where, expected="MATLAB 7.3 or HDF5 as CLIMADA writes it",
            got=type(fault).__name__, then="export the event set again",
        ) from None


def read_entity(path: Path, kind: str, limits: EventLimits | None = None) -> Entity:
    """The sheets ``assets`` and ``impact_functions`` of a CLIMADA entity, for one kind of hazard such as ``"TC"``.

    Raises
    ------
    FileError
        It is no workbook, a sheet or column is missing, a cell is not a number, or no function is for this hazard.
    """
    require_file(path, limits or EventLimits())
    require_bounded(str(path), Limits())
    where = shown(path.name)
    try:
        book = CalamineWorkbook.from_path(str(path))
        sheets = {name: book.get_sheet_by_name(name).to_python() for name in ("assets", "impact_functions")}
    except CalamineError as fault:
        raise FileError(
            "the workbook cannot be read", where=where, expected="sheets assets and impact_functions", got=type(fault).__name__,
        ) from None
    assets = _Sheet(sheets["assets"], f"{where}, sheet assets")
    curves = _Sheet(sheets["impact_functions"], f"{where}, sheet impact_functions")
    lat, lon, value = (assets.numbers(*names) for names in _ASSETS.values())
    ids = assets.numbers(f"impf_{kind}", "impf_", f"if_{kind}", "if_", f"DamageFunID_{kind}")
    mdd, paa = _functions(curves, kind)
    deductible, cover = (assets.numbers(name) if assets.has(name) else None for name in ("deductible", "cover"))
    return Entity(lon, lat, value, tuple(_name(number) for number in ids), mdd, paa, deductible, cover)


def _matlab(file: Any, limits: EventLimits, where: str) -> EventSet:
    hazard = inside(file, "hazard", where)
    frequency = numbers_in(hazard, "frequency", limits, where)
    lon, lat = (numbers_in(hazard, name, limits, where) for name in ("lon", "lat"))
    shape = (len(frequency), len(lon))

    def optional(name: str) -> NDArray[Any] | None:
        return numbers_in(hazard, name, limits, where) if name in hazard else None

    ids, year = optional("event_ID"), optional("yyyy")
    return event_set(
        lon, lat, _by_column(hazard, "intensity", shape, limits, where), frequency,
        fraction=_by_column(hazard, "fraction", shape, limits, where) if "fraction" in hazard else None,
        ids=None if ids is None else [_name(number) for number in ids], unit=_letters(optional("units")),
        original=optional("orig_event_flag"), year=year,
    )


def _own_hdf5(file: Any, limits: EventLimits, where: str) -> EventSet:
    frequency = numbers_in(file, "frequency", limits, where)
    lon, lat = _centroids(inside(file, "centroids", where), limits, where)
    shape = (len(frequency), len(lon))
    _require_yearly(file, where)
    original = numbers_in(file, "orig", limits, where) if "orig" in file else None
    return event_set(
        lon, lat, _by_row(file, "intensity", shape, limits, where), frequency,
        fraction=_by_row(file, "fraction", shape, limits, where) if "fraction" in file else None,
        ids=[_name(number) for number in numbers_in(file, "event_id", limits, where)], unit=_text(file, "units", where),
        original=original, year=_years(numbers_in(file, "date", limits, where)) if "date" in file else None,
    )


def _centroids(group: Any, limits: EventLimits, where: str) -> tuple[Numbers, Numbers]:
    """Plain ``lon`` and ``lat`` (to version 4), or the columns of a stored pandas table (from 5), read without pandas.

    That table says its CRS in a pickle, which is searched as text and never loaded.
    """
    if "lon" in group and "lat" in group:
        return numbers_in(group, "lon", limits, where), numbers_in(group, "lat", limits, where)
    for block in ("block0", "block1", "block2"):
        items = inside(group, f"{block}_items", where) if f"{block}_items" in group else None
        names = [bytes(item) for item in items[:20]] if items is not None and items.dtype.kind == "S" else []
        if {b"geometry.x", b"geometry.y"} <= set(names):
            _require_lonlat(bytes(group.attrs.get("metadata", b"")), where)
            values = numbers_in(group, f"{block}_values", limits, where).reshape(-1, len(names))
            return values[:, names.index(b"geometry.x")], values[:, names.index(b"geometry.y")]
    raise FileError("the file has no centroids", where=where, expected="longitude and latitude as numbers", got="none")


def _require_lonlat(metadata: bytes, where: str) -> None:
    if b'ID["EPSG",4326]]' not in metadata:
        raise FileError(
            "the centroids may not be longitude and latitude", where=where, expected="EPSG:4326", got="another CRS or none",
            then="reproject the hazard before it is written",
        )


def _by_column(
    hazard: Any, name: str, shape: tuple[int, int], limits: EventLimits, where: str
) -> sparse.csr_matrix:
    group = inside(hazard, name, where)
    if isinstance(group, h5py.Dataset):
        return sparse.csr_matrix(_full(hazard, name, shape[::-1], limits, where).T)
    rows = int(group.attrs.get("MATLAB_sparse", -1))
    if rows != shape[0]:
        raise FileError(
            "a matrix and the frequencies differ in events", where=f"{where}, {name}", expected=shown(shape[0]), got=shown(rows),
        )
    jc = numbers_in(group, "jc", limits, where)
    data, ir = (  # MATLAB leaves both out where nothing is stored
        numbers_in(group, part, limits, where) if part in group else np.zeros(0, dtype=np.int64) for part in ("data", "ir")
    )
    return _compressed(data, ir, jc, shape[::-1], f"{where}, {name}").T.tocsr()


def _by_row(file: Any, name: str, shape: tuple[int, int], limits: EventLimits, where: str) -> sparse.csr_matrix:
    group = inside(file, name, where)
    if isinstance(group, h5py.Dataset):
        return sparse.csr_matrix(_full(file, name, shape, limits, where))
    data, indices, indptr = (numbers_in(group, part, limits, where) for part in ("data", "indices", "indptr"))
    return _compressed(data, indices, indptr, shape, f"{where}, {name}")


def _full(group: Any, name: str, shape: tuple[int, int], limits: EventLimits, where: str) -> Numbers:
    flat = numbers_in(group, name, limits, where).astype(np.float64)
    if flat.size != shape[0] * shape[1]:
        raise FileError(
            "a matrix does not fit", where=f"{where}, {name}", expected=f"{shape[0]} x {shape[1]}", got=f"{flat.size} numbers",
        )
    return flat.reshape(shape)


def _compressed(data: Any, indices: Any, indptr: Any, shape: tuple[int, int], where: str) -> sparse.csr_matrix:
    """Compressed rows, checked: scipy's own compiled code trusts what it is given."""
    at, ends = indices.astype(np.int64), indptr.astype(np.int64)
    sound = (
        len(ends) == shape[0] + 1
        and len(data) == len(at)
        and ends[0] == 0
        and ends[-1] == len(at)
        and (np.diff(ends) >= 0).all()
        and (not len(at) or (at.min() >= 0 and at.max() < shape[1]))
    )
    if not sound:
        raise FileError(
            "a sparse matrix contradicts itself", where=where, expected=f"rows and columns within {shape[0]} x {shape[1]}",
            got="others", then="export the event set again",
        )
    return sparse.csr_matrix((data.astype(np.float64), at, ends), shape=shape)


def _require_yearly(file: Any, where: str) -> None:
    unit = _text(file, "frequency_unit", where) if "frequency_unit" in file else "1/year"
    if unit not in {"1/year", "annual", "1/y", "1/a"}:
        raise FileError(
            "frequencies are not yearly", where=where, expected="1/year", got=shown(unit), then="convert them to 1/year",
        )


def _text(file: Any, name: str, where: str) -> str:
    """The first text of a dataset of texts, at most 40 letters."""
    found = inside(file, name, where) if name in file else None
    if not isinstance(found, h5py.Dataset) or found.dtype.kind != "O" or found.size < 1 or found.external is not None:
        return ""
    first = found[0]
    return (first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first))[:40]


def _letters(codes: NDArray[Any] | None) -> str:
    """MATLAB's text: a number a letter."""
    return "" if codes is None else "".join(chr(int(code)) for code in codes[:40] if 0 < code < 0xD800)


def _years(days: NDArray[Any]) -> NDArray[np.int64]:
    """The year of proleptic Gregorian day numbers (1 January of year 1 is 1)."""
    since_1970 = days.astype(np.int64) - 719_163
    return since_1970.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


def _functions(sheet: "_Sheet", kind: str) -> tuple[CurveSet, CurveSet]:
    ids, intensity, mdd, paa = (sheet.numbers(name) for name in ("impact_fun_id", "intensity", "mdd", "paa"))
    kinds, units = sheet.texts("peril_id"), sheet.texts("intensity_unit")
    of_kind = np.array([name == kind for name in kinds], dtype=bool)
    if not of_kind.any():
        known = sorted({shown(name) for name in kinds})
        raise FileError(
            "no impact function is for this hazard", where=sheet.where, expected=", ".join(known[:5]), got=shown(kind),
            then="name the hazard as the sheet does",
        )

    def of(heights: Numbers) -> CurveSet:
        found = {}
        for number in np.unique(ids[of_kind]):
            rows = np.flatnonzero(of_kind & (ids == number))
            found[_name(number)] = Curve(
                id=_name(number), intensity=tuple(intensity[rows]), fraction=tuple(heights[rows]), unit=units[rows[0]],
                source=sheet.where, may_fall=True,
            )
        return CurveSet(curves=found)

    return of(mdd), of(paa)


def _name(number: float) -> str:
    """An id that a spreadsheet or MATLAB holds as a number, as text: 1.0 is "1"."""
    return str(int(number)) if float(number).is_integer() else repr(float(number))


class _Sheet:
    """A sheet with a header: columns by any of their names, as numbers or texts, errors with the place."""

    def __init__(self, cells: list[list[Any]], where: str) -> None:
        if len(cells) < 2:
            raise FileError("the sheet is empty", where=where, expected="a header and rows", got=f"{len(cells)} rows")
        self.where, self.header = where, [str(cell).strip() for cell in cells[0]]
        self.rows = [row for row in cells[1:] if any(cell not in {"", None} for cell in row)]

    def has(self, name: str) -> bool:
        return name in self.header

    def texts(self, name: str) -> list[str]:
        at = self._column((name,))
        return [str(row[at]).strip() for row in self.rows]

    def numbers(self, *names: str) -> Numbers:
        """Blank cells are nan; anything else that is no number is refused."""
        at = self._column(names)
        found = np.full(len(self.rows), np.nan)
        for number, row in enumerate(self.rows):
            cell = row[at]
            if cell in {"", None}:
                continue
            if isinstance(cell, bool) or not isinstance(cell, int | float):
                raise FileError(
                    "a cell is not a number", where=f"{self.where}, row {number + 2}", expected="a number", got=shown(str(cell)),
                )
            found[number] = float(cell)
        return found

    def _column(self, names: tuple[str, ...]) -> int:
        for name in names:
            if name in self.header:
                return self.header.index(name)
        raise FileError("a column is missing", where=self.where, expected=" or ".join(map(shown, names)), got="none of these")
