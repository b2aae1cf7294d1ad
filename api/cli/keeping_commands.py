"""`backup`, `restore`, `verify`, `retain`, `forget`: copies of the store, and how long what is kept (docs/backup.md)."""

import datetime as dt
import getpass
from pathlib import Path
from typing import Annotated

import typer

from api.cli._show import line, progress
from api.cli.data import StorePath, store_of, store_path
from geo_risk.errors import ParameterError, shown
from layers._store import backup as backups
from layers._store import open_store, retention
from layers._store.records import stamp

BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="A file made by geo-risk backup.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    app.command("backup")(backup)
    app.command("restore")(restore)
    app.command("verify")(verify)
    app.command("retain")(retain)
    app.command("forget")(forget)


def backup(
    to: Annotated[Path, typer.Argument(metavar="TO", help="A folder (the file is named by time and revision), or a new file.")],
    keep: Annotated[int | None, typer.Option(min=1, help="Then remove all but the newest N good backups of the folder.")] = None,
    store: StorePath = None,
) -> None:
    """Copy the store while the service goes on, verify the copy, and say its head; status 1 if there is no verified copy."""
    if keep is not None and not to.is_dir():
        raise ParameterError("only a folder's backups can be rotated", where="--keep", expected="a folder as TO", got="a file")
    with progress() as tell, open_store(store_of(store), create=False) as opened:
        made = backups.backup(opened, to, lambda share: tell("backup", share))
    line(f"backup: {made.file}, {made.bytes:,} bytes, verified to revision {made.revision:,}; head {made.head}")
    if keep is not None:
        line(f"removed: {', '.join(backups.rotate(to, keep)) or 'nothing'}")


def restore(
    file: BackupFile,
    to: Annotated[Path | None, typer.Option("--to", "--store", help="Where the store is to be; by the settings without.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Say whether it would restore, and change nothing.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Even if the store there has what the backup lacks.")] = False,
) -> None:
    """Make a backup the store, after reading all of it; the store that was there is kept aside. The service must be stopped."""
    with progress() as tell:
        if check:
            _say(backups.check(file, lambda share: tell("check", share)))
            return
        place = store_path(to)
        done = backups.restore(file, place, replace=replace, report=lambda share: tell("restore", share))
    _say(done.checked)
    line(f"restored: {place}" + (f"; the store before is {done.aside}" if done.aside else ""))


def verify(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A backup; the store without.")] = None,
    store: StorePath = None,
) -> None:
    """Replay the whole log and compare it with what is served; status 1 at the first difference."""
    if file is not None and store is not None:
        raise ParameterError("one thing is verified at a time", where="verify", expected="FILE or --store", got="both")
    with progress() as tell:
        if file is not None:
            _say(backups.check(file, lambda share: tell("verify", share)))
            return
        with open_store(store_of(store), create=False) as opened:
            found = opened.verify(lambda share: tell("verify", share))
    line(f"verified: {found.revisions:,} revisions, {found.features:,} features; head {found.head}")


def retain(
    before: Annotated[str, typer.Option(help="The moment up to which the log is archived: 2021-01-01, or with a time.")],
    archive: Annotated[Path, typer.Option(help="A folder for the archive; it is a backup, and verified like one.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept in the log and in the audit.")] = "",
    cut: Annotated[bool, typer.Option("--cut", help="Do it; without, only say what would be done.")] = False,
    store: StorePath = None,
) -> None:
    """Archive the log up to a moment, and cut it there: of what is older only each feature's last revision stays."""
    moment = stamp(_moment(before))
    with progress() as tell, open_store(store_of(store), create=False) as opened:
        with opened.read() as connection:
            planned = retention.plan(connection, moment)
        line(f"up to {planned.until}, revision {planned.cut:,}: {planned.removed:,} revisions go, {planned.kept:,} stay")
        if not cut:
            line("nothing was done; --cut does it")
            return
        done = retention.retain(
            opened, moment, archive, actor=getpass.getuser(), reason=reason, report=lambda share: tell("archive", share),
        )
    line(f"cut at revision {done.cut:,}, head {done.head}; archive {done.archive}")


def forget(store: StorePath = None) -> None:
    """Remove what the rules keep no longer: answers to old keys, sessions that ended; nothing of the log."""
    with open_store(store_of(store), create=False) as opened:
        counts = retention.forget(opened)
    line("forgotten: " + ", ".join(f"{count:,} {what}" for what, count in counts.items()))


def _moment(text: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise ParameterError(
            "this is no moment", where="--before", expected="2021-01-01, or 2021-01-01T08:00+08:00", got=shown(text),
        ) from error


def _say(found: backups.Checked) -> None:
    by = "its manifest agrees" if found.manifest else "no manifest beside it: only its own agreement was checked"
    line(f"verified: {found.revision:,} revisions, {found.features:,} features; head {found.head}; {by}")
