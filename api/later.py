"""What the first answers do not need: the doors that the engine stands behind, jobs and plans, loaded while others already answer.

Loading them takes as long as everything else together. A request for one of these doors that comes before waits for it.
"""

import asyncio
import gc
import importlib
import logging
import threading
import time
from typing import Final

from fastapi import APIRouter, FastAPI
from starlette.types import Receive, Scope, Send

from api.path_segments import take_segments
from api.settings import Settings
from geo_risk.errors import Busy
from layers._collector import uncollected
from layers._store import Snapshot, Store

_log = logging.getLogger(__name__)
DOORS: Final = (
    "api.questions_routes", "api.rain_routes", "api.access_routes", "api.means_routes", "api.runs_routes",
    "api.documents_routes", "api.history_routes", "api.maps_routes",
)  # fmt: skip
_WAIT_S: Final = 30.0
_FIRST_S: Final = 0.2
"""Who waited for the service is answered first: what loads takes the interpreter away from whatever is asked."""


def routers() -> tuple[APIRouter, ...]:
    """The routers of these doors, loaded now if they were not."""
    return tuple(importlib.import_module(name).router for name in DOORS)


def open_doors(app: FastAPI) -> None:
    """Put the doors into the service; the description of all there are is one of them."""
    for router in routers():
        open_door(app, router)


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
        if doors:
            self._not_found, app.router.default = app.router.default, self._after_loading

    def start(self, snapshot: Snapshot) -> None:
        """Load beside what the service does, after the frames of the snapshot: they are asked for first."""
        self._thread = threading.Thread(target=self._load_after, args=(snapshot,), name="engine", daemon=True)
        self._thread.start()

    def load(self) -> None:
        """Load now; returns when all doors answer."""
        from api.use.access.plans import Plans  # noqa: PLC0415 (the engine comes with these)
        from api.use.jobs import JobLimits, Jobs  # noqa: PLC0415

        state, given = self._app.state, self._settings
        limits = JobLimits(
            at_once=given.jobs_at_once, waiting=given.jobs_waiting, seconds=given.job_seconds,
            memory_bytes=given.job_memory_mb * 1_000_000, kept=given.jobs_kept,
        )  # fmt: skip
        with self._lock:
            if self._closed:
                return
            state.plans, state.jobs = Plans(), Jobs(self._store, given.where, given.data_folder, limits)
        if self._doors:
            open_doors(self._app)
            self._app.router.default = self._not_found
        self._loaded.set()

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
        """What no door answers so far: asked again when all are there."""
        if not self._loaded.is_set() and not await asyncio.to_thread(self._loaded.wait, _WAIT_S):
            raise Busy("the service is still starting", expected="an answer soon", then="ask again")
        await (self._app.router if self._app.router.default is not self._after_loading else self._not_found)(scope, receive, send)
