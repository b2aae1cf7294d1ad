"""What a browser sees of a page that is not for whoever asks: where to go on, and nothing of the page."""

from maps.page import PageSettings, rendered


def refused_page(language: str, settings: PageSettings) -> str:
    """The HTML of a refusal; it needs no script."""
    return rendered("refused.html", language, settings)
