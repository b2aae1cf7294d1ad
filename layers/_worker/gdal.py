"""GDAL with three drivers only: it opens files by content, so every other driver is a way in."""

import os
import sys
from typing import Any, Final, NoReturn

ALLOWED: Final = frozenset({"ESRI Shapefile", "GPKG", "LIBKML"})
SKIPPED: Final = (
    "MEM,PCIDSK,PDS4,VICAR,PDF,MBTiles,EEDA,OGCAPI,GDALG,MapInfo File,LVBAG,S57,DGN,OGR_VRT,VRT,CSV,GML,GPX,KML,GeoJSON,"
    "GeoJSONSeq,ESRIJSON,TopoJSON,OGR_GMT,SQLite,WAsP,OpenFileGDB,DXF,FlatGeobuf,GeoRSS,VFK,PGDUMP,OSM,GPSBabel,OGR_PDS,WFS,"
    "OAPIF,EDIGEO,Idrisi,ODS,XLSX,XLS,Elasticsearch,Carto,AmigoCloud,SXF,Selafin,JML,PLSCENES,CSW,VDV,MVT,NGW,MapML,GTFS,"
    "PMTiles,JSONFG,MiraMonVector,ADBC,AVCBin,AVCE00,AIVector,HTTP,netCDF,Parquet,Arrow,PostgreSQL,MySQL,ODBC,MSSQLSpatial"
)
"""GDAL 3.12's other drivers; a build that has more of them is met by `pyogrio_alone`."""

_NOT_NEEDED: Final = ("pandas", "geopandas", "pyarrow")  # pyogrio imports them if it can: a second of start for nothing
_STARTED_OVER: Final = "GEO_RISK_SKIPPED_AGAIN"


def environment() -> dict[str, str]:
    """The variables that keep GDAL to the allowed drivers and off the network, to be set before it is loaded."""
    return {
        "OGR_SKIP": SKIPPED,
        "GDAL_SKIP": SKIPPED,
        "GDAL_DRIVER_PATH": "disable",
        "CPL_VSIL_CURL_ALLOWED_FILENAME": "none",
        "GDAL_HTTP_PROXY": "127.0.0.1:9",
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "GDAL_NUM_THREADS": "1",
        "PROJ_NETWORK": "OFF",
        "OGR_GEOMETRY_ACCEPT_UNCLOSED_RING": "NO",
    }


def pyogrio_alone() -> Any:
    """The pyogrio module with no driver but the allowed ones; a GDAL with unknown drivers starts the process over without them."""
    sys.modules.update(dict.fromkeys(_NOT_NEEDED))  # type: ignore[arg-type]  # None makes an import fail at once
    import pyogrio  # noqa: PLC0415 (loaded only after the environment is set, and only for formats that need it)
    import pyogrio.raw  # noqa: PLC0415

    more = sorted(set(pyogrio.list_drivers()) - ALLOWED)
    if more:
        _start_over(more)
    return pyogrio


def _start_over(more: list[str]) -> NoReturn:
    if os.environ.get(_STARTED_OVER):
        raise RuntimeError("GDAL keeps drivers that were switched off: " + ", ".join(more))
    skipped = ",".join((SKIPPED, *more))
    changed = {**os.environ, "OGR_SKIP": skipped, "GDAL_SKIP": skipped, _STARTED_OVER: "1"}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], changed)  # noqa: S606 (our own command again)
