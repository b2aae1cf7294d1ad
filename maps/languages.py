"""The languages of the product, by the tags that a reader may name them with."""

from typing import Final, Literal, get_args

Tag = Literal["zh-CN", "en"]
LANGUAGES: Final[tuple[str, ...]] = get_args(Tag)
DEFAULT: Final = LANGUAGES[0]
_BY_PRIMARY: Final = {"zh": "zh-CN", "en": "en"}


def known_language(tag: str) -> str | None:
    """The language of ours that a tag names (RFC 5646), whatever its script or region; None for another.

    >>> known_language("zh"), known_language("zh-Hans"), known_language("en_GB"), known_language("fr")
    ('zh-CN', 'zh-CN', 'en', None)
    """
    return _BY_PRIMARY.get(tag.strip().lower().replace("_", "-").split("-")[0])


def title_key(language: str) -> Literal["zh", "en"]:
    """The key of a layer's titles in that language.

    >>> title_key("zh-CN"), title_key("en")
    ('zh', 'en')
    """
    return "zh" if language.startswith("zh") else "en"
