"""Order, callbacks and failures of the thread pool."""

import threading

import pytest

from seasa_da.data.parallel import for_each


def test_results_come_in_order_and_callbacks_in_the_calling_thread():
    seen = []
    result = for_each(lambda n: n * n, range(20), workers=4, on_done=lambda: seen.append(threading.get_ident()))
    assert result == [n * n for n in range(20)]
    assert seen == [threading.get_ident()] * 20


def test_nothing_to_do():
    assert for_each(str, []) == []


def test_a_failure_is_raised_and_the_rest_dropped():
    done = []

    def work(n):
        if n == 3:
            raise RuntimeError("three")
        done.append(n)

    with pytest.raises(RuntimeError, match="three"):
        for_each(work, range(1000), workers=1)
    assert len(done) < 1000


def test_a_failing_callback_stops_too():
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        for_each(str, range(5), workers=1, on_done=stop)
