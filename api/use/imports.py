"""Import one file into one layer: read, check, and store all of it, or nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from geo_risk.errors import ImportRejected
from layers._catalog import layer
from layers._check import Checked, CheckOptions, Report, check
from layers._read import ReadOptions, read
from layers._store import Applied, Batch, Store

Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What the file held, and what the store made of it (None after a dry run)."""

    report: Report
    applied: Applied | None


def examine(layer_id: str, path: Path, reading: ReadOptions, checking: CheckOptions, progress: Progress | None = None) -> Checked:
    """Read and check a file; touches no store."""
    return check(layer(layer_id), read(path, reading, progress), checking)


def import_file(
    store: Store,
    layer_id: str,
    path: Path,
    reading: ReadOptions,
    checking: CheckOptions,
    *,
    actor: str,
    on_error: Literal["stop", "skip"] = "stop",
    replace: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Import a file: every row, or with ``on_error="skip"`` every row that keeps the rules.

    Raises
    ------
    ImportRejected
        Rows break the rules and ``on_error`` is "stop", or no row is left; nothing was stored.
        Its ``report`` says which.
    """
    checked = examine(layer_id, path, reading, checking, progress)
    return Imported(
        report=checked.report,
        applied=store_checked(store, layer_id, checked, actor=actor, on_error=on_error, replace=replace, progress=progress),
    )


def store_checked(
    store: Store,
    layer_id: str,
    checked: Checked,
    *,
    actor: str,
    on_error: Literal["stop", "skip"],
    replace: bool,
    progress: Progress | None = None,
) -> Applied:
    """Store what a check accepted, in one transaction."""
    report = checked.report
    if report.rejected and on_error == "stop":
        raise RowsRejected(report, "mend the rows listed, or load the rest with --on-error skip")
    if report.accepted == 0:
        raise RowsRejected(report, "mend the rows listed; there is nothing to load")
    batch = Batch(actor=actor, reason="import", source=report.source, file_sha256=report.sha256)
    told = None if progress is None else (lambda share: progress("store", share))
    return store.apply(layer_id, checked.frame, batch, replace=replace, progress=told)


class RowsRejected(ImportRejected):
    """Rows of a readable file break the layer's rules; ``report`` lists them."""

    def __init__(self, report: Report, then: str) -> None:
        self.report = report
        super().__init__(
            f"{report.rejected} of {report.rows_read} rows break the layer's rules; nothing was stored",
            where=f"layer {report.layer}",
            expected="every row to keep the rules",
            got=f"{report.rejected} rows that do not",
            then=then,
        )
