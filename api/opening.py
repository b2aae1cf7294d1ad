"""Begins to serve: from the snapshot that was kept on the disk where it is the store's own, also while the store cannot be had."""

import datetime as dt
import logging
from pathlib import Path
from typing import NamedTuple

from api.served import Served
from geo_risk.errors import StoreError, StoreUnavailable
from layers._catalog import catalog
from layers._kept_file import KeptFile
from layers._store import Snapshot, Store, open_store
from layers._store.saved import snapshot_in
from layers._store.store import await_store

_log = logging.getLogger(__name__)


class Opened(NamedTuple):
    """The store, open or awaited, and what to serve first: a snapshot kept on the disk, or nothing yet."""

    store: Store
    first: Served | None


def opened(where: Path | str, kept: KeptFile | None) -> Opened:
    """Open the store; where that cannot be done and a snapshot of it was kept, that one is served until it can.

    A store whose file is gone is not made anew beside a snapshot that was kept of it: it would look like an empty map.

    Raises
    ------
    StoreError
        The store cannot be opened, and no snapshot of it was kept.
    """
    first = _served(kept)
    try:
        store = open_store(where, create=first is None)
    except StoreError as error:
        if first is None:
            raise
        _log.error("the store cannot be opened, what was kept on the disk is served: %s", error)
        return Opened(await_store(where, error), first)
    return Opened(store, first if first is not None and _is_of(store, first.snapshot) else None)


def _is_of(store: Store, snapshot: Snapshot) -> bool:
    try:
        return store.take_up(snapshot)
    except StoreUnavailable:
        return True


def _served(kept: KeptFile | None) -> Served | None:
    snapshot = None if kept is None else snapshot_in(kept, catalog())
    if kept is None or snapshot is None:
        return None
    return Served(snapshot=snapshot, confirmed_at=dt.datetime.fromtimestamp(kept.written_at, tz=dt.UTC))
