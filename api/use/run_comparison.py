"""Two runs side by side: which figures rose, fell, came or went, by how much, and what was different behind them."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from api.use.runs import Run
from api.use.scenarios import QUESTIONS, Row, Table, Value
from geo_risk.errors import NotFound, ParameterError, shown

What = Literal["rose", "fell", "changed", "appeared", "vanished", "became known", "became unknown"]
_THINGS: Final = ("area", "object", "event")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing behind the figures that is not the same: an input, parameter, rule, the scenario or the engine."""

    kind: Literal["input", "parameter", "rule", "scenario", "engine"]
    name: str
    before: Any
    after: Any


@dataclass(frozen=True, kw_only=True)
class Change:
    """One figure that is not the same; ``by`` is after minus before where both are numbers."""

    table: str
    key: tuple[Value, ...]
    column: str
    what: What
    before: Value
    after: Value
    by: float | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Run ``a`` against run ``b``; ``why`` lists what differs behind them, ``compared`` counts the figures looked at."""

    a: str
    b: str
    equal: bool
    why: tuple[Difference, ...]
    changes: tuple[Change, ...]
    compared: int


def compare(a: Run, b: Run) -> Comparison:
    """What changed from ``a`` to ``b``.

    Raises
    ------
    ParameterError
        Their figures are not of one kind: another question, other classes or levels, or scores relative to other places.
    """
    _require_comparable(a, b)
    theirs = {table.name: table for table in b.tables}
    pairs = [(table, theirs[table.name]) for table in a.tables if table.name in theirs]
    changes = tuple(change for before, after in pairs for change in _table_changes(before, after))
    return Comparison(
        a=a.id, b=b.id, equal=a.digest == b.digest, why=differences(a, b), changes=changes,
        compared=sum(len(before.rows) * (len(before.fields) - before.keys) for before, _ in pairs),
    )


def differences(a: Run, b: Run) -> tuple[Difference, ...]:
    """What is not the same behind two runs, whatever their figures."""
    inputs = [{f"{each.kind} {each.name}": _identity(asdict(each)) for each in run.inputs} for run in (a, b)]
    rules = [{rule.id: rule.chosen for rule in run.rules} for run in (a, b)]
    return (
        *_differing("engine", {"engine": a.engine}, {"engine": b.engine}),
        *_differing("scenario", _flat(a.scenario), _flat(b.scenario)),
        *_differing("input", *inputs),
        *_differing("rule", *rules),
        *_differing("parameter", _flat(a.parameters), _flat(b.parameters)),
    )


def explain(run: Run, area: str) -> dict[str, Any]:
    """All that stands behind one area's, object's or event's figures: its rows of every table, the numbers and rules behind.

    Raises
    ------
    NotFound
        No table has such a thing.
    """
    detail = QUESTIONS[run.question].detail
    figures = {
        table.name: [detail(run.parameters, record) for record in table.records() if area in map(record.get, _THINGS)]
        for table in run.tables
    }
    if not any(figures.values()):
        raise NotFound(
            "no such area in the run", where=f"run {run.id}", expected="the id of one of its areas, objects or events",
            got=shown(area),
        )
    return {
        "run": run.id, "digest": run.digest, "question": run.question, "area": area, "engine": run.engine,
        "figures": {name: records for name, records in figures.items() if records},
        "rules": [asdict(rule) for rule in run.rules],
        "inputs": [asdict(each) for each in run.inputs],
        "parameters": run.parameters,
        "unknown": list(run.unknown),
    }


def _require_comparable(a: Run, b: Run) -> None:
    reason = next(_reasons_against(a, b), "")
    if reason:
        raise ParameterError(
            "these runs cannot be compared", where=f"{a.id} and {b.id}", expected="figures of one kind", got=reason,
            then="run both scenarios with the same question, classes and places",
        )


def _reasons_against(a: Run, b: Run) -> Iterator[str]:
    if a.question != b.question:
        yield f"one asks {a.question}, the other {b.question}"
        return
    question = QUESTIONS[a.question]
    fixed = question.fixed(a.parameters), question.fixed(b.parameters)
    yield from (f"other {name}" for name in fixed[0] if fixed[0][name] != fixed[1].get(name))
    if any(question.relative(run.parameters) for run in (a, b)) and _areas(a) != _areas(b):
        yield "scores by rank or z over other places"
    if not {table.name for table in a.tables} & {table.name for table in b.tables}:
        yield "no table that both have"


def _areas(run: Run) -> set[Value]:
    return {value for table in run.tables if table.fields[0].name == "area" for value in table.column("area")}


def _identity(given: Mapping[str, Any]) -> dict[str, Any]:
    """What tells one state of an input from another."""
    return {name: given[name] for name in ("sha256", "size_bytes", "revision", "features") if given[name] is not None}


def _differing(kind: Any, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield Difference(kind=kind, name=name, before=before.get(name), after=after.get(name))


def _flat(value: Any, place: str = "") -> dict[str, Any]:
    """Nested values by their dotted places.

    >>> _flat({"a": {"b": 1}, "c": [2, 3]})
    {'a.b': 1, 'c.0': 2, 'c.1': 3}
    """
    if isinstance(value, Mapping) and value:
        parts = [_flat(inner, f"{place}.{name}" if place else str(name)) for name, inner in value.items()]
    elif isinstance(value, list | tuple) and value:
        parts = [_flat(inner, f"{place}.{number}") for number, inner in enumerate(value)]
    else:
        return {place: value}
    return {name: inner for part in parts for name, inner in part.items()}


def _table_changes(before: Table, after: Table) -> Iterator[Change]:
    old, new = _by_key(before), _by_key(after)
    for key in sorted({*old, *new}, key=str):
        if key not in new or key not in old:
            what: What = "vanished" if key in old else "appeared"
            yield Change(table=before.name, key=key, column="", what=what, before=None, after=None, by=None)
        else:
            yield from _row_changes(before.name, key, old[key], new[key])


def _by_key(table: Table) -> dict[Row, dict[str, Value]]:
    names = [each.name for each in table.fields]
    return {row[: table.keys]: dict(zip(names, row, strict=True)) for row in (*table.rows, *table.foot)}


def _row_changes(table: str, key: Row, old: Mapping[str, Value], new: Mapping[str, Value]) -> Iterator[Change]:
    for column in (name for name in old if name in new and old[name] != new[name]):
        before, after = old[column], new[column]
        by = after - before if _is_number(before) and _is_number(after) else None  # type: ignore[operator]
        yield Change(table=table, key=key, column=column, what=_what(before, after, by), before=before, after=after, by=by)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _what(before: Value, after: Value, by: float | None) -> What:
    if before is None or after is None:
        return "became known" if before is None else "became unknown"
    if by is None:
        return "changed"
    return "rose" if by > 0 else "fell"
