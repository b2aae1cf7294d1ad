"""What the tags of an OpenStreetMap way or barrier mean for a road: every rule is a row of table *osm_roads*."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from layers._worker.content import Cell

Tags = Mapping[str, str]
Rules = Mapping[str, Any]
Modes = frozenset[str]

MODES: Final = ("car", "truck", "bicycle", "foot")
_NUMBER: Final = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)\s*([a-z/]*)", re.ASCII)
_SIZE: Final = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)\s*(?:m|t)?", re.ASCII)
_LEVELS: Final = 10


class Road(NamedTuple):
    """A way as a road: its cells but its id and name, who may use it, and whether its line is turned round."""

    cells: dict[str, Cell]
    modes: Modes
    turned: bool


def road_of(tags: Tags, rules: Rules) -> Road | None:
    """The road that a way is, or None where its tags name none of the table's."""
    row = _first(rules["road"], tags)
    if row is None or _first(rules["left_out"], tags) is not None:
        return None
    along, bicycle_both_ways = _direction(tags, rules)
    cells: dict[str, Cell] = {
        "road_class": row["class"],
        "kind": f"{row['tag']}={row['value']}",
        "bridge": _built(tags, "bridge", rules["structures"]["no_bridge"]),
        "tunnel": _built(tags, "tunnel", rules["structures"]["no_tunnel"]),
        "level": level_of(tags.get("layer", "")),
        "one_way": along != 0,
        "bicycle_both_ways": bicycle_both_ways,
        "max_speed_kmh": limit_of(tags, rules),
    }
    return Road(cells, _modes(tags, row, rules), along < 0)


def name_of(tags: Tags, rules: Rules) -> str:
    """The road's name, or else its number."""
    return next((tags[tag] for tag in rules["name"] if tags.get(tag)), "")


def tags_read(rules: Rules) -> frozenset[str]:
    """Every tag of a way that `road_of` looks at: ways that agree in these are the same road but for the name."""
    rows = (*rules["road"], *rules["left_out"], *rules["only"], *rules["limits"])
    turns = (*rules["one_way"]["rows"], *rules["one_way"]["bicycle_both_ways"])
    access = (tag for one in rules["access"].values() for tag in (*one["tags"], *one["opened_by"]))
    speed = (*rules["speed"]["tags"], *rules["speed"]["sides"])
    return frozenset({row["tag"] for row in (*rows, *turns)}.union(access, speed, ("bridge", "tunnel", "layer")))


def stopped_at(tags: Tags, rules: Rules) -> Modes:
    """Whom a barrier on a point stops: by the point's own access tags, else by its kind; a locked one by its row."""
    if "barrier" not in tags:
        return frozenset()
    barriers = rules["barriers"]
    stops = barriers["locked"] if tags.get("locked") == "yes" else barriers["stops"].get(tags["barrier"], barriers["other"])
    said = {mode: _said(tags, rules["access"][mode], rules) for mode in MODES}
    return frozenset(mode for mode in MODES if said[mode] is False or (mode in stops and said[mode] is None))


def level_of(text: str) -> int | None:
    """The level of tag *layer*, or None where there is none that can be.

    >>> level_of("-1"), level_of("99"), level_of("1;2"), level_of("")
    (-1, None, None, None)
    """
    found = re.fullmatch(r"[+-]?\d{1,2}", text.strip(), re.ASCII)
    level = int(found[0]) if found else None
    return level if level is not None and abs(level) <= _LEVELS else None


def limit_of(tags: Tags, rules: Rules) -> float | None:
    """The posted limit in km/h: the lowest of a list and of both directions; None where none is posted or it is no speed."""
    speed = rules["speed"]
    given = [tags[tag] for tag in speed["tags"] if tag in tags] or [tags[tag] for tag in speed["sides"] if tag in tags]
    known = [kmh for text in given for part in text.split(";") if (kmh := _kmh(part, speed)) is not None]
    return min(known, default=None)


def _kmh(text: str, speed: Rules) -> float | None:
    word = text.strip().casefold()
    if word in speed["words"]:
        return float(speed["words"][word])
    found = _NUMBER.fullmatch(word)
    if found is None or (found[2] and found[2] not in speed["units"]):
        return None
    kmh = float(found[1]) * (speed["units"][found[2]] if found[2] else 1.0)
    return round(kmh, 1) if speed["least_kmh"] <= kmh <= speed["most_kmh"] else None


def _modes(tags: Tags, row: Rules, rules: Rules) -> Modes:
    usual = set(row["modes"])
    for only in rules["only"]:
        if _has(only, tags) and only.get("class", row["class"]) == row["class"]:
            usual &= set(only["modes"])
    limits = [limit for limit in rules["limits"] if limit.get("on", limit["tag"]) in tags]
    too_small = {mode for limit in limits for mode in _too_small_for(tags.get(limit["tag"], ""), limit["needs"])}
    return frozenset(mode for mode in MODES if mode not in too_small and _may(mode, mode in usual, tags, rules))


def _too_small_for(text: str, needs: Mapping[str, float]) -> list[str]:
    """Modes that need more than a posted width, height or weight such as ``3.5`` or ``3.5 t``."""
    found = _SIZE.fullmatch(text.strip())
    return [mode for mode, need in needs.items() if found and float(found[1]) < need]


def _may(mode: str, usual: bool, tags: Tags, rules: Rules) -> bool:
    """By the first tag that speaks of the mode; one that grants opens a road that is not usual only if it may open it."""
    access = rules["access"][mode]
    said = _said(tags, access, rules)
    if said is None or not said:
        return usual and said is None
    return usual or _said(tags, {**access, "tags": access["opened_by"]}, rules) is True


def _said(tags: Tags, access: Rules, rules: Rules) -> bool | None:
    """What the most specific tag that is there says; of a list of values the first that says anything."""
    tag = next((tag for tag in access["tags"] if tag in tags), None)
    for value in tags[tag].split(";") if tag else ():
        word = value.strip().casefold()
        if word in access["refused"]:
            return False
        if word in rules["access_values"]["granted"]:
            return True
    return None


def _direction(tags: Tags, rules: Rules) -> tuple[int, bool]:
    row = _first(rules["one_way"]["rows"], tags) or {"along": 0}
    both = row.get("bicycle_both_ways", False) or _first(rules["one_way"]["bicycle_both_ways"], tags) is not None
    return int(row["along"]), row["along"] == 0 or both


def _built(tags: Tags, tag: str, none: list[str]) -> bool:
    return tag in tags and tags[tag].strip().casefold() not in none


def _first(rows: list[Rules], tags: Tags) -> Rules | None:
    return next((row for row in rows if _has(row, tags)), None)


def _has(row: Rules, tags: Tags) -> bool:
    return bool(tags.get(row["tag"], "").strip() == row["value"])
