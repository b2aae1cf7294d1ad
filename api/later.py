"""What the first answers do not need: the doors that the engine stands behind, jobs and plans, loaded while others already answer.

Loading them takes longer than everything else together. A request for one of these doors that comes before waits for it, and for
no door that is opened after it.
"""

import asyncio
import gc
import importlib
import logging
import threading
import time
from collections.abc import Iterable
from typing import Final

from fastapi import APIRouter, FastAPI
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from api.path_segments import take_segments
from api.settings import Settings
from geo_risk.errors import Busy
from layers._collector import uncollected
from layers._store import Snapshot, Store

_log = logging.getLogger(__name__)
_SCREENS: Final = ("api.maps_routes", "api.questions_routes", "api.rain_routes")
"""The pages, and what they ask for as soon as they are there."""
_OTHERS: Final = (
    "api.access_routes", "api.means_routes", "api.runs_routes", "api.history_routes", "api.accounts_routes", "api.documents_routes",
)  # fmt: skip
"""The last describes all the doors."""
DOORS: Final = (*_SCREENS, *_OTHERS)
_WAIT_S: Final = 30.0
_LOOK_S: Final = 0.05
_FIRST_S: Final = 0.2
"""Who waited for the service is answered first: what loads takes the interpreter away from whatever is asked."""


def routers() -> tuple[APIRouter, ...]:
    """The routers of these doors, loaded now if they were not."""
    return tuple(importlib.import_module(name).router for name in DOORS)


def open_doors(app: FastAPI, names: Iterable[str] = DOORS) -> None:
    """Put doors into the service, one by one: each answers as soon as it is loaded."""
    for name in names:
        open_door(app, importlib.import_module(name).router)


def open_door(app: FastAPI, router: APIRouter) -> None:
    """Put a router's routes into the service as they are; to include it would make each anew, and look it up twice a request."""
    take_segments(router.routes)
    app.router.routes.extend(router.routes)


class Later:
    """Loads what comes later, once: in a thread of its own, or at once where the doors stand open already."""

    def __init__(self, app: FastAPI, settings: Settings, store: Store, *, doors: bool) -> None:
        self._app, self._settings, self._store, self._doors = app, settings, store, doors
        self._loaded = threading.Event()
        self._lock = threading.Lock()
        self._closed = False
        self._first = len(app.router.routes)
        if doors:
            self._not_found, app.router.default = app.router.default, self._after_loading

    def start(self, snapshot: Snapshot) -> None:
        """Load beside what the service does, after the frames of the snapshot: they are asked for first."""
        self._thread = threading.Thread(target=self._load_after, args=(snapshot,), name="engine", daemon=True)
        self._thread.start()

    def load(self) -> None:
        """Load now; returns when all doors answer."""
        if self._doors:
            open_doors(self._app, _SCREENS)
        if not self._begin():
            return
        if self._doors:
            open_doors(self._app, _OTHERS)
            self._app.router.default = self._not_found
        self._loaded.set()

    def _begin(self) -> bool:
        """Make what plans and jobs are asked of, unless the service ends already."""
        from api.use.access.plans import Plans  # noqa: PLC0415 (the engine comes with these)
        from api.use.jobs import JobLimits, Jobs  # noqa: PLC0415

        state, given = self._app.state, self._settings
        limits = JobLimits(
            at_once=given.jobs_at_once, waiting=given.jobs_waiting, seconds=given.job_seconds,
            memory_bytes=given.job_memory_mb * 1_000_000, kept=given.jobs_kept,
        )  # fmt: skip
        with self._lock:
            if not self._closed:
                state.plans, state.jobs = Plans(), Jobs(self._store, given.where, given.data_folder, limits)
            return not self._closed

    def close(self) -> None:
        """End jobs and plans, if they were begun."""
        with self._lock:
            self._closed = True
        self._loaded.set()
        for name in ("plans", "jobs"):
            if hasattr(self._app.state, name):
                getattr(self._app.state, name).close()

    def warm(self, snapshot: Snapshot) -> None:
        """Make what the next question of each kind would wait for: indexes, the first assessment, the road graph."""
        if not self._loaded.wait(_WAIT_S) or self._closed:
            return
        from api.use import assessments, nearby  # noqa: PLC0415 (the engine comes with these)
        from api.use.access import roads_now  # noqa: PLC0415

        for layer in snapshot.layers.values():
            nearby.warm(snapshot, layer)
        assessments.current(snapshot)
        roads_now.warm(snapshot, roads_now.access_files(self._settings.store, self._settings.rasters))

    def _load_after(self, snapshot: Snapshot) -> None:
        time.sleep(_FIRST_S)
        with uncollected():
            for layer_id in snapshot.frames:
                snapshot.frames[layer_id]
            self.load()
        gc.freeze()  # the collector need not look through a million geometries and the engine again and again

    async def _after_loading(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What no door answers so far: asked of each that is opened, and again when all are there."""
        looked, ends = self._first, time.monotonic() + _WAIT_S
        while not self._loaded.is_set():
            opened = self._app.router.routes[looked:]
            if any(route.matches(scope)[0] is not Match.NONE for route in opened):
                await self._app.router(scope, receive, send)
                return
            if time.monotonic() > ends:
                raise Busy("the service is still starting", expected="an answer soon", then="ask again")
            looked += len(opened)
            await asyncio.sleep(_LOOK_S)
        await (self._app.router if self._app.router.default is not self._after_loading else self._not_found)(scope, receive, send)
