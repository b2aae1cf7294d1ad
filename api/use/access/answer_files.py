"""Access answers as files: plans and matrices as XLSX, CSV, JSON; reach as GeoPackage and GeoJSON."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import geopandas as gpd
import pyogrio

from api.use.run_files import csv_bytes, workbook_bytes
from api.use.scenarios import Field, Table, Value
from geo_risk.crs import WGS84
from geo_risk.errors import FileError, ParameterError, shown

_ROWS_OF_A_SHEET: Final = 1_048_575
_AREAS: Final = (".gpkg", ".geojson")
_TITLE: Final = {"en": "", "zh": ""}


def tables_of_plan(plan: Mapping[str, Any]) -> tuple[Table, ...]:
    """A plan's transfers, load by shelter, people without a place, and sentences."""
    return (
        _table("transfers", 3, _TRANSFERS, _cells((_flat_transfer(plan, row) for row in plan["transfers"]), _TRANSFERS)),
        _table("shelters", 1, _SHELTERS, _cells(plan["shelters"], _SHELTERS)),
        _table("unplaced", 2, _UNPLACED, _cells(plan["unplaced"], _UNPLACED)),
        _table("sentences", 1, _SENTENCES, ([number, each["en"], each["zh"]] for number, each in enumerate(plan["sentences"], 1))),
    )


def tables_of_matrix(matrix: Mapping[str, Any]) -> tuple[Table, ...]:
    """A row a pair: minutes now and with all roads open, empty where there is no way."""
    ends = matrix["to"]["ids"]
    rows = (
        [start, end, now, was]
        for start, to_now, to_open in zip(matrix["from"]["ids"], matrix["minutes"], matrix["minutes_open"], strict=True)
        for end, now, was in zip(ends, to_now, to_open, strict=True)
    )
    return (_table("matrix", 2, _PAIRS, rows),)


def write_tables(answer: Mapping[str, Any], tables: tuple[Table, ...], path: Path) -> tuple[Path, ...]:
    """Write an answer whose tables these are, by the file's ending; which files were written.

    A CSV holds the first table; further ones are written beside it as ``name.table.csv``.
    """
    return _written(path, tuple(_TABLES), lambda: _TABLES[path.suffix.lower()](answer, tables, path))


def write_areas(answer: Mapping[str, Any], path: Path) -> tuple[Path, ...]:
    """Write a collection of features as GeoPackage or GeoJSON."""
    return _written(path, _AREAS, lambda: _areas(answer, path))


def _written(path: Path, endings: tuple[str, ...], write: Callable[[], tuple[Path, ...]]) -> tuple[Path, ...]:
    if path.suffix.lower() not in endings:
        raise ParameterError(
            "this answer is not written to such a file", where="--output", expected=", ".join(endings), got=shown(path.suffix),
            then="choose one of these endings",
        )
    try:
        return write()
    except (OSError, pyogrio.errors.DataSourceError) as error:
        raise FileError(
            "the file cannot be written", where=shown(path.name), expected="a folder that can be written", got=type(error).__name__,
        ) from None


def _csv(_: Mapping[str, Any], tables: tuple[Table, ...], path: Path) -> tuple[Path, ...]:
    first, *others = tables
    places = [(first, path), *((each, path.with_name(f"{path.stem}.{each.name}{path.suffix}")) for each in others)]
    for each, place in places:
        place.write_bytes(csv_bytes(each))
    return tuple(place for _, place in places)


def _xlsx(answer: Mapping[str, Any], tables: tuple[Table, ...], path: Path) -> tuple[Path, ...]:
    longest = max(len(each.rows) for each in tables)
    if longest > _ROWS_OF_A_SHEET:
        raise ParameterError(
            "a sheet cannot hold so many rows", where="--output", expected=f"at most {_ROWS_OF_A_SHEET:,}", got=f"{longest:,}",
            then="write .csv",
        )
    path.write_bytes(workbook_bytes(tables, "about", _about(answer)))
    return (path,)


def _json(answer: Mapping[str, Any], _: tuple[Table, ...], path: Path) -> tuple[Path, ...]:
    path.write_text(json.dumps(answer, ensure_ascii=False, allow_nan=False, indent=1), encoding="utf-8")
    return (path,)


def _areas(answer: Mapping[str, Any], path: Path) -> tuple[Path, ...]:
    if path.suffix.lower() == ".geojson":
        path.write_text(json.dumps(answer, ensure_ascii=False, allow_nan=False), encoding="utf-8")
        return (path,)
    flat = [{**each, "properties": _flat(each["properties"])} for each in answer["features"]]
    path.unlink(missing_ok=True)
    pyogrio.write_dataframe(gpd.GeoDataFrame.from_features(flat, crs=WGS84), path, layer="reach", driver="GPKG")
    return (path,)


def _flat(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Counts by layer as columns of their own: a cell holds one value."""
    plain = {name: value for name, value in properties.items() if not isinstance(value, Mapping)}
    return plain | {inner: value for each in properties.values() if isinstance(each, Mapping) for inner, value in each.items()}


def _about(answer: Mapping[str, Any]) -> list[list[Value]]:
    """What the answer stands on: revision, vehicle, and each closure with its state."""
    scalars = [[name, answer[name]] for name in ("id", "made_at", "revision", "people", "placed", "left") if name in answer]
    closures = [[f"closure {each['state']}", each["title"]] for each in answer["closures"]]
    unreadable = [["closure that could not be read", each["title"]] for each in answer["unreadable"]]
    return [*scalars, ["vehicle", answer["vehicle"]["id"]], *closures, *unreadable]


def _table(name: str, keys: int, fields: tuple[Field, ...], rows: Iterable[list[Value]]) -> Table:
    return Table(name=name, title=_TITLE, fields=fields, keys=keys, rows=tuple(tuple(row) for row in rows))


def _cells(rows: Iterable[Mapping[str, Any]], fields: tuple[Field, ...]) -> Iterable[list[Value]]:
    return ([row[each.name] for each in fields] for row in rows)


def _flat_transfer(plan: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """A transfer with its places as columns of their own, and who answers for the group."""
    ends = {
        f"{end}_{name}": None if row[end] is None else float(row[end][place])
        for end in ("from", "to") for place, name in enumerate(("lon", "lat"))
    }  # fmt: skip
    return {**row, **ends, "duty": _posts(plan["duty"].get(row["group"], ()))}


def _posts(holders: Iterable[Mapping[str, Any]]) -> str:
    """Posts, and names and phones where the plan was allowed to show them."""
    told = [[each.get(name) for name in ("post", "name", "phone")] for each in holders]
    return "; ".join(" ".join(str(part) for part in parts if part) for parts in told)


def _fields(**kinds: Literal["text", "number", "whole", "flag"]) -> tuple[Field, ...]:
    return tuple(Field(name=name, kind=kind) for name, kind in kinds.items())


_TRANSFERS: Final = _fields(
    group="text", need="text", shelter="text", group_name="text", shelter_name="text", people="whole", minutes="number",
    pinned="flag", from_lon="number", from_lat="number", to_lon="number", to_lat="number", duty="text",
)  # fmt: skip
_SHELTERS: Final = _fields(id="text", name="text", free="whole", incoming="whole", free_after="whole", state="text")
_UNPLACED: Final = _fields(group="text", need="text", group_name="text", people="whole", reason="text")
_SENTENCES: Final = _fields(number="whole", en="text", zh="text")
_PAIRS: Final = _fields(origin="text", destination="text", minutes="number", minutes_open="number")
_TABLES: Final[Mapping[str, Callable[[Mapping[str, Any], tuple[Table, ...], Path], tuple[Path, ...]]]] = {
    ".xlsx": _xlsx, ".csv": _csv, ".json": _json,
}
