"""Cited data: every threshold, level, weight and standard, as rows with value, unit, source, region and who checked it.

A deployment overrides a table by a file of the same name in the folder ``GEO_RISK_TABLES``.
"""

import datetime as dt
import os
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from geo_risk.errors import DeclarationError, shown
from geo_risk.levels import Level, Scheme
from geo_risk.model import ROLES, Scale, Season


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
    """A scheme of levels from table *levels*: its bounds on the shared looks of its levels and of unknown."""
    tables = table("levels")
    if scheme_id not in tables["scheme"]:
        raise DeclarationError(
            "no such scheme of levels", where="table levels", expected=", ".join(sorted(tables["scheme"])), got=shown(scheme_id),
            then="name one, or add its rows",
        )
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


def out_of_season() -> str:
    """The rule for the weight of a hazard out of season, from table *factors*."""
    return str(table("factors")["combine"].get("out_of_season", "said_only"))


def role_weights(name: str | None = None) -> dict[str, float]:
    """The weight of each role: the set of that name in table *factors*, by default the one it combines by."""
    tables = table("factors")
    chosen = name or tables["combine"].get("role_weights", "equal")
    sets = tables.get("role_weights", {"equal": dict.fromkeys(ROLES, 1.0)})
    if chosen not in sets:
        raise DeclarationError(
            "no such set of role weights", where="table factors", expected=", ".join(sorted(sets)), got=shown(chosen),
            then="name one, or add its row",
        )
    return {role: float(sets[chosen][role]) for role in ROLES}


def seasons() -> tuple[Season, ...]:
    """The seasons of hazards, from table *seasons*."""
    return tuple(
        Season(
            region=row["region"], hazard=row["hazard"], first=_month_day(row["from"]), last=_month_day(row["to"]),
            year=row.get("year"), source=row["source"], checked=row["checked"],
        )
        for row in table("seasons")["row"]
    )


def _month_day(text: str) -> tuple[int, int]:
    """Month and day of ``04-15``; 29 February is one."""
    try:
        day = dt.date.fromisoformat(f"2000-{text}")
    except ValueError:
        raise DeclarationError(
            "a season's day is no day", where="table seasons", expected="month-day, such as 04-15", got=shown(text),
            then="mend the row",
        ) from None
    return day.month, day.day
