"""What the worker hands back: plain columns, places, and what was wrong with single rows."""

import json
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from layers._worker.limits import Limits

Progress = Callable[[str, float], None]
Cell = str | int | float | bool | None


class Problem(NamedTuple):
    """One row that could not be read whole: its number as the clerk sees it, the column, the text there, the rule."""

    row: int
    column: str
    value: str
    rule: str


class Note(NamedTuple):
    """Something the reader decided or left out: a code, and its words as (name, text) pairs."""

    code: str
    words: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to read: the file, its format, what the clerk said of it, and the table of rules that its format is read by."""

    path: str
    format: str
    encoding: str | None = None
    gpkg_layer: str | None = None
    sheet: str | None = None
    lon: str | None = None
    lat: str | None = None
    wkt: str | None = None
    spare_shapes: bool = False
    rules: dict[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, kw_only=True)
class Content:
    """Columns of equal length, the row numbers, and the places: ``xy`` in pairs, or ``wkb`` (None where there is none)."""

    columns: dict[str, list[Cell]]
    rows: list[int]
    xy: tuple["array[float]", "array[float]"] | None = None
    wkb: list[bytes | None] | None = None
    crs: str | None = None
    encoding: str | None = None
    format: str = ""
    placed_by: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[Note, ...] = ()


def write(content: Content, folder: Path) -> None:
    """Content as JSON and plain arrays: what comes back from a reader of hostile files is data, never objects."""
    facts = {
        "columns": list(content.columns),
        "crs": content.crs,
        "encoding": content.encoding,
        "format": content.format,
        "placed_by": content.placed_by,
        "problems": content.problems,
        "notes": content.notes,
    }
    for number, cells in enumerate(content.columns.values()):
        (folder / f"column{number}.json").write_text(json.dumps(cells), encoding="ascii")
    _write_array(array("q", content.rows), folder / "rows")
    if content.xy is not None:
        _write_array(content.xy[0], folder / "x")
        _write_array(content.xy[1], folder / "y")
    if content.wkb is not None:
        _write_array(array("q", [-1 if part is None else len(part) for part in content.wkb]), folder / "sizes")
        (folder / "wkb").write_bytes(b"".join(part for part in content.wkb if part is not None))
    (folder / "facts.json").write_text(json.dumps(facts), encoding="ascii")


def load(folder: Path) -> Content:
    """The content that `write` left in a folder."""
    facts: dict[str, Any] = json.loads((folder / "facts.json").read_text(encoding="ascii"))
    columns = {
        name: json.loads((folder / f"column{number}.json").read_text(encoding="ascii"))
        for number, name in enumerate(facts["columns"])
    }
    placed = (folder / "x").is_file()
    return Content(
        columns=columns,
        rows=_load_array("q", folder / "rows").tolist(),
        xy=(_load_array("d", folder / "x"), _load_array("d", folder / "y")) if placed else None,
        wkb=_load_wkb(folder) if (folder / "wkb").is_file() else None,
        crs=facts["crs"],
        encoding=facts["encoding"],
        format=facts["format"],
        placed_by=tuple(facts["placed_by"]),
        problems=tuple(Problem(*row) for row in facts["problems"]),
        notes=tuple(Note(code, tuple((key, word) for key, word in words)) for code, words in facts["notes"]),
    )


def _write_array(values: "array[Any]", path: Path) -> None:
    path.write_bytes(values.tobytes())


def _load_array(kind: str, path: Path) -> "array[Any]":
    values: array[Any] = array(kind)
    values.frombytes(path.read_bytes())
    return values


def _load_wkb(folder: Path) -> list[bytes | None]:
    data, start = (folder / "wkb").read_bytes(), 0
    parts: list[bytes | None] = []
    for size in _load_array("q", folder / "sizes"):
        parts.append(None if size < 0 else data[start : start + size])
        start += max(size, 0)
    return parts
