"""Which source column fills which column of the layer: by --map, else by id or either title."""

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from geo_risk.errors import ParameterError, shown
from layers._check.options import CheckOptions
from layers._layer import Geometry, Layer
from layers._worker.plain import plain, plain_list
from layers._worker.table import folded

if TYPE_CHECKING:
    from layers._read import RawTable


class Matching(NamedTuple):
    """Pairs of a source column and its target columns, and the source columns that are not loaded."""

    pairs: tuple[tuple[str, tuple[str, ...]], ...]
    ignored: tuple[str, ...]


def matching(layer: Layer, raw: "RawTable", options: CheckOptions) -> Matching:
    """Source columns to target columns.

    Raises
    ------
    ParameterError
        A column named is not there, two fill the same, or a required one is filled by none.
    """
    sources = [str(name) for name in raw.frame.columns if name != "geometry"]
    said = tuple(
        (_source(name, sources, "--map"), tuple(_target(layer, target, "--map") for target in targets))
        for name, targets in options.map
    )
    constants = {_target(layer, name, "--set") for name, _ in options.set}
    for name, _, _ in options.values:
        _target(layer, name, "--value")
    taken = constants | {target for _, targets in said for target in targets}
    named = {name for name, _ in said}
    titles = _titles(layer)
    by_name = tuple(
        (name, (titles[folded(name)],))
        for name in sources
        if name not in named and titles.get(folded(name), "") not in {"", *taken}
    )
    pairs = (*((name, targets) for name, targets in said if targets), *by_name)
    _require_once(pairs, constants)
    _require_required(layer, pairs, constants, sources)
    used = {name for name, _ in pairs} | (set(raw.placed_by) if layer.geometry is not Geometry.NONE else set())
    return Matching(pairs, tuple(name for name in sources if name not in used))


def source_column(raw: "RawTable", name: str, option: str) -> str:
    """The source column of that name, as written in the file."""
    return _source(name, [str(column) for column in raw.frame.columns if column != "geometry"], option)


def _titles(layer: Layer) -> dict[str, str]:
    """Column ids by every name they go under; ids win over titles."""
    names = {
        folded(title): column.name
        for column in layer.columns
        for title in (*column.title.values(), column.titled("en"), column.titled("zh"))
    }
    return names | {folded(column.name): column.name for column in layer.columns}


def _source(name: str, sources: list[str], option: str) -> str:
    found = [source for source in sources if folded(source) == folded(name)]
    if name in sources or len(found) == 1:
        return name if name in sources else found[0]
    raise ParameterError(
        f"the file has no such column for {option}",
        expected=f"one of {plain_list(sources, 60)}",
        got=plain(name, 40),
        then="check the spelling",
    )


def _target(layer: Layer, name: str, option: str) -> str:
    names = [column.name for column in layer.columns]
    if name in names:
        return name
    raise ParameterError(
        f"layer {layer.id} has no such column",
        where=option,
        expected="one of " + ", ".join(names),
        got=shown(name),
        then="check the spelling",
    )


def _require_once(pairs: tuple[tuple[str, tuple[str, ...]], ...], constants: set[str]) -> None:
    counts = Counter([target for _, targets in pairs for target in targets] + list(constants))
    twice = sorted(target for target, count in counts.items() if count > 1)
    if twice:
        by = [source for source, targets in pairs if twice[0] in targets]
        raise ParameterError(
            f"two sources fill column {twice[0]}",
            expected="one",
            got=plain_list(by + ["--set"] * (twice[0] in constants)),
            then=f"choose one with --map 'source={twice[0]}'",
        )


def _require_required(
    layer: Layer, pairs: tuple[tuple[str, tuple[str, ...]], ...], constants: set[str], sources: list[str]
) -> None:
    filled = constants | {target for _, targets in pairs for target in targets}
    missing = [column.name for column in layer.columns if column.required and column.name not in filled]
    if missing:
        raise ParameterError(
            f"no source column fills {', '.join(missing)}",
            where=f"layer {layer.id}",
            expected=f"one of {plain_list(sources, 60)}",
            got="none by that name",
            then=f"--map 'source={missing[0]}', or --set '{missing[0]}=...'",
        )
