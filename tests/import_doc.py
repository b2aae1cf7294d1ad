"""The import commands of docs/import.md, run through reading and checking, so that the page cannot rot."""

import argparse
import shlex
from pathlib import Path

from layers._catalog import layer
from layers._check import Checked, CheckOptions, check, parse_map, parse_set, parse_value
from layers._read import ReadOptions, read

_PAGE = Path(__file__).resolve().parents[1] / "docs" / "import.md"
_GRAMMAR = argparse.ArgumentParser(exit_on_error=False)
_GRAMMAR.add_argument("layer")
_GRAMMAR.add_argument("file")
for _option in ("--crs", "--datum", "--encoding", "--table", "--sheet", "--lon", "--lat", "--wkt", "--key", "--source", "--report"):
    _GRAMMAR.add_argument(_option)
for _option, _parse in (("--map", parse_map), ("--set", parse_set), ("--value", parse_value)):
    _GRAMMAR.add_argument(_option, action="append", type=_parse, default=[])
for _option in ("--repair", "--replace", "--dry-run"):
    _GRAMMAR.add_argument(_option, action="store_true")
_GRAMMAR.add_argument("--on-error", choices=("stop", "skip"), default="stop")


def commands(city: str) -> list[str]:
    """The command lines of one city's block on the page."""
    section = _PAGE.read_text(encoding="utf-8").split(f"\n## {city}")[1].split("\n## ")[0]
    block = section.split("```sh\n")[1].split("```")[0]
    return block.strip().splitlines()


def imported(line: str, data: Path) -> tuple[Checked, bool]:
    """What a command accepts and reports, and whether it would be stored."""
    program, verb, *words = shlex.split(line.replace("$DATA", str(data)))
    assert (program, verb) == ("geo-risk", "import")
    given = _GRAMMAR.parse_args(words)
    raw = read(
        Path(given.file),
        ReadOptions(
            crs=given.crs,
            datum=given.datum,
            encoding=given.encoding,
            gpkg_layer=given.table,
            sheet=given.sheet,
            lon=given.lon,
            lat=given.lat,
            wkt=given.wkt,
        ),
    )
    options = CheckOptions(tuple(given.map), tuple(given.set), tuple(given.value), given.repair, given.source, given.key)
    checked = check(layer(given.layer), raw, options)
    return checked, checked.report.rejected == 0 or given.on_error == "skip"
