"""The objects a scenario asks about: points, lines or areas of a file or a layer, on their ids, with the columns it names."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import geopandas as gpd
import pandas as pd
from pydantic import Field as Range

from api.use.scenarios._inputs import Inputs
from api.use.scenarios._scenario import FileName, Name, Section, Text
from geo_risk.errors import ParameterError, shown
from geo_risk.scale.partitions import columns_of, partitions, read_partition
from layers._read import ReadOptions, read

_MOST: Final = 200_000
_PARQUET: Final = ".parquet"


class Objects(Section):
    """Features of a file (GeoPackage, Shapefile, GeoJSON, GeoParquet ...) or of a layer; ``where`` keeps some of them.

    ``spare_shapes = "left_out"`` takes a Shapefile that has more shapes than records, as GDAL does, without the last ones.

    Without ``id_column`` an object is called by its number in the file, or by its id in the store.
    """

    file: FileName | None = None
    table: Text | None = None
    layer: Name | None = None
    crs: Annotated[str, Range(pattern=r"^EPSG:\d{4,6}$")] | None = None
    datum: Literal["wgs84", "cgcs2000", "gcj02", "bd09"] | None = None
    encoding: Annotated[str, Range(pattern=r"^[\w-]{1,40}$")] | None = None
    id_column: Text | None = None
    spare_shapes: Literal["refused", "left_out"] = "refused"
    where: Annotated[dict[Text, Text], Range(default_factory=dict)]


def objects_of(section: Objects, inputs: Inputs, columns: Sequence[str | None] = (), place: str = "exposure") -> gpd.GeoDataFrame:
    """The objects in EPSG:4326, on their ids as text, sorted, with those columns.

    Raises
    ------
    ParameterError
        Not exactly one of file and layer is said, a column is missing, an id is missing or stands twice, or there are
        none or too many.
    """
    wanted = [name for name in (section.id_column, *section.where, *columns) if name is not None]
    rows = _rows(section, inputs, wanted, place)
    require_columns(rows, wanted, place)
    for column, value in section.where.items():
        rows = rows[texts(rows[column]) == value]
    if not 0 < len(rows) <= _MOST:
        raise ParameterError(
            "no object is left" if not len(rows) else "too many objects for this question", where=place,
            expected=f"1 to {_MOST:,}", got=f"{len(rows):,}",
            then="check where" if not len(rows) else "ask the question buildings with GeoParquet, or keep fewer with where",
        )
    return _on_ids(rows, section.id_column, place)


def texts(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Cells as text: 230.0 is "230", as a spreadsheet means it; what is missing stays missing."""
    return column.astype(object).map(_text)


def require_columns(rows: pd.DataFrame, names: Sequence[str], place: str) -> None:
    """Stop at the first column that is not there."""
    missing = [name for name in names if name not in rows]
    if missing:
        raise ParameterError(
            "the objects have no such column", where=place, expected=", ".join(map(shown, rows.columns))[:200],
            got=shown(missing[0]), then="name a column that is there",
        )


def renamed(column: "pd.Series[Any]", names: Mapping[str, str]) -> "pd.Series[Any]":
    """Cells as text, those listed under another name."""
    return texts(column).map(lambda cell: names.get(cell, cell) if isinstance(cell, str) else None)


def _rows(section: Objects, inputs: Inputs, columns: Sequence[str], place: str) -> gpd.GeoDataFrame:
    if (section.file is None) == (section.layer is None):
        raise ParameterError(
            "objects come from a file or from a layer", where=place, expected="file or layer",
            got="both" if section.file else "neither",
        )
    if section.file is None:
        return inputs.rows(section.layer or "")
    path = inputs.path(section.file)
    if path.is_dir() or path.suffix.lower() == _PARQUET:
        return _from_parquet(section, inputs, columns, place)
    options = ReadOptions(
        crs=section.crs, datum=section.datum, encoding=section.encoding, gpkg_layer=section.table,
        spare_shapes=section.spare_shapes == "left_out",
    )
    return read(path, options).frame


def _from_parquet(section: Objects, inputs: Inputs, columns: Sequence[str], place: str) -> gpd.GeoDataFrame:
    path = inputs.path(section.file or "")
    pieces = partitions(path)
    rows = sum(piece.rows for piece in pieces)
    if rows > _MOST and not section.where:
        raise ParameterError(
            "too many objects for this question", where=place, expected=f"1 to {_MOST:,}", got=f"{rows:,}",
            then="ask the question buildings, or keep fewer with where",
        )
    require_columns(pd.DataFrame(columns=list(columns_of(path))), columns, place)
    frames = [read_partition(piece, tuple(dict.fromkeys(columns))) for piece in pieces]
    return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=frames[0].crs)


def _on_ids(rows: gpd.GeoDataFrame, id_column: str | None, place: str) -> gpd.GeoDataFrame:
    ids = texts(rows[id_column] if id_column else rows.index.to_series())
    missing, twice = int(ids.isna().sum()), len(ids) - ids.nunique(dropna=False)
    if missing or twice:
        raise ParameterError(
            "ids of objects are missing or stand twice", where=place, expected="an id each, once",
            got=f"{missing} missing, {twice} twice", then="name another id_column",
        )
    return rows.set_axis(pd.Index(ids.to_numpy(dtype=object)), axis=0).sort_index()


def _text(cell: Any) -> str | None:
    if cell is None or pd.isna(cell):
        return None
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
