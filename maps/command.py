"""The command map: one page without data; its features, names and figures arrive by fetch."""

from maps.page import PageSettings, glyphs, place_layer, rendered
from maps.shell import shell
from maps.words import words


def command_page(language: str, settings: PageSettings) -> str:
    """The HTML of the command map in that language; the same bytes whatever the store holds."""
    page = {
        "language": language,
        "words": dict(words(language)),
        "glyphs": glyphs(),
        "areaLayer": place_layer().id,
        "refreshSeconds": settings.refresh_s,
    }
    return rendered("command.html", language, settings, shell=shell("command"), page=page)
