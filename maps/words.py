"""The words of the pages in each language, and which language a reader gets."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from babel.messages.pofile import read_po

from geo_risk.errors import NotFound, shown
from maps.languages import DEFAULT, LANGUAGES, known_language, title_key

_LOCALE: Final = Path(__file__).parent / "locale"
_LONGEST_HEADER: Final = 200


@cache
def words(language: str) -> Mapping[str, str]:
    """Every text of the pages by its key, such as ``panel.nearest``.

    Raises
    ------
    NotFound
        No such language.
    """
    if language not in LANGUAGES:
        raise NotFound("no such language", expected=", ".join(LANGUAGES), got=shown(language), then="pick_language(...) first")
    with (_LOCALE / language.replace("-", "_") / "LC_MESSAGES" / "geo_risk.po").open("rb") as file:
        catalog = read_po(file, locale=language.replace("-", "_"), abort_invalid=True)
    return MappingProxyType({str(message.id): str(message.string) for message in catalog if message.id})


def pick_language(query: str | None, cookie: str | None, accept_language: str | None) -> str:
    """The language asked for in the address, else in the cookie, else by the browser, else Chinese.

    >>> pick_language(None, None, "fr;q=0.9, en-GB;q=0.8, zh;q=0.1"), pick_language("zh", "en", None)
    ('en', 'zh-CN')
    """
    asked = (query or "", cookie or "", *_preferred(accept_language or ""))
    return next((known for known in map(known_language, asked) if known), DEFAULT)


def in_each_language(key: str) -> dict[str, str]:
    """One text in every language, by the keys of titles.

    >>> in_each_language("wind.NE")
    {'zh': '东北', 'en': 'north-east'}
    """
    return {title_key(language): words(language)[key] for language in LANGUAGES}


def _preferred(header: str) -> list[str]:
    ranges = [part.partition(";") for part in header[:_LONGEST_HEADER].split(",")]
    return [tag for tag, _, weight in sorted(ranges, key=lambda part: -_weight(part[2]))]


def _weight(text: str) -> float:
    """The q of a language range; 1 if not said, 0 if it is no number between 0 and 1."""
    _, said, number = text.partition("q=")
    digits = number.strip()
    if not said:
        return 1.0
    return float(digits) if digits.replace(".", "", 1).isdecimal() and digits.isascii() and float(digits) <= 1 else 0.0
