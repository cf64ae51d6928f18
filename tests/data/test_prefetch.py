import threading
import time

import pytest

from seasa_da.data.prefetch import prefetched


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "seasa-da prefetch"]


@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_the_same_items_in_the_same_order(ahead):
    assert list(prefetched(iter(range(20)), ahead)) == list(range(20))
    assert not threads()


def test_items_are_made_before_they_are_asked_for_but_not_more_than_agreed():
    made = []

    def items():
        for number in range(10):
            made.append(number)
            yield number

    found = prefetched(items(), 2)
    assert next(found) == 0
    deadline = time.monotonic() + 10
    while len(made) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    assert made == [0, 1, 2, 3]  # one in use, two waiting, one that waits for a place
    found.close()
    assert not threads()


def test_what_the_items_raise_is_raised_in_its_place():
    def items():
        yield 1
        raise OSError("gone")

    found = prefetched(items(), 3)
    assert next(found) == 1
    with pytest.raises(OSError, match="gone"):
        next(found)
    assert not threads()


def test_nothing_ahead_is_refused():
    with pytest.raises(ValueError, match="ahead=0"):
        next(prefetched(iter([1]), 0))
