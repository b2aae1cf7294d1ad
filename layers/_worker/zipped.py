"""Zip archives under limits: nothing leaves the folder, nothing grows beyond what was declared."""

import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from geo_risk.errors import FileError
from layers._worker.limits import Limits
from layers._worker.plain import plain_list

_BLOCK: Final = 1 << 20
_INSIDE: Final = {
    ".shp": "shapefile",
    ".gpkg": "gpkg",
    ".geojson": "geojson",
    ".json": "geojson",
    ".kml": "kml",
    ".csv": "csv",
    ".xlsx": "xlsx",
}
_PARTS: Final = (".shp", ".shx", ".dbf", ".prj", ".cpg")


def require_bounded(path: str, limits: Limits) -> list[zipfile.ZipInfo]:
    """The members of an archive that keeps to the limits, directories left out.

    Raises
    ------
    FileError
        It is no zip, is encrypted, holds a link or a name that leads out, or too much of anything.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise FileError(
            "the archive cannot be read", expected="a whole zip file", got=type(error).__name__, then="make the zip again"
        ) from None
    packed = max(Path(path).stat().st_size, 1)
    unpacked = sum(member.file_size for member in members)
    checks = (
        (len(members) <= limits.zip_entries, "too many files in the archive", f"at most {limits.zip_entries}", str(len(members))),
        (
            unpacked <= limits.unzipped_bytes,
            "the archive unpacks too large",
            f"at most {limits.unzipped_bytes} bytes",
            str(unpacked),
        ),
        (
            unpacked <= limits.zip_ratio * packed,
            "the archive unpacks suspiciously large",
            f"at most {limits.zip_ratio} to 1",
            f"{unpacked // packed} to 1",
        ),
        (
            not any(_leads_out(member.filename) for member in members),
            "a name in the archive leads out of it",
            "plain names",
            "an absolute name or ..",
        ),
        (
            not any(stat.S_ISLNK(member.external_attr >> 16) for member in members),
            "the archive holds a link",
            "files only",
            "a symbolic link",
        ),
        (not any(member.flag_bits & 1 for member in members), "the archive is encrypted", "no password", "a password"),
    )
    for holds, what, expected, got in checks:
        if not holds:
            raise FileError(what, expected=expected, got=got, then="unpack it and import the file itself")
    return members


def unzipped(path: str, folder: Path, limits: Limits) -> tuple[str, str]:
    """The one data set of an archive, unpacked under a name of ours: its path and format.

    Raises
    ------
    FileError
        There is none, or more than one.
    """
    members = require_bounded(path, limits)
    mains = [member for member in members if _suffix(member) in _INSIDE and not PurePosixPath(member.filename).name.startswith(".")]
    shapes = [member for member in mains if _suffix(member) == ".shp"]
    chosen = shapes or mains
    if len(chosen) != 1:
        names = plain_list([member.filename for member in chosen]) or "none"
        raise FileError(
            "the archive does not hold exactly one data set",
            expected="one of " + ", ".join(_INSIDE),
            got=names,
            then="unpack it and import each file by itself",
        )
    main = chosen[0]
    stem = main.filename[: -len(_suffix(main))]
    parts = (
        [member for member in members if _suffix(member) in _PARTS and member.filename[: -len(_suffix(member))] == stem]
        if shapes
        else [main]
    )
    with zipfile.ZipFile(path) as archive:
        for part in parts:
            _unpack(archive, part, folder / f"unzipped{_suffix(part)}")
    return str(folder / f"unzipped{_suffix(main)}"), _INSIDE[_suffix(main)]


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    # zipfile itself stops at the declared size, so what was checked is what is written.
    try:
        with archive.open(member) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, _BLOCK)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
        raise FileError(
            "a file in the archive cannot be unpacked",
            expected="a whole zip file",
            got=type(error).__name__,
            then="make the zip again",
        ) from None


def _suffix(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename).suffix.lower()


def _leads_out(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/"))
    return parts.is_absolute() or ".." in parts.parts or (len(name) > 1 and name[1] == ":")
