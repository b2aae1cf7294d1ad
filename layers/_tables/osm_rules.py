"""The rules by which OpenStreetMap's ways become roads, from table *osm_roads*, held to what its reader asks of them."""

from typing import Any, Final

from geo_risk.errors import DeclarationError, shown
from layers._catalog import layer
from layers._tables import table
from layers._worker.osm_tags import MODES

_ROWS: Final = {
    "road": {"tag", "value", "class", "modes"},
    "left_out": {"tag", "value"},
    "only": {"tag", "value", "modes"},
    "limits": {"tag", "needs"},
}
_GROUPS: Final = {
    "access_values": {"granted"},
    "one_way": {"rows", "bicycle_both_ways"},
    "structures": {"no_bridge", "no_tunnel"},
    "speed": {"tags", "sides", "units", "words", "least_kmh", "most_kmh"},
    "barriers": {"other", "locked", "stops"},
}


def osm_rules() -> dict[str, Any]:
    """The table whole.

    Raises
    ------
    DeclarationError
        Something that the reader asks for is missing, or a class is none of the roads layer's.
    """
    rules = table("osm_roads")
    for name, keys in _ROWS.items():
        for row in rules.get(name, [{}]):
            _require(keys <= set(row), f"{name} rows with {', '.join(sorted(keys))}", ", ".join(sorted(row)) or "none")
    for name, keys in _GROUPS.items():
        _require(keys <= set(rules.get(name, ())), f"{name} with {', '.join(sorted(keys))}", "less")
    for mode in MODES:
        access = rules.get("access", {}).get(mode, ())
        _require({"tags", "opened_by", "refused"} <= set(access), f"access.{mode} with tags, opened_by and refused", "less")
    classes = {choice.id for choice in layer("roads").column("road_class").choices}
    unknown = sorted({str(row["class"]) for row in rules["road"]} - classes)
    _require(not unknown, "classes of layer roads", shown(unknown[0]) if unknown else "")
    return rules


def _require(holds: bool, expected: str, got: str) -> None:
    if not holds:
        raise DeclarationError(
            "the table osm_roads cannot be read by", where="table osm_roads", expected=expected, got=got, then="mend the table"
        )
