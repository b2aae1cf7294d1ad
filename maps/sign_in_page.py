"""The page for signing in: a name and a password, or the key of a wall display."""

from maps.page import PageSettings, rendered
from maps.words import words

_WORDS = ("own.", "sign.", "person.", "error.", "lost.", "age.", "panel.close", "problem.detail")


def sign_in_page(language: str, settings: PageSettings) -> str:
    """The HTML of the page for signing in; who is signed in arrives by fetch."""
    page = {"language": language, "words": {key: text for key, text in words(language).items() if key.startswith(_WORDS)}}
    return rendered("sign_in.html", language, settings, page=page)
