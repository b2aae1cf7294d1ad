"""The files that pages are made of: scripts, styles and what is vendored; read and compressed once, answered from memory."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

import maps
from api.policy import STATIC
from geo_risk.errors import NotFound, shown

FOLDER: Final = Path(maps.__file__).parent / "static"
_WORTH_BYTES: Final = 1000
_TEXT: Final = ("text/", "application/json", "image/svg")

router = APIRouter(tags=["pages"], include_in_schema=False)


@dataclass(frozen=True)
class StaticFile:
    """A file's bytes, as they are and compressed (None where that saves nothing), with the tag of its content."""

    kind: str
    tag: str
    plain: bytes
    compressed: bytes | None


@router.get("/static/{path:path}", dependencies=STATIC)
async def static(request: Request, path: str) -> Response:
    """One file; browsers ask each time whether it is still the same, and are told so without it."""
    found = _kept().get(path)
    if found is None:
        found = await run_in_threadpool(_read, path)
    headers = {"ETag": found.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if found.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if found.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.compressed, media_type=found.kind, headers=headers | {"Content-Encoding": "gzip"})
    return Response(found.plain, media_type=found.kind, headers=headers)


@cache
def _kept() -> dict[str, StaticFile]:
    """What was asked for before; bounded by what the folder holds."""
    return {}


def _read(path: str) -> StaticFile:
    """The file at that path below the folder; `NotFound` where there is none, or it is hidden."""
    place = FOLDER / path
    hidden = any(part in ("", ".", "..") or part.startswith(".") for part in path.split("/"))
    if hidden or "\0" in path or not place.is_file() or not place.resolve().is_relative_to(FOLDER.resolve()):
        raise NotFound("there is no such file", got=shown(path))
    plain = place.read_bytes()
    kind = mimetypes.guess_type(place.name)[0] or "application/octet-stream"
    worth = kind.startswith(_TEXT) and len(plain) > _WORTH_BYTES
    tag = f'"{hashlib.sha256(plain).hexdigest()[:32]}"'
    found = StaticFile(kind, tag, plain, gzip.compress(plain, 9, mtime=0) if worth else None)
    _kept()[path] = found
    return found
