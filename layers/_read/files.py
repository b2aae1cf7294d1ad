"""Which files make up a source, in which of the allowed formats, of what size and hash; decided by name, held to content."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from geo_risk.errors import FileError, shown
from layers._worker.limits import Limits
from layers._worker.plain import plain_list
from layers._worker.vector import siblings

_BLOCK: Final = 1 << 20
_MAGIC: Final = {
    "gpkg": (b"SQLite format 3\0",),
    "xlsx": (b"PK\x03\x04",),
    "zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "shapefile": (b"\0\0\x27\x0a",),
    "osm": (b"\n\tOSMHeader",),
}
_MAGIC_AT: Final = {"osm": 4}  # a PBF begins with the length of its first header
FORMATS: Final = {
    ".gpkg": "gpkg",
    ".shp": "shapefile",
    ".zip": "zip",
    ".geojson": "geojson",
    ".json": "geojson",
    ".kml": "kml",
    ".csv": "csv",
    ".xlsx": "xlsx",
    ".pbf": "osm",
}
"""The allowlist: a file name's ending and the format it must be."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One data set on disk: its main file, format, name, and size and hash over all its parts in name order."""

    main: Path
    format: str
    name: str
    size_bytes: int
    sha256: str


def source_of(path: Path, limits: Limits) -> Source:
    """The data set at a path: a file, or a folder with one Shapefile.

    Raises
    ------
    FileError
        There is none, it is empty, too large, of a format we do not read, or not what its name says.
    """
    main = _main(path)
    kind = FORMATS.get(main.suffix.lower())
    if kind is None:
        raise FileError(
            "a format we do not read",
            expected="a name ending in " + ", ".join(FORMATS),
            got=shown(main.suffix),
            then="export the data as GeoPackage or CSV",
        )
    parts = sorted(siblings(main).values()) if kind == "shapefile" else [main]
    size = sum(part.stat().st_size for part in parts)
    if not main.stat().st_size:
        raise FileError("the file is empty", expected="data", got="0 bytes", then="copy or export it again")
    if size > limits.upload_bytes:
        raise FileError("the file is too large", expected=f"at most {limits.upload_bytes} bytes", got=str(size), then="split it")
    _require_magic(main, kind)
    return Source(main=main.resolve(), format=kind, name=main.stem, size_bytes=size, sha256=_sha256(parts))


def _main(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise FileError("no such file", expected="a file or a folder with one Shapefile", got="neither", then="check the path")
    shapes = sorted(found for found in path.iterdir() if found.suffix.lower() == ".shp")
    if len(shapes) != 1:
        raise FileError(
            "the folder does not hold exactly one Shapefile",
            expected="one .shp",
            got=plain_list([found.name for found in shapes]) or "none",
            then="name the file",
        )
    return shapes[0]


def _require_magic(main: Path, kind: str) -> None:
    with main.open("rb") as file:
        start = file.read(16)
    said = next((other for other in _MAGIC if _has_magic(start, other)), "text")
    if kind in _MAGIC and not _has_magic(start, kind):
        raise FileError(
            "the file is not what its name says",
            expected=f"a {kind} file inside {main.suffix.lower()}",
            got=said,
            then="give it the right ending, or export it again",
        )
    if kind not in _MAGIC and said != "text":
        raise FileError(
            "the file is not what its name says",
            expected=f"text inside {main.suffix.lower()}",
            got=said,
            then="give it the right ending",
        )


def _has_magic(start: bytes, kind: str) -> bool:
    return start.startswith(_MAGIC[kind], _MAGIC_AT.get(kind, 0))


def _sha256(parts: list[Path]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        with part.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()
