"""What both pages share: their settings, our templates, the glyphs, and numbers and times in a reader's language."""

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from babel.dates import format_datetime
from babel.numbers import format_decimal
from jinja2 import Environment, PackageLoader, StrictUndefined

from layers._catalog import catalog
from layers._layer import Geometry, Layer
from maps.languages import LANGUAGES
from maps.shell import STATIC
from maps.words import words

_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("maps", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_ENVIRONMENT.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": True}
_IMPORTED: Final = re.compile(r'^import (?:.* from )?"[.]/(\w+[.]js)";', re.MULTILINE)
_AGES: Final = (("age.days", 86_400), ("age.hours", 3_600), ("age.minutes", 60))
_LANGUAGE_NAMES: Final = {"zh-CN": "中文", "en": "English"}


@dataclass(frozen=True, kw_only=True)
class PageSettings:
    """What a deployment may say about the pages: the bureau's name, how often a screen asks, how far a search goes.

    ``layers`` are those that are there for whoever reads the page. ``lost_s``: while the store is lost, how many seconds ago what
    is shown was last confirmed with it.
    """

    bureau: str = ""
    refresh_s: int = 30
    radius_m: int = 10_000
    radius_max_m: int = 500_000
    synthetic: bool = False
    layers: Mapping[str, Layer] = field(default_factory=catalog)
    lost_s: int | None = None


def rendered(template: str, language: str, settings: PageSettings, **values: Any) -> str:
    """A page from a template of ours; whatever comes from data is a value, escaped, never a template."""
    return _ENVIRONMENT.get_template(template).render(
        t=words(language),
        modules=modules,
        language=language,
        settings=settings,
        glyphs=glyphs(),
        lost=None if settings.lost_s is None else words(language)["lost.banner"].format(ago=ago(settings.lost_s, language)),
        languages=[(code, _LANGUAGE_NAMES[code]) for code in LANGUAGES],
        **values,
    )


@cache
def glyphs() -> Mapping[str, Mapping[str, Any]]:
    """The symbols of layers and levels, on a grid of 24 by 24; the same file serves pages and canvases."""
    found: dict[str, dict[str, Any]] = json.loads((STATIC / "glyphs.json").read_text(encoding="utf-8"))
    return found


@cache
def modules(script: str) -> tuple[str, ...]:
    """A script of ours with all that it imports: a page names them at once, so that a browser need not find them one by one.

    >>> modules("latest.js"), "dom.js" in modules("command.js")
    (('latest.js',), True)
    """
    found: set[str] = set()
    asked = {script}
    while asked:
        each = asked.pop()
        found.add(each)
        asked |= {*_IMPORTED.findall((STATIC / "js" / each).read_text(encoding="utf-8"))} - found
    return tuple(sorted(found))


@cache
def build() -> str:
    """What pages are made of, as a short digest: another one after an upgrade, so that an older page can tell.

    >>> len(build()), build() == build()
    (16, True)
    """
    folder = STATIC.parent
    files = sorted(path for part in ("static/js", "static/css", "templates", "locale") for path in (folder / part).rglob("*.*"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def place_layer() -> Layer:
    """The layer whose areas are coloured by risk."""
    return next(layer for layer in catalog().values() if layer.places_by is not None)


def point_layers(settings: PageSettings) -> tuple[Layer, ...]:
    """The layers of points that are there for the reader, in the order of the legend."""
    return tuple(layer for layer in settings.layers.values() if layer.geometry is Geometry.POINT)


def number(value: float, language: str, digits: int = 2) -> str:
    """A number as a reader of that language writes it, with at most so many digits after the point.

    >>> number(12345.678, "en"), number(80.0, "zh-CN")
    ('12,345.68', '80')
    """
    return str(format_decimal(round(value, digits), locale=language.replace("-", "_")))


def ago(seconds: float, language: str) -> str:
    """How long ago, in the largest unit that it fills.

    >>> ago(59, "en"), ago(7300, "en"), ago(172_800, "zh-CN")
    ('just now', '2 h ago', '2 天前')
    """
    key, size = next(((key, size) for key, size in _AGES if seconds >= size), ("age.now", 1))
    return words(language)[key].format(n=int(seconds // size))


def moment(updated_at: str | None, language: str) -> str:
    """An ISO time of the store as a reader writes it, in the zone of the service; empty if there is none.

    >>> moment(None, "en")
    ''
    """
    if not updated_at:
        return ""
    local = dt.datetime.fromisoformat(updated_at).astimezone()
    return format_datetime(local, "yyyy-MM-dd HH:mm", locale=language.replace("-", "_"))
