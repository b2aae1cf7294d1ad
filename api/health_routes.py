"""Is the process alive; should it be sent requests; what it counted."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from api.forwarded import is_beside
from api.health import Health
from api.metrics import CONTENT_TYPE, Metrics, age_s
from api.policy import HEALTH, METRICS

router = APIRouter(tags=["health"])


@router.get("/livez", dependencies=HEALTH)
async def livez() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", dependencies=HEALTH)
async def readyz(request: Request, response: Response) -> dict[str, Any]:
    """Whether it should be sent requests: 503 while not. What was found is for admins, and for whoever asks on this machine."""
    health: Health = request.app.state.health
    served = request.app.state.follower.served()
    findings = await health.findings(served, age_s(served))
    failed = [name for name, finding in findings.items() if not finding.well]
    response.status_code = 503 if failed else 200
    response.headers["Cache-Control"] = "no-store"
    status = {"status": "not ready" if failed else "ok"}
    if request.state.caller.role != "admin" and not is_beside(request.scope):
        return status
    return {
        **status,
        "failed": failed,
        "problem": served.standing() or None,
        "revision": served.snapshot.revision,
        "recorded_at": served.snapshot.recorded_at,
        "confirmed_at": served.confirmed_at.isoformat(timespec="seconds"),
        **{name: finding.found for name, finding in findings.items()},
    }


@router.get("/metrics", dependencies=METRICS)
async def metrics(request: Request) -> Response:
    """Counters and measures as Prometheus reads them; for a key that may, and for whoever asks on this machine."""
    found: Metrics = request.app.state.metrics
    text = await asyncio.get_running_loop().run_in_executor(None, found.text)
    return Response(text, media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})
