"""The field page: what is near a position, as a list that a phone can show without JavaScript."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from layers._catalog import layer as layer_of
from layers._layer import Column, Layer
from maps.languages import title_key
from maps.page import PageSettings, moment, number, place_layer, point_layers, rendered
from maps.shell import shell
from maps.words import words

_SHOWN_FIRST: Final = "response"
STATES: Final = ("", "open", "closed", "away", "unknown")
"""How a card is marked; not at all where its layer knows no status."""
_WRONG: Final = ("lon", "lat", "radius_m", "layers")
"""The parts of the form that can be wrong, each with a text of its own."""
_WORDS: Final = (
    "field.", "report.", "sign.", "person.", "error.", "lost.", "age.", "edit.", "value.", "unit.", "problem.detail",
    "panel.close", "access.none_there",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a card: a column's title and its value, both as texts."""

    title: str
    value: str


@dataclass(frozen=True, kw_only=True)
class RoadWay:
    """How a feature is reached by road, as texts: how long, the walks, free places, what is in the way of the direct road."""

    said: str
    walk: str = ""
    free: str = ""
    in_the_way: str = ""


@dataclass(frozen=True, kw_only=True)
class Card:
    """One feature near the position. ``state`` is one of `STATES`; ``phone`` only if the reader may see it."""

    layer: str
    id: str
    name: str
    lon: float
    lat: float
    distance_m: float
    bearing_deg: float
    wind: str
    state: str
    status: str
    rows: tuple[Row, ...] = ()
    phone: str | None = None
    road: RoadWay | None = None


@dataclass(frozen=True, kw_only=True)
class FieldAnswer:
    """What the service answers to a position; ``problem`` instead of cards where it could not answer.

    ``lon``, ``lat`` and ``asked_radius`` are texts as typed, so that a wrong one can be shown and mended; ``wrong`` is the
    part of the form that the problem is about, where it is about one. ``by`` is what was asked for, ``by_road`` what was
    answered; ``notes`` say why they differ, and which closures could not be honoured.
    """

    lon: str = ""
    lat: str = ""
    radius_m: int | None = None
    asked_radius: str = ""
    layers: tuple[str, ...] = ()
    by: str = "time"
    free: bool = False
    by_road: bool = False
    limit_min: float = 0.0
    notes: tuple[str, ...] = ()
    cards: tuple[Card, ...] = ()
    missing: tuple[str, ...] = ()
    revision: int = 0
    updated_at: str | None = None
    problem: str = ""
    wrong: str = ""


def field_page(language: str, answer: FieldAnswer | None, settings: PageSettings) -> str:
    """The HTML of the field page: the form, and below it the answer if there is one."""
    frame = shell("field")
    page = {
        "language": language,
        "words": {key: text for key, text in words(language).items() if key.startswith(_WORDS)},
        "layers": [reported(layer) for layer in point_layers(settings)],
        "areaLayer": place_layer().id,
        "map": {"id": frame.map_id, "styles": frame.styles, "scripts": frame.scripts},
    }
    asked = answer or FieldAnswer()
    return rendered(
        "field.html",
        language,
        settings,
        page=page,
        answer=asked,
        answered=answer is not None and not asked.problem,
        what_is_wrong=problem_text(asked.wrong, language, settings) if asked.problem else "",
        radius_m=asked.radius_m or settings.radius_m,
        asked_radius=asked.asked_radius or asked.radius_m or settings.radius_m,
        updated_at=moment(asked.updated_at, language),
        kinds=[_kind(layer, language, asked) for layer in point_layers(settings)],
        looks={layer.id: layer for layer in point_layers(settings)},
        title_key=title_key(language),
        distance=_distance_in(language),
        missing_titles=_titles(asked.missing, language),
    )


def reported(layer: Layer) -> dict[str, Any]:
    """What a report on the layer may say: its public columns, and of those the ones that a report on a feature offers."""
    columns = layer.readable()
    return {
        "id": layer.id,
        "group": layer.group,
        "title": layer.title,
        "columns": [column.declared() for column in columns],
        "reported": [column.name for column in columns if column.name in layer.style.card],
    }


def problem_text(wrong: str, language: str, settings: PageSettings) -> str:
    """What is wrong with what was typed, in the reader's language.

    >>> problem_text("radius_m", "en", PageSettings())
    'The radius is wrong: a number of metres from 1 to 500,000.'
    """
    text = words(language)[f"problem.{wrong if wrong in _WRONG else 'other'}"]
    return text.format(most=number(settings.radius_max_m, language, 0))


def card(item: Mapping[str, Any], language: str) -> Card:
    """A card from an item of ``/nearby``, its columns in the order the layer's style names."""
    layer = layer_of(item["layer"])
    properties: Mapping[str, Any] = item["properties"]
    return Card(
        layer=layer.id,
        id=str(item["id"]),
        name=str(item["name"] or ""),
        lon=item["lon"],
        lat=item["lat"],
        distance_m=item["distance_m"],
        bearing_deg=item["bearing_deg"],
        wind=item["wind"],
        state=_state(layer, item),
        status=_status_text(layer, item, language),
        rows=card_rows(layer, properties, language),
        phone=properties.get("phone"),
        road=road_way(item["road"], language) if "road" in item else None,
    )


def road_way(road: Mapping[str, Any], language: str) -> RoadWay:
    """The road part of an item of ``/nearby`` in words.

    >>> road_way({"said": {"en": "8 min, was 7"}, "walk_to_road_m": 40.0, "walk_from_road_m": 0.0, "free_places": None}, "en")
    RoadWay(said='8 min, was 7', walk='on foot 40 m to the road', free='free places unknown', in_the_way='')
    """
    text, key = words(language), title_key(language)
    walks = (("field.walk_to", road["walk_to_road_m"]), ("field.walk_from", road["walk_from_road_m"]))
    shut = [_closure(each, language) for each in road.get("in_the_way", ())]
    free = road["free_places"]
    return RoadWay(
        said=road["said"][key],
        walk=_in_row([text[name].format(far=distance_text(far, language)) for name, far in walks if far >= 1], language),
        free=text["field.free_unknown"] if free is None else text["field.free"].format(n=number(free, language, 0)),
        in_the_way=text["field.in_the_way"].format(closures=_in_row(shut, language)) if shut else "",
    )


def access_notes(answer: Mapping[str, Any], by: str, language: str, *, no_way: bool) -> tuple[str, ...]:
    """What a reader must know of the roads behind an answer of ``/nearby``: none, none from here, closures not honoured.

    >>> access_notes({"by": "line"}, "time", "en", no_way=False)
    ('No road data: distances are straight lines, and nobody knows whether a road leads there.',)
    """
    text = words(language)
    unread = len(answer.get("unreadable", ()))
    unknown = sum(each["links_of_unknown_depth"] for each in answer.get("closures", ()) if each["state"] == "honoured")
    said = (
        (by == "time" and answer["by"] == "line" and not no_way, text["field.no_roads"]),
        (no_way, text["field.no_way"]),
        (unread > 0, text["field.unreadable"].format(n=unread)),
        (unknown > 0, text["field.unknown_depth"].format(n=unknown)),
    )
    return tuple(note for holds, note in said if holds)


def _closure(closure: Mapping[str, Any], language: str) -> str:
    cause = layer_of("road_closures").column("cause")
    return f"{value_text(cause, closure['cause'], language)} ({closure['title']})"


def _in_row(parts: list[str], language: str) -> str:
    return ("，" if title_key(language) == "zh" else ", ").join(parts)


def card_rows(layer: Layer, properties: Mapping[str, Any], language: str) -> tuple[Row, ...]:
    """The lines of a feature's card: the columns its layer's style names for cards, where they have a value."""
    columns = [layer.column(name) for name in layer.style.card if name != "status"]
    return tuple(
        Row(title=column.title[title_key(language)], value=value_text(column, properties[column.name], language))
        for column in columns
        if properties.get(column.name) is not None
    )


def value_text(column: Column, value: Any, language: str) -> str:
    """A value as text: choices by their title, yes and no as words, numbers and dates as a reader writes them.

    >>> from layers._layer import Column
    >>> value_text(Column("lit", bool, title={"en": "Lit", "zh": "有灯"}), True, "zh-CN")
    '是'
    """
    if isinstance(value, bool):
        return words(language)["value.yes" if value else "value.no"]
    if isinstance(value, int | float) and column.type in (int, float):
        if "year" in column.name and not column.unit:
            return str(value)
        unit = words(language).get(f"unit.{column.unit}", column.unit)
        return f"{number(value, language)} {unit}".strip()
    if isinstance(value, dt.date):
        return value.isoformat()
    titles = {choice.id: getattr(choice, title_key(language)) for choice in column.choices}
    return str(titles.get(value, value))


def distance_text(distance_m: float, language: str) -> str:
    """A distance as a person says it: metres below one kilometre, then kilometres.

    >>> distance_text(349.6, "en"), distance_text(1249, "en"), distance_text(25400, "en")
    ('350 m', '1.2 km', '25 km')
    """
    if distance_m < 999.5:
        return f"{number(distance_m, language, 0)} m"
    return f"{number(distance_m / 1000, language, 1 if distance_m < 10_000 else 0)} km"


def _state(layer: Layer, item: Mapping[str, Any]) -> str:
    """Open only where a status known to mean so says it; a team that is out is not closed, but not available either."""
    if not _has_status(layer):
        return STATES[0]
    if item.get("available") is None:
        return "unknown"
    return "open" if item["available"] else "closed" if item["status"] == "closed" else "away"


def _has_status(layer: Layer) -> bool:
    return any(column.name == "status" for column in layer.columns)


def _status_text(layer: Layer, item: Mapping[str, Any], language: str) -> str:
    """The layer's own word for the status."""
    if not (_has_status(layer) and item.get("status")):
        return words(language)["state.unknown"]
    return value_text(layer.column("status"), item["status"], language)


def _titles(layer_ids: tuple[str, ...], language: str) -> str:
    separator = "、" if title_key(language) == "zh" else ", "
    return separator.join(layer_of(each).title[title_key(language)] for each in layer_ids)


def _kind(layer: Layer, language: str, asked: FieldAnswer) -> dict[str, Any]:
    chosen = layer.id in asked.layers if asked.layers else layer.group == _SHOWN_FIRST
    return {"id": layer.id, "title": layer.title[title_key(language)], "chosen": chosen}


def _distance_in(language: str) -> Any:
    return lambda distance_m: distance_text(distance_m, language)
