"""How the service stands: what it found when it looked last, and whether that is good enough to be sent requests."""

import asyncio
import shutil
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

from api.served import Served
from api.settings import Settings
from geo_risk.errors import Busy, GeoRiskError
from layers._store import Store
from layers._store.probe import probe

_EVERY_S: Final = 5.0
_BUSY_S: Final = 60.0
_LOOK_S: Final = 2.0


class Finding(NamedTuple):
    """One thing that was looked at: whether it is well, and what was found."""

    well: bool
    found: Any


class Health:
    """Looks at one service. The write probe is a transaction of its own, one every few seconds at most."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._folder = store_folder(settings.store)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="probe")
        self._asked = threading.Lock()
        self._probe: Future[None] | None = None
        self._probed_at = -_EVERY_S
        self._wrote_at = time.monotonic()
        self._writes = Finding(True, "not asked yet")

    def close(self) -> None:
        """Ask no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def disk_free(self) -> int:
        """Free bytes where the store lies."""
        return shutil.disk_usage(self._folder).free

    async def findings(self, served: Served, age_s: float) -> dict[str, Finding]:
        """What is looked at, by name."""
        least = self._settings.ready_disk_mb * 1_000_000
        free, revision = self.disk_free(), served.snapshot.revision
        return {
            "store": Finding(not served.standing(), served.standing() or "read lately"),
            "writes": await self._taken(),
            "disk": Finding(free >= least, {"free_bytes": free, "least_bytes": least}),
            "snapshot": Finding(age_s <= self._settings.ready_age_s, {"age_s": round(age_s, 1), "revision": revision}),
        }  # fmt: skip

    async def _taken(self) -> Finding:
        """Whether writes are taken: asked again if the last answer is old, and not waited for longer than a little."""
        running = self._asking()
        if running is not None:
            await asyncio.wait([asyncio.wrap_future(running)], timeout=_LOOK_S)
        silent = time.monotonic() - self._wrote_at
        if running is not None and not running.done() and silent > _BUSY_S:
            return Finding(False, f"no write came through for {silent:.0f} s")
        return self._writes

    def _asking(self) -> "Future[None] | None":
        with self._asked:
            if self._probe is not None and not self._probe.done():
                return self._probe
            if time.monotonic() - self._probed_at < _EVERY_S:
                return None
            self._probed_at = time.monotonic()
            self._probe = self._thread.submit(self._write)
            return self._probe

    def _write(self) -> None:
        try:
            self._store.transact(probe, deadline_s=_BUSY_S)
        except Busy as error:
            well = time.monotonic() - self._wrote_at < _BUSY_S  # a long import is no fault
            self._writes = Finding(well, error.what)
        except GeoRiskError as error:
            self._writes = Finding(False, error.what)
        else:
            self._wrote_at, self._writes = time.monotonic(), Finding(True, "taken")


def store_folder(store: object) -> Path:
    """The folder whose disk the store fills: that of its file, or the one we run in for a database elsewhere."""
    folder = Path(str(store)).absolute().parent
    return folder if folder.is_dir() else Path.cwd()
