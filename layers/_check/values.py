"""Cells to typed values: every way numbers, dates and yes or no are written in such tables, as rows of data."""

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

from layers._layer import Choice, Column
from layers._worker.table import folded

TEXT_CHARACTERS: Final = 2000
LARGEST_INT: Final = 2**53  # beyond it JSON and spreadsheets change a number in silence
DASHES: Final = frozenset({"-", "--", "ー", "－", "—", "–", "―", "‐", "−", "/", "／"})
_NOTHING: Final = DASHES | {"", "n/a", "na", "null", "none", "nan", "无", "無", "なし", "不明", "不详", "未知", "unknown", "空"}
_YES: Final = ("true", "1", "yes", "y", "t", "on", "是", "有", "对", "可", "○", "〇", "◯", "●", "◎", "√", "✓", "✔", "はい", "あり")
_NO: Final = ("false", "0", "no", "n", "f", "off", "否", "无", "無", "不", "×", "✕", "✗", "✘", "x", "いいえ", "なし")
_TRUTH: Final = {folded(word): True for word in _YES} | {folded(word): False for word in _NO}
_ERAS: Final = {"令和": 2018, "平成": 1988, "昭和": 1925}
_INT: Final = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.0*)?", re.ASCII)
_FLOAT: Final = re.compile(r"[+-]?((\d{1,3}(,\d{3})+|\d+)(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_NO_NUMBER: Final = frozenset({"inf", "+inf", "-inf", "infinity", "+infinity", "-infinity", "1.#inf", "1.#qnan"})
_DATES: Final = (
    re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})([T ].*)?", re.ASCII),
    re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})( \d.*)?", re.ASCII),
    re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII),
    re.compile(r"(\d{4}) ?年 ?(\d{1,2}) ?月 ?(\d{1,2}) ?日", re.ASCII),
)
_ERA_DATE: Final = re.compile(r"(令和|平成|昭和) ?(\d{1,2}|元) ?年 ?(\d{1,2}) ?月 ?(\d{1,2}) ?日", re.ASCII)
_PAIR: Final = re.compile(r"\s*[x×✕✖*]\s*", re.IGNORECASE)
_UNFIT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class Wrong(ValueError):
    """A text that breaks a rule; its argument is the rule's id."""


class Parsed(NamedTuple):
    """Typed values, None where missing or wrong; (place, rule) of the wrong ones; how many dashes stood for nothing."""

    cells: list[Any]
    wrong: list[tuple[int, str]]
    dashes: int


def parsed(column: Column, texts: list[str], translated: dict[str, str]) -> Parsed:
    """Texts of one column as its type; ``translated`` says what to read instead of a folded text."""
    known, faulty = _known(column, list(dict.fromkeys(texts)), translated)
    blank = {text for text, value in known.items() if value is None and text not in faulty and text.strip() in DASHES}
    return Parsed(
        [known[text] for text in texts],
        [(place, faulty[text]) for place, text in enumerate(texts) if text in faulty] if faulty else [],
        sum(text in blank for text in texts) if blank else 0,
    )


def _known(column: Column, distinct: list[str], translated: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The value of each text, and the rule that the wrong ones break."""
    if column.type is str and not (column.choices or column.pattern or translated) and _all_plain(distinct):
        return {text: None if not (clean := text.strip()) or clean in DASHES else clean for text in distinct}, {}
    words = _words(column.choices)
    known: dict[str, Any] = {}
    faulty: dict[str, str] = {}
    for text in distinct:
        try:
            known[text] = _one(column, text, translated, words)
        except Wrong as wrong:
            known[text], faulty[text] = None, str(wrong.args[0])
    return known, faulty


def _all_plain(texts: list[str]) -> bool:
    """All fit to keep as they are: one search over a million names instead of a million."""
    whole = "\n".join(texts)
    return not _UNFIT.search(whole) and "\r" not in whole and max(map(len, texts), default=0) <= TEXT_CHARACTERS


def text_value(column: Column, text: str) -> Any:
    """One text as the value of a column of texts or choices; `Wrong` where it breaks a rule."""
    return _valued(column, text.strip(), _words(column.choices))


def text_of(cell: Any) -> str:
    """A cell as the text a clerk would type: whole numbers without a point, nothing for None.

    >>> text_of(12.0), text_of(0.1), text_of(None), text_of(True)
    ('12', '0.1', '', 'true')
    """
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and math.isfinite(cell) and cell.is_integer() and abs(cell) < LARGEST_INT:
        return str(int(cell))
    return str(cell)


def split_in_two(text: str) -> tuple[str, str] | None:
    """The two numbers of a text such as ``120×100``, or None.

    >>> split_in_two("120×100"), split_in_two("１２０ｘ１００"), split_in_two(""), split_in_two("120")
    (('120', '100'), ('120', '100'), ('', ''), None)
    """
    clean = unicodedata.normalize("NFKC", text).strip()
    if folded(clean) in _NOTHING:
        return "", ""
    parts = _PAIR.split(clean)
    return (parts[0], parts[1]) if len(parts) == 2 else None


def _one(column: Column, text: str, translated: dict[str, str], words: dict[str, str]) -> Any:
    clean = text.strip()
    if translated:
        clean = translated.get(folded(clean), clean)
    value = _valued(column, clean, words)
    require_range(column, value)
    return value


def _valued(column: Column, clean: str, words: dict[str, str]) -> Any:
    if not clean or clean in DASHES:
        return None
    _require_clean(clean)
    if words:
        return _choice(clean, words)
    if column.type is str:
        return _text(column, clean)
    word = unicodedata.normalize("NFKC", clean).strip()
    if column.type is not bool and word.casefold() in _NOTHING:
        if word.casefold() == "nan":
            raise Wrong("not_finite")
        return None
    return _PARSERS[column.type](word)


def _require_clean(text: str) -> None:
    if found := _UNFIT.search(text):
        raise Wrong("surrogate" if found[0] >= "\ud800" else "control_character")
    if len(text) > TEXT_CHARACTERS:
        raise Wrong("too_long")


def _text(column: Column, clean: str) -> str:
    text = clean.replace("\r\n", "\n").replace("\r", "\n")
    if column.pattern is not None and not re.fullmatch(column.pattern, text, re.ASCII):
        raise Wrong("pattern")
    return text


def _choice(clean: str, words: dict[str, str]) -> str | None:
    word = folded(clean)
    if word in words:
        return words[word]
    if word in _NOTHING:
        return None
    raise Wrong("choice")


@cache
def _words(choices: tuple[Choice, ...]) -> dict[str, str]:
    titles = {folded(title): choice.id for choice in choices for title in (choice.en, choice.zh)}
    return titles | {folded(choice.id): choice.id for choice in choices}


def _int(word: str) -> int:
    if word.casefold() in _NO_NUMBER:
        raise Wrong("not_finite")
    if not _INT.fullmatch(word):
        raise Wrong("integer")
    whole = word.partition(".")[0].replace(",", "")
    if len(whole) > 17 or abs(int(whole)) > LARGEST_INT:
        raise Wrong("too_large")
    return int(whole)


def _float(word: str) -> float:
    if word.casefold() in _NO_NUMBER:
        raise Wrong("not_finite")
    if not _FLOAT.fullmatch(word):
        raise Wrong("number")
    value = float(word.replace(",", ""))
    if not math.isfinite(value):
        raise Wrong("not_finite")
    return value


def _bool(word: str) -> bool | None:
    found = _TRUTH.get(folded(word))
    if found is None and word.casefold() not in _NOTHING:
        raise Wrong("boolean")
    return found


def _date(word: str) -> dt.date | None:
    if set(word) <= set("0-/ "):  # how dBASE and some registers write no date
        return None
    for pattern in _DATES:
        if found := pattern.fullmatch(word):
            return _day(int(found[1]), int(found[2]), int(found[3]))
    if found := _ERA_DATE.fullmatch(word):
        return _day(_ERAS[found[1]] + (1 if found[2] == "元" else int(found[2])), int(found[3]), int(found[4]))
    raise Wrong("date")


def _day(year: int, month: int, day: int) -> dt.date:
    try:
        return dt.date(year, month, day)
    except ValueError:
        raise Wrong("date") from None


_PARSERS: Final[dict[type, Callable[[str], Any]]] = {int: _int, float: _float, bool: _bool, dt.date: _date}


def require_range(column: Column, value: Any) -> None:
    """`Wrong` where a number lies outside the column's range."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    if column.minimum is not None and value < column.minimum:
        raise Wrong("minimum")
    if column.maximum is not None and value > column.maximum:
        raise Wrong("maximum")
