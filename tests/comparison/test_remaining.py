import pytest

from seasa_da.comparison.remaining import WorkLeft


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_nothing_is_known_at_first_then_the_share_tells():
    clock = Clock()
    work = WorkLeft(["a", "b", "a"], clock=clock)
    assert work.seconds() is None
    work.start()
    clock.now = 10.0
    assert work.seconds() is None
    work.advance(0.25)
    assert work.seconds() == pytest.approx(30 + 2 * 40)


def test_rows_have_their_own_seconds():
    clock = Clock()
    work = WorkLeft(["a", "b", "a", "b", "c"], clock=clock)
    for seconds in (10.0, 30.0):
        work.start()
        clock.now += seconds
        assert work.end() == seconds
    assert work.seconds() == 10 + 30 + 20  # c, which is not known, as the mean of the others
    work.start()
    clock.now += 4
    assert work.seconds() == 6 + 30 + 20
    clock.now += 100  # longer than expected: nothing left of it
    assert work.seconds() == 30 + 20


def test_earlier_commands_count_until_this_one_knows_better():
    clock = Clock()
    work = WorkLeft(["a", "a", "b"], known=[("a", 5.0), ("a", 7.0), ("b", 1.0)], clock=clock)
    assert work.seconds() == 6 + 6 + 1
    work.start()
    clock.now += 20
    work.end()
    assert work.seconds() == 20 + 1


def test_a_failed_run_does_not_count_for_others():
    clock = Clock()
    work = WorkLeft(["a", "a"], known=[("a", 5.0)], clock=clock)
    work.start()
    clock.now += 1
    work.end(counts=False)
    assert work.seconds() == 5
    work.start()
    work.end()
    assert work.seconds() == 0
