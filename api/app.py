"""`create_app(settings)`: the service, put together from its doors."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio.to_thread
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

import geo_risk
from api import (
    features_routes,
    health_routes,
    later,
    live_routes,
    sign_in_routes,
    static_routes,
    writes_routes,
)
from api.admission import Admission, lanes_of, threads_for
from api.forgetting import Forgetting
from api.gate import gate_of
from api.guard import Guard, limits_of
from api.health import Health
from api.later import Later
from api.live import Live
from api.logs import access
from api.metrics import Metrics, facts_of
from api.opening import opened
from api.path_segments import PathSegments
from api.request import asks_for_page
from api.served import Follower
from api.settings import Settings
from api.sign_in import SignIn
from api.standing import Standing
from api.status_codes import PROBLEM, problem, status_of
from geo_risk.errors import Busy, Forbidden, GeoRiskError, NotFound, ParameterError, Unauthenticated, shown
from layers._kept_file import KeptFile, kept_file, saved_path

_log = logging.getLogger(__name__)

_FIRST: Final = (
    writes_routes, features_routes, live_routes, health_routes, static_routes, sign_in_routes,
)  # fmt: skip
"""Doors that need no engine, those asked most first: what they import is what a start waits for. The others are in `api.later`."""


class Service(FastAPI):
    """FastAPI behind the guard: what the guard refuses reaches nothing else, and nothing leaves but through it."""

    def build_middleware_stack(self) -> ASGIApp:
        """The guard, then all the rest."""
        settings: Settings = self.state.settings
        metrics: Metrics = self.state.metrics
        observers = (metrics.observe, *([access(addresses=settings.log_addresses)] if settings.log_requests else ()))
        self.state.guard = guard = Guard(super().build_middleware_stack(), limits_of(settings), observers)
        return guard


def routers() -> tuple[APIRouter, ...]:
    """The routers of all doors."""
    return *(door.router for door in _FIRST), *later.routers()


def create_app(
    settings: Settings | None = None, *, doors_later: bool = False, kept: Callable[[], KeptFile | None] | None = None
) -> FastAPI:  # fmt: skip
    """The service over the store that the settings name; the store is opened when the service starts.

    With ``doors_later`` it answers before the engine is loaded; a request that needs it waits. ``kept`` gives the snapshot's file,
    where somebody reads it already.
    """
    given = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = threads_for(app.state.admission.lanes)
        keep = saved_path(given.store, given.where)
        store, first = opened(given.where, kept() if kept else kept_file(keep))
        with store:
            rest = Later(app, given, store, doors=doors_later)
            app.state.follower = follower = Follower(
                store, given.snapshot_poll_s, rest.warm, first=first, keep=keep, keep_every_s=given.snapshot_keep_s
            )
            gc.freeze()  # what is there now stays: the collector need not look through a million geometries again and again
            app.state.store = store
            app.state.health = health = Health(given, store)
            app.state.gate = gate = gate_of(store, given)
            app.state.sign_in = sign_in = SignIn(store, gate)
            app.state.forgetting = forgetting = Forgetting(store, given.forget_at)
            rest.start(follower.served().snapshot) if doors_later else rest.load()
            gate.start()
            forgetting.start()
            app.state.live = live = Live(store, follower.served().snapshot.revision, gate.still, given.streams_max)
            app.state.ending.append(live.close)
            follower.on_publish(live.published)
            follower.start()
            beats = asyncio.create_task(live.run())
            try:
                yield
            finally:
                live.close()
                beats.cancel()
                health.close()
                rest.close()
                follower.stop()
                forgetting.stop()
                sign_in.close()
                gate.stop()

    app = Service(
        title="geo-risk",
        version=geo_risk.__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        summary="The one map of an emergency bureau",
    )
    app.state.settings = given
    app.state.ending = []  # what is called when the service is told to end, before it waits for its requests
    app.state.admission = Admission(lanes_of(given.admission))
    app.state.metrics = metrics = Metrics()
    metrics.watch(*facts_of(app.state))
    for door in _FIRST:
        later.open_door(app, door.router)
    if not doors_later:
        later.open_doors(app)
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.add_middleware(Standing)
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=4)
    app.add_middleware(PathSegments)
    return app


async def _known_error(request: Request, error: GeoRiskError) -> Response:
    if isinstance(error, Forbidden):
        request.app.state.gate.note_refusal(request)
    page: str = getattr(request.state, "page", "")
    if page and asks_for_page(request):
        if isinstance(error, Unauthenticated):
            return RedirectResponse(page, status_code=303)
        if isinstance(error, Forbidden):
            return await run_in_threadpool(_refused, request)
    return _problem(error)


def _refused(request: Request) -> Response:
    from api.maps_routes import refused_view  # noqa: PLC0415 - the views stand behind the engine

    return refused_view(request)


async def _http_error(_: Request, error: HTTPException) -> JSONResponse:
    if error.status_code == 404:
        return _problem(NotFound("there is nothing here", expected="a path of the API description", then="see /openapi.json"))
    body = {"type": "about:blank", "title": str(error.detail), "status": error.status_code}
    return JSONResponse(body, status_code=error.status_code, media_type=PROBLEM, headers=error.headers)


async def _invalid_request(_: Request, error: RequestValidationError) -> JSONResponse:
    names = ", ".join(shown(fault["loc"][-1]) for fault in error.errors())
    return _problem(ParameterError("parameters are missing or of a wrong type", where=names, then="see /openapi.json"))


async def _own_fault(request: Request, error: Exception) -> JSONResponse:
    _log.error("a fault of ours while answering %s", getattr(request.scope.get("route"), "path", "none"), exc_info=error)
    return _problem(GeoRiskError("the service met a fault of its own", then="tell whoever runs it; the log has the details"))


def _problem(error: GeoRiskError) -> JSONResponse:
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, Busy) else {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(problem(error), status_code=status_of(error), media_type=PROBLEM, headers=headers)


_HANDLERS: Final[dict[type[Exception], Any]] = {
    GeoRiskError: _known_error,
    HTTPException: _http_error,
    RequestValidationError: _invalid_request,
    Exception: _own_fault,
}
