"""Any allowed file as a table of source columns with places in longitude, latitude; opened in a worker under limits."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd

from geo_risk.crs import WGS84
from geo_risk.errors import FileError
from layers._read.files import source_of
from layers._read.place import geometry_of
from layers._read.start import contents
from layers._tables.osm_rules import osm_rules
from layers._worker.content import Job, Note, Problem
from layers._worker.limits import Limits
from layers._worker.plain import plain

__all__ = ["Limits", "Note", "Problem", "RawTable", "ReadOptions", "read"]
_RULES: Final = {"osm": osm_rules}


@dataclass(frozen=True)
class ReadOptions:
    """What the clerk says of a file; whatever is None is read from the file, or asked for.

    ``spare_shapes`` lets a Shapefile have more shapes than records: the last ones are left out, and a note says so.
    """

    crs: str | None = None
    datum: str | None = None
    encoding: str | None = None
    gpkg_layer: str | None = None
    sheet: str | None = None
    lon: str | None = None
    lat: str | None = None
    wkt: str | None = None
    spare_shapes: bool = False
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class RawTable:
    """A file as read: cells typed or text, geometry in EPSG:4326 or None, indexed by row number as the clerk sees it.

    CSV and XLSX count as the sheet does, the header being row 1; other formats count features from 1.
    ``placed_by`` are the columns the places came from; ``problems`` are rows that could not be read whole.
    """

    frame: gpd.GeoDataFrame
    crs: str
    encoding: str | None
    format: str
    size_bytes: int
    sha256: str
    source_name: str
    placed_by: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[Note, ...] = ()


def read(path: Path, options: ReadOptions, progress: Callable[[str, float], None] | None = None) -> RawTable:
    """The file's table.

    Raises
    ------
    FileError
        It cannot be read, is empty, hostile, over a limit, or something about it must be said by the clerk.
    CrsError
        It has no CRS and none was said.
    DatumError
        It lies in China, and whether its coordinates are shifted was not said.
    """
    source = source_of(path, options.limits)
    job = Job(
        path=str(source.main),
        format=source.format,
        encoding=options.encoding,
        gpkg_layer=options.gpkg_layer,
        spare_shapes=options.spare_shapes,
        sheet=options.sheet,
        lon=options.lon,
        lat=options.lat,
        wkt=options.wkt,
        rules=_RULES[source.format]() if source.format in _RULES else {},
        limits=options.limits,
    )
    content = contents(job, progress or _silent)
    if not content.rows:
        raise FileError(
            "the file holds no rows", where=plain(source.name), expected="at least one row", got="none", then="export it again"
        )
    places = geometry_of(content, options.crs, options.datum, options.limits)
    index = pd.Index(content.rows, dtype="int64", name="row")
    columns = {name: cells for name, cells in content.columns.items() if not (name == "geometry" and name in content.placed_by)}
    taken = {name if name != "geometry" else "geometry (column)": cells for name, cells in columns.items()}
    frame = gpd.GeoDataFrame(
        {name: pd.Series(cells, index=index, dtype=object) for name, cells in taken.items()},
        geometry=gpd.GeoSeries(places.geometry, index=index, crs=WGS84),
        index=index,
        crs=WGS84,
    )
    return RawTable(
        frame=frame,
        crs=places.crs,
        encoding=content.encoding,
        format=content.format,
        size_bytes=source.size_bytes,
        sha256=source.sha256,
        source_name=source.name,
        placed_by=content.placed_by,
        problems=(*content.problems, *places.problems),
        notes=(*content.notes, *places.notes),
    )


def _silent(what: str, share: float) -> None:
    """Progress that nobody watches."""
