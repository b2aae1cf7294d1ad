"""`create_app(settings)`: the service, put together from its doors."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

import geo_risk
from api import (
    access_routes,
    documents_routes,
    features_routes,
    health_routes,
    maps_routes,
    means_routes,
    questions_routes,
    rain_routes,
    runs_routes,
)
from api.served import Follower
from api.settings import Settings
from api.status_codes import PROBLEM, problem, status_of
from api.use import assessments, nearby
from api.use.access import roads_now
from api.use.access.plans import Plans
from api.use.access.roads_now import AccessFiles, access_files
from api.use.jobs import JobLimits, Jobs
from geo_risk.errors import Busy, GeoRiskError, NotFound, ParameterError
from layers._catalog import catalog
from layers._store import Snapshot, open_store
from maps.shell import CONTENT_SECURITY_POLICY

_log = logging.getLogger(__name__)

_DOORS: Final = (
    health_routes, questions_routes, rain_routes, access_routes, means_routes, runs_routes, features_routes, documents_routes,
    maps_routes,
)  # fmt: skip
ROUTERS: Final = tuple(door.router for door in _DOORS)
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service over the store that the settings name; the store is opened when the service starts."""
    given = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with open_store(given.store) as store:
            files = access_files(given.store, given.rasters)
            follower = Follower(store, given.snapshot_poll_s, lambda snapshot: warm(snapshot, files))
            app.state.follower = follower
            app.state.store = store
            app.state.jobs = jobs = Jobs(store, given.store, given.data_folder, _job_limits(given))
            app.state.plans = plans = Plans()
            follower.start()
            try:
                yield
            finally:
                plans.close()
                jobs.close()
                follower.stop()

    app = FastAPI(
        title="geo-risk",
        version=geo_risk.__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        summary="The one map of an emergency bureau",
    )
    app.state.settings = given
    for router in ROUTERS:
        app.include_router(router)
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.middleware("http")(_secured)
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=4)
    return app


def warm(snapshot: Snapshot, files: AccessFiles) -> None:
    """Make indexes, the road graph and the first assessment before a snapshot is served."""
    for layer in catalog().values():
        nearby.warm(snapshot, layer)
    assessments.current(snapshot)
    roads_now.warm(snapshot, files)


def _job_limits(settings: Settings) -> JobLimits:
    return JobLimits(
        at_once=settings.jobs_at_once,
        waiting=settings.jobs_waiting,
        seconds=settings.job_seconds,
        memory_bytes=settings.job_memory_mb * 1_000_000,
        kept=settings.jobs_kept,
    )


async def _secured(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _known_error(_: Request, error: GeoRiskError) -> JSONResponse:
    return _problem(error)


async def _http_error(_: Request, error: HTTPException) -> JSONResponse:
    if error.status_code == 404:
        return _problem(NotFound("there is nothing here", expected="a path of the API description", then="see /openapi.json"))
    body = {"type": "about:blank", "title": str(error.detail), "status": error.status_code}
    return JSONResponse(body, status_code=error.status_code, media_type=PROBLEM, headers=error.headers)


async def _invalid_request(_: Request, error: RequestValidationError) -> JSONResponse:
    names = ", ".join(str(fault["loc"][-1]) for fault in error.errors())
    return _problem(ParameterError("parameters are missing or of a wrong type", where=names, then="see /openapi.json"))


async def _own_fault(request: Request, error: Exception) -> JSONResponse:
    _log.error("a fault of ours while answering %s", request.scope.get("route"), exc_info=error)
    return _problem(GeoRiskError("the service met a fault of its own", then="tell whoever runs it; the log has the details"))


def _problem(error: GeoRiskError) -> JSONResponse:
    later = {"Retry-After": str(error.retry_after_s)} if isinstance(error, Busy) else {}
    return JSONResponse(problem(error), status_code=status_of(error), media_type=PROBLEM, headers=SECURITY_HEADERS | later)


_HANDLERS: Final[dict[type[Exception], Any]] = {
    GeoRiskError: _known_error,
    HTTPException: _http_error,
    RequestValidationError: _invalid_request,
    Exception: _own_fault,
}
