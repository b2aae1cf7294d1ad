"""A path is split where its slashes stand, and then decoded: an id may hold a slash, sent as ``%2F``, and is still one segment.

Servers decode the whole path first, so that an encoded slash would end a segment, and a request could mean another route than the
one that was sent. Here each segment is decoded by itself, and what it holds of ``/`` and ``%`` is kept encoded until its route has
taken it.
"""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from starlette.convertors import Convertor, StringConvertor
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send


class PathSegments:
    """Gives the routes a path in which a slash is a slash between segments."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; a path without an escape is as it was."""
        if scope["type"] == "http":
            raw = scope.get("raw_path")
            if raw is None:
                scope["path"] = scope["path"].replace("%", "%25")
            elif b"%" in raw:
                scope["path"] = path_of(raw)
        await self._app(scope, receive, send)


def path_of(raw: bytes) -> str:
    """The path whose segments are decoded, but for ``/`` and ``%`` in them.

    >>> path_of(b"/items/%E6%9D%91%2f1/50%25")
    '/items/村%2F1/50%25'
    >>> path_of(b"/items/a%252Fb"), path_of(b"/items/a%%32Fb")
    ('/items/a%252Fb', '/items/a%252Fb')
    """
    return "/".join(
        unquote_to_bytes(segment).decode("utf-8", "replace").replace("%", "%25").replace("/", "%2F") for segment in raw.split(b"/")
    )


class _Segment(StringConvertor):
    """What a segment was before it was kept out of the way."""

    def convert(self, value: str) -> str:
        """The text that the client meant.

        >>> _Segment().convert("村%2F1"), _Segment().convert("a%252Fb")
        ('村/1', 'a%2Fb')
        """
        return value.replace("%2F", "/").replace("%25", "%") if "%" in value else value


_SEGMENT: Final = _Segment()


def take_segments(routes: Iterable[BaseRoute]) -> None:
    """Have the routes take their parameters as `PathSegments` hands them."""
    for route in routes:
        found: dict[str, Convertor[Any]] = getattr(route, "param_convertors", {})
        found.update({name: _SEGMENT for name, convertor in found.items() if type(convertor) is StringConvertor})
