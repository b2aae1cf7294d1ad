"""A small table file as texts with the place of each: size, encoding and numbers are checked, nothing is evaluated."""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from geo_risk.errors import FileError, shown

MAX_BYTES: Final = 5_000_000
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True)
class TextRows:
    """A header and rows of as many stripped texts; ``file`` is the name for errors."""

    file: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, name: str) -> int:
        """Where the column of that name stands."""
        if name not in self.header:
            raise FileError(
                f"no column {shown(name)}", where=self.file, expected=", ".join(map(shown, self.header[:8])),
                got="other columns", then="name the column that holds it",
            )
        return self.header.index(name)

    def number(self, row: int, column: int) -> float:
        """A cell as a finite number; a gap or text is refused with its place."""
        text = self.rows[row][column]
        if not _NUMBER.fullmatch(text) or not abs(value := float(text)) < float("inf"):
            raise FileError(
                "a cell is not a number" if text else "a cell is empty: curves may have no gaps",
                where=f"{self.file}, row {row + 2}, column {shown(self.header[column])}", expected="a number such as 0.25",
                got=shown(text or None), then="fill it, or leave the whole row out",
            )
        return value


def read_text(path: Path) -> str:
    """A UTF-8 text file of bounded size."""
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as fault:
        raise FileError("the file cannot be read", where=shown(path.name), expected="a file", got="none") from fault
    if size > MAX_BYTES:
        raise FileError("the file is too large", where=shown(path.name), expected=f"at most {MAX_BYTES} bytes", got=f"{size}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise FileError(
            "the file is not UTF-8", where=shown(path.name), expected="UTF-8", got=f"byte {fault.start}", then="save it as UTF-8",
        ) from fault
    if "\x00" in text:
        raise FileError("the file holds NUL", where=shown(path.name), expected="text", got="bytes", then="save it as text")
    return text


def read_rows(path: Path) -> TextRows:
    """A CSV file with a header; every row has as many cells, no column comes twice."""
    try:
        rows = [tuple(cell.strip() for cell in row) for row in csv.reader(io.StringIO(read_text(path))) if any(row)]
    except csv.Error as fault:
        raise FileError("the file is no CSV", where=shown(path.name), expected="comma-separated values", got="other") from fault
    if len(rows) < 2:
        raise FileError("the file has no rows", where=shown(path.name), expected="a header and rows", got=f"{len(rows)} lines")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(rows[0]):
            raise FileError(
                "a row has gaps", where=f"{shown(path.name)}, row {number}", expected=f"{len(rows[0])} cells", got=f"{len(row)}",
                then="give every cell of the row",
            )
    if len(set(rows[0])) != len(rows[0]):
        raise FileError("a column comes twice", where=shown(path.name), expected="names that differ", got="two alike")
    return TextRows(shown(path.name), rows[0], tuple(rows[1:]))


def amounts(path: Path, key: str, value: str) -> dict[str, float]:
    """A number for each name, such as the maximum damage by object type; a name that comes twice is refused."""
    table = read_rows(path)
    names, column = [row[table.column(key)] for row in table.rows], table.column(value)
    if len(set(names)) != len(names):
        raise FileError("a name comes twice", where=table.file, expected=f"one row for each {shown(key)}", got="two alike")
    return {name: table.number(row, column) for row, name in enumerate(names)}
