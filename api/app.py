"""`create_app(settings)`: the service, put together from its doors."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

import geo_risk
from api import features_routes, health_routes, later, writes_routes
from api.gate import gate_of
from api.later import Later
from api.served import Follower
from api.settings import Settings
from api.sign_in import SignIn
from api.status_codes import PROBLEM, problem, status_of
from geo_risk.errors import Busy, GeoRiskError, NotFound, ParameterError
from layers._store import open_store
from maps.content_security import CONTENT_SECURITY_POLICY

_log = logging.getLogger(__name__)

_FIRST: Final = (health_routes, features_routes, writes_routes)
"""Doors that need no engine: what they import is what a start waits for. All others are in `api.later`."""
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def routers() -> tuple[APIRouter, ...]:
    """The routers of all doors."""
    return *(door.router for door in _FIRST), *later.routers()


def create_app(settings: Settings | None = None, *, doors_later: bool = False) -> FastAPI:
    """The service over the store that the settings name; the store is opened when the service starts.

    With ``doors_later`` it answers before the engine is loaded; a request that needs it waits.
    """
    given = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with open_store(given.store) as store:
            rest = Later(app, given, store, doors=doors_later)
            app.state.follower = follower = Follower(store, given.snapshot_poll_s, rest.warm)
            app.state.store = store
            app.state.gate = gate = gate_of(store, given)
            app.state.sign_in = sign_in = SignIn(store, gate)
            rest.start() if doors_later else rest.load()
            gate.start()
            follower.start()
            try:
                yield
            finally:
                rest.close()
                follower.stop()
                sign_in.close()
                gate.stop()

    app = FastAPI(
        title="geo-risk",
        version=geo_risk.__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        summary="The one map of an emergency bureau",
    )
    app.state.settings = given
    for door in _FIRST:
        app.include_router(door.router)
    if not doors_later:
        later.open_doors(app)
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.middleware("http")(_secured)
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=4)
    return app


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
