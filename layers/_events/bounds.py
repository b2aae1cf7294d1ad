"""How much of an event file is read at most, and HDF5 and zip read within that: no links out, no code, no surprise."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from geo_risk.errors import FileError, shown


@dataclass(frozen=True, kw_only=True)
class EventLimits:
    """Bytes of the file; numbers that one array holds, whatever it is packed to; rows of a table."""

    file_bytes: int = 2_000_000_000
    numbers: int = 200_000_000
    rows: int = 20_000_000


def require_file(path: Path, limits: EventLimits) -> None:
    """Stop unless it is a file of bounded size."""
    if not path.is_file():
        raise FileError("no such file", where=shown(path.name), expected="a file", got="none", then="check the path")
    size = path.stat().st_size
    if not 0 < size <= limits.file_bytes:
        raise FileError(
            "the file is empty or too large", where=shown(path.name), expected=f"1 to {limits.file_bytes} bytes", got=shown(size),
        )


def numbers_in(group: Any, name: str, limits: EventLimits, where: str) -> NDArray[Any]:
    """A dataset of numbers in an HDF5 group, flat.

    Raises
    ------
    FileError
        It is not there, is a link or lies outside the file, holds no numbers, or too many.
    """
    found = inside(group, name, where)
    sound = isinstance(found, h5py.Dataset) and found.dtype.kind in "biuf" and not found.is_virtual and found.external is None
    if not sound:
        raise FileError(
            "a dataset cannot be used", where=f"{where}, {shown(name)}", expected="numbers inside the file itself",
            got="no numbers, or numbers elsewhere", then="export the event set again",
        )
    if found.size > limits.numbers:
        raise FileError(
            "a dataset is too large", where=f"{where}, {shown(name)}", expected=f"at most {limits.numbers} numbers",
            got=shown(int(found.size)), then="raise the limit if the file is trusted",
        )
    return np.ravel(np.asarray(found[()]))


def inside(group: Any, name: str, where: str) -> Any:
    """A member of an HDF5 group that is really in this file: links to other files and other names are not followed."""
    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise FileError(
            "a member is missing or a link", where=f"{where}, {shown(name)}", expected="data inside the file itself",
            got="none" if link is None else "a link", then="export the event set again",
        )
    return group[name]


def arrays_of_npz(path: Path, names: tuple[str, ...], limits: EventLimits) -> dict[str, NDArray[Any]]:
    """The arrays of an NPZ file that have these names; others are not read. Objects (pickles) are refused.

    Raises
    ------
    FileError
        It is no zip, unpacks too large, or an array holds objects.
    """
    where = shown(path.name)
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist() if member.filename.removesuffix(".npy") in names)
        if unpacked > 8 * limits.numbers:
            raise FileError(
                "the file unpacks too large", where=where, expected=f"at most {8 * limits.numbers} bytes", got=shown(unpacked),
            )
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files if name in names}
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, KeyError) as fault:
        raise FileError(
            "the file is no NPZ of plain arrays", where=where, expected="arrays of numbers and texts", got=type(fault).__name__,
            then="write it with write_npz",
        ) from None
