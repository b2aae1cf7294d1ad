"""What a question answers with: named tables of plain values, sorted by their keys, and the shapes of their areas."""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import geopandas as gpd
import numpy as np

from geo_risk.errors import DeclarationError
from geo_risk.model import Rule

Kind = Literal["text", "number", "whole", "flag"]
Value = str | float | int | bool | None
Row = tuple[Value, ...]
_PLAIN: Final[Mapping[Kind, type]] = {"text": str, "number": float, "whole": int, "flag": bool}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column of a table: its name, what its values are, their unit. A ``detail`` is left to files and explanations."""

    name: str
    kind: Kind = "number"
    unit: str = ""
    detail: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of plain values. The first ``keys`` columns name a row; rows are sorted by them, ``foot`` is not.

    ``foot`` holds what stands below the line, such as *outside every area* and the total.
    """

    name: str
    title: Mapping[str, str]
    fields: tuple[Field, ...]
    keys: int
    rows: tuple[Row, ...]
    foot: tuple[Row, ...] = ()

    def column(self, name: str) -> list[Value]:
        """The values of one column, in the order of the rows."""
        place = [each.name for each in self.fields].index(name)
        return [row[place] for row in self.rows]

    def records(self) -> list[dict[str, Value]]:
        """The rows with the names of their columns, the foot last."""
        names = [each.name for each in self.fields]
        return [dict(zip(names, row, strict=True)) for row in (*self.rows, *self.foot)]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a question found.

    ``parameters`` are the numbers it worked with, whatever the scenario left to the tables; ``unknown`` says in one line
    each what could not be known; ``layers`` names the layers read; ``shapes`` are geometries by table and area, for files.
    """

    tables: tuple[Table, ...]
    rules: tuple[Rule, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    shapes: Mapping[str, gpd.GeoSeries] = field(default_factory=dict)


def table_of(
    name: str,
    title: Mapping[str, str],
    fields: Sequence[Field],
    rows: Iterable[Sequence[Any]],
    *,
    keys: int = 1,
    foot: Iterable[Sequence[Any]] = (),
) -> Table:
    """A table of plain values: numpy's become Python's, nan becomes None, rows are sorted by their keys.

    Raises
    ------
    DeclarationError
        Two rows have the same keys: the order of rows would show.
    """
    plain = sorted((_row(row, fields) for row in rows), key=lambda row: tuple((cell is None, cell) for cell in row[:keys]))
    if len({row[:keys] for row in plain}) < len(plain):
        raise DeclarationError("two rows of a result have the same keys", where=f"table {name}", expected="each key once")
    below = tuple(_row(row, fields) for row in foot)
    return Table(name=name, title=title, fields=tuple(fields), keys=keys, rows=tuple(plain), foot=below)


def _row(row: Sequence[Any], fields: Sequence[Field]) -> Row:
    return tuple(_value(cell, each.kind) for cell, each in zip(row, fields, strict=True))


def _value(cell: Any, kind: Kind) -> Value:
    if cell is None or (isinstance(cell, float | np.floating) and math.isnan(cell)):
        return None
    if isinstance(cell, dt.date):
        return cell.isoformat()
    # adding 0 makes -0.0 the same text as 0.0
    return _PLAIN[kind](cell) + 0.0 if kind == "number" else _PLAIN[kind](cell)  # type: ignore[no-any-return]
