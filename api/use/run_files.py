"""A run as a file: CSV and workbooks that no spreadsheet takes for formulas, Parquet, JSON, and a GeoPackage with shapes."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import pyogrio
import xlsxwriter

from api.use.runs import Made, Run, as_json
from api.use.scenarios import Row, Table, Value
from geo_risk.errors import FileError, ParameterError, shown

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_SHEET_NAME: Final = 31
_DTYPES: Final = {"text": "string", "number": "Float64", "whole": "Int64", "flag": "boolean"}


def write(made: Made, path: Path) -> tuple[Path, ...]:
    """Write a run to a file whose ending says its kind; which files were written.

    A CSV or Parquet file holds the first table; further tables are written beside it as ``name.table.csv``.

    Raises
    ------
    ParameterError
        Another ending, or a GeoPackage of a run whose shapes are not at hand.
    FileError
        The file cannot be written.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise ParameterError(
            "a run is not written to such a file", where="--output", expected=", ".join(_WRITERS), got=shown(path.suffix),
            then="choose one of these endings",
        )
    try:
        return writer(made, path)
    except OSError as error:
        raise FileError(
            "the file cannot be written", where=shown(path.name), expected="a folder that can be written", got=type(error).__name__,
        ) from None


def csv_bytes(table: Table) -> bytes:
    """A table as CSV: UTF-8 with BOM, numbers as numbers, text that starts like a formula made harmless."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([_harmless(each.name) for each in table.fields])
    writer.writerows([_harmless(cell) for cell in row] for row in (*table.rows, *table.foot))
    return out.getvalue().encode("utf-8-sig")


def xlsx_bytes(run: Run) -> bytes:
    """A workbook: a sheet a table, typed cells, and a sheet that says what was asked, from what, by which rules."""
    return workbook_bytes(run.tables, "run", list(_about(run)))


def workbook_bytes(tables: Sequence[Table], about: str, facts: list[Any]) -> bytes:
    """A workbook: a sheet a table, then a sheet *about* with rows of facts; no text becomes a formula or a link."""
    out = io.BytesIO()
    safe = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, safe) as book:
        for table in tables:
            sheet = book.add_worksheet(table.name[:_SHEET_NAME])
            _fill(sheet, [[each.name for each in table.fields], *table.rows, *table.foot])
            sheet.freeze_panes(1, table.keys)
        _fill(book.add_worksheet(about), facts)
    return out.getvalue()


def frame_of(table: Table) -> pd.DataFrame:
    """A table as a frame, each column of its declared type; the foot is not part of it."""
    cells = pd.DataFrame(list(table.rows), columns=[each.name for each in table.fields], dtype=object)
    return cells.astype({each.name: _DTYPES[each.kind] for each in table.fields})


def _csv(made: Made, path: Path) -> tuple[Path, ...]:
    return tuple(_written(place, csv_bytes(table)) for table, place in _beside(made.run, path))


def _parquet(made: Made, path: Path) -> tuple[Path, ...]:
    if find_spec("pyarrow") is None:
        raise ParameterError(
            "Parquet needs a library that is not installed", where="--output", expected="pyarrow", got="none",
            then="install geo-risk[scale], or write .csv",
        )
    places = _beside(made.run, path)
    for table, place in places:
        frame_of(table).to_parquet(place, index=False)
    return tuple(place for _, place in places)


def _xlsx(made: Made, path: Path) -> tuple[Path, ...]:
    return (_written(path, xlsx_bytes(made.run)),)


def _json(made: Made, path: Path) -> tuple[Path, ...]:
    return (_written(path, json.dumps(as_json(made.run), ensure_ascii=False, allow_nan=False, indent=1).encode()),)


def _gpkg(made: Made, path: Path) -> tuple[Path, ...]:
    if not made.shapes:
        raise ParameterError(
            "the shapes of the areas are not at hand", where="--output", expected="a run that was just made", got="a kept one",
            then="write another kind of file, or run the scenario again",
        )
    path.unlink(missing_ok=True)
    for name, frame in _layers(made):
        pyogrio.write_dataframe(frame, path, layer=name, driver="GPKG")
    return (path,)


def _layers(made: Made) -> Iterator[tuple[str, gpd.GeoDataFrame]]:
    """The first table with shapes: a layer for each set of areas in it, named by the keys before the area."""
    table = made.run.tables[0]
    outer = table.keys - 1
    for keys, rows in groupby(table.rows, key=lambda row: row[:outer]):
        frame = frame_of(_part(table, tuple(rows)))
        shapes = made.shapes[str(keys[-1]) if keys else table.name]
        ids = frame[table.fields[outer].name].astype(object)
        name = "_".join(map(str, (table.name, *keys)))
        yield name, gpd.GeoDataFrame(frame, geometry=shapes.reindex(ids).to_numpy(), crs=shapes.crs)


def _part(table: Table, rows: tuple[Row, ...]) -> Table:
    return Table(name=table.name, title=table.title, fields=table.fields, keys=table.keys, rows=rows)


def _beside(run: Run, path: Path) -> list[tuple[Table, Path]]:
    first, *others = run.tables
    return [(first, path), *((table, path.with_name(f"{path.stem}.{table.name}{path.suffix}")) for table in others)]


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _fill(sheet: Any, rows: list[Any]) -> None:
    for place, row in enumerate(rows):
        for column, cell in enumerate(row):
            _cell(sheet, place, column, cell)


def _cell(sheet: Any, row: int, column: int, cell: Value) -> None:
    if isinstance(cell, bool):
        sheet.write_boolean(row, column, cell)
    elif isinstance(cell, int | float):
        sheet.write_number(row, column, cell)
    elif cell is not None:
        sheet.write_string(row, column, str(_harmless(cell)))


def _about(run: Run) -> Iterator[tuple[Value, ...]]:
    yield ("title", run.title)
    yield from (("question", run.question), ("made at", run.made_at), ("engine", run.engine), ("digest", run.digest))
    yield from ((f"{each.kind} {each.name}", each.sha256) for each in run.inputs)
    yield from ((f"rule {rule.id}", rule.chosen) for rule in run.rules)
    yield from (("unknown", line) for line in run.unknown)


def plain_cell(text: str) -> str:
    """A cell of a file that we wrote as it was before it was made harmless.

    >>> plain_cell("'=A1"), plain_cell("'s Hall")
    ('=A1', "'s Hall")
    """
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _harmless(cell: Value) -> Value:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


_WRITERS: Final[Mapping[str, Callable[[Made, Path], tuple[Path, ...]]]] = {
    ".gpkg": _gpkg, ".xlsx": _xlsx, ".csv": _csv, ".parquet": _parquet, ".json": _json,
}
