"""Warning rules and how levels fall, from the tables *rainstorm*, *water_level* and *warning_rules*."""

from typing import Any, Final

from geo_risk.errors import DeclarationError, ParameterError, shown
from geo_risk.risk.warnings import Falling, WarningRule
from layers._tables import table

TABLES: Final = {"rain": "rainstorm", "water_level": "water_level"}
"""The table of rules of each variable that has warnings."""


def warning_rules(variable: str) -> tuple[WarningRule, ...]:
    """The rules of a variable, worst first."""
    if variable not in TABLES:
        raise ParameterError("no warnings go by that", where="variable", expected=", ".join(TABLES), got=shown(variable))
    content = table(TABLES[variable])
    return tuple(_rule(row, content) for row in content["row"])


def falling(variable: str) -> Falling:
    """How the levels of a variable fall and what a gap does."""
    row = {name: value for name, value in table("warning_rules")["falling"][variable].items() if name != "unit"}
    return Falling(**row)


def station_columns(variable: str) -> tuple[str, ...]:
    """The columns of a gauge that the rules of a variable read."""
    return tuple(dict.fromkeys(rule.of for rule in warning_rules(variable) if rule.of))


def _rule(row: dict[str, Any], content: dict[str, Any]) -> WarningRule:
    missing = [name for name in ("id", "level", "value") if name not in row]
    if missing:
        raise DeclarationError(
            "a warning rule lacks a value",
            where=f"table of {content.get('variable')}",
            expected="id, level, value",
            got="no " + ", ".join(missing),
            then="mend the row",
        )
    return WarningRule(
        id=row["id"], level=row["level"], at_least=float(row["value"]), window_h=row.get("window_h"), of=row.get("of", ""),
        source=row.get("source", content["source"]), checked=row.get("checked", content["checked"]),
    )
