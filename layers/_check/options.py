"""What a clerk may say about a table's columns, and how it is written on the command line."""

from dataclasses import dataclass

from geo_risk.errors import ParameterError
from layers._worker.plain import plain


@dataclass(frozen=True)
class CheckOptions:
    """Mappings of source columns, constants, translations of values, repair, and what tells features apart.

    ``map`` has (source column, target columns): two targets split a text such as 120x100. ``set`` has
    (target, text for all rows). ``values`` has (target, text in the source, text to read instead).
    """

    map: tuple[tuple[str, tuple[str, ...]], ...] = ()
    set: tuple[tuple[str, str], ...] = ()
    values: tuple[tuple[str, str, str], ...] = ()
    repair: bool = False
    source: str | None = None
    key: str | None = None


def parse_map(text: str) -> tuple[str, tuple[str, ...]]:
    """A source column and the columns it fills; none means that it is left out.

    >>> parse_map("名称=name"), parse_map("広さ（メートル）=pad_length_m x pad_width_m"), parse_map("name=")
    (('名称', ('name',)), ('広さ（メートル）', ('pad_length_m', 'pad_width_m')), ('name', ()))
    """
    source, equals, targets = text.rpartition("=")
    names = tuple(name.strip() for name in targets.split(" x ") if name.strip())
    if not equals or not source.strip() or len(names) > 2:
        raise _unreadable("--map", text, "'source column=column' or 'source column=column x column'")
    return source.strip(), names


def parse_set(text: str) -> tuple[str, str]:
    """A column and the text it has in all rows.

    >>> parse_set("kind=past")
    ('kind', 'past')
    """
    target, equals, value = text.partition("=")
    if not equals or not target.strip() or not value.strip():
        raise _unreadable("--set", text, "'column=value'")
    return target.strip(), value.strip()


def parse_value(text: str) -> tuple[str, str, str]:
    """A column, a text in the source (blank is one too), and what to read instead.

    >>> parse_value("zone_class:警戒区域(yellow)=warning"), parse_value("for_flood:=no")
    (('zone_class', '警戒区域(yellow)', 'warning'), ('for_flood', '', 'no'))
    """
    target, colon, rest = text.partition(":")
    source, equals, value = rest.rpartition("=")
    if not colon or not equals or not target.strip():
        raise _unreadable("--value", text, "'column:text in the source=value'")
    return target.strip(), source.strip(), value.strip()


def _unreadable(option: str, text: str, expected: str) -> ParameterError:
    return ParameterError(
        f"{option} cannot be read", where=option, expected=expected, got=plain(text, 40), then="put the whole in quotes"
    )
