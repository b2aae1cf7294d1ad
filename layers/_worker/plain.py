"""Text from a file, fit for a terminal and for one line of a report."""

from typing import Final

_MARK: Final = "…"


def plain(text: object, limit: int = 60) -> str:
    r"""The text on one line, at most ``limit`` characters, everything that does not print written as an escape.

    >>> plain("a\x1b[31mb"), plain("x" * 9, 4)
    ('a\\x1b[31mb', 'xxx…')
    """
    given = str(text)
    shown = "".join(letter if letter.isprintable() else _escape(letter) for letter in given[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + _MARK


def plain_list(texts: list[str], limit: int = 20) -> str:
    """Names from a file as one list, the first ``limit`` of them.

    >>> plain_list(["a", "b", "c"], 2)
    'a, b, … (3 in all)'
    """
    names = [plain(text, 40) for text in texts[:limit]]
    return ", ".join(names) if len(texts) <= limit else f"{', '.join(names)}, {_MARK} ({len(texts)} in all)"


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
