"""Live screens: what each hears, from where it goes on, and when it is let go."""

import asyncio
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely

from api.caller import ANONYMOUS
from api.live import AT_ONCE, Live, News, Ring, Stream, Watch, event_of, news_of, resync
from api.use.parameters import Box
from geo_risk.errors import Busy, StoreUnavailable, TooMany
from layers._store import PUBLIC, WHOLE, Changed, Sight
from running import Service, said

HALL = (120.0, 30.0, 120.0, 30.0)


def news(seq: int = 1, layer: str = "shelters", **given: Any) -> News:
    fields = {"fid": f"f{seq}", "op": "update", "recorded_at": "t", "columns": {"name"}, "moved": False, "places": (HALL,)}
    return News(seq=seq, layer=layer, **(fields | given))


def test_one_event_names_all_that_changed_and_the_revision_served() -> None:
    event = said(event_of(Watch(PUBLIC), [news(1), news(2, op="delete", columns=None)], 7))
    assert (event["event"], event["id"]) == ("changes", "7")
    assert event["data"]["changes"] == [
        {"layer": "shelters", "id": "f1", "op": "update"}, {"layer": "shelters", "id": "f2", "op": "delete"},
    ]


@pytest.mark.parametrize(
    ("columns", "sight", "heard"),
    [
        ({"phone"}, PUBLIC, False),  # personal in aeds
        ({"phone"}, WHOLE, True),
        ({"phone", "name"}, PUBLIC, True),
        (None, PUBLIC, True),  # came or went
        (set(), PUBLIC, True),  # its source alone differs, which everybody may read
        ({"name"}, Sight(("public",), frozenset({"towns"})), False),
    ],
)
def test_a_difference_in_what_may_not_be_read_is_no_event(columns: set[str] | None, sight: Sight, heard: bool) -> None:
    change = news(layer="aeds", columns=columns)
    assert Watch(sight).concerns(change) is heard


def test_a_move_is_an_event_whatever_else_differs() -> None:
    assert Watch(PUBLIC).concerns(news(layer="aeds", columns={"phone"}, moved=True))


@pytest.mark.parametrize(
    ("box", "heard"),
    [
        (Box(119, 29, 121, 31), True),
        (Box(121, 29, 122, 31), False),
        (Box(120, 30, 121, 31), True),  # its corner
        (Box(170, 29, -170, 31), False),
        (Box(119, 29, -170, 31), True),  # across the antimeridian, from here on
    ],
)
def test_a_box_hears_of_what_lies_in_it(box: Box, heard: bool) -> None:
    assert Watch(PUBLIC, None, box).concerns(news()) is heard


def test_both_boxes_hear_of_a_feature_that_moves_between_them() -> None:
    def wkb(lon: float) -> bytes:
        return shapely.to_wkb(shapely.Point(lon, 30))

    moved = news_of(
        Changed(
            seq=3, layer="shelters", fid="a", op="update", batch_id=1, recorded_at="t", actor="x", reason="x", source="x",
            properties='{"name":"A"}', geometry=wkb(121), properties_before='{"name":"A"}', geometry_before=wkb(120),
        )
    )  # fmt: skip
    assert (moved.columns, moved.moved) == (frozenset(), True)
    assert all(Watch(PUBLIC, None, Box(lon - 0.1, 29, lon + 0.1, 31)).concerns(moved) for lon in (120, 121))
    assert not Watch(PUBLIC, None, Box(130, 29, 131, 31)).concerns(moved)


def test_too_many_changes_at_once_are_one_word_to_look_anew() -> None:
    many = [news(seq) for seq in range(AT_ONCE + 1)]
    assert event_of(Watch(PUBLIC), many, 5) == resync(5)
    assert said(event_of(Watch(PUBLIC), many[1:], 5))["event"] == "changes"


def test_a_ring_goes_on_from_where_it_still_knows() -> None:
    ring = Ring(10, most=3)
    ring.put([news(seq) for seq in (11, 12, 13, 14)], 14)
    assert [each.seq for each in ring.since(12) or ()] == [13, 14]
    assert (ring.since(14), ring.since(11) is not None, ring.since(10), ring.since(15)) == ((), True, None, None)
    ring.lose(99)
    assert (ring.since(14), ring.since(99)) == (None, ())


async def heard(stream: Stream) -> bytes:
    got: list[bytes] = []

    async def send(content: bytes) -> None:
        got.append(content)

    await stream.run(send)
    return b"".join(got)


def test_a_reader_who_falls_behind_is_told_to_look_anew_and_let_go() -> None:
    async def slow() -> bytes:
        stream = Stream(Watch(PUBLIC), ANONYMOUS)
        for revision in range(100):
            stream.push(b"x" * 10_000, revision)
        return await heard(stream)

    content = asyncio.run(asyncio.wait_for(slow(), 5))
    assert content.startswith(b"event: resync")
    assert len(content) < 1000


def test_a_reader_who_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.live._SEND_S", 0.05)

    async def stuck() -> None:
        stream = Stream(Watch(PUBLIC), ANONYMOUS)
        stream.push(b"x", 1)
        await stream.run(lambda _: asyncio.sleep(60))

    with pytest.raises(TimeoutError):
        asyncio.run(stuck())


class Past:
    """A log of changes 1 to ``last``, or one that cannot be asked."""

    def __init__(self, last: int, lost: bool = False) -> None:
        self.last, self.lost = last, lost

    def changes_since(self, revision: int, limit: int = 10_000) -> tuple[Changed, ...]:
        if self.lost:
            raise StoreUnavailable("the store is gone")
        return tuple(
            Changed(
                seq=seq, layer="shelters", fid=f"f{seq}", op="create", batch_id=1, recorded_at="t", actor="x", reason="x",
                source="x", properties="{}", geometry=None, properties_before=None, geometry_before=None,
            )
            for seq in range(revision + 1, self.last + 1)
        )[:limit]  # fmt: skip


@pytest.mark.parametrize(
    ("last", "lost", "told"),
    [
        (None, False, None),
        (20, False, None),  # nothing since
        (18, False, "changes"),  # from the log
        (25, False, "resync"),  # of another store
        (18, True, "resync"),
    ],
)
def test_who_comes_back_goes_on_or_is_told_to_look_anew(last: int | None, lost: bool, told: str | None) -> None:
    async def begun() -> bytes:
        live = Live(Past(20, lost), 20, lambda _: True, most=1)
        stream = live.join(Watch(PUBLIC), ANONYMOUS)
        await live.begin(stream, last)
        stream.end()
        return await heard(stream)

    content = asyncio.run(begun())
    assert content.startswith(b"retry: ")
    assert b"\nid: 20\n" in content
    assert (b"event: " + (told or "").encode() in content) is bool(told)
    assert ([each["id"] for each in said(content.split(b"\n\n")[1])["data"]["changes"]] if told == "changes" else []) == (
        ["f19", "f20"] if told == "changes" else []
    )


def test_one_caller_leaves_others_their_screens() -> None:
    live = Live(Past(0), 0, lambda _: True, most=10)
    held = [live.join(Watch(PUBLIC), ANONYMOUS, "10.0.0.1") for _ in range(9)]
    with pytest.raises(TooMany, match="this caller has too many live screens open; expected: at most 9"):
        live.join(Watch(PUBLIC), ANONYMOUS, "10.0.0.1")
    live.leave(live.join(Watch(PUBLIC), ANONYMOUS, "10.0.0.2"))
    live.leave(held[0])
    live.join(Watch(PUBLIC), ANONYMOUS, "10.0.0.1")


def test_one_stream_too_many_is_told_to_come_again() -> None:
    async def full() -> None:
        live = Live(Past(0), 0, lambda _: True, most=1)
        first = live.join(Watch(PUBLIC), ANONYMOUS)
        with pytest.raises(Busy, match="at most 1"):
            live.join(Watch(PUBLIC), ANONYMOUS)
        live.leave(first)
        live.join(Watch(PUBLIC), ANONYMOUS)
        live.close()
        with pytest.raises(Busy):
            live.join(Watch(PUBLIC), ANONYMOUS)

    asyncio.run(full())


@pytest.fixture(scope="module")
def service(small_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real service over a copy of the small city."""
    store = tmp_path_factory.mktemp("live") / "store.sqlite"
    shutil.copy(small_store, store)
    with Service(store) as running:
        yield running


FID = "shut"


def test_a_screen_hears_of_a_change_once_reads_have_it(service: Service) -> None:
    with service.listen("?layers=shelters") as screen:
        revision = service.rename(FID, "Town hall")
        event = screen.event()
    assert event["data"]["revision"] >= revision
    assert {"layer": "shelters", "id": FID, "op": "update"} in event["data"]["changes"]
    _, headers, item = service.ask("GET", f"/collections/shelters/items/{FID}")
    assert item["properties"]["name"] == "Town hall"
    assert int(headers["geo-risk-revision"]) >= revision


@pytest.mark.parametrize("query", ["?layers=towns", "?bbox=-10,-10,-9,-9"])
def test_other_layers_and_other_places_stay_silent(service: Service, query: str) -> None:
    with service.listen(query) as silent, service.listen() as loud:
        service.rename(FID, f"Silent {query}")
        assert loud.event()["event"] == "changes"
        silent.answer.fp.raw._sock.settimeout(0.5)  # type: ignore[union-attr]
        with pytest.raises(TimeoutError):
            silent.block()


def test_who_comes_back_hears_what_it_missed(service: Service) -> None:
    known = service.rename(FID, "First hall")
    last = [service.rename(FID, name) for name in ("Second hall", "Third hall")][-1]
    assert service.ask("GET", "/collections/shelters/items", **{"Geo-Risk-At-Least": str(last)})[0] == 200
    with service.listen(**{"Last-Event-ID": str(known)}) as screen:
        assert screen.event()["data"]["changes"] == [{"layer": "shelters", "id": FID, "op": "update"}] * 2
    with service.listen(**{"Last-Event-ID": "999999"}) as screen:
        assert screen.event()["event"] == "resync"
        assert screen.event() == {}


def test_a_read_waits_for_the_revision_it_names(service: Service) -> None:
    for name in ("A", "B", "C"):
        named = {"Geo-Risk-At-Least": str(service.rename(FID, name))}
        _, headers, item = service.ask("GET", f"/collections/shelters/items/{FID}", **named)
        assert item["properties"]["name"] == name
        assert int(headers["geo-risk-revision"]) >= int(named["Geo-Risk-At-Least"])


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [("?layers=nope", {}, 404), ("?bbox=1,2", {}, 400), ("", {"Last-Event-ID": "x"}, 400), ("?what=1", {}, 400)],
)
def test_a_question_that_cannot_be_answered_is_refused(service: Service, query: str, headers: dict[str, str], status: int) -> None:
    with service.listen(query, **headers) as screen:
        assert screen.answer.status == status


def test_a_stream_ends_when_its_key_is_taken_back(service: Service) -> None:
    with service.listen(who="viewer") as screen:
        _, _, keys = service.ask("GET", "/keys", "admin")
        (key,) = [each for each in keys["keys"] if each["account"] == "viewer"]
        assert service.ask("DELETE", f"/keys/{key['id']}", "admin")[0] in (200, 204)
        assert screen.event() == {}


def test_streams_end_when_the_service_does(small_store: Path, tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    shutil.copy(small_store, store)
    with Service(store, GEO_RISK_STREAMS_MAX="2") as short, short.listen() as second:
        with short.listen(), short.listen() as third:
            assert third.answer.status == 503
        short.process.send_signal(signal.SIGTERM)
        assert second.event() == {}
        assert short.process.wait(15) == 0
    assert store.with_name("store.snapshot").stat().st_mode & 0o777 == 0o600
