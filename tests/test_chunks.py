import threading

import numpy as np
import pytest

from geo_risk.chunks import over_spans, spans, threads, with_threads


@pytest.mark.parametrize(("count", "size"), [(0, 3), (1, 3), (3, 3), (10, 3), (7, 100)])
def test_spans_cover_everything_once_in_order(count, size):
    assert np.concatenate([np.arange(count)[part] for part in spans(count, size)] or [[]]).tolist() == list(range(count))


def test_results_come_in_the_order_of_the_spans_from_several_threads():
    both = threading.Barrier(2, timeout=10)

    def work(part):
        both.wait()  # only passes if two spans are worked on at once
        return part.start

    with with_threads(2):
        assert over_spans(work, spans(4, 2)) == [0, 2]


def test_the_number_of_threads_is_given_back():
    before = threads()
    with with_threads(1):
        assert threads() == 1
    assert threads() == before
