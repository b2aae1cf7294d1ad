"""The command map: one page without data; its features, names and figures arrive by fetch."""

from typing import Any, Final

from layers._catalog import catalog, layer
from layers._tables import table
from layers._tables.vehicle_table import vehicles
from maps.page import PageSettings, build, glyphs, place_layer, rendered
from maps.shell import shell
from maps.words import words

_OF_OTHER_PAGES: Final = ("field.", "report.", "accounts.", "clearance.", "scope.", "may.", "own.", "refused.")


def command_page(language: str, settings: PageSettings) -> str:
    """The HTML of the command map in that language; the same bytes whatever the store holds."""
    page = {
        "build": build(),
        "language": language,
        "words": {key: text for key, text in words(language).items() if not key.startswith(_OF_OTHER_PAGES)},
        "glyphs": glyphs(),
        "areaLayer": place_layer().id,
        "riskLayers": risk_layers(),
        "refreshSeconds": settings.refresh_s,
        "access": access_choices(),
    }
    return rendered("command.html", language, settings, shell=shell("command"), page=page)


def risk_layers() -> list[str]:
    """The layers whose change may change a level: those with factors, and the areas."""
    return [each.id for each in catalog().values() if each.factors or each.group == "area"]


def access_choices() -> dict[str, list[dict[str, Any]]]:
    """What a question of access lets one choose, each with its id and titles: from the tables, so from one list only."""
    access = table("access")
    stock = [layer("supply_depots").column(name) for name in access["depot"]["stock"]]
    return {
        "vehicles": [{"id": each.id, "title": each.title} for each in vehicles().values()],
        "hazards": [{"id": name, "title": row["title"]} for name, row in access["hazard"].items()],
        "groups": [{"id": name, "title": layer(name).title} for name in access["people"]],
        "roadClasses": _choices("roads", "road_class"),
        "causes": _choices("road_closures", "cause"),
        "teams": _choices("rescue_teams", "kind"),
        "stock": [{"id": column.name, "title": column.title, "unit": column.unit} for column in stock],
    }


def _choices(layer_id: str, column: str) -> list[dict[str, Any]]:
    return [{"id": each.id, "title": {"en": each.en, "zh": each.zh}} for each in layer(layer_id).column(column).choices]
