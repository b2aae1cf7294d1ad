"""Event sets in our own forms: arrays (NPZ), or a table with a row for each event and site (CSV, Parquet).

The table's columns: ``event``, ``frequency`` (1/year, the same in all rows of an event), ``lon``, ``lat``, ``intensity``, and
optionally ``fraction``. An event that reaches nowhere is one row without a place. A place without intensity is unknown.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from scipy import sparse

from geo_risk.errors import FileError, shown
from geo_risk.impact.events import EventSet, event_set
from layers._events.bounds import EventLimits, arrays_of_npz

_ARRAYS: Final = ("lon", "lat", "indptr", "indices", "intensity", "fraction", "frequency", "ids", "unit", "original", "year")
_OPTIONAL: Final = frozenset({"fraction", "original", "year"})
_COLUMNS: Final = ("event", "frequency", "lon", "lat", "intensity")


def write_npz(path: Path, events: EventSet) -> None:
    """The event set as arrays that `read_npz` gives back the same."""
    fields = {name: getattr(events, name) for name in _ARRAYS}
    arrays = {name: np.asarray(field) for name, field in fields.items() if field is not None}
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def read_npz(path: Path, limits: EventLimits) -> EventSet:
    """Arrays as `write_npz` writes them."""
    arrays = arrays_of_npz(path, _ARRAYS, limits)
    lacking = [name for name in _ARRAYS if name not in arrays and name not in _OPTIONAL]
    kinds = {name: array.dtype.kind for name, array in arrays.items()}
    odd = [name for name, kind in kinds.items() if (kind != "U") if (name in {"ids", "unit"}) or kind not in "biuf"]
    if lacking or odd:
        raise FileError(
            "the file is no event set", where=shown(path.name), expected=", ".join(_ARRAYS[:9]), got="without or with odd "
            + ", ".join(lacking + odd), then="write it with write_npz",
        )
    return EventSet(
        lon=arrays["lon"].astype(np.float64), lat=arrays["lat"].astype(np.float64),
        indptr=arrays["indptr"].astype(np.int64), indices=arrays["indices"].astype(np.int64),
        intensity=arrays["intensity"].astype(np.float64), frequency=arrays["frequency"].astype(np.float64),
        ids=tuple(arrays["ids"].tolist()), unit=str(arrays["unit"]),
        fraction=arrays["fraction"].astype(np.float64) if "fraction" in arrays else None,
        original=arrays["original"].astype(bool) if "original" in arrays else None,
        year=arrays["year"].astype(np.int64) if "year" in arrays else None,
    )


def read_csv(path: Path, limits: EventLimits) -> EventSet:
    """A UTF-8 table with a header."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", nrows=limits.rows + 1)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as fault:
        raise FileError(
            "the file is no CSV", where=shown(path.name), expected="UTF-8 text, commas", got=type(fault).__name__,
        ) from None
    _require_columns(table, limits, path)
    for name in set(table.columns) & {*_COLUMNS[1:], "fraction"}:
        table[name] = _numbers(table[name], path)
    return _from_table(table, path)


def read_parquet(path: Path, limits: EventLimits) -> EventSet:
    """A Parquet table; of GeoParquet the points of ``geometry`` (longitude, latitude) stand for ``lon`` and ``lat``."""
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError, ImportError) as fault:
        raise FileError(
            "the file is no Parquet", where=shown(path.name), expected="a Parquet table", got=type(fault).__name__,
            then="install the extra 'scale' for Parquet, or give CSV",
        ) from None
    if "geometry" in table.columns and "lon" not in table.columns:
        points = shapely.from_wkb(table["geometry"].to_numpy(), on_invalid="ignore")
        table = table.assign(lon=shapely.get_x(points), lat=shapely.get_y(points))
    _require_columns(table, limits, path)
    table["event"] = table["event"].astype(str)
    for name in set(table.columns) & {*_COLUMNS[1:], "fraction"}:
        table[name] = _numbers(table[name], path)
    return _from_table(table, path)


def _from_table(table: pd.DataFrame, path: Path) -> EventSet:
    event, ids = pd.factorize(table["event"])
    often = table["frequency"].to_numpy()
    first = np.unique(event, return_index=True)[1]
    if not np.array_equal(often, often[first][event], equal_nan=True):
        raise FileError(
            "an event has two frequencies", where=shown(path.name), expected="the same in all rows of an event", got="others",
        )
    placed = table["lon"].notna().to_numpy() & table["lat"].notna().to_numpy()
    places = table.loc[placed, ["lon", "lat"]]
    sites = places.drop_duplicates().sort_values(["lon", "lat"])
    site = pd.MultiIndex.from_frame(sites).get_indexer(pd.MultiIndex.from_frame(places))
    if len(np.unique(event[placed] * max(len(sites), 1) + site)) < len(site):
        raise FileError("an event names a site twice", where=shown(path.name), expected="one row each", got="more")
    shape = (len(ids), len(sites))

    def matrix(name: str) -> sparse.csr_matrix:
        return sparse.csr_matrix((table.loc[placed, name].to_numpy(dtype=np.float64), (event[placed], site)), shape=shape)

    return event_set(
        sites["lon"].to_numpy(), sites["lat"].to_numpy(), matrix("intensity"), often[first], ids=[str(name) for name in ids],
        fraction=matrix("fraction") if "fraction" in table.columns else None,
    )


def _require_columns(table: pd.DataFrame, limits: EventLimits, path: Path) -> None:
    lacking = [name for name in _COLUMNS if name not in table.columns]
    if lacking or not 0 < len(table) <= limits.rows:
        raise FileError(
            "the table is no event set", where=shown(path.name), expected=f"{', '.join(_COLUMNS)}; 1 to {limits.rows} rows",
            got=f"without {', '.join(lacking)}" if lacking else f"{len(table)} rows", then="see docs/events.md",
        )


def _numbers(column: "pd.Series[Any]", path: Path) -> "pd.Series[float]":
    """Numbers, blank as nan; the first text that is no number is refused with its row."""
    blank = column.isna() | (column.astype(str).str.strip() == "")
    numbers = pd.to_numeric(column.where(~blank), errors="coerce")
    wrong = (numbers.isna() | np.isinf(numbers)) & ~blank
    if wrong.any():
        row = int(np.argmax(wrong.to_numpy()))
        raise FileError(
            "a cell is not a number", where=f"{shown(path.name)}, row {row + 2}, column {shown(column.name)}", expected="a number",
            got=shown(str(column.iloc[row])), then="mend the cell, or leave it blank for unknown",
        )
    return numbers.astype(np.float64)
