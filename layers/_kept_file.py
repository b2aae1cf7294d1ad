"""A file of parts that is known to be whole: written beside its place and renamed into it, never changed; in doubt it is none.

    MAGIC | the parts, one after the other | head, JSON | length of the head, 8 bytes | sha256 of all but the parts

The head says what its writer said, and each part's name, length and sha256. It is for its owner's eyes only. Nothing is mapped
from the disk: a file cut short under a mapping would end the process that reads it.

To read and to hash it needs neither frames nor a database: a start reads it while it loads those.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from geo_risk.errors import FileError, StoreFull, StoreUnavailable

_MAGIC: Final = b"geo-risk snapshot 1\n"
_LENGTH: Final = 8
_DIGEST: Final = 32
_STRAY_S: Final = 3600.0
"""What a process that was killed left half written is swept away after this long."""
_UNREADABLE: Final = (OSError, ValueError, KeyError, TypeError, OverflowError, MemoryError, FileError)
"""All that reading a file of any content raises."""


class KeptFile(NamedTuple):
    """What a file held: what its writer said, the parts by name, and when it was written, in seconds since 1970."""

    said: Mapping[str, Any]
    parts: Mapping[str, bytes]
    written_at: float


def saved_path(store: Path, where: Path | str = "") -> Path:
    """Where the snapshot of the store in that file is kept; that of a database lies there too, under a name of its own.

    >>> saved_path(Path("var/geo-risk.sqlite")).name
    'geo-risk.snapshot'
    >>> saved_path(Path("var/geo-risk.sqlite"), "postgresql://a:b@host/map").name
    'geo-risk.d75e8348.snapshot'
    """
    if isinstance(where, Path) or "://" not in where:
        return store.with_name(f"{store.stem}.snapshot")
    from sqlalchemy import make_url  # noqa: PLC0415 - a store in a file has no use for it, and it takes long to load

    url = make_url(where)
    named = hashlib.sha256(f"{url.host} {url.port} {url.database} {sorted(url.query.items())}".encode()).hexdigest()[:8]
    return store.with_name(f"{store.stem}.{named}.snapshot")


def keep(path: Path, said: Mapping[str, Any], parts: Iterable[tuple[str, memoryview]]) -> None:
    """Put the parts in the file at that path, whole or not at all; when this returns they are on the disk.

    Raises
    ------
    StoreFull
        The disk would be left with less room than the file takes: the store needs it more.
    StoreUnavailable
        The folder does not take it. Nothing is lost; a restart takes longer.
    """
    try:
        _sweep(path)
        with _replacing(path) as file:
            file.write(_MAGIC)
            written = [_written(file, path, name, content) for name, content in parts]
            file.write(_tail(json.dumps({**said, "parts": written}).encode()))
    except OSError as error:
        raise StoreUnavailable(
            "the snapshot cannot be kept on the disk", where=path.name, expected="a folder that can be written",
            got=type(error).__name__, then="check the folder and its space; nothing is lost, a restart takes longer",
        ) from error


def kept_file(path: Path) -> KeptFile | None:
    """What is in the file; None where there is none, or its content is not the one that was written."""
    try:
        with path.open("rb") as file:
            return _read(file)
    except _UNREADABLE:
        return None


def read_ahead(path: Path) -> Callable[[], KeptFile | None]:
    """Begin to read the file in a thread of its own; what is given back waits for what `kept_file` gives, and gives it once."""
    with_content: list[Future[KeptFile | None]] = []
    reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kept-file")
    with_content.append(reader.submit(kept_file, path))
    reader.shutdown(wait=False)
    # nothing here holds on to a content that may be large
    return lambda: with_content.pop().result()


def _written(file: IO[bytes], path: Path, name: str, content: memoryview) -> list[Any]:
    """Write one part; its name, length and sha256."""
    if shutil.disk_usage(path.parent).free < 2 * content.nbytes:
        raise StoreFull(
            "there is no room to keep the snapshot on the disk", where=path.name, expected="twice the room it takes",
            then="free some space; nothing is lost, a restart takes longer",
        )
    file.write(content)
    return [name, content.nbytes, hashlib.sha256(content).hexdigest()]


def _tail(head: bytes) -> bytes:
    length = len(head).to_bytes(_LENGTH, "little")
    return head + length + hashlib.sha256(_MAGIC + head + length).digest()


def _read(file: IO[bytes]) -> KeptFile:
    about = os.fstat(file.fileno())
    said = _stated(file, about.st_size)
    file.seek(len(_MAGIC))
    return KeptFile(said, {name: _part(file.read(length), digest) for name, length, digest in said["parts"]}, about.st_mtime)


def _stated(file: IO[bytes], size: int) -> dict[str, Any]:
    """The head, if the file begins and ends as one of ours does."""
    magic = file.read(len(_MAGIC))
    file.seek(size - _DIGEST - _LENGTH)
    length = file.read(_LENGTH)
    digest, begin = file.read(), size - _DIGEST - _LENGTH - int.from_bytes(length, "little")
    if magic != _MAGIC or begin < len(_MAGIC):
        raise _foreign()
    file.seek(begin)
    head = file.read(size - _DIGEST - _LENGTH - begin)
    if hashlib.sha256(magic + head + length).digest() != digest:
        raise _foreign()
    said: dict[str, Any] = json.loads(head)
    return said


def _part(content: bytes, digest: str) -> bytes:
    if hashlib.sha256(content).hexdigest() != digest:
        raise _foreign()
    return content


def _foreign() -> FileError:
    return FileError("the file holds no whole snapshot of this version", where="snapshot", then="it is made anew")


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file beside the path that takes its place when the block ends well, and is gone when it does not."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False) as file:
        part = Path(file.name)
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _sweep(path: Path) -> None:
    for stray in path.parent.glob(f".{path.name}.*.part"):
        if time.time() - stray.stat().st_mtime > _STRAY_S:
            stray.unlink(missing_ok=True)
