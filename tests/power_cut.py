"""What a power cut leaves of a folder: a trace of what a process asked of the disk, and the images that a cut in it can leave.

The model is a disk without mercy, as SQLite expects one. Before a file's last completed fsync everything is there; of what
came after, each write is kept, dropped or torn at 512-byte sectors, whatever became of the others, and a length may change
without its data. A directory's new and removed names are sure only after the directory itself was fsynced; the shared-memory
file is rubbish. What the trace cannot show is a disk that lies about its fsync.
"""

import bisect
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from geo_risk.errors import StoreError
from layers._catalog import catalog
from layers._store import open_store

SECTOR = 512
VERIFIED = 5  # one image of so many is verified to the last byte; of each the whole chain of hashes is compared
_CALLS = "openat,mkdir,pwrite64,write,fsync,fdatasync,ftruncate,unlink,unlinkat,rename,renameat,renameat2,link,fallocate"
_LINE = re.compile(r"^(\d+) +(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+)")
_FD = re.compile(r"^\d+<([^>]*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_DELETED = "(deleted)"
Named = dict[str, int | None]
"""Names and the files that they stand for from now on; None: for none."""


class Event(NamedTuple):
    """One call that changes the disk or makes a change sure; ``begun`` and ``ended`` are lines of the trace."""

    begun: int
    ended: int
    call: str
    path: str
    offset: int = 0
    data: bytes = b""


@dataclass(frozen=True)
class Trace:
    """What a process asked of the disk in the order of its endings, and when it had acknowledged what."""

    events: tuple[Event, ...]
    acknowledged: tuple[tuple[int, int], ...]  # (line at which the acknowledgement left, revision), both rising

    def acknowledged_by(self, line: int) -> int:
        """The highest revision whose acknowledgement had left before that line."""
        place = bisect.bisect_left(self.acknowledged, (line, 0))
        return self.acknowledged[place - 1][1] if place else 0


def watched(folder: Path) -> list[Path]:
    """The names of a store at work in a folder's folder ``data``, and of its acknowledgements."""
    data = folder / "data"
    return [folder, data, data / "store.db", data / "store.db-wal", data / "store.db-journal", folder / "acks"]


def record(code: str, folder: Path, to: Path, names: Sequence[Path] = ()) -> None:
    """Run Python code whose store is ``folder/data/store.db`` and whose acknowledgements go to ``folder/acks``, under strace.

    With names only calls that have to do with them are recorded, which is faster.
    """
    command = ["strace", "-f", "-y", "-xx", "-s", "16777216", "-e", f"trace={_CALLS}", "-o", str(to)]
    command += [part for path in names for part in ("-P", str(path))]
    subprocess.run(
        [*command, sys.executable, "-c", code, str(folder)],
        check=True, cwd=Path(__file__).parents[1], stderr=subprocess.PIPE, timeout=120,
    )


def read_trace(path: Path, folder: Path) -> Trace:
    """The trace of `record`, read back; stops at a call whose effect the model does not know."""
    calls = [event for call in _whole_calls(path) if (event := _event(*call)) is not None and event.path.startswith(str(folder))]
    marks, acks = [], str(folder / "acks")
    for event in calls:
        if event.path == acks:
            marks += [(event.begun, int(number)) for number in event.data.split()]
    events = sorted((event for event in calls if event.path != acks), key=lambda event: event.ended)
    return Trace(tuple(events), tuple(_rising(marks)))


def _rising(pairs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    highest = 0
    for line, revision in sorted(pairs):
        if revision > highest:
            highest = revision
            yield line, revision


def _whole_calls(path: Path) -> Iterator[tuple[int, int, str]]:
    waiting: dict[str, tuple[int, str]] = {}
    with path.open() as lines:
        for number, line in enumerate(lines):
            thread, text = _LINE.match(line).groups()
            if text.endswith("<unfinished ...>"):
                waiting[thread] = number, text.removesuffix("<unfinished ...>").rstrip()
            elif text.startswith("<... "):
                begun, start = waiting.pop(thread)
                yield begun, number, start + text.split("resumed>", 1)[1]
            else:
                yield number, number, text


def _event(begun: int, ended: int, text: str) -> Event | None:
    found = _CALL.match(text)
    if found is None or int(found[3]) < 0:
        return None
    call, arguments = found[1], found[2]
    fd, texts = _FD.match(arguments), [_bytes(each) for each in _TEXT.findall(arguments)]
    numbers = [int(each) for each in re.findall(r", (\d+)(?=,|$)", arguments)]
    path = _bytes(fd[1]).decode() if fd else texts[0].decode()
    made = {
        "openat": lambda: Event(begun, ended, call, texts[0].decode()) if "O_CREAT" in arguments else None,
        "mkdir": lambda: Event(begun, ended, call, path),
        "unlink": lambda: Event(begun, ended, call, path),
        "rename": lambda: Event(begun, ended, call, path, 0, texts[1]),
        "link": lambda: Event(begun, ended, call, path, 0, texts[1]),
        "pwrite64": lambda: Event(begun, ended, call, path, numbers[-1], texts[-1]),
        "write": lambda: Event(begun, ended, call, path, 0, texts[-1]),
        "fsync": lambda: Event(begun, ended, "fsync", path),
        "fdatasync": lambda: Event(begun, ended, "fsync", path),
        "ftruncate": lambda: Event(begun, ended, call, path, numbers[-1]),
    }
    return made[call]()  # KeyError: a call the model does not know


def _bytes(text: str) -> bytes:
    # strace leaves the mark of an unlinked file outside the escapes
    return bytes.fromhex(text.removesuffix(_DELETED).replace("\\x", ""))


@dataclass
class Kept:
    """A file: what is sure, and the writes since its last fsync."""

    sure: bytearray = field(default_factory=bytearray)
    loose: list[Event] = field(default_factory=list)
    written: int = 0  # where the next plain write goes: these files are written from start to end

    def settle(self, before: int) -> None:
        """Make sure what had ended before a completed fsync began."""
        for event in self.loose:
            if event.ended < before:
                _apply(self.sure, event)
        self.loose = [event for event in self.loose if event.ended >= before]


@dataclass
class Disk:
    """The disk as the trace goes on: files by their number, names that are sure, and changes of names that are not."""

    base: str
    files: list[Kept] = field(default_factory=list)
    folders: set[int] = field(default_factory=set)
    named: dict[str, int] = field(default_factory=dict)  # as the process sees it
    sure: dict[str, int] = field(default_factory=dict)
    loose: list[tuple[int, Named]] = field(default_factory=list)  # (begun, names that change at once)

    def take(self, event: Event) -> None:
        """Go on by one event."""
        if event.call in ("openat", "mkdir"):
            if event.path not in self.named:
                self.folders |= {len(self.files)} if event.call == "mkdir" else set()
                self.files.append(Kept())
                self._name(event, {event.path: len(self.files) - 1})
        elif event.call == "fsync":
            self._sync(event)
        elif event.path in self.named and event.call in _NAMING:
            self._name(event, _NAMING[event.call](event.path, event.data.decode(), self.named[event.path]))
        elif event.path in self.named:
            file = self.files[self.named[event.path]]
            file.loose.append(event if event.call != "write" else event._replace(offset=file.written))
            file.written += len(event.data)

    def _name(self, event: Event, changes: Named) -> None:
        self.loose.append((event.begun, changes))
        _set(self.named, changes)

    def _sync(self, event: Event) -> None:
        if event.path in self.named:
            self.files[self.named[event.path]].settle(event.begun)
        done = [change for change in self.loose if change[0] < event.begun and _folder(change[1]) == event.path]
        for _, changes in done:
            _set(self.sure, changes)
        self.loose = [change for change in self.loose if change not in done]

    def after_cut(self, chance: random.Random) -> dict[str, bytes]:
        """What is found by path below the base when the power is back."""
        names, gone, likely = dict(self.sure), set[str](), chance.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        for _, changes in self.loose:
            # a change of a name rests on the changes of it before
            if gone & changes.keys() or chance.random() >= likely:
                gone |= changes.keys()
            else:
                _set(names, changes)
        folders = {self.base} | {path for path, file in names.items() if file in self.folders}
        return {
            path: _surviving(self.files[file], chance, likely)
            for path, file in names.items() if path not in folders and str(Path(path).parent) in folders
        }


def holding(folder: Path, before: Mapping[str, bytes]) -> Disk:
    """A disk on which the folder's files are sure, in its one folder ``data``."""
    disk = Disk(str(folder), files=[Kept(bytearray(content)) for content in before.values()])
    disk.sure = {path: number for number, path in enumerate(before)}
    if before:
        disk.sure[str(folder / "data")] = len(disk.files)
        disk.folders.add(len(disk.files))
        disk.files.append(Kept())
    disk.named = dict(disk.sure)
    return disk


_NAMING: dict[str, Callable[[str, str, int], Named]] = {
    "unlink": lambda old, _, __: {old: None},
    "rename": lambda old, new, file: {old: None, new: file},
    "link": lambda _, new, file: {new: file},
}


def _folder(changes: Named) -> str:
    return str(Path(next(iter(changes))).parent)


def _set(names: dict[str, int], changes: Named) -> None:
    for path, file in changes.items():
        if file is None:
            names.pop(path, None)
        else:
            names[path] = file


def _apply(content: bytearray, event: Event) -> None:
    if event.call == "ftruncate":
        _resize(content, event.offset)
    else:
        _resize(content, max(len(content), event.offset))
        content[event.offset : event.offset + len(event.data)] = event.data


def _resize(content: bytearray, size: int) -> None:
    del content[size:]
    content.extend(bytes(size - len(content)))


def _surviving(file: Kept, chance: random.Random, likely: float) -> bytes:
    content = bytearray(file.sure)
    for event in file.loose:
        if chance.random() < likely:
            for part in _torn(event, chance):
                _apply(content, part)
        elif event.data and chance.random() < 0.2:
            # the length came through, the data did not
            end = event.offset + len(event.data)
            content.extend(chance.choice((b"\0", b"\xa5")) * (end - len(content)))
    return bytes(content)


def _torn(event: Event, chance: random.Random) -> list[Event]:
    if len(event.data) <= SECTOR or chance.random() < 0.7:
        return [event]
    first = -event.offset % SECTOR
    edges = sorted({0, *range(first, len(event.data), SECTOR), len(event.data)})
    return [
        event._replace(offset=event.offset + start, data=event.data[start:end])
        for start, end in pairwise(edges) if chance.random() < 0.5
    ]


def images(
    trace: Trace, folder: Path, cuts: Sequence[int], seed: int, before: Mapping[str, bytes] = MappingProxyType({})
) -> Iterator[tuple[int, dict[str, bytes]]]:
    """For each line of the trace, in rising order, what a cut there leaves; ``before`` is what was sure when it began."""
    disk, done = holding(folder, before), 0
    for number, cut in enumerate(sorted(cuts)):
        while done < len(trace.events) and trace.events[done].ended < cut:
            disk.take(trace.events[done])
            done += 1
        yield cut, disk.after_cut(random.Random(f"{seed}:{number}"))


class Found(NamedTuple):
    """An image's log against what was acknowledged before the cut; ``wrong`` is what else the store said of it."""

    cut: int
    acknowledged: int
    revisions: int
    wrong: str = ""

    @property
    def lost(self) -> bool:
        """Is anything acknowledged not there?"""
        return self.revisions < self.acknowledged


def log_of(path: Path) -> list[tuple[int, bytes]]:
    """Number and hash of each revision in a store's file, by SQLite alone; none where there is no store yet."""
    with closing(sqlite3.connect(path)) as store:
        if not store.execute("SELECT 1 FROM sqlite_master WHERE name = 'revisions'").fetchone():
            return []
        if store.execute("PRAGMA quick_check").fetchone() != ("ok",):
            return [(0, b"damaged")]
        return store.execute("SELECT seq, hash FROM revisions ORDER BY seq").fetchall()


def lay_out(left: dict[str, bytes], base: Path, folder: Path) -> Path:
    """Write an image to a folder of its own; the path of its store, which may not be there."""
    (folder / "data").mkdir(parents=True)
    for path, content in left.items():
        (folder / Path(path).relative_to(base)).write_bytes(content)
    (folder / "data" / "store.db-shm").write_bytes(b"\x5a" * 32768)
    return folder / "data" / "store.db"


def examined(path: Path, whole: list[tuple[int, bytes]], layers: Sequence[str], *, fully: bool) -> tuple[int, str]:
    """Revisions in an image's log, and what is wrong with it: it must be how the whole log began, and verify if done fully."""
    # a folder lost with all its names is a new store: its log is empty
    try:
        with open_store(path, layers={name: catalog()[name] for name in layers}) as store:
            if fully:
                store.verify()
    except StoreError as error:
        return 0, str(error)
    found = log_of(path)
    return len(found), "" if found == whole[: len(found)] else "the log is not how the whole log began"


def examine(
    trace: Trace, base: Path, cuts: Sequence[int], layers: Sequence[str], seed: int, workplace: Path
) -> Iterator[Found]:
    """Make the image of each cut in the trace of a run in that folder, and examine it; all is done in a folder of its own."""
    whole = log_of(base / "data" / "store.db")
    for number, (cut, left) in enumerate(images(trace, base, cuts, seed)):
        path = lay_out(left, base, workplace / str(number))
        fully = number % VERIFIED == 0
        yield Found(cut, trace.acknowledged_by(cut), *examined(path, whole, layers, fully=fully))
        shutil.rmtree(workplace / str(number))
