"""Admission: places, queues, shares, and that a place is never lost."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jumping_clock
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from api.admission import LANES, Admission, Lane, Load, lanes_of, threads_for
from api.app import create_app
from api.policy import POLICIES
from api.settings import LaneSetting, Settings
from bare_service import Line
from geo_risk.errors import Busy, ParameterError, TooMany
from running import Service

TWO = {"reads": Lane(at_once=2, waiting=2, wait_s=0.05, share=1), "health": Lane(at_once=None)}


def running(test: Callable[[], Any]) -> Any:
    return jumping_clock.run(test())


async def entered(admission: Admission, caller: str = "a", lane: str = "reads") -> dict[str, Any]:
    scope: dict[str, Any] = {}
    await admission.enter(scope, lane, caller)
    return scope


def load(admission: Admission, lane: str = "reads") -> Load:
    return dict(admission.loads())[lane]


def test_every_policy_is_of_a_class():
    assert {each.admission for each in POLICIES} <= LANES.keys()


def test_two_work_two_wait_and_the_fifth_is_refused():
    async def test():
        admission = Admission(TWO)
        first, _ = await entered(admission), await entered(admission)
        waiting = [asyncio.create_task(entered(admission)) for _ in range(2)]
        await asyncio.sleep(0)
        assert load(admission) == (2, 2, 0)
        with pytest.raises(Busy, match=r"more to do than it can; where: reads; expected: 2 at once, 2 waiting"):
            await entered(admission, "somebody else")
        first["ticket"].release()
        assert "ticket" in await waiting[0]
        assert load(admission) == (2, 1, 1)

    running(test)


def test_who_waits_too_long_is_told_to_come_again():
    async def test():
        admission = Admission(TWO)
        held = [await entered(admission) for _ in range(2)]
        with pytest.raises(Busy, match="no place came free in time") as told:
            await entered(admission)
        assert told.value.retry_after_s == 1
        assert load(admission) == (2, 0, 1)
        for scope in held:
            scope["ticket"].release()
        assert load(admission) == (0, 0, 1)

    running(test)


def test_one_caller_takes_a_share_and_leaves_the_rest_to_others():
    async def test():
        admission = Admission({"reads": Lane(at_once=4, waiting=4, wait_s=1, share=0.25)})
        await entered(admission, "greedy"), await entered(admission, "greedy")
        with pytest.raises(TooMany, match=r"asks too much at once; where: reads; .*2 a caller; got: 2 at work and waiting"):
            await entered(admission, "greedy")
        assert "ticket" in await entered(admission, "modest")

    running(test)


def test_health_is_never_asked_to_wait():
    async def test():
        admission = Admission(TWO)
        for _ in range(1000):
            assert await entered(admission, lane="health") == {}

    running(test)


def test_a_request_holds_one_place():
    async def test():
        admission = Admission(TWO | {"exports": Lane(at_once=1)})
        scope = await entered(admission)
        await admission.enter(scope, "reads", "a")
        assert load(admission).working == 1
        await admission.enter(scope, "exports", "a")
        assert (load(admission).working, load(admission, "exports").working) == (0, 1)

    running(test)


def test_who_leaves_while_waiting_loses_no_place():
    async def test():
        admission = Admission({"reads": Lane(at_once=1, waiting=5, wait_s=1, share=1)})
        held = await entered(admission)
        gone, next_ = asyncio.create_task(entered(admission)), asyncio.create_task(entered(admission))
        await asyncio.sleep(0)
        held["ticket"].release()  # the place is given to the first who waits,
        gone.cancel()  # who leaves before it can be taken
        assert "ticket" in await asyncio.wait_for(next_, 0.5)
        assert load(admission) == (1, 0, 0)

    running(test)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans()), max_size=30))
def test_places_are_all_there_again_when_everybody_left(asked):
    async def test():
        admission = Admission({"reads": Lane(at_once=2, waiting=4, wait_s=0.01, share=0.7)})
        most = 0

        async def visit(caller, steps, leaves):
            nonlocal most
            try:
                scope = await entered(admission, caller)
            except Busy:
                return
            most = max(most, load(admission).working)
            try:
                for _ in range(steps):
                    await asyncio.sleep(0)
            finally:
                scope["ticket"].release()

        tasks = [asyncio.create_task(visit(*each)) for each in asked]
        await asyncio.sleep(0)
        for task, (_, _, leaves) in zip(tasks, asked, strict=True):
            if leaves:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert most <= 2
        assert load(admission)[:2] == (0, 0)
        assert admission._queues["reads"].held == {}

    running(test)


def test_a_deployment_changes_what_it_names():
    lanes = lanes_of({"reads": LaneSetting(at_once=3)})
    assert (lanes["reads"].at_once, lanes["reads"].waiting) == (3, LANES["reads"].waiting)
    assert lanes["writes"] == LANES["writes"]
    with pytest.raises(ParameterError, match=r"no such class of admission; where: admission; expected: static, .*; got: dreams"):
        lanes_of({"dreams": LaneSetting(at_once=3)})
    with pytest.raises(ParameterError, match="got: health"):
        lanes_of({"health": LaneSetting(at_once=3)})


def test_threads_are_there_for_all_that_block():
    assert threads_for({"reads": Lane(at_once=3), "writes": Lane(at_once=4), "events": Lane(at_once=None)}) == 7


def test_entering_costs_little():
    async def test():
        admission, began = Admission(LANES), time.thread_time()
        for _ in range(2000):
            (await entered(admission, lane="writes"))["ticket"].release()
        assert (time.thread_time() - began) / 2000 < 0.0005  # some 5 us on a quiet machine

    running(test)


def test_a_service_that_is_full_says_so_and_stays_alive(small_store):
    app = create_app(Settings(store=small_store, admission={"reads": LaneSetting(at_once=1, waiting=0)}))
    with TestClient(app) as client:
        asyncio.run(app.state.admission.enter({}, "reads", "somebody"))
        answer = client.get("/collections")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.headers["content-type"] == "application/problem+json"
        assert client.get("/livez").status_code == 200


def test_a_request_that_is_over_gives_its_place_back(client):
    admission = client.app.state.admission
    for path in ("/collections", "/collections/nowhere", "/x"):
        client.get(path)
    assert load(admission)[:2] == (0, 0)


def test_nobody_stands_behind_the_many_requests_of_another():
    async def test():
        admission = Admission({"reads": Lane(at_once=1, waiting=20, wait_s=1, share=1)})
        held = await entered(admission)
        order = []

        async def asked(who: str) -> None:
            scope = await entered(admission, who)
            order.append(who)
            scope["ticket"].release()

        tasks = [asyncio.create_task(asked(who)) for who in ["hog"] * 9 + ["li", "wang"]]
        await asyncio.sleep(0)
        held["ticket"].release()
        await asyncio.gather(*tasks)
        assert order == ["hog", "li", "wang", *["hog"] * 8]

    running(test)


def test_who_waits_for_something_else_holds_no_place():
    async def test():
        admission = Admission({"reads": Lane(at_once=1, waiting=0, wait_s=1, share=1)})
        held = await entered(admission)
        assert admission.step_out(held) == "reads"
        assert "ticket" in await entered(admission, "another")
        assert admission.step_out(held) is None

    running(test)


def test_a_read_that_waits_for_a_revision_keeps_no_other_waiting(small_store):
    app = create_app(Settings(store=small_store, admission={"reads": LaneSetting(at_once=1, waiting=0)}))
    with TestClient(app) as client, ThreadPoolExecutor(1) as threads:
        waits = threading.Event()
        before = app.state.follower.at_least
        app.state.follower.at_least = lambda *given: (waits.set(), before(*given))[1]
        late = threads.submit(client.get, "/collections/shelters/items/open", headers={"Geo-Risk-At-Least": "9" * 18})
        assert waits.wait(20)
        assert client.get("/collections/shelters/items/open").status_code == 200
        assert not late.done()
        assert late.result().status_code == 200


def test_bodies_that_come_slowly_keep_no_other_waiting(small_store):
    """Somebody sends a sign-in slowly, where one may sign in at once and nobody wait."""
    one = '{"sign_in": {"at_once": 1, "waiting": 0}}'
    with Service(small_store, GEO_RISK_ADMISSION=one) as service, Line(service.port) as line:
        line.say("POST /session HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Content-Length: 15")
        time.sleep(0.3)
        assert service.ask("POST", "/session", body={"key": "none"})[0] == 401
        line.socket.sendall(b'{"key": "none"}')
        assert line.hear().split()[1] == b"401"
