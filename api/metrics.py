"""What the service counts and measures, as Prometheus reads it: by route template, never by path, so that it stays bounded."""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client import generate_latest as written
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from api.guard import Exchange
from api.logs import METHODS
from api.served import Served

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_SECONDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
Values = Mapping[tuple[str, ...], float]


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One thing that is looked up when it is asked for: its values by the labels' values."""

    name: str
    says: str
    read: Callable[[], Values]
    labels: tuple[str, ...] = ()
    kind: Literal["gauge", "counter"] = "gauge"


class Metrics:
    """One service's measures, in a registry of their own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when each series began is nobody's question, and a third of the text
        self._registry = CollectorRegistry()
        self._facts: list[Fact] = []
        self._requests = Counter(
            "geo_risk_requests", "requests answered", ["route", "method", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "geo_risk_request_seconds", "time to the end of an answer; streams are left out", ["route"], buckets=_SECONDS,
            registry=self._registry,
        )
        self._overdue = Counter(
            "geo_risk_requests_overdue", "answers not ready in time, whose work went on", registry=self._registry
        )
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._registry.register(_Looked(self._facts))
        for collector in (GCCollector, PlatformCollector, ProcessCollector):
            collector(registry=self._registry)

    def observe(self, exchange: Exchange) -> None:
        """Count one exchange."""
        method = exchange.scope["method"] if exchange.scope["method"] in METHODS else "other"
        labels = (exchange.route, method, exchange.status // 100)
        counted, timed = self._known.get(labels) or self._made(labels)
        counted.inc()
        if not exchange.is_stream:
            timed.observe(time.perf_counter() - exchange.began)
        if exchange.overdue:
            self._overdue.inc()

    def watch(self, *facts: Fact) -> None:
        """Look these up too whenever somebody asks."""
        self._facts.extend(facts)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return written(self._registry)

    def _made(self, labels: tuple[str, str, int]) -> tuple[Counter, Histogram]:
        route, method, hundred = labels
        status = f"{hundred}xx" if hundred else "none"
        made = (self._requests.labels(route, method, status), self._seconds.labels(route))
        self._known[labels] = made
        return made


class _Looked(Collector):
    def __init__(self, facts: list[Fact]) -> None:
        self._facts = facts

    def collect(self) -> Iterator[Metric]:
        for fact in self._facts:
            family = (GaugeMetricFamily if fact.kind == "gauge" else CounterMetricFamily)(fact.name, fact.says, labels=fact.labels)
            for labels, value in fact.read().items():
                family.add_metric(labels, value)
            yield family


def facts_of(state: Any) -> tuple[Fact, ...]:
    """What there is to look up in the state of a service that runs."""

    def served() -> Served:
        found: Served = state.follower.served()
        return found

    def loads(what: str) -> Callable[[], Values]:
        return lambda: {(name,): getattr(load, what) for name, load in state.admission.loads()}

    return (
        Fact(name="geo_risk_admission_working", says="requests at work by class", labels=("lane",), read=loads("working")),
        Fact(name="geo_risk_admission_waiting", says="requests that wait by class", labels=("lane",), read=loads("waiting")),
        Fact(
            name="geo_risk_admission_refused", says="requests told to come again", labels=("lane",), read=loads("refused"),
            kind="counter",
        ),
        Fact(name="geo_risk_exchanges_open", says="requests not over yet", read=lambda: {(): len(state.guard.open)}),
        Fact(name="geo_risk_commits", says="transactions committed here", read=lambda: {(): state.store.commits}, kind="counter"),
        Fact(name="geo_risk_writes", says="writes committed here", read=lambda: {(): state.store.committed[0]}, kind="counter"),
        Fact(
            name="geo_risk_commit_seconds", says="time in transactions here", read=lambda: {(): state.store.committed[1]},
            kind="counter",
        ),
        Fact(name="geo_risk_event_streams", says="streams of events open", read=lambda: {(): state.live.open}),
        Fact(name="geo_risk_snapshot_revision", says="the revision served", read=lambda: {(): served().snapshot.revision}),
        Fact(name="geo_risk_snapshot_age_seconds", says="since the store last confirmed it", read=lambda: {(): age_s(served())}),
        Fact(name="geo_risk_store_lost", says="1 while only a snapshot is left", read=lambda: {(): bool(served().standing())}),
        Fact(
            name="geo_risk_forgotten", says="rows removed by rule here", labels=("what",), read=lambda: state.forgetting.removed,
            kind="counter",
        ),
        Fact(
            name="geo_risk_forgotten_timestamp_seconds", says="when a service last removed what the rules keep no longer; 0 never",
            read=lambda: {(): state.forgetting.last},
        ),
        Fact(name="geo_risk_jobs", says="assessment jobs by status", labels=("status",), read=lambda: _jobs(state)),
        Fact(name="geo_risk_disk_free_bytes", says="free where the store lies", read=lambda: {(): state.health.disk_free()}),
    )  # fmt: skip


def age_s(served: Served) -> float:
    """Seconds since the served snapshot was confirmed with the store."""
    return (dt.datetime.now(dt.UTC) - served.confirmed_at).total_seconds()


def _jobs(state: Any) -> Values:
    """Jobs by status; none while the engine is still being loaded."""
    found: dict[tuple[str, ...], float] = {}
    for job in state.jobs.jobs() if hasattr(state, "jobs") else ():
        found[job.status,] = found.get((job.status,), 0) + 1
    return found
