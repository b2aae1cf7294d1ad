"""What changed in a time, told: as JSON, as a table for a spreadsheet, as lines for paper."""

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from api.use.changed_columns import GEOMETRY, ColumnChange, Naming, said_freely
from api.use.shift import OUTSIDE, TOWN_RULE, UNPLACED, Made, Row, Span, Tally, batches, by_actor, tallies, tally
from layers._layer import Layer
from layers._store import Snapshot

Tongue = Literal["zh", "en"]
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BATCHES: Final = 100
"""Batches that an answer names, the newest."""
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)
_NETS: Final[Mapping[Tongue, Mapping[str, str]]] = {
    "zh": {"created": "新增", "changed": "修改", "removed": "删除", "back": "改后复原", "late": "补报"},
    "en": {"created": "created", "changed": "changed", "removed": "removed", "back": "back to what it was", "late": "late report"},
}
_WORDS: Final[Mapping[Tongue, Mapping[str, str]]] = {
    "zh": {
        OUTSIDE: "乡镇以外", UNPLACED: "位置未知", GEOMETRY: "位置", "source": "来源", "derived": "推算",
        "head": "图层,编号,名称,乡镇,变化,字段,原值,现值,人员,时间,原因",
        "title": "{since} 以来的变化：{features} 处，共 {changes} 次修改", "empty": "（空）", "placed": "有位置",
    },
    "en": {
        OUTSIDE: "outside every town", UNPLACED: "place unknown", GEOMETRY: "place", "source": "source", "derived": "derived",
        "head": "layer,id,name,town,what,column,before,after,who,when,reason",
        "title": "Changed since {since}: {features} features, in {changes} changes", "empty": "(empty)", "placed": "placed",
    },
}


class Counts(NamedTuple):
    """How many features came to what: in all, by layer, town and actor; and the batches that changed several, the newest first."""

    whole: Tally
    by_layer: Mapping[str, Tally]
    by_town: Mapping[str, Tally]
    by_actor: Mapping[str, Tally]
    batches: Sequence[tuple[Made, int]]


def answer(
    snapshot: Snapshot, asked: Span, found: Sequence[Row], named: Naming, offset: int, limit: int
) -> dict[str, Any]:
    """All that came of it: counts, by layer, town and person, whose parts make the whole; and a page of rows."""
    counts = Counts(
        whole=tally(found), by_layer=tallies(found, lambda row: (row.layer,)), by_town=tallies(found, lambda row: (row.town,)),
        by_actor=by_actor(found), batches=batches(found),
    )  # fmt: skip
    return told(snapshot, asked, counts, found[offset : offset + limit], named, offset)


def told(
    snapshot: Snapshot, asked: Span, counts: Counts, shown: Sequence[Row], named: Naming, offset: int
) -> dict[str, Any]:
    """The counts, and a page of rows from ``offset`` on."""
    names, matched, after = _town_names(snapshot), counts.whole.features, offset + len(shown)
    return {
        "revision": snapshot.revision,
        "since": {"revision": asked.since.revision, "moment": asked.since.moment},
        "until": {"revision": asked.until.revision, "moment": asked.until.moment},
        "by": "true" if asked.true else "known",
        "counts": _counts(counts.whole),
        "by_layer": [{"id": each, **_counts(of)} for each, of in counts.by_layer.items()],
        "by_town": [{"id": each, "name": names.get(each), **_counts(of)} for each, of in counts.by_town.items()],
        "by_person": _people(counts.by_actor, named),
        "batches": [_batch(last, features, named, snapshot) for last, features in counts.batches[:_BATCHES]],
        "town_rule": TOWN_RULE,
        "numberMatched": matched,
        "numberReturned": len(shown),
        "next": after if shown and after < matched else None,
        "rows": [_row(row, names, named, snapshot) for row in shown],
    }


def csv_bytes(snapshot: Snapshot, found: Sequence[Row], named: Naming, tongue: Tongue) -> bytes:
    """A row for each column that changed: UTF-8 with BOM, text that starts like a formula made harmless."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_WORDS[tongue]["head"].split(","))
    names = _town_names(snapshot)
    for row in found:
        head, tail = _head(row, snapshot.layers[row.layer], names, tongue), _tail(row, named, snapshot)
        for cells in _column_cells(row, snapshot.layers[row.layer], tongue):
            writer.writerow([_harmless(cell) for cell in (*head, *cells, *tail)])
    return out.getvalue().encode("utf-8-sig")


def lines(snapshot: Snapshot, asked: Span, found: Sequence[Row], named: Naming, tongue: Tongue) -> Iterator[str]:
    """For paper and for a terminal: a title, then by layer a line for each feature."""
    whole = tally(found)
    since = local_time(asked.since.moment) if asked.since.moment else f"#{asked.since.revision}"
    yield _WORDS[tongue]["title"].format(since=since, features=whole.features, changes=whole.changes)
    names, layer_id = _town_names(snapshot), ""
    for row in found:
        layer = snapshot.layers[row.layer]
        if row.layer != layer_id:
            layer_id = row.layer
            yield f"\n{layer.title[tongue]}"
        _, _, name, town, what = _head(row, layer, names, tongue)
        changes = "; ".join(f"{title} {before} → {after}" for title, before, after in _column_cells(row, layer, tongue) if title)
        who, when, why = _tail(row, named, snapshot)
        yield "  " + " · ".join(part for part in (name, town, what, changes, who, when, why) if part)


def local_time(moment: str) -> str:
    """A stamp as clocks here showed it, to the minute."""
    return f"{dt.datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"


def change_answer(change: ColumnChange) -> dict[str, Any]:
    """One column before and after."""
    return {"column": change.column, "before": change.before, "after": change.after}


def _counts(of: Tally) -> dict[str, int]:
    return {"features": of.features, "changes": of.changes} | {str(net): count for net, count in of.nets.items()}


def _people(actors: Mapping[str, Tally], named: Naming) -> list[dict[str, Any]]:
    """By person, or by role where names may not be known; the changes make the whole."""
    by_person: dict[tuple[str | None, str | None], dict[str, int]] = {}
    for actor, of in actors.items():
        sums = by_person.setdefault(named(actor), {})
        for name, count in _counts(of).items():
            sums[name] = sums.get(name, 0) + count
    return [{"who": who, "role": role, **sums} for (who, role), sums in by_person.items()]


def _batch(last: Made, features: int, named: Naming, snapshot: Snapshot) -> dict[str, Any]:
    """A batch that changed several of these features; to be taken back as one."""
    return {
        "batch": last.batch_id, "features": features, **named(last.actor)._asdict(), "received_at": last.recorded_at,
        "reason": said_freely(last.reason, snapshot.readable),
    }  # fmt: skip


def _row(row: Row, names: Mapping[str, str], named: Naming, snapshot: Snapshot) -> dict[str, Any]:
    last = row.last
    people = dict.fromkeys(named(each.actor) for each in row.made)
    return {
        "layer": row.layer, "id": row.fid, "name": row.name, "net": row.net,
        "changes": [change_answer(change) for change in row.changes],
        "made": len(row.made), "revision": last.seq, "batch": last.batch_id,
        **named(last.actor)._asdict(), "people": [person._asdict() for person in people],
        "received_at": last.recorded_at, "observed_at": last.observed_at, "reason": said_freely(last.reason, snapshot.readable),
        "town": row.town, "town_name": names.get(row.town),
    }  # fmt: skip


def _town_names(snapshot: Snapshot) -> dict[str, str]:
    return {str(fid): str(name) for fid, name in snapshot.whole.frames["towns"]["name"].dropna().items()}


def _head(row: Row, layer: Layer, names: Mapping[str, str], tongue: Tongue) -> tuple[str, str, str, str, str]:
    town = names.get(row.town) or _WORDS[tongue].get(row.town, row.town)
    return layer.title[tongue], row.fid, row.name, town, _NETS[tongue][row.net]


def _tail(row: Row, named: Naming, snapshot: Snapshot) -> tuple[str, str, str]:
    person = named(row.last.actor)
    reason = said_freely(row.last.reason, snapshot.readable)
    return person.who or person.role or "", local_time(row.last.recorded_at), reason or ""


def _column_cells(row: Row, layer: Layer, tongue: Tongue) -> Iterator[tuple[str, str, str]]:
    """Title, before and after of each column that changed; one empty line where none is told."""
    for column, before, after in row.changes:
        yield _title(layer, column, tongue), _cell(layer, column, before, tongue), _cell(layer, column, after, tongue)
    if not row.changes:
        yield "", "", ""


def _title(layer: Layer, column: str, tongue: Tongue) -> str:
    known = _WORDS[tongue].get(column)
    return known or layer.column(column).titled(tongue)


def _cell(layer: Layer, column: str, value: Any, tongue: Tongue) -> str:
    if value is None:
        return _WORDS[tongue]["empty"]
    if isinstance(value, dict):
        return ", ".join(f"{number:.5f}" for number in value.get("coordinates", ())) or _WORDS[tongue]["placed"]
    choices = {} if column in _WORDS[tongue] else {each.id: getattr(each, tongue) for each in layer.column(column).choices}
    return str(choices.get(value, value))


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell) else cell
