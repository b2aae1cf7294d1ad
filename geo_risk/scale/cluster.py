"""The same work on every piece on a Dask cluster, with the same results as `geo_risk.chunks.each_here` gives.

Results come back in the order of the pieces, so whoever joins them joins them alike wherever they were made. A worker that
dies costs the time of the pieces it held: Dask hands them to another. Work that fails by an error of its own is not tried
again: it would fail again.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import dask
from distributed import Client, KilledWorker, LocalCluster, as_completed

from geo_risk.chunks import with_threads
from geo_risk.errors import GeoRiskError, ParameterError, shown

Piece = TypeVar("Piece")
Result = TypeVar("Result")
Progress = Callable[[float], None]
_DEATHS: Final = 3
"""How many workers may die over one piece before it is held to be the piece that kills them."""
_CONNECT_S: Final = 10
_SETTINGS: Final = {
    "distributed.scheduler.allowed-failures": _DEATHS,
    "distributed.comm.timeouts.connect": f"{_CONNECT_S}s",
    "distributed.admin.large-graph-warning-threshold": "1GB",  # zones travel with the work, once
    "distributed.worker.profile.enabled": False,
    # Dask has its workers give back memory at every chance; a piece then faults its pages in anew, at a third of its time
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 1 << 30,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 1 << 30,
}


def each_on(client: Any, work: Callable[[Piece], Result], pieces: Sequence[Piece], progress: Progress) -> list[Result]:
    """The results from a Dask cluster, in the order of the pieces; ``progress`` may raise to stop, which cancels the rest.

    Raises
    ------
    GeoRiskError
        What the work itself raised, or that a piece brought down every worker that took it.
    """
    held = client.submit(_itself, work, pure=False)  # a task, not scattered data: the scheduler can make it again
    futures = client.map(_alone, pieces, work=held, pure=False, retries=0)
    try:
        for done, _ in enumerate(as_completed(futures), start=1):
            progress(done / len(futures))
        return list(client.gather(futures))
    except KilledWorker:
        raise GeoRiskError(
            "a piece of the exposure brought its workers down", where="the Dask workers", expected="memory for one piece",
            then="write the exposure anew with fewer rows a piece, or give the workers more memory",
        ) from None
    finally:
        client.cancel(futures)


@contextmanager
def cluster(scheduler: str | None, workers: int) -> Iterator[Any]:
    """A client of the scheduler at that address, or of a cluster of that many processes on this machine, ended afterwards.

    Raises
    ------
    ParameterError
        Nothing answers at the address.
    """
    with dask.config.set(_SETTINGS):
        if scheduler is None:
            with LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1",
                dashboard_address="127.0.0.1:0", silence_logs=50,
            ) as local, Client(local) as client:
                yield client
            return
        try:
            client = Client(scheduler, timeout=_CONNECT_S)
        except (OSError, TimeoutError, ValueError) as error:
            raise ParameterError(
                "no scheduler answers there", where="--scheduler", expected="tcp://HOST:PORT of a running dask-scheduler",
                got=shown(type(error).__name__), then="start one, or leave --scheduler out",
            ) from None
        with client:
            yield client


def _itself(work: Callable[[Piece], Result]) -> Callable[[Piece], Result]:
    return work


def _alone(piece: Piece, work: Callable[[Piece], Result]) -> Result:
    """One piece in a worker: the other cores are other workers'."""
    with with_threads(1):
        return work(piece)
