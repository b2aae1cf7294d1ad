"""XLSX through calamine: typed cells of one sheet; row numbers are the sheet's own."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from geo_risk.errors import FileError, shown
from layers._worker.content import Cell, Content, Job, Note, Progress
from layers._worker.csv_table import gathered
from layers._worker.plain import plain_list
from layers._worker.table import header
from layers._worker.zipped import require_bounded


def read_xlsx(job: Job, progress: Progress) -> Content:
    """The named sheet, or the first that holds anything; which others there are is a note."""
    require_bounded(job.path, job.limits)
    try:
        book = CalamineWorkbook.from_path(job.path)
        name, left = _sheet(book.sheet_names, job.sheet)
        cells = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except CalamineError as error:
        raise FileError(
            "the workbook cannot be read",
            expected="an XLSX file",
            got=type(error).__name__,
            then="open it in a spreadsheet program and save it again",
        ) from None
    if not cells:
        raise FileError(
            "the sheet is empty",
            where="first sheet",
            expected="a header and rows",
            got="no cells",
            then="name another with --sheet",
        )
    names, notes = header([str(cell) for cell in _trimmed(cells[0])], job.limits.columns)
    others = (Note("sheets_left", (("sheets", plain_list(left)),)),) if left else ()
    records = _numbered(cells)
    return gathered(names, records, job, progress, (*others, *notes), None, "xlsx", len(cells))


def _sheet(names: list[str], wanted: str | None) -> tuple[str, list[str]]:
    if wanted is not None and wanted not in names:
        raise FileError("no such sheet", expected=f"one of {plain_list(names)}", got=shown(wanted), then="check --sheet")
    name = names[0] if wanted is None else wanted
    return name, [other for other in names if other != name] if wanted is None else []


def _trimmed(cells: list[Any]) -> list[Any]:
    """The header without the blank cells after its last name."""
    last = max((place for place, cell in enumerate(cells) if str(cell).strip()), default=-1)
    return cells[: last + 1]


def _numbered(cells: list[list[Any]]) -> Iterator[tuple[int, list[Cell]]]:
    for row, record in enumerate(cells[1:], start=2):
        yield row, [_plain_cell(cell) for cell in record]


def _plain_cell(cell: Any) -> Cell:
    if isinstance(cell, dt.datetime | dt.date | dt.time):
        return cell.isoformat()
    return str(cell) if isinstance(cell, dt.timedelta) else cell
