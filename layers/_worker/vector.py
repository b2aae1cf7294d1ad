"""GeoPackage, Shapefile and KML: geometry through GDAL, a Shapefile's attributes through `layers._worker.dbf`."""

import os
import xml.parsers.expat
from pathlib import Path
from typing import Any

from geo_risk.errors import CrsError, FileError, shown
from layers._worker.content import Cell, Content, Job, Note, Progress
from layers._worker.dbf import read_dbf
from layers._worker.gdal import pyogrio_alone
from layers._worker.plain import plain_list


def read_gpkg(job: Job, progress: Progress) -> Content:
    """One table of a GeoPackage; with several, the clerk names it."""
    progress("open", 0.0)
    pyogrio = pyogrio_alone()
    found = _guarded(lambda: pyogrio.list_layers(job.path), "GeoPackage")
    names = [str(name) for name, _ in found]
    layer = _layer(names, job.gpkg_layer)
    return _whole(pyogrio, job, layer, "gpkg", ())


def read_kml(job: Job, progress: Progress) -> Content:
    """A KML file's placemarks, all folders together; a document type is refused, for entities are how XML attacks."""
    _require_no_doctype(Path(job.path).read_bytes())
    progress("open", 0.0)
    pyogrio = pyogrio_alone()
    names = [str(name) for name, _ in _guarded(lambda: pyogrio.list_layers(job.path), "KML")]
    layer = _layer(names, job.gpkg_layer)
    content = _whole(pyogrio, job, layer, "kml", ())
    kept = {
        name: cells
        for name, cells in content.columns.items()
        if name not in _KML_DRAWING and any(cell not in (None, "") for cell in cells)
    }
    return Content(
        columns=kept,
        rows=content.rows,
        wkb=content.wkb,
        crs=content.crs,
        encoding=content.encoding,
        format="kml",
        notes=content.notes,
    )


def read_shapefile(job: Job, progress: Progress) -> Content:
    """A Shapefile: GDAL sees only .shp and .shx, under names of ours; .dbf and .cpg are read here, .prj by the caller."""
    parts = siblings(Path(job.path))
    for needed in (".shx", ".dbf"):
        if needed not in parts:
            raise FileError(
                "the Shapefile is not whole",
                expected=".shp, .shx and .dbf side by side",
                got=f"no {needed}",
                then="copy all its files together",
            )
    alone = Path.cwd() / "alone.shp"
    os.symlink(parts[".shp"], alone)
    os.symlink(parts[".shx"], alone.with_suffix(".shx"))
    progress("open", 0.0)
    pyogrio = pyogrio_alone()
    _, _, wkb, _ = _guarded(lambda: pyogrio.raw.read(str(alone), columns=[], force_2d=True), "Shapefile")
    said = job.encoding or (parts[".cpg"].read_text(encoding="ascii", errors="replace") if ".cpg" in parts else None)
    table = read_dbf(parts[".dbf"].read_bytes(), said, by_clerk=job.encoding is not None)
    spare = len(wkb) - len(table.kept)
    if spare < 0 or (spare and not job.spare_shapes):
        raise FileError(
            "the Shapefile's parts do not belong together",
            expected="as many records as shapes",
            got=f"{len(wkb)} shapes, {len(table.kept)} records",
            then="copy .shp, .shx and .dbf of the same data" + ("; or say that the last shapes are to spare" if spare > 0 else ""),
        )
    _require_rows(len(wkb), job)
    kept = [place for place, keep in enumerate(table.kept) if keep]
    return Content(
        columns={name: [cells[place] for place in kept] for name, cells in table.columns.items()},
        rows=[place + 1 for place in kept],
        wkb=[_bytes(wkb[place]) for place in kept],
        crs=parts[".prj"].read_text(encoding="utf-8", errors="replace")[:20_000] if ".prj" in parts else None,
        encoding=table.codec,
        format="shapefile",
        problems=table.problems,
        notes=(*table.notes, *((Note("shapes_left", (("count", str(spare)),)),) if spare else ())),
    )


def siblings(path: Path) -> dict[str, Path]:
    """The parts of a Shapefile by lower-case suffix."""
    found = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
    return {
        part.suffix.lower(): part
        for part in found
        if part.stem == path.stem and part.suffix.lower() in (".shp", ".shx", ".dbf", ".prj", ".cpg")
    }


_KML_DRAWING = frozenset(
    {"id", "timestamp", "begin", "end", "altitudeMode", "tessellate", "extrude", "visibility", "drawOrder", "icon"}
)


def _whole(pyogrio: Any, job: Job, layer: str, kind: str, notes: tuple[Note, ...]) -> Content:
    _require_rows(_guarded(lambda: pyogrio.read_info(job.path, layer=layer, force_feature_count=True), kind)["features"], job)
    meta, _, wkb, data = _guarded(lambda: pyogrio.raw.read(job.path, layer=layer, force_2d=True, datetime_as_string=True), kind)
    binary = [str(name) for name, form in zip(meta["fields"], meta["ogr_types"], strict=True) if form == "OFTBinary"]
    left = (Note("binary_left", (("columns", plain_list(binary)),)),) if binary else ()
    columns = {str(name): _cells(cells) for name, cells in zip(meta["fields"], data, strict=True) if name not in binary}
    # Numbered from 1 in the file's order: feature ids may have gaps, and a clerk counts rows.
    count = len(wkb) if wkb is not None else len(data[0]) if len(data) else 0
    return Content(
        columns=columns,
        rows=list(range(1, count + 1)),
        wkb=None if wkb is None else [_bytes(part) for part in wkb],
        crs=meta["crs"],
        encoding="utf-8",
        format=kind,
        notes=(*notes, *left),
    )


def _layer(names: list[str], wanted: str | None) -> str:
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted in names:
        return str(wanted)
    what = "the file holds several tables" if wanted is None else "no such table"
    raise FileError(
        what if names else "the file holds no table",
        expected=f"one of {plain_list(names, 60)}",
        got=shown(wanted),
        then="name one with --table",
    )


def _cells(values: Any) -> list[Cell]:
    """A column as plain cells: nan, which stands for null in a column of numbers, becomes None."""
    cells: list[Any] = values.tolist()
    if values.dtype.kind == "f":
        return [None if cell != cell else cell for cell in cells]
    return [
        cell if cell is None or isinstance(cell, str | int | float | bool) else None if cell != cell else str(cell)
        for cell in cells
    ]


def _bytes(part: Any) -> bytes | None:
    return None if part is None or part != part else bytes(part)


def _require_rows(count: int, job: Job) -> None:
    if count > job.limits.rows:
        raise FileError("too many features", expected=f"at most {job.limits.rows}", got=str(count), then="split the file")


def _guarded(call: Any, kind: str) -> Any:
    from pyogrio.errors import CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError  # noqa: PLC0415

    try:
        return call()
    except CRSError:
        raise CrsError(
            "the file's CRS cannot be read", expected="a CRS that PROJ knows", got="another", then="say it with --crs EPSG:..."
        ) from None
    except (DataSourceError, DataLayerError, FieldError, FeatureError, GeometryError, UnicodeDecodeError) as error:
        raise FileError(
            f"the file cannot be read as {kind}",
            expected=f"a whole {kind} file",
            got=type(error).__name__,
            then="open it in a GIS and export it again",
        ) from None


def _require_no_doctype(data: bytes) -> None:
    parser = xml.parsers.expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(data, True)
    except xml.parsers.expat.ExpatError as error:
        raise FileError(
            "the KML is not well-formed XML",
            where=f"line {error.lineno}",
            expected="KML",
            got=xml.parsers.expat.ErrorString(error.code) or "",
            then="export it again",
        ) from None


def _refuse_doctype(*_: object) -> None:
    raise FileError(
        "the KML declares a document type",
        expected="no DOCTYPE, no entities",
        got="one",
        then="delete the DOCTYPE if you trust the file",
    )
