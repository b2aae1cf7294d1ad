"""A JSON body as it was meant, or not at all: no duplicate keys, nan, infinity, broken text, nor more than a body may hold."""

import json
import math
import re
from typing import Any, Final, NoReturn

from fastapi import Request

from geo_risk.errors import ParameterError, shown

# matches from any quote on, closed or not: a search that fails at each of a million quotes takes hours
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_UNCLEAN: Final = re.compile("[\0\ud800-\udfff]")
_DIGITS: Final = 400


async def json_object(request: Request, max_bytes: int, max_depth: int) -> dict[str, Any]:
    """The request's body as an object; it is read no further than it may be long.

    Raises
    ------
    ParameterError
        It says another content type, is too long or too deep, or is no JSON object that every reader would read alike.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":  # also what keeps another site's page from sending a form here
        raise _refused("the body is not said to be JSON", "Content-Type: application/json", shown(kind))
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > max_bytes:
            raise _refused("the body is too long", f"at most {max_bytes} bytes", "more")
    return strict_object(bytes(body), max_depth)


def strict_object(body: bytes, max_depth: int) -> dict[str, Any]:
    """A JSON object from bytes.

    >>> strict_object(b'{"a": [1, 2.5]}', 32)
    {'a': [1, 2.5]}
    """
    if _depth(body) > max_depth:
        raise _refused("the body is nested too deep", f"at most {max_depth} deep", "deeper")
    try:
        parsed = json.loads(
            body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite, parse_int=_whole,
        )
    except UnicodeDecodeError:
        raise _refused("the body is not UTF-8", "UTF-8 text", "other bytes") from None
    except json.JSONDecodeError as error:
        raise _refused("the body is no JSON", "one JSON object", f"a fault at character {error.pos}") from None
    if not isinstance(parsed, dict):
        raise _refused("the body is no JSON object", "an object", shown(parsed))
    _require_clean(parsed)
    return parsed


def _depth(body: bytes) -> int:
    """How deep brackets are nested outside strings, without reading the values."""
    deepest = depth = 0
    for letter in _STRING.sub(b"", body):
        depth += (letter in b"[{") - (letter in b"]}")
        deepest = max(deepest, depth)
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _refused("a key stands twice in one object", "each key once", "one twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise _refused("the body holds a number that is none", "finite numbers", shown(text))


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _refused("the body holds a number that is too large", "finite numbers", shown(text))
    return value


def _whole(text: str) -> int:
    if len(text) > _DIGITS:
        raise _refused("the body holds a number that is too long", f"at most {_DIGITS} digits", f"{len(text)} digits")
    return int(text)


def _require_clean(value: Any) -> None:
    texts = [value] if isinstance(value, str) else [*value] if isinstance(value, dict) else []
    if any(_UNCLEAN.search(text) for text in texts):
        raise _refused("the body holds text that cannot be kept", "no NUL, no lone surrogate", "one")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _require_clean(inner)


def _refused(what: str, expected: str, got: str) -> ParameterError:
    return ParameterError(what, where="body", expected=expected, got=got, then="mend the body, then send it again")
