"""Drawn sequences of writes, one by one and in drawn groups, beside a list kept by hand: replies, rows, history, chain, audit."""

import ast
import dataclasses
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_store import LAYERS

from geo_risk.errors import Conflict, Forbidden, GeoRiskError, KeyReused, NotFound, Stale
from layers._frame import typed
from layers._store import UNCHANGED, Batch, Change, Reply, ReplyKey, Store, audit, log, open_store
from layers._store.undo import ChangedSince, Target, undo

HERE = shapely.Point(120.0, 30.0)
FIDS = ("a", "b")


def minute(number: int) -> str:
    """A moment so many minutes into a day long gone."""
    return f"2026-01-01T{8 + number // 60:02}:{number % 60:02}:00.000000Z"


@dataclasses.dataclass(frozen=True)
class Wish:
    """A change that is wanted, seen in the minute ``at``, and what its judge is to say of it."""

    layer: str
    fid: str
    op: str
    name: str
    expects: int | None = None
    at: int | None = None
    verdict: str = "fit"


@dataclasses.dataclass(frozen=True)
class Write:
    """A request: its changes, all or none of them, and the key and body it comes with."""

    wishes: tuple[Wish, ...]
    whole: bool = True
    key: str | None = None
    body: str = "0"


@dataclasses.dataclass(frozen=True)
class Import:
    """A file of names by id."""

    layer: str
    names: dict[str, str]
    replace: bool
    source: str


@dataclasses.dataclass(frozen=True)
class Undo:
    """A batch to be taken back."""

    batch: int
    only_clean: bool


Job = Write | Import | Undo
VERDICTS = {"forbidden": Forbidden("not yours"), "broken": RuntimeError("a fault of ours"), "fit": None}


def values_of(wish: Wish) -> dict[str, Any]:
    """What a wish says: a patch of a pad its beds, anything else a name."""
    return {"beds": ord(wish.name)} if (wish.layer, wish.op) == ("pads", "patch") else {"name": wish.name}


# ---- the list kept by hand


class Fact(dict):
    """A feature as it stands: name, beds, source, revision."""

    def same(self, other: "Fact | None") -> bool:
        return other is not None and self | {"revision": 0} == other | {"revision": 0}


class ByHand:
    """What every job should do, by the rules of docs/writes.md and docs/history.md, as plainly as can be said."""

    def __init__(self) -> None:
        self.now: dict[Any, Fact] = {}
        self.told: dict[Any, list[tuple[str, int, str, Fact | None]]] = {}
        self.batches: list[list[tuple[Any, str, Fact | None, Fact | None]]] = []
        self.replies: dict[str, tuple[str, Any]] = {}
        self.seq = 0

    def do(self, job: Job, number: int) -> Any:
        kept = deepcopy(self.__dict__)
        self.at, self.made = minute(number), []
        try:
            answer = {Write: self.write, Import: self.load, Undo: self.undo}[type(job)](job)
        except (GeoRiskError, RuntimeError) as error:
            self.__dict__ = kept
            return type(error).__name__
        if self.made:
            self.batches.append(self.made)
        return answer

    def write(self, job: Write) -> Any:
        if job.key in self.replies:
            body, answer = self.replies[job.key]
            if body != job.body:
                raise KeyReused("other")
            return ("replayed", answer)
        answer = []
        for wish in job.wishes:
            try:
                answer.append(self.change(wish))
            except GeoRiskError as error:
                if job.whole:
                    raise
                answer.append(type(error).__name__)
        if job.key is not None:
            self.replies[job.key] = (job.body, tuple(answer))
        return ("written", tuple(answer))

    def change(self, wish: Wish) -> Any:
        key, now = (wish.layer, wish.fid), self.now.get((wish.layer, wish.fid))
        told = self.told.get(key, [])
        seen = None if wish.at is None else minute(wish.at)
        lasting = [each for each in told if each[2] != "late"]
        late = seen is not None and bool(lasting) and seen < lasting[-1][0]
        then = max((each for each in told if seen is not None and each[0] <= seen), key=lambda each: each[:2], default=None)
        base = (then[3] if late and then and then[3] else None) or now
        if base is None and wish.op in ("patch", "delete"):
            raise NotFound("none")
        if not late and base is not None and wish.op == "create":
            raise Conflict("there")
        if not late and wish.expects is not None and wish.expects != (base and base["revision"]):
            raise Stale("old")
        if refusal := VERDICTS[wish.verdict]:
            raise refusal
        kept = {"name": None, "beds": None} if base is None or wish.op != "patch" else base
        after = Fact(kept | values_of(wish) | {"source": base["source"] if base else "report"}) if wish.op != "delete" else None
        if not late and seen is None and now is not None and after is not None and after.same(now):
            return (None, now["revision"])
        op = "late" if late else "delete" if after is None else "update" if now else "create"
        self.log(key, op, after, min(seen or self.at, self.at))
        return (op, self.now[key]["revision"] if key in self.now else None)

    def log(self, key: Any, op: str, after: Fact | None, effective: str) -> None:
        self.seq += 1
        if after is not None:
            after = Fact(after, revision=self.seq)
        self.told.setdefault(key, []).append((effective, self.seq, op, after))
        self.made.append((key, op, self.now.get(key), after))
        if op != "late":
            self.now.pop(key, None)
        if op != "late" and after is not None:
            self.now[key] = after

    def load(self, job: Import) -> Any:
        for fid, name in sorted(job.names.items()):
            now, after = self.now.get((job.layer, fid)), Fact(name=name, beds=None, source=job.source)
            if not after.same(now):
                self.log((job.layer, fid), "update" if now else "create", after, self.at)
        for key in sorted(self.now):
            if job.replace and key[0] == job.layer and key[1] not in job.names and self.now[key]["source"] == job.source:
                self.log(key, "delete", None, self.at)
        return ("loaded", self.seq)

    def undo(self, job: Undo) -> Any:
        if job.batch > len(self.batches):
            raise NotFound("none")
        back, left = [], []
        for key, steps in groupby(sorted(self.batches[job.batch - 1], key=lambda step: step[0]), key=lambda step: step[0]):
            lasting = [step for step in steps if step[1] != "late"]
            if lasting:
                before, after, now = lasting[0][2], lasting[-1][3], self.now.get(key)
                if _same(now, before):
                    continue
                (back if _same(now, after) else left).append((key, before))
        if left and not job.only_clean:
            raise ChangedSince("later")
        if not back:
            raise Conflict("nothing")
        for key, before in back:
            self.log(key, "delete" if before is None else "update" if key in self.now else "create", before, self.at)
        return ("undone", len(back), len(left))


def _same(one: Fact | None, other: Fact | None) -> bool:
    return one is other is None or (one is not None and one.same(other))


# ---- the store


class Clock:
    """What the store takes for the present: set by each job when its turn comes, so that grouping changes no time."""

    def __init__(self) -> None:
        self.told = minute(0)

    def set(self, number: int) -> None:
        self.told = minute(number)


def submitted(store: Store, job: Job, number: int, clock: Clock) -> Any:
    """The future of a job's result."""
    if isinstance(job, Write):
        return _submitted_write(store, job, number, clock)

    def work(connection: Any) -> Any:
        clock.set(number)
        if isinstance(job, Import):
            frame = typed(
                LAYERS[job.layer], {"name": list(job.names.values())}, [_place(job.layer)] * len(job.names), list(job.names)
            )
            batch = Batch("clerk", "import", job.source)
            log.upsert(connection, LAYERS[job.layer], frame, batch, replace=job.replace, report=lambda share: None)
            return ("loaded", log.head(connection)[0])
        done = undo(connection, LAYERS, Target(batch_id=job.batch), Batch("clerk", "undo", "-"), only_clean=job.only_clean)
        audit.append(connection, audit.Event(actor="clerk", action="undo", subject=f"batch {job.batch}", batch_id=done.batch_id))
        return ("undone", len(done.reverted), len(done.left))

    return store._submit(work, 1, None)


def _submitted_write(store: Store, job: Write, number: int, clock: Clock) -> Any:
    verdicts = {(wish.layer, wish.fid): wish.verdict for wish in job.wishes}

    def judge(layer: Any, before: Any, after: Any) -> Any:
        clock.set(number)
        if refusal := VERDICTS[verdicts[layer.id, (before or after).fid]]:
            raise refusal
        return after

    def compose(written: Any) -> Reply:
        return Reply(200, (), repr(_told(written)).encode())

    key = None if job.key is None else ReplyKey("me", job.key, job.body * 64)
    return store.submit(
        Batch("team", "report", "report"), [_change(wish) for wish in job.wishes], judge=judge, whole=job.whole, reply_key=key,
        compose=compose,
    )  # fmt: skip


def _change(wish: Wish) -> Change:
    geometry = _place(wish.layer) if wish.op in ("create", "put") else UNCHANGED
    values = {} if wish.op == "delete" else values_of(wish)
    at = None if wish.at is None else minute(wish.at)
    return Change(
        layer=wish.layer, fid=wish.fid, op=wish.op, values=values, geometry=geometry, expects=wish.expects, observed_at=at,
    )  # type: ignore[arg-type]


def _place(layer: str) -> Any:
    return HERE if layer == "pads" else None


def _told(written: Any) -> Any:
    return tuple(
        type(each.error).__name__ if each.error else (each.op, each.feature and each.feature.revision) for each in written.outcomes
    )


def answer_of(future: Any) -> Any:
    """What a job's future says, as the list kept by hand says it."""
    error = future.exception(timeout=20)
    if error is not None:
        return type(error).__name__
    found = future.result()
    if isinstance(found, tuple):
        return found
    return ("replayed" if found.replayed else "written", ast.literal_eval(found.reply.body.decode()))


@contextmanager
def held(store: Store) -> Iterator[None]:
    """What is submitted inside waits until the end, and is then taken up together."""
    begun, go = threading.Event(), threading.Event()
    holding = store._submit(lambda _: (begun.set(), go.wait(10)), 1, None)
    assert begun.wait(10)
    yield
    go.set()
    holding.result(timeout=20)


def played(where: Any, jobs: list[Job], sizes: list[int], patch: pytest.MonkeyPatch) -> tuple[list[Any], Any]:
    """The answers to the jobs in groups of these sizes, and all that the store then holds."""
    clock, answers, rest = Clock(), [], list(enumerate(jobs, start=1))
    patch.setattr("layers._store.log.now", lambda: clock.told)
    with open_store(where, layers=LAYERS) as store:
        store.transact(audit.prepare)
        for size in sizes:
            group, rest = rest[:size], rest[size:]
            with held(store):
                futures = [submitted(store, job, number, clock) for number, job in group]
            answers += [answer_of(future) for future in futures]
        return answers, state_of(store)


def state_of(store: Store) -> Any:
    """Current rows, each feature's history, the head, the batches, and the audit without its times."""
    frames, verified = store.snapshot().frames, store.verify()
    rows = {
        (layer, fid): (row["name"], None if row.get("beds") is pd.NA else row.get("beds"), row["source"], row["revision"])
        for layer in ("pads", "people") for fid, row in frames[layer].to_dict("index").items()
    }  # fmt: skip
    with store.read() as connection:
        audited = [(each.action, each.subject, each.batch_id) for each in audit.entries(connection)]
    batches = [(each.id, each.actor, each.reason, each.source, each.note, each.recorded_at) for each in store.batches()]
    return rows, _histories(store), verified.head, batches, audited


def _histories(store: Store) -> dict[Any, list[Any]]:
    found = {}
    for key in [(layer, fid) for layer in ("pads", "people") for fid in FIDS]:
        try:
            found[key] = [(each.seq, each.op, *_named(each.properties)) for each in store.history(*key)]
        except NotFound:
            continue
    return found


def _named(values: Any) -> tuple[Any, Any]:
    return values.get("name"), values.get("beds")


# ---- what is drawn

WISHES = st.builds(
    Wish, st.sampled_from(["pads", "pads", "people"]), st.sampled_from(FIDS),
    st.sampled_from(["put", "put", "patch", "patch", "delete", "create"]), st.sampled_from("xyz"),
    st.sampled_from([None] * 20 + [2, 4, 6, 8]), st.none() | st.integers(0, 16),
    st.sampled_from(["fit"] * 20 + ["forbidden", "broken"]),
)  # fmt: skip


def _distinct(wishes: list[Wish]) -> bool:
    """A judge tells the wishes of one request apart by their features: of one feature they all fare alike."""
    return len({(wish.layer, wish.fid, wish.verdict) for wish in wishes}) == len({(wish.layer, wish.fid) for wish in wishes})


WRITES = st.builds(
    Write, st.lists(WISHES, min_size=1, max_size=3).filter(_distinct).map(tuple), st.booleans(),
    st.sampled_from([None] * 4 + ["k1", "k2"]), st.sampled_from("001"),
)  # fmt: skip
IMPORTS = st.builds(
    Import, st.sampled_from(["pads", "people"]), st.dictionaries(st.sampled_from(FIDS), st.sampled_from("xyz"), min_size=1),
    st.booleans(), st.sampled_from(["one.csv", "two.csv", "report"]),
)  # fmt: skip
UNDOS = st.builds(Undo, st.integers(1, 8), st.booleans())
# one_of would take a strategy that is named often for one
KINDS = st.sampled_from([WRITES] * 10 + [IMPORTS, UNDOS]).flatmap(lambda kind: kind)
JOBS = st.lists(KINDS, min_size=12, max_size=16).map(lambda jobs: [Import("pads", {"a": "x", "b": "y"}, False, "one.csv"), *jobs])
SIZES = st.lists(st.sampled_from([1, 3, 8, 16]), min_size=17, max_size=17)


def _agrees(where: Any, jobs: list[Job], sizes: list[int]) -> Any:
    by_hand = ByHand()
    expected = [by_hand.do(job, number) for number, job in enumerate(jobs, start=1)]
    with pytest.MonkeyPatch.context() as patch:
        answers, state = played(where, jobs, sizes, patch)
    assert answers == expected
    assert state[0] == {key: (*_named(fact), fact["source"], fact["revision"]) for key, fact in by_hand.now.items()}
    assert state[1] == {
        key: [(seq, op, *_named(fact or {})) for _, seq, op, fact in told] for key, told in by_hand.told.items()
    }
    assert len(state[3]) == len(by_hand.batches)
    return state


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(JOBS, SIZES)
def test_in_groups_as_one_by_one_and_as_the_list_kept_by_hand(jobs: list[Job], sizes: list[int]) -> None:
    with TemporaryDirectory() as folder:
        alone = _agrees(Path(folder) / "alone.db", jobs, [1] * len(jobs))
        assert _agrees(Path(folder) / "together.db", jobs, sizes) == alone


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(JOBS, SIZES)
def test_in_postgis_the_same_to_the_last_hash(
    postgis_server: Any, made_in_postgis: str, jobs: list[Job], sizes: list[int]
) -> None:
    with TemporaryDirectory() as folder:
        embedded = _agrees(Path(folder) / "alone.db", jobs, sizes)
        assert _agrees(str(postgis_server.fresh(made_in_postgis)), jobs, sizes) == embedded
