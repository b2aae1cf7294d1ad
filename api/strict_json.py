"""A JSON body as it was meant, or not at all: no duplicate keys, nan, infinity, broken text, nor more than a body may hold."""

import json
import math
import re
from typing import Any, Final, NoReturn

import numpy as np
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from api.policy import out_of_place
from geo_risk.errors import ParameterError, shown

# matches from any quote on, closed or not: a search that fails at each of a million quotes takes hours
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_UNCLEAN: Final = re.compile("[\0\ud800-\udfff]")
_IN_THREAD_BYTES: Final = 16_000
"""A body longer than this is read in a thread: the event loop has other requests to serve."""
_DIGITS: Final = 400
_LONG: Final = 300
"""Letters that no number has which is small enough for a float, whatever its digits."""
_NO_NUMBERS: Final = bytes(letter if letter in b"0123456789+-.eE" else 32 for letter in range(256))
_STEPS: Final = np.zeros(256, dtype=np.int8)
_STEPS[[*b"[{"]], _STEPS[[*b"]}"]] = 1, -1


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
    async with out_of_place(request):
        async for part in request.stream():
            body += part
            if len(body) > max_bytes:
                raise _refused("the body is too long", f"at most {max_bytes} bytes", "more")
    if len(body) > _IN_THREAD_BYTES:
        return await run_in_threadpool(strict_object, bytes(body), max_depth)
    return strict_object(bytes(body), max_depth)


def strict_object(body: bytes, max_depth: int) -> dict[str, Any]:
    """A JSON object from bytes.

    >>> strict_object(b'{"a": [1, 2.5]}', 32)
    {'a': [1, 2.5]}
    """
    bare = _STRING.sub(b"", body)
    if _is_deeper(bare, max_depth):
        raise _refused("the body is nested too deep", f"at most {max_depth} deep", "deeper")
    # a call for each number takes as long as all the rest, so it is only made where a number could be out of range
    numbers: dict[str, Any] = {"parse_float": _finite, "parse_int": _whole} if _may_be_too_large(bare) else {}
    try:
        parsed = json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number, **numbers)
    except UnicodeDecodeError:
        raise _refused("the body is not UTF-8", "UTF-8 text", "other bytes") from None
    except json.JSONDecodeError as error:
        raise _refused("the body is no JSON", "one JSON object", f"a fault at character {error.pos}") from None
    if not isinstance(parsed, dict):
        raise _refused("the body is no JSON object", "an object", shown(parsed))
    if b"\\u" in body:  # written as they are, neither NUL nor half a character is let through by the reading itself
        _require_clean(parsed)
    return parsed


def _is_deeper(bare: bytes, most: int) -> bool:
    """Whether brackets are nested deeper than that in a body without its texts.

    >>> _is_deeper(b"[{:[1]},{}]", 3), _is_deeper(b"[{:[1]},{}]", 2), _is_deeper(b"[][][]", 1)
    (False, True, False)
    """
    if bare.count(b"[") + bare.count(b"{") <= most:
        return False
    return int(_STEPS[np.frombuffer(bare, dtype=np.uint8)].cumsum(dtype=np.int64).max()) > most


def _may_be_too_large(bare: bytes) -> bool:
    """Whether a body without its texts may hold a number that no float has: one with an exponent, or a very long one.

    >>> _may_be_too_large(b"[1.5,true,-20]"), _may_be_too_large(b"[1e5]"), _may_be_too_large(b"9" * 400)
    (False, True, True)
    """
    words = bare.replace(b"true", b"").replace(b"false", b"")
    if b"e" in words or b"E" in words:
        return True
    return len(bare) > _LONG and max(map(len, bare.translate(_NO_NUMBERS).split()), default=0) > _LONG


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
