"""The forms in which curves are published, each read into a `CurveSet`."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from geo_risk.errors import DeclarationError, FileError, shown
from geo_risk.impact.curves import Above, Below, Curve, CurveSet
from layers._curves.texts import TextRows, read_rows, read_text

FOOT_M: Final = 0.3048
_HAZUS_DEPTH: Final = re.compile(r"(?:(?P<sign>[mp])(?P<feet>\d{1,2})|ft(?P<foot>\d{2})(?P<minus>m?))", re.ASCII)
_HAZUS_KEYS: Final = ("SpecificOccupId",)


@dataclass(frozen=True, kw_only=True)
class CurveOptions:
    """What a file does not say of itself; None takes the form's own.

    ``occupancy``, ``intensity``, ``fraction`` name the columns of a long table; ``key`` the column that names Hazus' rows.
    """

    unit: str = "m"
    percent: bool = False
    may_fall: bool = False
    below: Below | None = None
    above: Above = "last"
    source: str = ""
    occupancy: tuple[str, ...] = ("occupancy",)
    intensity: str = "intensity"
    fraction: str = "fraction"
    key: str | None = None


def wide_table(path: Path, options: CurveOptions) -> CurveSet:
    """The first column is the intensity, each other column the fraction of the occupancy in its header."""
    table = read_rows(path)
    intensity = [table.number(row, 0) for row in range(len(table.rows))]
    return _curves(
        ((name, [(value, table.number(row, column)) for row, value in enumerate(intensity)])
         for column, name in enumerate(table.header) if column),
        options, below="first", source=table.file,
    )


def long_table(path: Path, options: CurveOptions) -> CurveSet:
    """A row a point: occupancy (one column or several, joined by a space), intensity, fraction; in any order."""
    table = read_rows(path)
    return _curves(_points_by_name(table, options), options, below="first", source=table.file)


def jrc(path: Path, options: CurveOptions) -> CurveSet:
    """Huizinga et al. 2017 (EUR 28552): region, sector, depth in metres, damage fraction; occupancy is "asia residential".

    Below 0 m nothing is lost. North America starts above 0 at 0 m: its houses have basements.
    """
    table = read_rows(path)
    named = CurveOptions(occupancy=("region", "sector"), intensity="depth_m", fraction="damage_fraction")
    return _curves(_points_by_name(table, named), options, below="zero", source="JRC, Huizinga et al. 2017, EUR 28552")


def hazus(path: Path, options: CurveOptions) -> CurveSet:
    """Hazus' look-up tables: a row a curve, a column a foot of depth from -4 to 24 over the first floor, per cent.

    Depths become metres (1 ft = 0.3048 m), per cent fractions. The occupancy is the specific occupancy class, where
    the table has one, else the curve's number. Below -4 ft the first value holds: water in a basement. Two of the 597
    structure curves fall (202 and 566): they need ``may_fall=True``.
    """
    table = read_rows(path)
    key = table.column(options.key or next((name for name in _HAZUS_KEYS if name in table.header), table.header[0]))
    depths = {column: feet * FOOT_M for column, name in enumerate(table.header) if (feet := _feet(name)) is not None}
    if not depths:
        raise FileError("no column is a depth in feet", where=table.file, expected="m4 to p24, or ft04m to ft24", got="others")
    points = (
        (cells[key], [(depth, table.number(row, column) / 100) for column, depth in depths.items()])
        for row, cells in enumerate(table.rows)
    )
    return _curves(points, options, below="first", source="FEMA Hazus 4.0 look-up tables")


def our_toml(path: Path, options: CurveOptions) -> CurveSet:
    """Tables ``[[curve]]``: occupancy, unit, points ``[[intensity, fraction], ...]``, source, checked; below, above, may_fall."""
    try:
        rows = tomllib.loads(read_text(path)).get("curve", [])
        return CurveSet(curves=_unique(((str(row["occupancy"]), _declared(row)) for row in rows), shown(path.name)))
    except (tomllib.TOMLDecodeError, RecursionError, AttributeError, KeyError, TypeError, ValueError) as fault:
        raise DeclarationError(
            "a table of curves is not sound", where=shown(path.name),
            expected="[[curve]] with occupancy, unit, points, source, checked", got=type(fault).__name__, then="mend the file",
        ) from fault


def _declared(row: Mapping[str, Any]) -> Curve:
    intensity, fraction = zip(*row["points"], strict=True)
    return Curve(
        id=str(row.get("id", row["occupancy"])), intensity=intensity, fraction=fraction, unit=str(row["unit"]),
        source=f"{row['source']} ({row['checked']})", below=row.get("below", "first"), above=row.get("above", "last"),
        may_fall=row.get("may_fall", False) is True,
    )


def _points_by_name(table: TextRows, options: CurveOptions) -> Iterable[tuple[str, list[tuple[float, float]]]]:
    names = [table.column(name) for name in options.occupancy]
    intensity, fraction = table.column(options.intensity), table.column(options.fraction)
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row, cells in enumerate(table.rows):
        found[" ".join(cells[name] for name in names)].append((table.number(row, intensity), table.number(row, fraction)))
    return found.items()


def _curves(
    points: Iterable[tuple[str, list[tuple[float, float]]]], options: CurveOptions, *, below: Below, source: str,
) -> CurveSet:
    made = ((name, _curve(name, sorted(pairs), options, below, source)) for name, pairs in points)
    return CurveSet(curves=_unique(made, source))


def _curve(name: str, pairs: list[tuple[float, float]], options: CurveOptions, below: Below, source: str) -> Curve:
    scale = 100 if options.percent else 1
    return Curve(
        id=name, intensity=tuple(pair[0] for pair in pairs), fraction=tuple(pair[1] / scale for pair in pairs), unit=options.unit,
        source=options.source or source, below=options.below or below, above=options.above, may_fall=options.may_fall,
    )


def _unique(named: Iterable[tuple[str, Curve]], where: str) -> dict[str, Curve]:
    found: dict[str, Curve] = {}
    for name, curve in named:
        if name in found or not name:
            raise FileError("an occupancy comes twice or has no name", where=where, expected="names that differ", got=shown(name))
        found[name] = curve
    return found


def _feet(name: str) -> int | None:
    match = _HAZUS_DEPTH.fullmatch(name)
    if match is None:
        return None
    minus = match["sign"] == "m" or match["minus"] == "m"
    return (-1 if minus else 1) * int(match["feet"] or match["foot"])
