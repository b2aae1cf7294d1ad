"""What a scenario may read: files of one folder by their names, and the store's layers at one revision."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeAlias

import geopandas as gpd
import numpy as np
import shapely

from api.use.scenarios._scenario import Areas
from geo_risk.areas import has_shape
from geo_risk.chunks import each_here
from geo_risk.errors import FileError, ParameterError, shown
from layers._read import ReadOptions, read
from layers._store import Snapshot
from layers._worker.vector import siblings

Stamp: TypeAlias = tuple[tuple[int, int, int], ...]
_BLOCK: Final = 1 << 20
_RASTERS: Final = {
    ".tif": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    ".tiff": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    ".nc": (b"\x89HDF\r\n\x1a\n", b"CDF\x01", b"CDF\x02", b"CDF\x05"),
}
_NOT_VALUES: Final = frozenset({"revision", "updated_at", "geometry"})


@dataclass(frozen=True, kw_only=True)
class Input:
    """One thing a run read: a file with its size and hash, or a layer with its revision, features and hash of their values."""

    kind: Literal["file", "layer"]
    name: str
    sha256: str
    size_bytes: int | None = None
    revision: int | None = None
    features: int | None = None


class Each(Protocol):
    """Work on every piece, wherever; the results in the order of the pieces."""

    def __call__(
        self, work: Callable[[Any], Any], pieces: Sequence[Any], progress: Callable[[float], None], /
    ) -> list[Any]:
        """The results; ``progress`` hears the share done and may raise to stop."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a run reads from. ``files`` holds the path of each file that the scenario names.

    ``each`` works on the pieces of a large exposure: where it does is the caller's affair and changes no figure.
    """

    files: Mapping[str, Path]
    snapshot: Callable[[], Snapshot]
    each: Each = each_here

    def path(self, name: str) -> Path:
        """Where the file of that name lies."""
        return self.files[name]

    def raster_path(self, name: str) -> Path:
        """Where a raster lies that is what its name says: GDAL itself would open anything by content.

        Raises
        ------
        FileError
            The name has another ending, or the file starts like something else.
        """
        path = self.files[name]
        marks = _RASTERS.get(path.suffix.lower())
        with path.open("rb") as file:
            start = file.read(8)
        if marks is None or not start.startswith(marks):
            raise FileError(
                "the file is no raster that we read", where=shown(path.name), expected="GeoTIFF (.tif) or NetCDF (.nc)",
                got="another ending" if marks is None else "something else inside", then="export it as GeoTIFF",
            )
        return path

    def areas(self, section: Areas) -> gpd.GeoDataFrame:
        """The areas of a section: columns ``name`` and geometry in EPSG:4326, on their ids as text, sorted.

        Raises
        ------
        ParameterError
            Not exactly one of file and layer is said, or a column or an id is missing or stands twice.
        FileError
            A row is no polygon.
        """
        if (section.file is None) == (section.layer is None):
            raise ParameterError(
                "areas come from a file or from a layer", where=f"areas.{section.id}", expected="file or layer",
                got="both" if section.file else "neither",
            )
        rows = self._read_areas(section)
        _require_polygons(rows, section)
        return _named(rows, section)

    def features(self, section_id: str, layer_id: str | None, file: str | None, table: str | None) -> gpd.GeoDataFrame:
        """The features of a layer of the store, or of a file, in EPSG:4326.

        Raises
        ------
        ParameterError
            Not exactly one of file and layer is said.
        """
        if (file is None) == (layer_id is None):
            raise ParameterError(
                "features come from a file or from a layer", where=section_id, expected="file or layer",
                got="both" if file else "neither",
            )
        if file is None:
            return self.rows(layer_id or "")
        return read(self.files[file], ReadOptions(gpkg_layer=table)).frame

    def rows(self, layer_id: str) -> gpd.GeoDataFrame:
        """The features of a layer of the store with the columns that the run may tell; others cannot be named."""
        snapshot = self.snapshot()
        untold = [each.name for each in snapshot.layer(layer_id).columns if each.sensitivity not in snapshot.readable]
        frame = snapshot.frames[layer_id]
        return frame.drop(columns=untold) if untold else frame

    def _read_areas(self, section: Areas) -> gpd.GeoDataFrame:
        if section.file is None:
            return self.rows(section.layer or "")
        options = ReadOptions(crs=section.crs, datum=section.datum, gpkg_layer=section.table)
        return read(self.files[section.file], options).frame


def located(names: tuple[str, ...], folder: Path, *, confined: bool) -> dict[str, Path]:
    """The path of each file a scenario names, relative to the folder.

    With ``confined`` a name must be plain and relative, and what it leads to, links resolved, must lie in the folder.

    Raises
    ------
    ParameterError
        A name leads out of the folder.
    FileError
        There is no such file.
    """
    return {name: _located(name, folder.resolve(), confined) for name in names}


def _located(name: str, folder: Path, confined: bool) -> Path:
    plain = not Path(name).is_absolute() and ".." not in Path(name).parts and not set(name) & set("\\:?*|<>\"")
    if confined and not plain:
        raise ParameterError(
            "a file's name leads out of the data folder", where="file", expected="a plain name relative to the data folder",
            got=shown(name), then="put the file in the data folder and name it from there",
        )
    found = (folder / name).resolve()
    if confined and not all(part.resolve().is_relative_to(folder) for part in (found, *_parts(found))):
        raise ParameterError(
            "a file's name leads out of the data folder", where="file", expected="a file inside the data folder",
            got="a link to somewhere else", then="put the file itself in the data folder",
        )
    if str(found).startswith("/vsi") or not (found.is_file() or any(found.glob("*.parquet"))):
        raise FileError(
            "there is no such file", where=shown(name), expected="a file in the data folder", got="nothing",
            then="check the name, or say the folder with --data",
        )
    return found


def file_inputs(files: Mapping[str, Path]) -> tuple[Input, ...]:
    """Name, size and hash of each file, in the order of names."""
    return tuple(
        Input(kind="file", name=name, sha256=_sha256(path), size_bytes=sum(part.stat().st_size for part in _parts(path)))
        for name, path in sorted(files.items())
    )


def require_unchanged(files: Mapping[str, Path], before: Mapping[str, Stamp]) -> None:
    """Stop if a file was written while it was read: the figures would be of no one version."""
    for name, stamp in stamps(files).items():
        if stamp != before[name]:
            raise FileError(
                "a file was changed while it was read", where=shown(name), expected="a file that rests", got="a newer one",
                then="run it again when nobody writes",
            )


def stamps(files: Mapping[str, Path]) -> dict[str, Stamp]:
    """Which file each is, how long, and when it was written."""
    found = {name: [part.stat() for part in _parts(path)] for name, path in files.items()}
    return {name: tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in parts) for name, parts in found.items()}


def layer_input(layer_id: str, frame: gpd.GeoDataFrame) -> Input:
    """A layer as read: its last revision, its number of features, and a hash of all values and shapes in the order of ids."""
    digest, rows = hashlib.sha256(), frame.sort_index()
    for column in sorted(set(rows.columns) - _NOT_VALUES):
        digest.update(f"{column}\0".encode())
        digest.update("\x1f".join(map(str, rows[column].array)).encode("utf-8", "surrogatepass"))
    digest.update("\x1f".join(map(str, rows.index)).encode())
    for shape in np.asarray(shapely.to_wkb(rows.geometry.to_numpy()), dtype=object):
        digest.update(shape or b"-")
    revision = int(frame["revision"].max()) if len(frame) and "revision" in frame else None
    return Input(kind="layer", name=layer_id, sha256=digest.hexdigest(), revision=revision, features=len(frame))


def _require_polygons(rows: gpd.GeoDataFrame, section: Areas) -> None:
    shapes = rows.geometry.to_numpy()
    lost = int((~has_shape(shapes) | (shapely.get_dimensions(shapes) != 2)).sum())
    if lost:
        raise FileError(
            "areas without a shape", where=f"areas.{section.id}", expected="a polygon in each row", got=f"{lost} without one",
            then="mend the rows: what lies there would be counted as outside",
        )


def _named(rows: gpd.GeoDataFrame, section: Areas) -> gpd.GeoDataFrame:
    for column in filter(None, (section.id_column, section.name_column)):
        if column not in rows:
            raise ParameterError(
                "the areas have no such column", where=f"areas.{section.id}", expected=", ".join(map(shown, rows.columns)),
                got=shown(column),
            )
    ids = [str(value) for value in (rows[section.id_column] if section.id_column else rows.index)]
    names = [str(value) for value in (rows[section.name_column] if section.name_column else rows.get("name", ids))]
    twice = len(ids) - len(set(ids))
    if twice:
        raise ParameterError(
            "ids of areas stand twice", where=f"areas.{section.id}", expected="each id once", got=f"{twice} more",
            then="name another id_column",
        )
    return gpd.GeoDataFrame({"name": names}, geometry=rows.geometry.to_numpy(), index=ids, crs=rows.crs).sort_index()


def _parts(path: Path) -> list[Path]:
    """The file itself, the files that make a Shapefile, or those of a folder of GeoParquet, by name."""
    if path.suffix.lower() == ".shp":
        return sorted(siblings(path).values())
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


def _sha256(path: Path) -> str:
    """The hash of a file; of several that make one input that of their hashes in the order of their names."""
    hashes = [_hash_of(part) for part in _parts(path)]
    return hashes[0] if len(hashes) == 1 and not path.is_dir() else hashlib.sha256("".join(hashes).encode()).hexdigest()


def _hash_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
