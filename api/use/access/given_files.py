"""Files that come with an access question: a drawn area, pinned transfers, a former plan. Read within bounds, never trusted."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from api.use.run_files import plain_cell
from geo_risk.errors import FileError, ParameterError, shown

MOST_BYTES: Final = 50_000_000
_ASSIGNED: Final = ("group", "need", "shelter", "people")
_DIGITS: Final = 12
_NEEDED: Final = ("group", "shelter", "people")


def area_of(path: Path) -> dict[str, Any]:
    """The one polygon of a GeoJSON file: a geometry, a feature, or a collection of one feature."""
    given = _object(path)
    features = given.get("features") if given.get("type") == "FeatureCollection" else [given]
    if not isinstance(features, list) or len(features) != 1 or not isinstance(features[0], dict):
        raise FileError(
            "the file does not hold one area", where=shown(path.name), expected="a GeoJSON Polygon or MultiPolygon, or one feature",
            got=f"{len(features)} features" if isinstance(features, list) else "no features", then="write the one area to a file",
        )
    one = features[0].get("geometry") if features[0].get("type") == "Feature" else features[0]
    return one if isinstance(one, dict) else {}


def pinned_of(path: Path) -> list[dict[str, Any]]:
    """Transfers that stay, from a CSV with the columns group, shelter, people and, where it matters, need; others are not read.

    A CSV of a plan can be given as it is.
    """
    try:
        text = _content(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileError("the file is not UTF-8", where=shown(path.name), expected="CSV in UTF-8", then="save it as UTF-8") from None
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = [name for name in _NEEDED if name not in (rows.fieldnames or ())]
        if missing:
            raise FileError(
                "a column is missing", where=shown(path.name), expected=", ".join(_NEEDED), got=f"no {', '.join(missing)}",
                then="name the columns in the first row",
            )
        return list(_assigned(rows, path))
    except csv.Error:
        raise FileError(
            "the file is no CSV", where=f"{shown(path.name)}, line {rows.line_num}", expected="cells by comma, quotes closed",
            then="save it anew",
        ) from None


def former_of(path: Path) -> list[dict[str, Any]]:
    """The transfers of a plan that was written as JSON."""
    transfers = _object(path).get("transfers")
    if not isinstance(transfers, list) or not all(isinstance(row, dict) for row in transfers):
        raise FileError(
            "the file is no plan", where=shown(path.name), expected="a plan written with -o plan.json", got="no transfers",
            then="give the plan's JSON",
        )
    return [{name: row[name] for name in _ASSIGNED if name in row} for row in transfers]


def _assigned(rows: "csv.DictReader[str]", path: Path) -> Iterator[dict[str, Any]]:
    for row in rows:
        people = row["people"] or ""
        if not (people.isascii() and people.isdecimal() and len(people) < _DIGITS):
            raise ParameterError(
                "people are no whole number", where=f"{shown(path.name)}, line {rows.line_num}",
                expected="a whole number of 1 or more", got=shown(people), then="mend the row",
            )
        group, shelter = (plain_cell(row[name] or "") for name in ("group", "shelter"))
        yield {"group": group, "need": row.get("need") or "none", "shelter": shelter, "people": int(people)}


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_content(path))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise FileError(
            "the file is no JSON object", where=shown(path.name), expected="one JSON object in UTF-8", got="something else",
            then="write it anew",
        )
    return found


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise FileError(
            "the file cannot be read", where=shown(path.name), expected="a file", got=type(error).__name__, then="check the path",
        ) from None
    if len(content) > MOST_BYTES:
        raise FileError("the file is too long", where=shown(path.name), expected=f"at most {MOST_BYTES:,} bytes", got="more")
    return content
