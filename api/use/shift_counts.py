"""What changed in a time, counted whatever its size: feature after feature in bounded memory, by the rules of `api.use.shift`.

Most of what is much came or was changed once, by an import: such features are told from their one revision. The others, and the
rows of a page, are worked out as a shift's are.
"""

import json
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import shapely
import sqlalchemy as sa

from api.use._remember import remember_few
from api.use.changed_columns import Naming, column_changes
from api.use.shift import NETS, Made, Net, Row, Span, Tally, code_of, exact_rows, of_person, of_town, towns_of
from api.use.shift_answer import Counts, told
from geo_risk.errors import ParameterError
from layers._layer import Layer
from layers._store import Snapshot, Store
from layers._store.differences import MOST, State, features_between, states_before
from layers._store.schema import BATCHES, REVISIONS, SOURCE
from layers._store.sql import among

SECONDS: Final = 25.0
"""How long is counted; more is refused."""
_FEATURES: Final = 5_000
_BYTES: Final = 32_000_000
_KEPT: Final = 4
_ONE: Final = frozenset({"create", "update", "delete"})
Wanted = Callable[[Sequence[Row]], Sequence[Row]]


class _Place(NamedTuple):
    """Where to go on: beyond this feature of this layer."""

    layer: str
    beyond: str


class _Once(NamedTuple):
    """A feature of which one revision tells: what it was before and is after it."""

    fid: str
    made: Made
    before: State | None
    after: State | None


@dataclass
class _Sums:
    """Features and changes of a group."""

    features: int = 0
    changes: int = 0
    nets: Counter[Net] = field(default_factory=Counter)

    def add(self, net: Net, features: int, changes: int) -> None:
        self.features += features
        self.changes += changes
        self.nets[net] += features

    def tally(self) -> Tally:
        return Tally(features=self.features, changes=self.changes, nets={net: self.nets[net] for net in NETS})


class Summary:
    """All counts of a time; ``marks`` are places with the number of rows before them, from which a page is found."""

    def __init__(self) -> None:
        self._whole = _Sums()
        self._by: dict[str, dict[str, _Sums]] = {"layer": {}, "town": {}, "actor": {}}
        self._batches: dict[int, tuple[Made, int]] = {}
        self.marks: list[tuple[int, _Place]] = []

    @property
    def whole(self) -> Tally:
        """All of it."""
        return self._whole.tally()

    def by(self, kind: str) -> dict[str, Tally]:
        """A tally for each layer, town or actor."""
        return {name: sums.tally() for name, sums in sorted(self._by[kind].items())}

    @property
    def batches(self) -> list[tuple[Made, int]]:
        """The batches that changed more than one feature, the newest first: the last change of each, and of how many features."""
        return [found for _, found in sorted(self._batches.items(), reverse=True) if found[1] > 1]

    def _of(self, kind: str, name: str) -> _Sums:
        return self._by[kind].setdefault(name, _Sums())

    def mark(self, place: _Place) -> None:
        """Note that what is counted up to now lies before a place."""
        self.marks.append((self._whole.features, place))

    def add(self, rows: Sequence[Row]) -> None:
        """Count rows: those that are counted alike at once."""
        for (layer, town, net, actors), features in Counter(map(_kind, rows)).items():
            changes = len(actors) * features
            self._whole.add(net, features, changes)
            self._of("layer", layer).add(net, features, changes)
            self._of("town", town).add(net, features, changes)
            for actor, own in Counter(actors).items():
                self._of("actor", actor).add(net, features, own * features)
        for row in rows:
            for batch_id, last in {each.batch_id: each for each in row.made}.items():
                known, features = self._batches.get(batch_id, (last, 0))
                self._batches[batch_id] = max(known, last), features + 1


def _kind(row: Row) -> tuple[str, str, Net, tuple[str, ...]]:
    """What a row is counted by."""
    return row.layer, row.town, row.net, tuple(each.actor for each in row.made)


def is_large(store: Store, snapshot: Snapshot, asked: Span, layers: Sequence[str]) -> bool:
    """Whether more revisions lie in a time than are looked through one by one."""
    if asked.true or asked.until.revision - asked.since.revision <= MOST:
        return False
    span = sa.and_(REVISIONS.c.seq > asked.since.revision, REVISIONS.c.seq <= asked.until.revision)
    named = REVISIONS.c.layer.concat("").in_(_layers(snapshot, layers))
    with store.read() as connection:
        return bool(connection.execute(sa.select(sa.func.count()).where(span, named)).scalar_one() > MOST)


def summary(
    store: Store, snapshot: Snapshot, asked: Span, layers: Sequence[str], town: str | None, person: str | None
) -> Summary:
    """All counts of a time. `ParameterError` where they take too long."""
    key = asked, snapshot.readable, tuple(_layers(snapshot, layers)), town, person

    def counted(_: Snapshot) -> Summary:
        found, ends = Summary(), time.monotonic() + SECONDS
        for place, rows in _parts(store, snapshot, asked, [_Place(each, "") for each in _layers(snapshot, layers)]):
            found.mark(place)
            found.add(_wanted(snapshot, town, person)(rows))
            _require_in_time(ends)
        return found

    return remember_few(snapshot.whole, "changes counted", key, counted, most=_KEPT)


def page(
    store: Store, snapshot: Snapshot, asked: Span, counts: Summary, layers: Sequence[str], town: str | None, person: str | None,
    *, offset: int, limit: int,
) -> list[Row]:  # fmt: skip
    """The rows from ``offset`` on, at most ``limit``, whole."""
    if offset >= counts.whole.features:
        return []
    wanted, ends = _wanted(snapshot, town, person), time.monotonic() + SECONDS
    before, start = counts.marks[bisect_right([rows for rows, _ in counts.marks], offset) - 1]
    skip, found = offset - before, list[Row]()
    later = [_Place(each, "") for each in _layers(snapshot, layers) if each > start.layer]
    for _, rows in _parts(store, snapshot, asked, [start, *later]):
        found += wanted(rows)
        if len(found) >= skip + limit:
            break
        _require_in_time(ends)
    return _whole(store, snapshot, asked, found[skip : skip + limit])


def answer(
    store: Store, snapshot: Snapshot, asked: Span, layers: Sequence[str], town: str | None, person: str | None, named: Naming,
    offset: int, limit: int,
) -> dict[str, Any]:  # fmt: skip
    """As `api.use.shift_answer.answer`, of a time in which much changed."""
    found = summary(store, snapshot, asked, layers, town, person)
    shown = page(store, snapshot, asked, found, layers, town, person, offset=offset, limit=limit)
    counts = Counts(
        whole=found.whole, by_layer=found.by("layer"), by_town=found.by("town"), by_actor=found.by("actor"), batches=found.batches
    )
    return told(snapshot, asked, counts, shown, named, offset)


def _whole(store: Store, snapshot: Snapshot, asked: Span, found: Sequence[Row]) -> list[Row]:
    by_layer: dict[str, list[str]] = {}
    for row in found:
        by_layer.setdefault(row.layer, []).append(row.fid)
    with store.read() as connection:
        return [row for layer_id, fids in by_layer.items() for row in exact_rows(connection, snapshot, asked, layer_id, fids)]


def _wanted(snapshot: Snapshot, town: str | None, person: str | None) -> Wanted:
    def wanted(rows: Sequence[Row]) -> Sequence[Row]:
        rows = rows if town is None else of_town(rows, snapshot, town)
        return rows if person is None else of_person(rows, person)

    return wanted


def _layers(snapshot: Snapshot, layers: Sequence[str]) -> list[str]:
    return sorted(snapshot.layer(each).id for each in (layers or snapshot.layers))


def _require_in_time(ends: float) -> None:
    if time.monotonic() > ends:
        raise ParameterError(
            "more changed in this time than can be counted", where="since, until, layers",
            expected=f"what takes {SECONDS:g} s at most", got="more", then="ask about less time, or name layers",
        )


def _parts(
    store: Store, snapshot: Snapshot, asked: Span, places: Sequence[_Place]
) -> Iterator[tuple[_Place, list[Row]]]:
    """Rows of some thousands of features at a time, in the order of layers and ids, each part with the place before it."""
    for place in places:
        while part := _next_part(store, snapshot, asked, place):
            last, rows = part
            yield place, rows
            place = _Place(place.layer, last)  # noqa: PLW2901 - on from there


def _next_part(store: Store, snapshot: Snapshot, asked: Span, place: _Place) -> tuple[str, list[Row]] | None:
    """The last feature of the next part, and what became of its features; None after the last."""
    span = asked.since.revision, asked.until.revision
    with store.read() as connection:
        fids = features_between(connection, place.layer, *span, beyond=place.beyond, most=_FEATURES, most_bytes=_BYTES)
        return (fids[-1], _rows(connection, snapshot, asked, place.layer, fids)) if fids else None


def _rows(connection: sa.Connection, snapshot: Snapshot, asked: Span, layer_id: str, fids: Sequence[str]) -> list[Row]:
    layer = snapshot.layers[layer_id]
    once = _once(connection, layer, asked, fids)
    plain = {row.fid: row for row in _plain(snapshot, layer, once)}
    told = {each.fid for each in once}
    others = exact_rows(connection, snapshot, asked, layer_id, [fid for fid in fids if fid not in told])
    return sorted([*plain.values(), *others], key=lambda row: row.fid)


def _once(connection: sa.Connection, layer: Layer, asked: Span, fids: Sequence[str]) -> list[_Once]:
    """The features of which one revision in the time tells, and that not late."""
    number = REVISIONS.c.seq + 0
    found = connection.execute(
        sa.select(
            REVISIONS.c.fid, REVISIONS.c.properties, REVISIONS.c.geometry, SOURCE, REVISIONS.c.seq, REVISIONS.c.op, BATCHES.c.id,
            BATCHES.c.actor, BATCHES.c.reason, BATCHES.c.recorded_at, REVISIONS.c.observed_at,
        )
        .join(BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)
        .where(REVISIONS.c.layer == layer.id, among(connection, REVISIONS.c.fid, fids))
        .where(number > asked.since.revision, number <= asked.until.revision)
    ).all()  # fmt: skip
    times = Counter(row[0] for row in found)
    single = [row for row in found if times[row[0]] == 1 and row[5] in _ONE]
    before = states_before(connection, layer.id, [row[0] for row in single if row[5] != "create"], asked.since.revision)
    return [_Once(row[0], Made(*row[4:], False), before.get(row[0]), _state(*row[1:4])) for row in single]


def _state(properties: str | None, geometry: bytes | None, source: str) -> State | None:
    return None if properties is None else State(properties, None if geometry is None else bytes(geometry), source)


def _plain(snapshot: Snapshot, layer: Layer, once: Sequence[_Once]) -> Iterator[Row]:
    """Rows without what their columns came to: what is counted needs it not."""
    names = [column.name for column in layer.readable(snapshot.readable)]
    seen = [each for each in once if _is_seen(snapshot, layer, names, each)]
    was, became = ([_either(each, after=after) for each in seen] for after in (False, True))
    towns = zip(_towns(snapshot, layer, was), _towns(snapshot, layer, became), strict=True)
    for each, (before, after) in zip(seen, towns, strict=True):
        net: Net = "created" if each.before is None else "removed" if each.after is None else "changed"
        yield Row(
            layer=layer.id, fid=each.fid, name=each.fid, net=net, changes=(), made=(each.made,), town=after,
            towns=frozenset((before, after)),
        )  # fmt: skip


def _is_seen(snapshot: Snapshot, layer: Layer, names: Sequence[str], each: _Once) -> bool:
    """Whether a change changed anything that may be read."""
    if each.before is None or each.after is None:
        return each.before is not each.after
    if each.before == each.after:
        return False
    if each.before.geometry != each.after.geometry or each.before.source != each.after.source:
        return True
    was, became = json.loads(each.before.properties), json.loads(each.after.properties)
    if any(was.get(name) != became.get(name) for name in names):
        return True
    return bool(column_changes(layer, each.before, each.after, snapshot.readable))


def _either(each: _Once, *, after: bool) -> State | None:
    return (each.after or each.before) if after else (each.before or each.after)


def _towns(snapshot: Snapshot, layer: Layer, states: Sequence[State | None]) -> list[str]:
    held = np.array([state.geometry if state else None for state in states], dtype=object)
    points = shapely.point_on_surface(shapely.from_wkb(held)).tolist() if len(held) else []
    codes = [
        None if point is not None else code_of(layer, state, snapshot.readable) for state, point in zip(states, points, strict=True)
    ]
    return towns_of(snapshot, points, codes)
