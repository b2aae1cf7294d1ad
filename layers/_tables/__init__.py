"""Cited data: every threshold, level, weight and standard, as rows with value, unit, source, region and who checked it.

A deployment overrides a table by a file of the same name in the folder ``GEO_RISK_TABLES``.
"""

import os
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from geo_risk.errors import DeclarationError
from geo_risk.levels import Level, Scheme
from geo_risk.model import Scale


def table(name: str) -> dict[str, Any]:
    """The table of that name: the deployment's, else ours."""
    return _load(name, os.environ.get("GEO_RISK_TABLES", ""))


@cache
def _load(name: str, folder: str) -> dict[str, Any]:
    ours = files("layers._tables").joinpath(f"{name}.toml")
    theirs = Path(folder) / f"{name}.toml" if folder else None
    source = theirs if theirs is not None and theirs.is_file() else ours
    if not source.is_file():
        raise DeclarationError(f"no table {name!r}", where="layers/_tables", expected=f"{name}.toml", got="none")
    return tomllib.loads(source.read_text(encoding="utf-8"))


def scheme(scheme_id: str) -> Scheme:
    """A scheme of levels from table *levels*: its bounds on the shared looks of levels I to IV and unknown."""
    tables = table("levels")
    row = tables["scheme"][scheme_id]
    looks = tables["level"]
    levels = tuple(Level(id=bound["level"], at_least=bound["at_least"], **looks[bound["level"]]) for bound in row["bounds"])
    return Scheme(
        id=scheme_id, title=row["title"], unit=row["unit"], levels=levels,
        unknown=Level(id="unknown", **looks["unknown"]), source=row["source"], checked=row["checked"],
    )


def scales() -> dict[str, Scale]:
    """How each factor's raw value becomes a score, from table *factors*."""
    return {name: Scale(**row) for name, row in table("factors")["factor"].items()}


def combining() -> dict[str, str]:
    """The rules by which hazards, the factors of a role, and the roles combine, from table *factors*."""
    row = table("factors")["combine"]
    return {name: str(row[name]) for name in ("hazards_by", "within_role_by", "roles_by")}
