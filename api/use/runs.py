"""An assessment run: what was asked, from which inputs, by which rules, what came out; made, kept, listed and made again.

The digest is SHA-256 over the canonical JSON of all of it but `WHEN`: sorted names, no spaces, numbers as Python writes
them, unknown as null. Two runs with one digest are one result.
"""

import dataclasses
import datetime as dt
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import geopandas as gpd

import geo_risk
from api.use.scenarios import (
    QUESTIONS,
    Field,
    Input,
    Inputs,
    Progress,
    Result,
    Scenario,
    Table,
    file_inputs,
    layer_input,
    located,
    require_unchanged,
    scenario_of,
    stamps,
)
from geo_risk.errors import ParameterError, StoreCorrupt, shown
from geo_risk.model import Rule
from layers._store import PUBLIC, RunRecord, Sight, Snapshot, Store, seen

WHEN: Final = ("id", "made_at", "seconds", "revision", "digest")
"""What is said beside a result and is no part of it."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One assessment, whole. ``revision`` is the store's when its layers were read, None where none was."""

    id: str
    made_at: str
    seconds: float
    revision: int | None
    digest: str
    question: str
    scenario: Mapping[str, Any]
    inputs: tuple[Input, ...]
    parameters: Mapping[str, Any]
    rules: tuple[Rule, ...]
    engine: str
    unknown: tuple[str, ...]
    tables: tuple[Table, ...]

    @property
    def title(self) -> str:
        """The scenario's title, or its question's."""
        return str(self.scenario["title"]) or QUESTIONS[self.question].title["en"]


@dataclass(frozen=True, kw_only=True)
class Made:
    """A run, and the shapes of its areas for files: they are the inputs' and are not kept."""

    run: Run
    shapes: Mapping[str, gpd.GeoSeries]


def make_run(scenario: Scenario, inputs: Inputs, progress: Progress) -> Made:
    """Ask a scenario's question.

    Raises
    ------
    GeoRiskError
        What the question refuses, or a file that was written meanwhile.
    """
    began, before = time.monotonic(), stamps(inputs.files)
    progress("inputs", 0.0)
    files = file_inputs(inputs.files)
    progress("inputs", 1.0)
    result = QUESTIONS[scenario.question].run(scenario.parameters, inputs, progress)
    require_unchanged(inputs.files, before)
    layers = tuple(layer_input(name, inputs.snapshot().whole.frames[name]) for name in result.layers)
    revision = inputs.snapshot().revision if result.layers else None
    return Made(run=_run(scenario, files + layers, result, revision, time.monotonic() - began), shapes=result.shapes)


def inputs_of(
    scenario: Scenario, folder: Path | None, snapshot: Callable[[], Snapshot], *, confined: bool, sight: Sight = PUBLIC
) -> Inputs:
    """What a scenario reads: its files in the folder (see `located`), and the store's layers when they are asked for.

    A run is for all who may read its layers, so it is made of their public columns, whoever asks.
    """
    files = files_of(scenario, folder, confined=confined)
    return Inputs(files=MappingProxyType(files), snapshot=cache(lambda: seen(snapshot(), sight)))


def files_of(scenario: Scenario, folder: Path | None, *, confined: bool) -> dict[str, Path]:
    """Where the files lie that a scenario names; see `located`."""
    names = scenario.files()
    if not names:
        return {}
    if folder is None:
        raise ParameterError(
            "the scenario names files and there is no data folder", where="file", expected="a data folder", got="none",
            then="set GEO_RISK_DATA_FOLDER, or say --data",
        )
    return located(names, folder, confined=confined)


def snapshot_at(store: Store, revision: int | None) -> Snapshot:
    """The layers as they were after that revision, from the log; the newest without one."""
    newest = store.snapshot()
    if revision is None or revision == newest.revision:
        return newest
    frames = {layer_id: store.features_at(layer_id, revision) for layer_id in store.layers}
    return dataclasses.replace(newest, revision=revision, head="", recorded_at=None, frames=MappingProxyType(frames), updated={})


def canonical_json(value: Any) -> str:
    """The one text of plain values: sorted names, no spaces, no nan.

    >>> canonical_json({"b": 1.0, "a": [None, "水"]})
    '{"a":[null,"水"],"b":1.0}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def as_json(run: Run) -> dict[str, Any]:
    """A run as plain values."""
    return asdict(run)


def run_of(plain: Mapping[str, Any]) -> Run:
    """A run from its plain values; the inverse of `as_json`, also after JSON.

    Raises
    ------
    StoreCorrupt
        Its digest is not that of its content.
    """
    run = Run(**{
        **plain,
        "inputs": tuple(Input(**each) for each in plain["inputs"]),
        "rules": tuple(Rule(**{**each, "options": tuple(each["options"])}) for each in plain["rules"]),
        "unknown": tuple(plain["unknown"]),
        "tables": tuple(map(_table, plain["tables"])),
    })
    if digest_of(run) != run.digest:
        raise StoreCorrupt(
            "a run's digest is not that of its content", where=f"run {shown(run.id)}", expected=run.digest[:12],
            got=digest_of(run)[:12], then="keep the store's file, and run the scenario again",
        )
    return run


def digest_of(run: Run) -> str:
    """The digest of a run's content."""
    content = {name: value for name, value in as_json(run).items() if name not in WHEN}
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def save(store: Store, run: Run, actor: str) -> None:
    """Keep a run in the store."""
    store.add_run(
        RunRecord(
            id=run.id, question=run.question, title=run.title, digest=run.digest, made_at=run.made_at, actor=actor,
            content=canonical_json(as_json(run)),
        )
    )


def load(store: Store, run_id: str) -> Run:
    """A kept run, its digest checked."""
    return run_of(json.loads(store.run(run_id).content))


def make_again(store: Store, run: Run, folder: Path | None, progress: Progress, *, confined: bool) -> Run:
    """The same scenario from the same files by name and the store's layers as they were then: equal if the digest is."""
    scenario = scenario_of(dict(run.scenario))
    inputs = inputs_of(scenario, folder, lambda: snapshot_at(store, run.revision), confined=confined)
    return make_run(scenario, inputs, progress).run


def _run(scenario: Scenario, inputs: tuple[Input, ...], result: Result, revision: int | None, seconds: float) -> Run:
    made_at = dt.datetime.now(tz=dt.UTC)
    draft = Run(
        id="", digest="", made_at=made_at.isoformat(timespec="milliseconds"), seconds=round(seconds, 3), revision=revision,
        question=scenario.question, scenario=scenario.canonical(), inputs=inputs,
        # through JSON, so that a run just made and one read back are the same value
        parameters=json.loads(canonical_json(result.parameters)),
        rules=result.rules, engine=f"geo-risk {geo_risk.__version__}", unknown=result.unknown, tables=result.tables,
    )
    digest = digest_of(draft)
    return dataclasses.replace(draft, id=f"{made_at:%Y%m%d-%H%M%S%f}-{digest[:8]}", digest=digest)


def _table(plain: Mapping[str, Any]) -> Table:
    return Table(**{
        **plain,
        "fields": tuple(Field(**each) for each in plain["fields"]),
        "rows": tuple(map(tuple, plain["rows"])),
        "foot": tuple(map(tuple, plain["foot"])),
    })
