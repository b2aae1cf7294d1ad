"""A table's header, and the places in it: which columns hold longitude, latitude or WKT, and what they say."""

import math
import unicodedata
from array import array
from typing import Final

from geo_risk.errors import FileError, shown
from layers._worker.content import Cell, Job, Note, Problem
from layers._worker.plain import plain, plain_list

LON: Final = ("lon", "lng", "long", "longitude", "经度", "經度", "経度", "東経", "东经", "東經", "x")
LAT: Final = ("lat", "latitude", "纬度", "緯度", "緯度", "北緯", "北纬", "y")
WKT: Final = ("wkt", "geometry", "geom", "the_geom", "wkt_geom", "几何")
"""Names that mean a place, the surest first; compared in NFKC, without case, spaces and units."""


def folded(name: str) -> str:
    """A name for comparison: NFKC, no case, single spaces.

    >>> folded(" Ｌｏｎ  X ")
    'lon x'
    """
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def header(cells: list[str], limit: int) -> tuple[list[str], tuple[Note, ...]]:
    """Column names, every one different: a name seen before gets a number, a blank one its place; and notes of both."""
    names: list[str] = []
    notes: list[Note] = []
    for place, cell in enumerate(cells, start=1):
        name = cell.strip() or f"(column {place})"
        if name in names:
            notes.append(Note("header_twice", (("column", plain(name)),)))
            name = f"{name} (column {place})"
        names.append(name)
    if not any(cell.strip() for cell in cells):
        raise FileError(
            "the table has no header",
            where="first row",
            expected="column names",
            got="blank cells",
            then="put the column names in the first row",
        )
    if len(names) > limit:
        raise FileError("too many columns", expected=f"at most {limit}", got=str(len(names)), then="delete the empty columns")
    return names, tuple(notes)


def place_columns(names: list[str], job: Job) -> tuple[str, ...]:
    """The columns that say where a row lies: (longitude, latitude), (WKT,), or none."""
    if job.wkt is not None:
        return (_present(job.wkt, names, "--wkt"),)
    if job.lon is not None or job.lat is not None:
        if job.lon is None or job.lat is None:
            raise FileError("one coordinate column was named", expected="both --lon and --lat", got="one", then="name the other")
        return (_present(job.lon, names, "--lon"), _present(job.lat, names, "--lat"))
    lon, lat, wkt = (_first(names, known) for known in (LON, LAT, WKT))
    if lon is not None and lat is not None:
        return (lon, lat)
    return (wkt,) if wkt is not None else ()


def points(
    lon: list[Cell], lat: list[Cell], rows: list[int], by: tuple[str, ...]
) -> tuple[tuple["array[float]", "array[float]"], list[Problem]]:
    """Coordinates as numbers, nan where a row has none; a row with half a place or no finite number is a problem."""
    try:
        return _all_numbers(lon, lat), []
    except (TypeError, ValueError):
        return _numbers_by_row(lon, lat, rows, by)


def _all_numbers(lon: list[Cell], lat: list[Cell]) -> tuple["array[float]", "array[float]"]:
    """The usual file, in which every row has both; anything else is a ValueError and read row by row."""
    x, y = array("d", map(float, lon)), array("d", map(float, lat))  # type: ignore[arg-type]
    if not (all(map(math.isfinite, x)) and all(map(math.isfinite, y))) or any(
        isinstance(cell, str) and "_" in cell for cell in (*lon, *lat)
    ):
        raise ValueError
    return x, y


def _numbers_by_row(
    lon: list[Cell], lat: list[Cell], rows: list[int], by: tuple[str, ...]
) -> tuple[tuple["array[float]", "array[float]"], list[Problem]]:
    x, y, problems = array("d"), array("d"), []
    for row, east, north in zip(rows, lon, lat, strict=True):
        place = _number(east), _number(north)
        if None in place:
            blank = _blank(east) and _blank(north)
            if not blank:
                wrong = 0 if place[0] is None else 1
                problems.append(Problem(row, by[wrong], plain((east, north)[wrong]), "coordinates"))
            place = math.nan, math.nan
        x.append(place[0])  # type: ignore[arg-type]
        y.append(place[1])  # type: ignore[arg-type]
    return (x, y), problems


def shapes(texts: list[Cell], rows: list[int], by: str) -> tuple[list[bytes | None], list[Problem]]:
    """WKT as WKB; text that is not WKT is a problem."""
    import shapely  # noqa: PLC0415 (tables of points are read without it)

    given = ["" if cell is None else str(cell).strip() for cell in texts]
    found = shapely.from_wkt([text or None for text in given], on_invalid="ignore")
    problems = [
        Problem(row, by, plain(text), "wkt") for row, text, shape in zip(rows, given, found, strict=True) if text and shape is None
    ]
    return list(shapely.to_wkb(found)), problems


def _number(cell: Cell) -> float | None:
    """A finite number, or None. Underscores, which Python would take, are no part of one."""
    if isinstance(cell, str) and "_" in cell:
        return None
    try:
        value = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def _blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _first(names: list[str], known: tuple[str, ...]) -> str | None:
    by_name = {folded(name).partition("(")[0].strip(): name for name in reversed(names)}
    return next((by_name[name] for name in known if name in by_name), None)


def _present(name: str, names: list[str], option: str) -> str:
    wanted = folded(name)
    for found in names:
        if folded(found) == wanted:
            return found
    raise FileError(
        f"no such column for {option}", expected=f"one of {plain_list(names)}", got=shown(name), then="check the spelling"
    )
