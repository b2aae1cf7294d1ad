"""The steps from a table as read to accepted rows: match, type, place, derive, check, name; and what each found."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_risk.errors import ParameterError
from layers._check.geometry import Geometries, Places, checked_places
from layers._check.identity import Identities, identities
from layers._check.match import Matching, matching, source_column
from layers._check.options import CheckOptions
from layers._check.report import Fault, Repair, Report, Severity
from layers._check.rules import Words, expectation, kind_words, message
from layers._check.values import Parsed, parsed, split_in_two, text_of
from layers._frame import DTYPES, typed
from layers._layer import Column, Geometry, Layer
from layers._worker.content import Note
from layers._worker.plain import plain
from layers._worker.table import folded

if TYPE_CHECKING:  # one feature is checked without any file having been read
    from layers._read import RawTable

_MOST_FAULTS: Final = 100_000
_WARNED: Final = frozenset({"text_cut"})
_NOWHERE: Final = frozenset({"coordinates", "wkt", "geojson", "geometry_unreadable", "vertices", "outside_crs"})
_NO_WORDS: Final = Words("", "")

Cells = dict[str, list[Any]]


@dataclass(frozen=True)
class Checked:
    """The accepted rows as the layer's frame, index of feature ids, and the report of all rows."""

    frame: gpd.GeoDataFrame
    report: Report


@dataclass
class _Findings:
    """Faults as they are found, and which rows they reject; beyond the most that is listed they are counted."""

    rows: list[int]
    faults: list[Fault] = field(default_factory=list)
    left_out: int = 0
    bad: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.bad = np.zeros(len(self.rows), dtype=bool)

    def add(self, place: int, column: str, value: str, rule: str, words: Words, severity: Severity = "error") -> None:
        self.bad[place] |= severity == "error"
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(
                Fault(
                    row=self.rows[place],
                    column=column,
                    value=plain(value),
                    rule=rule,
                    severity=severity,
                    message_en=words.en,
                    message_zh=words.zh,
                )
            )
        else:
            self.left_out += 1


class _Derived(NamedTuple):
    cells: Cells
    names: list[str]
    counts: tuple[tuple[str, int], ...]


def check(layer: Layer, raw: "RawTable", options: CheckOptions) -> Checked:
    """The rows of a table that keep to the layer's declaration, and the report of those that do not.

    Raises
    ------
    ParameterError
        The columns do not fit the layer, or the options do not fit the columns.
    """
    found = _Findings([int(row) for row in raw.frame.index])
    _require_places(layer, raw)
    match = matching(layer, raw, options)
    cells, notes = _typed_cells(layer, raw, options, match, found)
    given = np.asarray(raw.frame.geometry.to_numpy(), dtype=object)
    _add_problems(raw, found)
    places = _placed(layer, raw, given, options, found)
    derived = _derived(layer, cells, found)
    _add_row_checks(layer, derived.cells, found)
    key = _keys(raw, options, found)
    kept = np.flatnonzero(~found.bad)
    source = plain(options.source or raw.source_name)
    named = identities(
        layer,
        source,
        _rows(cells, kept),
        given[kept] if layer.geometry is not Geometry.NONE else np.full(len(kept), None),
        None if key is None else [key[place] for place in kept],
    )
    _add_twins(named, kept, found)
    system = {"derived": [derived.names[place] or None for place in kept], "source": [source] * len(kept)}
    frame = typed(layer, _rows(derived.cells, kept) | system, places.geometry[kept], named.ids)
    return Checked(
        frame, _report(layer, raw, source, match, options, places, derived.counts, named.by, (*raw.notes, *notes), found)
    )


def _require_places(layer: Layer, raw: "RawTable") -> None:
    placeless = layer.geometry is Geometry.NONE or layer.place_optional
    if placeless or raw.format not in ("csv", "xlsx") or raw.placed_by:
        return
    columns = ", ".join(plain(name, 40) for name in raw.frame.columns if name != "geometry")
    raise ParameterError(
        "no column says where the rows lie",
        where=f"layer {layer.id}",
        expected="longitude and latitude, or WKT",
        got=f"columns {columns}",
        then="--lon COLUMN --lat COLUMN, or --wkt COLUMN",
    )


def _typed_cells(
    layer: Layer, raw: "RawTable", options: CheckOptions, match: Matching, found: _Findings
) -> tuple[Cells, list[Note]]:
    """Every column of the layer as typed values, by source columns and constants; required ones held to have a value."""
    cells: Cells = {}
    notes: list[Note] = []
    for source, targets in match.pairs:
        texts = _texts(raw, source)
        for target, part in zip(targets, _parts(texts, source, len(targets), found), strict=True):
            column = layer.column(target)
            result = parsed(column, part, _translated(layer, options, target))
            _add_wrong(column, source, part, result, found)
            cells[target] = result.cells
            if result.dashes:
                notes.append(Note("dashes", (("column", target), ("count", str(result.dashes)))))
    for target, text in options.set:
        cells[target] = [_constant(layer.column(target), text)] * len(found.rows)
    return {column.name: cells.get(column.name, [None] * len(found.rows)) for column in layer.columns}, notes


def _parts(texts: list[str], source: str, count: int, found: _Findings) -> list[list[str]]:
    if count == 1:
        return [texts]
    split = [split_in_two(text) for text in texts]
    for place, pair in enumerate(split):
        if pair is None:
            found.add(place, plain(source), texts[place], "two_numbers", message("two_numbers", _NO_WORDS))
    return [[pair[part] if pair is not None else "" for pair in split] for part in (0, 1)]


def _translated(layer: Layer, options: CheckOptions, target: str) -> dict[str, str]:
    translations = options.values  # noqa: PD011 (a tuple of ours)
    return {folded(text): value for name, text, value in translations if name == target}


def _constant(column: Column, text: str) -> Any:
    result = parsed(column, [text], {})
    if result.wrong:
        rule = result.wrong[0][1]
        raise ParameterError(
            f"--set {column.name} is {message(rule, expectation(rule, column)).en}",
            where="--set",
            expected=column.type.__name__,
            got=plain(text, 40),
            then="say another value",
        )
    return result.cells[0]


def _add_wrong(column: Column, source: str, texts: list[str], result: Parsed, found: _Findings) -> None:
    said = {rule: message(rule, expectation(rule, column)) for rule in {rule for _, rule in result.wrong}}
    wrong = {place for place, _ in result.wrong}
    for place, rule in result.wrong:
        found.add(place, column.name, texts[place], rule, said[rule])
    if column.required:
        words = message("required", _NO_WORDS)
        for place, value in enumerate(result.cells):
            if value is None and place not in wrong:
                found.add(place, column.name, texts[place], "required", words)


def _add_problems(raw: "RawTable", found: _Findings) -> None:
    """What the reader could not read of single rows."""
    place_of = {row: place for place, row in enumerate(found.rows)} if raw.problems else {}
    for problem in raw.problems:
        severity: Severity = "warning" if problem.rule in _WARNED else "error"
        found.add(
            place_of[problem.row], plain(problem.column), problem.value, problem.rule, message(problem.rule, _NO_WORDS), severity
        )


def _placed(layer: Layer, raw: "RawTable", given: Geometries, options: CheckOptions, found: _Findings) -> Places:
    if layer.geometry is Geometry.NONE:
        return Places(np.full(len(given), None, dtype=object), (), (), 0, 0)
    places = checked_places(layer.geometry, given, mend=options.repair)
    explained = {problem.row for problem in raw.problems if problem.rule in _NOWHERE}
    for finding in places.findings:
        missing_is_known = layer.place_optional or found.rows[finding.place] in explained
        if finding.rule != "geometry_missing" or not missing_is_known:
            found.add(finding.place, "geometry", finding.seen, finding.rule, message(finding.rule, kind_words(layer.geometry)))
    return places


def _derived(layer: Layer, cells: Cells, found: _Findings) -> _Derived:
    """Missing values filled by the layer's rules; a filled row names the columns, and inputs that yield nothing are a warning."""
    if not layer.derivations:
        return _Derived(cells, [""] * len(found.rows), ())
    frame = _frame(layer, cells)
    filled = {rule.column: rule.rule(frame).where(frame[rule.column].isna()) for rule in layer.derivations}
    made = {name: fitted(layer.column(name), values.tolist()) for name, values in filled.items()}
    whole = {
        name: [new if old is None else old for old, new in zip(cells[name], new_values, strict=True)]
        for name, new_values in made.items()
    }
    _add_not_derived(layer, cells, whole, found)
    names = [",".join(name for name in made if made[name][place] is not None) for place in range(len(found.rows))]
    counts = tuple((name, sum(value is not None for value in values)) for name, values in made.items())
    return _Derived(cells | whole, names, tuple(one for one in counts if one[1]))


def fitted(column: Column, values: list[Any]) -> list[Any]:
    """Derived values as the column's type; outside its range they are missing."""
    missing = [value is None or value is pd.NA or value != value for value in values]
    low, high = column.minimum, column.maximum
    fits = [
        not gone and (column.type is str or ((low is None or value >= low) and (high is None or value <= high)))
        for gone, value in zip(missing, values, strict=True)
    ]
    made: Any = column.type
    return [made(value) if fit else None for fit, value in zip(fits, values, strict=True)]


def _add_not_derived(layer: Layer, cells: Cells, whole: Cells, found: _Findings) -> None:
    """Rows whose inputs are all there and yet fill none of the columns that derive from them."""
    words = message("not_derived", _NO_WORDS)
    for inputs in dict.fromkeys(rule.inputs for rule in layer.derivations):
        outputs = [rule.column for rule in layer.derivations if rule.inputs == inputs]
        for place in range(len(found.rows)):
            if all(cells[name][place] is not None for name in inputs) and all(whole[name][place] is None for name in outputs):
                found.add(
                    place, ", ".join(inputs), ", ".join(str(cells[name][place]) for name in inputs), "not_derived", words, "warning"
                )


def _add_row_checks(layer: Layer, cells: Cells, found: _Findings) -> None:
    frame = _frame(layer, cells) if layer.checks else None
    for rule in layer.checks:
        holds = rule.holds(frame)  # type: ignore[arg-type]
        words = Words(f"does not hold: {rule.title['en']}", f"不符合：{rule.title['zh']}")
        for place in np.flatnonzero((holds == False).fillna(False).to_numpy(dtype=bool)):  # noqa: E712 (three-valued: not the same as `not`)
            seen = ", ".join(str(cells[name][place]) for name in rule.columns if cells[name][place] is not None)
            found.add(int(place), ", ".join(rule.columns), seen, rule.id, words, rule.severity)


def _keys(raw: "RawTable", options: CheckOptions, found: _Findings) -> list[str] | None:
    """The texts of the column that the clerk says tells rows apart; a blank or repeated one rejects its row."""
    if options.key is None:
        return None
    column = source_column(raw, options.key, "--key")
    texts = [text.strip() for text in _texts(raw, column)]
    first: dict[str, int] = {}
    for place, text in enumerate(texts):
        if not text:
            found.add(place, plain(column), text, "key_missing", message("key_missing", _NO_WORDS))
        elif text in first:
            row = str(found.rows[first[text]])
            found.add(place, plain(column), text, "key_twice", message("key_twice", Words(row, row)))
        else:
            first[text] = place
    return texts


def _add_twins(named: Identities, kept: NDArray[np.int64], found: _Findings) -> None:
    """A warning for each row that repeats another whole, or only its name."""
    for rule, pairs in (("duplicate", named.repeated), ("key_shared", named.key_shared)):
        for place, first in pairs:
            row = str(found.rows[kept[first]])
            found.add(int(kept[place]), "", "", rule, message(rule, Words(row, row)), "warning")


def _texts(raw: "RawTable", source: str) -> list[str]:
    cells = raw.frame[source].tolist()
    return cells if set(map(type, cells)) <= {str} else [text_of(cell) for cell in cells]


def _frame(layer: Layer, cells: Cells) -> pd.DataFrame:
    return pd.DataFrame({column.name: pd.Series(cells[column.name], dtype=DTYPES[column.type]) for column in layer.columns})


def _rows(cells: Cells, places: NDArray[np.int64]) -> Cells:
    chosen = places.tolist()
    if all(len(values) == len(chosen) for values in cells.values()):
        return cells
    return {name: [values[place] for place in chosen] for name, values in cells.items()}


def _report(
    layer: Layer,
    raw: "RawTable",
    source: str,
    match: Matching,
    options: CheckOptions,
    places: Places,
    derived: tuple[tuple[str, int], ...],
    identity: str,
    notes: tuple[Note, ...],
    found: _Findings,
) -> Report:
    rejected = int(found.bad.sum())
    key = () if options.key is None else (source_column(raw, options.key, "--key"),)
    by_place = [(plain(name), "geometry") for name in raw.placed_by if layer.geometry is not Geometry.NONE]
    return Report(
        layer=layer.id,
        source=source,
        format=raw.format,
        crs=raw.crs,
        encoding=raw.encoding,
        sha256=raw.sha256,
        rows_read=len(found.rows),
        accepted=len(found.rows) - rejected,
        rejected=rejected,
        faults=tuple(sorted(found.faults, key=lambda fault: fault.row)),
        faults_left_out=found.left_out,
        repairs=tuple(
            Repair(row=found.rows[one.place], area_before_m2=one.before_m2, area_after_m2=one.after_m2, reason=one.reason)
            for one in places.mended
        ),
        columns_matched=(
            *by_place,
            *((plain(name), target) for name, targets in match.pairs for target in targets),
            *((f"--set {plain(text)}", name) for name, text in options.set),
            *((plain(name), "id") for name in key),
        ),
        columns_ignored=tuple(plain(name) for name in match.ignored if name not in key),
        derived=derived,
        nulls=places.missing,
        invalid=places.invalid,
        identity=identity,
        notes=notes,
    )
