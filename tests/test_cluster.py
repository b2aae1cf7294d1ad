import os
import signal
import time
from pathlib import Path

import pytest

from geo_risk.chunks import each_here, threads
from geo_risk.errors import ParameterError
from geo_risk.scale.cluster import cluster, each_on


def unheard(_share):
    pass


def square(number):
    time.sleep(0.05)
    return number * number


def refuse(number):
    raise ParameterError("no such number", where="piece", got=str(number))


class KilledOnce:
    """Work that writes which process is at it, and whose process can be killed."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, number):
        (Path(self.folder) / f"{number}-{os.getpid()}").touch()
        time.sleep(0.3)
        return number * number


@pytest.fixture(scope="module")
def client():
    with cluster(None, 2) as opened:
        yield opened


def test_here_and_on_a_cluster_give_the_same_in_the_order_of_the_pieces(client):
    shares = []
    assert each_on(client, square, range(10), shares.append) == each_here(square, range(10), unheard) == [n * n for n in range(10)]
    assert shares == pytest.approx([n / 10 for n in range(1, 11)])


def test_a_worker_among_several_takes_one_thread(client):
    assert set(each_on(client, _threads, range(2), unheard)) == {1}


def _threads(_):
    return threads()


def test_an_error_of_the_work_comes_through_with_its_facts(client):
    with pytest.raises(ParameterError, match="no such number; where: piece; got: 0"):
        each_on(client, refuse, [0], unheard)


def test_progress_may_stop_the_work(client):
    class Enough(Exception):
        pass

    def stop(share):
        raise Enough

    with pytest.raises(Enough):
        each_on(client, square, range(50), stop)
    assert each_on(client, square, [3], unheard) == [9]


@pytest.mark.crash
def test_a_worker_killed_in_the_middle_costs_time_and_no_results(tmp_path):
    killed = []

    def kill_one(share):
        if share >= 0.25 and not killed:
            workers = {int(name.name.partition("-")[2]) for name in tmp_path.iterdir()}
            killed.append(max(workers))
            os.kill(killed[0], signal.SIGKILL)

    with cluster(None, 2) as own:
        assert each_on(own, KilledOnce(str(tmp_path)), range(16), kill_one) == [n * n for n in range(16)]
    done_by = {int(name.name.partition("-")[2]) for name in tmp_path.iterdir()}
    assert killed
    assert len(done_by) >= 2


def test_no_scheduler_there(monkeypatch):
    monkeypatch.setattr("geo_risk.scale.cluster._CONNECT_S", 1)
    with pytest.raises(ParameterError, match="no scheduler answers there"), cluster("tcp://127.0.0.1:1", 1):
        pass
