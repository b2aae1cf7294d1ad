"""Reports that come late, out of order, or from devices with wrong clocks: what is current then, as tables to follow.

Times are minutes from now: -60 is an hour ago. A device states when it saw something and when it sent, both by its own clock.
"""

import datetime as dt
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi.testclient import TestClient

import callers
from api.app import create_app
from api.settings import Settings
from callers import acting
from layers._store import Batch, Change, Store, log, open_store
from layers._store.records import stamp

ITEMS = "/collections/shelters/items"
POINT = {"type": "Point", "coordinates": [0.002, 0.002]}


class Report(NamedTuple):
    """What arrives: when the device saw it, when it sent it (minutes, its clock), the beds it says are taken; and what follows."""

    seen: float | None
    sent: float | None
    says: int
    current: int
    late: bool = False
    skew_min: float | None = None
    flagged: bool = False


STORIES = {
    "one device offline for an hour": [
        Report(seen=-30, sent=-30 + 30, says=20, current=20, skew_min=0),
        Report(seen=-60, sent=0, says=10, current=20, late=True, skew_min=0),
        Report(seen=-10, sent=0, says=30, current=30, skew_min=0),
    ],
    "the offline device saw the last of it": [
        Report(seen=-60, sent=0, says=10, current=10, skew_min=0),
        Report(seen=-5, sent=0, says=20, current=20, skew_min=0),
        Report(seen=-30, sent=0, says=15, current=20, late=True, skew_min=0),
    ],
    "a clock two hours ahead blocks nobody": [
        Report(seen=120, sent=120, says=30, current=30, skew_min=-120, flagged=True),
        Report(seen=None, sent=None, says=40, current=40),
        Report(seen=120, sent=120, says=50, current=50, skew_min=-120, flagged=True),
    ],
    "a clock set back by a day tells of the past": [
        Report(seen=-30, sent=0, says=10, current=10, skew_min=0),
        Report(seen=-1440, sent=-1440, says=99, current=10, late=True, skew_min=1440, flagged=True),
        Report(seen=-1, sent=0, says=12, current=12, skew_min=0),
    ],
    "as old as each other: what came last": [
        Report(seen=-30, sent=0, says=10, current=10, skew_min=0),
        Report(seen=-30, sent=0, says=11, current=11, skew_min=0),
    ],
    "an operator at the desk is never late": [
        Report(seen=-1, sent=0, says=10, current=10, skew_min=0),
        Report(seen=None, sent=None, says=20, current=20),
        Report(seen=-0.5, sent=0, says=30, current=20, late=True, skew_min=0),
    ],
    "it saw what had yet to happen, and did not say its time": [
        Report(seen=60, sent=None, says=10, current=10, flagged=True),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    path = tmp_path_factory.mktemp("late") / "store.sqlite"
    with open_store(path) as store:
        callers.settle(store)
    with TestClient(create_app(Settings(store=path)), raise_server_exceptions=False) as opened:
        yield opened


def store_of(city: TestClient) -> Store:
    found: Store = city.app.state.store  # type: ignore[attr-defined]
    return found


def moment(minutes: float | None, now: dt.datetime) -> str | None:
    return None if minutes is None else (now + dt.timedelta(minutes=minutes)).isoformat()


def feature(**members: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": POINT, "properties": {"name": "Hall", "capacity": 100}} | members


def skew(minutes: float, asked: dt.datetime) -> Any:
    """The skew that a device stated when it was asked, in seconds: no less, and no more than the answer took on top."""
    took = (dt.datetime.now(dt.UTC) - asked).total_seconds()
    return pytest.approx(minutes * 60 + took / 2, abs=took / 2 + 0.51)  # told in whole seconds


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_what_was_observed_last_is_current(city: TestClient, story: list[Report]) -> None:
    field, an_hour_and_more = acting(city, "field"), dt.datetime.now(dt.UTC) - dt.timedelta(days=2)
    path = field.post(ITEMS, json=feature(observed_at=an_hour_and_more.isoformat())).headers["location"]
    for report in story:
        now = dt.datetime.now(dt.UTC)
        times = {"observed_at": moment(report.seen, now), "sent_at": moment(report.sent, now)}
        answer = field.patch(path, json={"properties": {"occupancy": report.says}, **times}, headers={"If-Match": "*"}).json()
        clock = answer.get("clock", {"skew_s": None, "flagged": False})
        assert (answer["properties"]["occupancy"], answer.get("late", False)) == (report.current, report.late), report
        assert clock["flagged"] == report.flagged
        assert clock["skew_s"] == (None if report.skew_min is None else skew(report.skew_min, now))


def test_a_late_report_is_told_so_and_kept(city: TestClient) -> None:
    field = acting(city, "field")
    made = field.post(ITEMS, json=feature())
    an_hour_ago = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)).isoformat()
    told = {"properties": {"occupancy": 7}, "observed_at": an_hour_ago}
    late = field.patch(made.headers["location"], json=told, headers={"If-Match": made.headers["etag"]})
    assert (late.status_code, late.json()["late"], late.json()["changed"]) == (200, True, False)
    assert (late.json()["properties"]["occupancy"], late.headers["etag"]) == (None, made.headers["etag"])


def test_late_reports_name_the_state_they_found_yet_are_never_stale(city: TestClient) -> None:
    field, now = acting(city, "field"), dt.datetime.now(dt.UTC)
    two_days, hour, minute = (now - dt.timedelta(minutes=each) for each in (2880, 60, 1))
    made = field.post(ITEMS, json=feature(observed_at=two_days.isoformat()))
    path, tag = made.headers["location"], made.headers["etag"]
    newer = field.patch(path, json={"properties": {"occupancy": 9}, "observed_at": minute.isoformat()}, headers={"If-Match": tag})
    late = field.patch(path, json={"properties": {"occupancy": 7}, "observed_at": hour.isoformat()}, headers={"If-Match": tag})
    assert (late.status_code, late.json()["late"], late.headers["etag"]) == (200, True, newer.headers["etag"])
    fid = made.json()["id"]
    assert [entry.op for entry in store_of(city).history("shelters", fid)] == ["create", "update", "late"]


def test_the_log_keeps_both_times_and_how_far_the_clock_was_off(city: TestClient) -> None:
    now = dt.datetime.now(dt.UTC)
    seen, sent = (now - dt.timedelta(minutes=each) for each in (90, 30))
    made = acting(city, "field").post(ITEMS, json=feature(observed_at=seen.isoformat(), sent_at=sent.isoformat()))
    (entry,) = store_of(city).history("shelters", made.json()["id"])
    assert (entry.observed_at, entry.recorded_at > stamp(seen)) == (stamp(seen), True)
    assert entry.skew_s == skew(30, now)


def test_a_batch_of_an_offline_day_says_once_when_it_was_sent(city: TestClient) -> None:
    now = dt.datetime.now(dt.UTC)
    features = [feature(observed_at=(now - dt.timedelta(hours=each)).isoformat()) for each in (3, 2)]
    sent = {"type": "FeatureCollection", "features": features, "sent_at": (now - dt.timedelta(minutes=5)).isoformat()}
    rows = acting(city, "field").post(ITEMS, json=sent).json()["rows"]
    assert [(row["status"], row["clock"]["flagged"], round(row["clock"]["skew_s"] / 60)) for row in rows] == [(201, True, 5)] * 2


def test_our_own_clock_stepping_back_takes_nothing_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours is set back by an hour between two writes: the second is recorded no earlier than the first, and holds."""
    with open_store(tmp_path / "store.sqlite") as store:
        first = store.write(Batch("a", "r", "s"), [change(1)])
        hour_ago = stamp(dt.datetime.now(dt.UTC) - dt.timedelta(hours=1))
        monkeypatch.setattr(log, "now", lambda: hour_ago)
        second = store.write(Batch("a", "r", "s"), [change(2)])
        assert second.recorded_at >= first.recorded_at
        assert store.feature("shelters", "x").values["occupancy"] == 2
        assert store.verify().revisions == 2


def change(occupancy: int, fid: str = "x", observed_at: str | None = None) -> Change:
    values = {"name": "Hall", "occupancy": occupancy}
    return Change(layer="shelters", fid=fid, op="put", values=values, geometry=None, observed_at=observed_at)


def test_current_is_the_same_whatever_the_order_of_arrival(tmp_path: Path) -> None:
    """Four whole states seen at four moments, in all 24 orders: the one seen last is current, by a brute force of orders."""
    seen = [stamp(dt.datetime(2026, 7, 1, hour, tzinfo=dt.UTC)) for hour in range(4)]
    with open_store(tmp_path / "store.sqlite") as store:
        for place, order in enumerate(permutations(range(4))):
            store.write(Batch("a", "r", "s"), [change(hour, f"f{place}", seen[hour]) for hour in order])
            assert store.feature("shelters", f"f{place}").values["occupancy"] == 3
