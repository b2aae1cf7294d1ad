"""A scenario asked on the command line, and the tables of its answer as records."""

import json
from pathlib import Path
from typing import Any

from run_cli import run


def asked(folder: Path, store: Path, text: str, data: Path | None = None, status: int = 0) -> Any:
    """The answer to a scenario written into the folder of its files; what was said where it ends with a status."""
    (folder / "ask.toml").write_text(text, encoding="utf-8")
    words = ("assess", "--scenario", str(folder / "ask.toml"), *(("--data", str(data)) if data else ()), "--json")
    told = run(*words, store=store, status=status)
    return json.loads(told[: told.rindex("}") + 1]) if status == 0 else told


def records(answer: Any, table: str) -> list[dict[str, Any]]:
    """The rows of a table with the names of their columns, the foot last."""
    found = next(each for each in answer["tables"] if each["name"] == table)
    names = [field["name"] for field in found["fields"]]
    return [dict(zip(names, row, strict=True)) for row in (*found["rows"], *found["foot"])]


def rows(answer: Any, table: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The same by their keys."""
    keys = next(each["keys"] for each in answer["tables"] if each["name"] == table)
    return {tuple(record.values())[:keys]: record for record in records(answer, table)}
