"""CSV: any of three delimiters, cells with line breaks, three encodings; broken quoting is said by row."""

import csv
import io
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Final

from geo_risk.errors import FileError
from layers._worker.content import Cell, Content, Job, Note, Problem, Progress
from layers._worker.encoding import decided
from layers._worker.plain import plain
from layers._worker.table import header, place_columns, points, shapes

_CHUNK: Final = 50_000
_FIELD_CHARACTERS: Final = 16_000_000
_DELIMITERS: Final = (",", "\t", ";")


def read_csv(job: Job, progress: Progress) -> Content:
    """A CSV file; row numbers are the sheet's, so the first record is row 2."""
    data = Path(job.path).read_bytes()
    codec, guessed = decided(data, job.encoding)
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig" if codec == "utf-8" else codec, newline="")
    names, notes, records = _opened(lines, job)
    guess = (Note("encoding_guessed", (("encoding", codec),)),) if guessed else ()
    return gathered(names, records, job, progress, (*guess, *notes), codec, "csv", data.count(b"\n") + 1)


def gathered(
    names: list[str],
    records: Iterator[tuple[int, list[Cell]]],
    job: Job,
    progress: Progress,
    notes: tuple[Note, ...],
    codec: str | None,
    kind: str,
    expected_rows: int,
) -> Content:
    """Numbered records as columns, with places; blank records are left out, too long ones are problems."""
    columns: list[list[Cell]] = [[] for _ in names]
    rows: list[int] = []
    problems: list[Problem] = []
    while chunk := list(islice(records, _CHUNK)):
        kept = [record for record in chunk if any(record[1]) or _any(record[1])]
        rows.extend(row for row, _ in kept)
        fitted = [cells if len(cells) == len(names) else _fitted(row, cells, names, problems) for row, cells in kept]
        for column, cells in zip(columns, zip(*fitted, strict=True), strict=False):
            column.extend(cells)
        if len(rows) > job.limits.rows:
            raise FileError("too many rows", expected=f"at most {job.limits.rows}", got="more", then="split the file")
        progress("rows", min(chunk[-1][0] / expected_rows, 1.0))
    by = place_columns(names, job)
    return placed(dict(zip(names, columns, strict=True)), rows, by, problems, notes, codec, kind)


def placed(
    table: dict[str, list[Cell]],
    rows: list[int],
    by: tuple[str, ...],
    problems: list[Problem],
    notes: tuple[Note, ...],
    codec: str | None,
    kind: str,
) -> Content:
    """The table with its places read from the columns that hold them."""
    xy, wkb = None, None
    found: list[Problem] = []
    if len(by) == 2:
        xy, found = points(table[by[0]], table[by[1]], rows, by)
    elif by:
        wkb, found = shapes(table[by[0]], rows, by[0])
    return Content(
        columns=table,
        rows=rows,
        xy=xy,
        wkb=wkb,
        encoding=codec,
        format=kind,
        placed_by=by,
        problems=(*problems, *found),
        notes=notes,
    )


def _opened(lines: io.TextIOWrapper, job: Job) -> tuple[list[str], tuple[Note, ...], Iterator[tuple[int, list[Cell]]]]:
    csv.field_size_limit(_FIELD_CHARACTERS)
    first = lines.readline()
    lines.seek(0)
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    numbers = count(1)
    records = _numbered(numbers, reader)
    names, notes = header([str(cell) for cell in next(records, (1, []))[1]], job.limits.columns)
    return names, notes, records


def _numbered(numbers: "count[int]", reader: Iterator[list[str]]) -> Iterator[tuple[int, list[Cell]]]:
    try:
        yield from zip(numbers, reader)  # noqa: B905 (strict= would ask the endless counter for an end)
    except csv.Error as error:
        raise FileError(
            "the CSV's quoting is broken",
            where=f"row {next(numbers) - 1}, which ends at line {reader.line_num}",  # type: ignore[attr-defined]
            expected='cells with quotes or line breaks in "…", quotes inside them doubled',
            got=str(error)[:60],
            then="mend that row, or save the sheet as CSV again",
        ) from None


def _fitted(row: int, cells: list[Cell], names: list[str], problems: list[Problem]) -> list[Cell]:
    """The cells at the header's width: short rows are filled with blanks; what lies beyond the header is a problem."""
    beyond = [cell for cell in cells[len(names) :] if cell not in ("", None)]
    if beyond:
        problems.append(Problem(row, "", plain(beyond[0]), "cells"))
    return [*cells[: len(names)], *[""] * (len(names) - len(cells))]


def _any(cells: list[Cell]) -> bool:
    return any(cell not in ("", None) for cell in cells)
