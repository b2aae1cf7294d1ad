"""Backups: copies made while writes go on, each verified before it counts, checked, restored and rotated (docs/backup.md)."""

import datetime as dt
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import sqlalchemy as sa

from geo_risk.errors import Conflict, FileError, ParameterError, StoreCorrupt, StoreError, shown
from layers._store import audit, log, replay
from layers._store.postgis_copies import MAGIC, dumped, laid_out
from layers._store.records import now
from layers._store.schema import META, REVISIONS, SCHEMA
from layers._store.sqlite import make_folder, make_names_sure
from layers._store.sqlite_copies import copied, make_sure, new_database, opened_copy, page_faults, put_in_place
from layers._store.store import Store

Report = Callable[[float], None]
_COPIERS: Final[Mapping[str, Callable[[sa.Connection, Path, Report], None]]] = {"sqlite": copied, "postgis": dumped}
_ENDINGS: Final = {"sqlite": ".sqlite", "postgis": ".dump"}
_FORMAT: Final = "geo-risk backup 1"
_ENDING: Final = ".json"
_UNFINISHED: Final = ".unfinished"
_UNFINISHED_S: Final = 86_400


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a backup holds, as the file beside it says: the log's end, the audit's, and the file's own digest."""

    file: str
    made_at: str
    revision: int
    head: str
    audit_head: str | None
    schema: int
    bytes: int
    sha256: str
    program: str
    format: str = _FORMAT


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A backup that would restore: what it holds, and the manifest that said so before (None: there was none to compare)."""

    path: Path
    revision: int
    head: str
    features: int
    manifest: Manifest | None


@dataclass(frozen=True, kw_only=True)
class Restored:
    """A store made from a backup, and where the one before it was put."""

    checked: Checked
    aside: Path | None


def backup(store: Store, to: Path, report: Report | None = None) -> Manifest:
    """Copy an open store to a file (or into a folder, named by time and revision), verify the copy, and write its manifest.

    Writes go on meanwhile; the copy holds the store as it was when this was called. The file appears under its name only when
    it is whole, sure and verified.

    Raises
    ------
    Conflict
        The file is there already.
    StoreCorrupt
        The copy does not verify: the store itself is damaged. Nothing is left under the name.
    """
    tell = report or _unheard
    with store.read() as connection:
        revision, head = log.head(connection)
        path = _free_name(to, revision, _ENDINGS[store.database.name])
        with _beside(path) as unfinished:
            _COPIERS[store.database.name](connection, unfinished, lambda share: tell(share / 2))
            found = _verified(unfinished, lambda share: tell(0.5 + share / 2))
            _require_same(path, (revision, head.hex()), (found.revision, found.head))
            manifest = _manifest(unfinished, path.name, found)
            _keep(unfinished, path, manifest)
    _sweep(path.parent)
    tell(1.0)
    return manifest


def check(path: Path, report: Report | None = None) -> Checked:
    """Say what a backup would restore, having read all of it; changes nothing.

    Raises
    ------
    FileError
        There is no such file, or its manifest cannot be read.
    StoreCorrupt
        It is not the file that was made, or does not verify.
    """
    if not path.is_file():
        raise FileError("there is no such backup", where=path.name, expected="a file made by geo-risk backup", got="nothing")
    manifest = manifest_of(path)
    if manifest is not None:
        _require_same(path, (manifest.bytes, manifest.sha256), (path.stat().st_size, _sha256(path)))
    found = _verified(path, report or _unheard)
    if manifest is not None:
        _require_same(path, (manifest.revision, manifest.head), (found.revision, found.head))
    return Checked(path=path, revision=found.revision, head=found.head, features=found.features, manifest=manifest)


def restore(path: Path, to: Path, *, replace: bool = False, report: Report | None = None) -> Restored:
    """Make a checked backup the store; the one that is there is kept aside under another name.

    Raises
    ------
    Conflict
        The store there has revisions that the backup lacks, or cannot be read to tell, and ``replace`` was not said.
    StoreUnavailable
        A service has the store open.
    """
    if path.is_file() and _is_dump(path):
        raise FileError(
            "the backup is of a shared store", where=path.name, expected="a backup of an embedded store", got="a dump",
            then="make an empty database, run pg_restore into it, then geo-risk verify",
        )
    checked = check(path, report)
    if to.exists() and not replace:
        _require_nothing_lost(checked, to)
    make_folder(to.parent)
    aside = to.with_name(f"{to.name}.before-{_compact(now())}") if to.exists() else None
    with _beside(to) as unfinished:
        _copy_for_its_owner(path, unfinished)
        put_in_place(unfinished, to, aside)
    return Restored(checked=checked, aside=aside)


def manifest_of(path: Path) -> Manifest | None:
    """The manifest beside a backup, if there is one.

    Raises
    ------
    FileError
        There is one, and it is not one of ours.
    """
    beside = _manifest_path(path)
    if not beside.is_file():
        return None
    names = {field.name for field in fields(Manifest)}
    try:
        stated: Any = json.loads(beside.read_text(encoding="utf-8"))
    except ValueError:
        stated = None
    if not isinstance(stated, dict) or set(stated) != names or stated["format"] != _FORMAT:
        raise FileError(
            "a backup's manifest cannot be read", where=beside.name, expected=_FORMAT, got=f"text of {beside.stat().st_size} bytes",
            then="take another backup; or move the manifest away, and only the file's own agreement is checked",
        )
    return Manifest(**stated)


def rotate(folder: Path, keep: int) -> tuple[str, ...]:
    """Remove what is older than the newest ``keep`` backups that still are the files that were made; the names removed.

    A backup whose digest is no longer its manifest's does not count as kept, so the last good one is never removed.
    """
    if keep < 1:
        raise ParameterError("no backup would be kept", where="keep", expected="1 or more", got=shown(keep))
    good, old = 0, []
    for path, manifest in _newest_first(folder):
        if good >= keep:
            old.append(path)
        elif path.stat().st_size == manifest.bytes and _sha256(path) == manifest.sha256:
            good += 1
    for path in old:
        _manifest_path(path).unlink()
        path.unlink()
    make_names_sure(folder)
    return tuple(path.name for path in old)


def _newest_first(folder: Path) -> list[tuple[Path, Manifest]]:
    found = []
    for beside in folder.glob(f"*{_ENDING}"):
        path = beside.with_name(beside.name.removesuffix(_ENDING))
        if path.is_file() and (manifest := manifest_of(path)) is not None:
            found.append((path, manifest))
    return sorted(found, key=lambda each: (each[1].made_at, each[1].revision), reverse=True)


@dataclass(frozen=True)
class _Found:
    revision: int
    head: str
    audit_head: str | None
    schema: int
    features: int


def _verified(path: Path, report: Report) -> _Found:
    with _opened(path) as connection:
        schema = _schema(connection, path)
        replay.require_sound(page_faults(connection))
        # the columns are those the copy states: whether today's declarations are the same is not its business
        found = replay.verify(connection, {}, report)
        audit_head = audit.verify_kept(connection)
    return _Found(found.revisions, found.head, audit_head, schema, found.features)


@contextmanager
def _opened(path: Path) -> Iterator[sa.Connection]:
    """What a backup holds, as a store's tables: a copy as it lies, a dump laid out beside nobody's eyes until the block ends."""
    if not _is_dump(path):
        with opened_copy(path) as connection:
            yield connection
        return
    with TemporaryDirectory(prefix="geo-risk-") as folder:
        place = Path(folder) / "laid-out.sqlite"
        with new_database(place) as connection:
            laid_out(path, connection)
        with opened_copy(place) as connection:
            yield connection


def _is_dump(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _schema(connection: sa.Connection, path: Path) -> int:
    if not sa.inspect(connection).has_table(META.name):
        raise FileError("the file is a database but not a store", where=path.name, expected="a backup", got="other tables")
    stated = connection.execute(sa.select(META.c.value).where(META.c.key == "schema")).scalar_one_or_none() or ""
    if stated != str(SCHEMA):
        raise FileError(
            "the backup is of another version of the store", where=path.name, expected=f"schema {SCHEMA}",
            got=f"schema {shown(stated)}", then="copy it to where the store is to be, and run geo-risk migrate on the copy",
        )
    return int(stated)


def _require_same(path: Path, expected: tuple[int, str], found: tuple[int, str]) -> None:
    if expected != found:
        raise StoreCorrupt(
            "the backup is not what was copied", where=path.name, expected=f"{expected[0]}:{expected[1][:16]}",
            got=f"{found[0]}:{found[1][:16]}", then="keep it for study, and use another backup",
        )


def _require_nothing_lost(checked: Checked, to: Path) -> None:
    try:
        with opened_copy(to) as connection:
            last, _ = log.head(connection)
            row = connection.execute(sa.select(REVISIONS.c.hash).where(REVISIONS.c.seq == last)).first()
            same = last <= checked.revision and (row is None or bytes(row.hash) == _hash_at(checked.path, last))
            more = f"revisions to {last}"
    except StoreError as error:
        same, more = False, f"a store that cannot be read ({type(error).__name__})"
    if not same:
        raise Conflict(
            "the store there has what the backup lacks; nothing was changed", where=to.name,
            expected=f"a store that the backup (to revision {checked.revision}) holds whole", got=more,
            then="restore beside it and compare; or say --replace, and it is kept aside",
        )


def _hash_at(path: Path, revision: int) -> bytes | None:
    with opened_copy(path) as connection:
        row = connection.execute(sa.select(REVISIONS.c.hash).where(REVISIONS.c.seq == revision)).first()
    return None if row is None else bytes(row.hash)


def _manifest(file: Path, name: str, found: _Found) -> Manifest:
    return Manifest(
        file=name, made_at=now(), revision=found.revision, head=found.head, audit_head=found.audit_head, schema=found.schema,
        bytes=file.stat().st_size, sha256=_sha256(file), program=version("geo-risk"),
    )


def _keep(unfinished: Path, path: Path, manifest: Manifest) -> None:
    make_sure(unfinished)
    beside = _manifest_path(path)
    with _beside(beside) as text:
        text.touch(mode=0o600)
        text.write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")
        make_sure(text)
        # the manifest first: a backup without one would count as unverified, a manifest alone counts for nothing
        text.replace(beside)
    unfinished.replace(path)
    make_names_sure(path.parent)


def _free_name(to: Path, revision: int, ending: str) -> Path:
    if to.is_dir():
        return to / f"geo-risk-{_compact(now())}-r{revision}{ending}"
    if to.exists() or _manifest_path(to).exists():
        raise Conflict("there is a file of that name already", where=to.name, expected="a new name", got="one in use")
    if not to.parent.is_dir():
        raise FileError("there is no folder to put the backup in", where=to.name, expected="a folder that is there", got="none")
    return to


def _copy_for_its_owner(path: Path, to: Path) -> None:
    with path.open("rb") as source, os.fdopen(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
    make_sure(to)


def _sweep(folder: Path) -> None:
    # what a killed backup left; one that is still at work after a day is none
    oldest = time.time() - _UNFINISHED_S
    for left in folder.glob(f".*{_UNFINISHED}"):
        if left.stat().st_mtime < oldest:
            left.unlink(missing_ok=True)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A name in the same folder for what is not finished; nothing is left there afterwards."""
    unfinished = path.with_name(f".{path.name}{_UNFINISHED}")
    unfinished.unlink(missing_ok=True)
    try:
        yield unfinished
    finally:
        unfinished.unlink(missing_ok=True)


def _manifest_path(path: Path) -> Path:
    return path.with_name(path.name + _ENDING)


def _compact(moment: str) -> str:
    return dt.datetime.fromisoformat(moment).strftime("%Y%m%dT%H%M%S%fZ")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unheard(_: float) -> None:
    return None
