"""Is the process alive; can it answer."""

from typing import Any

from fastapi import APIRouter, Response

from api.policy import EVERYBODY
from api.request import ServedNow

router = APIRouter(tags=["health"], dependencies=EVERYBODY)


@router.get("/livez")
def livez() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(served: ServedNow, response: Response) -> dict[str, Any]:
    """The store was read lately; 503 while only the last snapshot is left to answer from."""
    if served.standing():
        response.status_code = 503
    return {
        "status": "store lost" if served.standing() else "ok",
        "problem": served.standing() or None,
        "revision": served.snapshot.revision,
        "recorded_at": served.snapshot.recorded_at,
        "confirmed_at": served.confirmed_at.isoformat(timespec="seconds"),
    }
