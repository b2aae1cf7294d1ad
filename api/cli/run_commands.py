"""`runs` and `assess --scenario`: assessments that are kept, compared, explained and made again."""

import getpass
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from api.cli._show import line, progress, table, wide_table
from api.cli.data import StorePath, store_of
from api.settings import Settings
from api.use.run_comparison import Comparison, Difference, compare, differences, explain
from api.use.run_files import write
from api.use.runs import Made, Run, as_json, inputs_of, load, make_again, make_run, save
from api.use.scenarios import Each, Row, Table, Value, read_toml, scenario_of
from geo_risk.chunks import each_here
from geo_risk.errors import GeoRiskError, ParameterError, shown
from layers._store import Snapshot, open_store

_DIGEST: Final = 12
_SHOWN: Final = 300
RunId = Annotated[str, typer.Argument(metavar="ID", help="A run's id; `geo-risk runs list` lists them.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DataFolder = Annotated[Path | None, typer.Option("--data", help="The folder that a scenario's file names start from.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    kept = typer.Typer(no_args_is_help=True, help="Assessments that were kept: list, show, compare, explain, make again.")
    for name, command in (("list", runs_list), ("show", show), ("compare", compare_), ("explain", explain_), ("rerun", rerun)):
        kept.command(name)(command)
    app.add_typer(kept, name="runs")


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """A large exposure given beside the scenario, and where its pieces are worked on: here, by workers, on a cluster."""

    exposure: Path | None = None
    scheduler: str | None = None
    workers: int = 1


def run_scenario(
    scenario_file: Path | None, areas: str, data: Path | None, output: Path | None, store: Path | None, pieces: Pieces, *,
    keep: bool, as_json_text: bool,
) -> None:
    """Ask a scenario file's question (or what the layers declare of an exposure), print the answer, write and keep it."""
    scenario = scenario_of(_given(scenario_file, areas, pieces.exposure))
    folder = data or Settings().data_folder or (scenario_file.resolve().parent if scenario_file else Path.cwd())
    with progress() as tell, _worked_on(pieces) as each:
        inputs = inputs_of(scenario, folder, partial(_snapshot, store), confined=False)
        made = make_run(scenario, replace(inputs, each=each), tell)
    written = write(made, output) if output is not None else ()
    if keep:
        with open_store(store_of(store)) as opened:
            save(opened, made.run, getpass.getuser())
    if as_json_text:
        _json(as_json(made.run))
        return
    _print(made.run)
    for path in written:
        line(f"written: {path}")
    if keep:
        line(f"kept as {made.run.id}")


def runs_list(store: StorePath = None, limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50) -> None:
    """List the kept runs, the newest first."""
    with open_store(store_of(store), create=False) as opened:
        found = opened.runs(limit)
    rows = [(each.id, each.question, each.title, each.made_at[:19], each.actor, each.digest[:_DIGEST]) for each in found]
    wide_table(("run", "question", "title", "made at", "by", "digest"), rows)  # an id that is cut is no id


def show(
    run_id: RunId,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write .xlsx, .csv, .parquet or .json.")] = None,
    as_json_text: AsJson = False,
    store: StorePath = None,
) -> None:
    """Print a kept run."""
    run = _load(store, run_id)[0]
    written = write(Made(run=run, shapes={}), output) if output is not None else ()
    if as_json_text:
        _json(as_json(run))
        return
    _print(run)
    for path in written:
        line(f"written: {path}")


def compare_(
    a: Annotated[str, typer.Argument(metavar="A", help="The run before.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The run after.")],
    as_json_text: AsJson = False,
    store: StorePath = None,
) -> None:
    """What rose, fell, came or went from run A to run B, by how much, and what differs behind them."""
    found = compare(*_load(store, a, b))
    if as_json_text:
        _json(asdict(found))
        return
    _print_comparison(found)


def explain_(
    run_id: RunId,
    area: Annotated[str, typer.Argument(metavar="AREA", help="An area's id.")],
    as_json_text: AsJson = False,
    store: StorePath = None,
) -> None:
    """All that stands behind one area's figures: the same values that made them."""
    found = explain(_load(store, run_id)[0], area)
    if as_json_text:
        _json(found)
        return
    for name, records in found["figures"].items():
        line(f"{name}:")
        _print_records(records)
    line("; ".join(f"{rule['id']}: {rule['chosen']}" for rule in found["rules"]))
    for each in found["inputs"]:
        line(f"from {each['kind']} {each['name']}: sha256 {each['sha256'][:_DIGEST]}")


def rerun(run_id: RunId, data: DataFolder = None, store: StorePath = None) -> None:
    """Make a kept run again from the same inputs: equal to the last digit, or what differs (status 1)."""
    with open_store(store_of(store), create=False) as opened, progress() as tell:
        before = load(opened, run_id)
        after = make_again(opened, before, data or Settings().data_folder or Path.cwd(), tell, confined=False)
    if after.digest == before.digest:
        line(f"equal: digest {after.digest}")
        return
    for each in differences(before, after):
        line(_difference(each))
    raise GeoRiskError(
        "the run does not come out again", where=f"run {run_id}", expected=before.digest[:_DIGEST], got=after.digest[:_DIGEST],
        then="see what differs above; compare a new run with the kept one for its figures",
    )


def _given(scenario_file: Path | None, areas: str, exposure: Path | None) -> dict[str, Any]:
    """The scenario as its file says it, with another exposure where one is given; or what the layers ask of the exposure."""
    if scenario_file is None:
        from api.use.scenarios.ask_buildings import of_the_layers

        return of_the_layers(areas, str(Path(exposure or "").resolve()))
    given = read_toml(scenario_file)
    if exposure is None:
        return given
    section = given.get("exposure", {})
    if not isinstance(section, dict):
        raise ParameterError("the exposure is no section", where="exposure", expected="[exposure]", got=shown(section))
    return {**given, "exposure": {**section, "file": str(exposure.resolve())}}


@contextmanager
def _worked_on(pieces: Pieces) -> Iterator[Each]:
    """Here, or on a Dask cluster that is ours or somebody's; Dask is loaded only then."""
    if pieces.scheduler is None and pieces.workers <= 1:
        yield each_here
        return
    try:
        from geo_risk.scale.cluster import cluster, each_on
    except ModuleNotFoundError as error:
        raise ParameterError(
            "Dask is not installed here", where="--workers, --scheduler", expected="geo-risk[scale]", got=shown(error.name),
            then="install it, or leave both options out: the figures are the same",
        ) from None
    with cluster(pieces.scheduler, pieces.workers) as client:
        yield partial(each_on, client)


def _snapshot(store: Path | None) -> Snapshot:
    with open_store(store_of(store), create=False) as opened:
        return opened.snapshot()


def _load(store: Path | None, *ids: str) -> list[Run]:
    with open_store(store_of(store), create=False) as opened:
        return [load(opened, run_id) for run_id in ids]


def _json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, allow_nan=False))  # noqa: T201 - the output is the answer


def _print(run: Run) -> None:
    line(run.title)
    first, *others = run.tables
    line(f"{first.title['en']} {first.title['zh']}")
    _print_table(first)
    for each in others:
        line(f"behind them: {len(each.rows):,} rows of {each.name}, in files and in `geo-risk runs explain`")
    line("; ".join(f"{rule.id}: {rule.chosen}" for rule in run.rules))
    for unknown in run.unknown:
        line(f"unknown: {unknown}")
    line(f"{run.engine}; digest {run.digest}")


def _print_table(answer: Table) -> None:
    """A block for each set of areas, each with what stands below its line."""
    outer = max(answer.keys - 1, 0)
    for keys, rows in groupby(answer.rows, key=lambda row: row[:outer]):
        if keys:
            line(" / ".join(map(str, keys)))
        _print_block(answer, outer, list(rows), [row for row in answer.foot if row[:outer] == keys])


def _print_block(answer: Table, outer: int, rows: list[Row], foot: list[Row]) -> None:
    same_names = all(row[outer] == row[outer + 1] for row in rows) and len(answer.fields) > outer + 1
    shown = [
        place for place, each in enumerate(answer.fields)
        if place >= outer and not each.detail and not (same_names and place == outer + 1)
    ]
    header = [f"{answer.fields[place].name} {answer.fields[place].unit}".strip() for place in shown]
    wide_table(header, ([_cell(row[place]) for place in shown] for row in (*rows[:_SHOWN], *foot)))
    if len(rows) > _SHOWN:
        line(f"and {len(rows) - _SHOWN} more rows: write them with -o")


def _print_records(records: Iterable[Mapping[str, Value]]) -> None:
    for record in records:
        line("  " + ", ".join(f"{name} {_cell(value)}" for name, value in record.items()))


def _print_comparison(found: Comparison) -> None:
    line("equal: one digest" if found.equal else f"{len(found.changes)} of {found.compared} figures differ")
    rows = [
        (each.table, " / ".join(map(str, each.key)), each.column, each.what, _cell(each.before), _cell(each.after), _cell(each.by))
        for each in found.changes[:_SHOWN]
    ]
    if rows:
        table(("table", "which", "figure", "what", "before", "after", "by"), rows)
    for each in found.why:
        line(_difference(each))


def _difference(each: Difference) -> str:
    return f"{each.kind} {each.name}: {_state(each.before)} -> {_state(each.after)}"


def _state(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name} {str(part)[:_DIGEST]}" for name, part in value.items())
    return "nothing" if value is None else str(value)


def _cell(value: Value) -> str:
    if value is None:
        return "?"
    if isinstance(value, bool | str):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
