"""`import`, `template`, `layers`: what the store holds and how it gets there."""

import getpass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from api.cli._show import ERR, line, plain, progress, table
from api.settings import Settings
from api.use.imports import RowsRejected, examine, import_file
from geo_risk.errors import FileError
from layers._catalog import catalog, layer
from layers._check import (
    CheckOptions,
    Report,
    parse_map,
    parse_set,
    parse_value,
    report_csv,
    report_lines,
    template_csv,
    template_xlsx,
)
from layers._read import ReadOptions
from layers._store import open_store


class OnError(StrEnum):
    """What to do when rows break the rules."""

    STOP = "stop"
    SKIP = "skip"


class Language(StrEnum):
    """A language of the product."""

    ZH = "zh-CN"
    EN = "en"


StorePath = Annotated[Path | None, typer.Option("--store", help="The store's file; GEO_RISK_STORE or var/geo-risk.sqlite without.")]
LayerName = Annotated[str, typer.Argument(metavar="LAYER", help="A layer's id; `geo-risk layers` lists them.")]
InLanguage = Annotated[Language, typer.Option("--lang", help="Language of the answer.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    app.command("import")(import_)
    app.command("template")(template)
    app.command("layers")(layers)


def store_path(given: Path | None) -> Path:
    """The store's file: as given, else by the settings."""
    return given or Settings().store


def store_of(given: Path | None) -> Path | str:
    """The store itself: the file as given, else what the settings say, which may be a database's URL."""
    return given or Settings().where


def import_(
    layer_name: LayerName,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="GeoPackage, Shapefile (zipped or not), GeoJSON, KML, CSV, XLSX or OpenStreetMap PBF."),
    ],
    crs: Annotated[
        str | None, typer.Option(help="The file's CRS, such as EPSG:4549, where it does not say or says it wrong.")
    ] = None,
    datum: Annotated[str | None, typer.Option(help="wgs84, cgcs2000, gcj02 or bd09; asked for in China.")] = None,
    encoding: Annotated[str | None, typer.Option(help="utf-8, gb18030 or cp932, where it cannot be told.")] = None,
    table_name: Annotated[str | None, typer.Option("--table", help="The table of a GeoPackage that has several.")] = None,
    sheet: Annotated[str | None, typer.Option(help="The sheet of a workbook that has several.")] = None,
    lon: Annotated[str | None, typer.Option(help="Column that holds longitudes (or eastings).")] = None,
    lat: Annotated[str | None, typer.Option(help="Column that holds latitudes (or northings).")] = None,
    wkt: Annotated[str | None, typer.Option(help="Column that holds WKT.")] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="'源列=column'; 'size=pad_length_m x pad_width_m' splits 120x100.")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="'column=value' for every row.")] = None,
    value: Annotated[list[str] | None, typer.Option("--value", help="'column:text in the file=choice'.")] = None,
    key: Annotated[str | None, typer.Option(help="Source column that tells one row from another for ever.")] = None,
    source: Annotated[str | None, typer.Option(help="Name of the source; the file's name without one.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Repair invalid geometry and report the change of area.")] = False,
    on_error: Annotated[OnError, typer.Option(help="stop: all rows or none. skip: load the rest, list the rest.")] = OnError.STOP,
    replace: Annotated[bool, typer.Option("--replace", help="Remove this source's features that the file no longer has.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check only.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the row report to this CSV file too.")] = None,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """Load one file into one layer, or say exactly which rows are wrong."""
    reading = ReadOptions(crs=crs, datum=datum, encoding=encoding, gpkg_layer=table_name, sheet=sheet, lon=lon, lat=lat, wkt=wkt)
    checking = CheckOptions(
        map=tuple(map(parse_map, map_ or ())),
        set=tuple(map(parse_set, set_ or ())),
        values=tuple(map(parse_value, value or ())),
        repair=repair,
        source=source,
        key=key,
    )
    layer(layer_name)
    if not file.exists():
        raise FileError("there is no such file", where=str(file), expected="a file", got="nothing")
    try:
        with progress() as tell:
            if dry_run:
                found, applied = examine(layer_name, file, reading, checking, tell).report, None
            else:
                with open_store(store_of(store)) as opened:
                    outcome = import_file(
                        opened,
                        layer_name,
                        file,
                        reading,
                        checking,
                        actor=getpass.getuser(),
                        on_error=on_error.value,
                        replace=replace,
                        progress=tell,
                    )
                found, applied = outcome.report, outcome.applied
    except RowsRejected as error:
        _say(error.report, report, language)
        raise
    _say(found, report, language)
    if applied is not None:
        counts = {"new": applied.new, "changed": applied.changed, "unchanged": applied.unchanged, "removed": applied.removed}
        line("stored: " + ", ".join(f"{count:,} {what}" for what, count in counts.items()) + f"; revision {applied.revision}")
    elif found.rejected and on_error is OnError.STOP:
        raise RowsRejected(found, "mend the rows listed, or load the rest with --on-error skip")
    else:
        line("dry run: nothing was stored")


def _say(found: Report, to: Path | None, language: Language) -> None:
    for text in report_lines(found, language.value):
        line(text)
    if to is not None:
        to.write_bytes(report_csv(found))
        ERR.print(plain(f"row report: {to}"))


def template(
    layer_name: LayerName,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it: .xlsx or .csv.")],
    language: InLanguage = Language.ZH,
) -> None:
    """Write an empty table with a layer's header row."""
    makers = {".xlsx": template_xlsx, ".csv": template_csv}
    if file.suffix not in makers:
        raise FileError(
            "a template is a workbook or a CSV", where=str(file), expected=".xlsx or .csv", got=file.suffix or "no extension"
        )
    file.write_bytes(makers[file.suffix](layer(layer_name), language.value))
    line(f"template of {layer_name}: {file}")


def layers(store: StorePath = None, language: InLanguage = Language.ZH) -> None:
    """List the layers with their number of features and their age."""
    in_language: Literal["zh", "en"] = "zh" if language is Language.ZH else "en"
    with open_store(store_of(store)) as opened:
        snapshot = opened.snapshot()
    rows = [
        (each.id, each.title[in_language], each.geometry.value, f"{len(snapshot.frames[each.id]):,}", snapshot.updated_at(each.id))
        for each in catalog().values()
    ]
    table(("layer", "title", "geometry", "features", "updated"), rows)
