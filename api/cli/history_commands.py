"""`history`, `changes`, `undo`: what was, what changed since, and taking it back."""

import datetime as dt
import getpass
import json
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from api.cli._show import line, progress, table
from api.cli.data import InLanguage, Language, LayerName, StorePath, store_of
from api.use import shift, shift_answer
from api.use.changed_columns import Person
from api.use.history import is_large, take_back, take_back_in_parts, undo_answer
from geo_risk.errors import FileError, ParameterError
from layers._catalog import layer
from layers._store import open_store
from layers._store.undo import Target

_HISTORY: Final = ("revision", "batch", "what", "recorded at", "observed at", "by", "source", "changed")


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    app.command("history")(history)
    app.command("changes")(changes)
    app.command("undo")(undo)


def history(
    layer_name: LayerName, feature: Annotated[str, typer.Argument(metavar="ID", help="A feature's id.")], store: StorePath = None
) -> None:
    """Every revision of one feature: when, by whom, from which source, what changed."""
    layer(layer_name)
    with open_store(store_of(store)) as opened:
        revisions = opened.history(layer_name, feature)
    table(
        _HISTORY,
        [
            (each.seq, each.batch_id, each.op, each.recorded_at, each.observed_at, each.actor, each.source,
             ", ".join(sorted(each.changes)))
            for each in revisions
        ],
    )  # fmt: skip


def changes(
    since: Annotated[str, typer.Option(help="A time of day such as 08:00, a moment with its offset, or a revision.")],
    until: Annotated[str | None, typer.Option(help="The other end; now without.")] = None,
    layers: Annotated[str, typer.Option(help="Comma-separated layers; all without.")] = "",
    town: Annotated[str | None, typer.Option(help="A town's name or id: what is there, or was.")] = None,
    person: Annotated[str | None, typer.Option(help="Only what this person touched.")] = None,
    by: Annotated[str, typer.Option(help="known: what was recorded between; true: what was true at both ends.")] = "known",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write every row to this CSV file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    store: StorePath = None,
    language: InLanguage = Language.ZH,
) -> None:
    """What changed since a moment, feature by feature: for the handover of a shift."""
    tongue: Literal["zh", "en"] = "zh" if language is Language.ZH else "en"
    names = tuple(name.strip() for name in layers.split(",") if name.strip())
    with open_store(store_of(store), create=False) as opened:
        snapshot = opened.snapshot()
        asked = shift.span(opened, snapshot, since, until, by=by, now=dt.datetime.now(tz=dt.UTC))
        found = shift.rows(opened, snapshot, asked, names)
    found = found if town is None else shift.of_town(found, snapshot, town)
    found = found if person is None else shift.of_person(found, person)
    if output is not None:
        _write(output, shift_answer.csv_bytes(snapshot, found, _by_name, tongue))
    if as_json:
        answer = shift_answer.answer(snapshot, asked, found, _by_name, 0, len(found))
        print(json.dumps(answer, ensure_ascii=False))  # noqa: T201 - the output is the answer
    elif output is None:
        for text in shift_answer.lines(snapshot, asked, found, _by_name, tongue):
            line(text)
    else:
        line(f"written: {output}")


def undo(
    batch: Annotated[int | None, typer.Argument(metavar="[BATCH]", min=1, help="The batch: an import, a request.")] = None,
    revision: Annotated[int | None, typer.Option(min=1, help="One revision instead of a batch.")] = None,
    only_clean: Annotated[bool, typer.Option("--only-clean", help="Leave what was changed since; take back the rest.")] = False,
    dry: Annotated[bool, typer.Option("--dry", help="Say what it would do, and do nothing.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    store: StorePath = None,
) -> None:
    """Take back an import or one change: each feature goes back to what it was, unless somebody changed it since."""
    if (batch is None) == (revision is None):
        raise ParameterError("an undo names one batch or one revision", expected="BATCH or --revision", got="both or neither")
    with open_store(store_of(store), create=False) as opened:
        snapshot = opened.snapshot()
        target = Target(batch_id=batch, revision=revision)
        if is_large(opened, target):
            with progress() as tell:
                done = take_back_in_parts(
                    opened, snapshot, getpass.getuser(), target, reason=reason, only_clean=only_clean, dry=dry,
                    report=partial(tell, "undo"),
                )
        else:
            done = take_back(opened, snapshot, getpass.getuser(), target, reason=reason, only_clean=only_clean, dry=dry)
    answer = undo_answer(snapshot, done, dry=dry)
    table(
        ("layer", "id", "what", "changed"),
        [(row["layer"], row["id"], row["op"], ", ".join(each["column"] for each in row["changes"])) for row in answer["rows"]],
    )
    for left in answer["left"]:
        line(f"left: {left['layer']} {left['id']}, changed since")
    counts = ", ".join(f"{count:,} {what}" for what, count in answer["counts"].items())
    line(f"dry run, nothing was changed: {counts}" if dry else f"batch {done.batch_id}, revision {done.revision}: {counts}")


def _by_name(actor: str) -> Person:
    return Person(actor, None)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise FileError(
            "the file cannot be written", where=path.name, expected="a folder that can be written", got=type(error).__name__,
        ) from None
