import pytest
import torch

from seasa_da.models import Turns
from seasa_da.models.turns import ends_a_round, iterations_for


def by_hand(rounds, steps, growth):
    """Whose turn each iteration is: c for the critics, G for what they criticise."""
    return "".join("c" * (steps + (n // growth if growth else 0)) + "G" for n in range(rounds))


@pytest.mark.parametrize(("steps", "growth"), [(1, 0), (5, 0), (2, 1), (1, 3), (20, 300)])
def test_rounds_as_written_out(steps, growth):
    for rounds in (1, 2, 7, 650 if growth == 300 else 20):
        course = by_hand(rounds, steps, growth)
        assert iterations_for(rounds, steps, growth) == len(course)
        assert "".join("G" if ends_a_round(i, steps, growth) else "c" for i in range(len(course))) == course


def test_the_last_iteration_is_not_the_critics():
    for rounds in (1, 10, 599, 600):
        total = iterations_for(rounds, 20, 300)
        assert ends_a_round(total - 1, 20, 300)
        assert sum(ends_a_round(i, 20, 300) for i in range(total)) == rounds


def course(turns, iterations):
    found = ""
    for _ in range(iterations):
        found += "c" if turns.critics() else "G"
        turns.advance()
    return found


def test_it_counts():
    turns = Turns(2, 1)
    assert course(turns, 12) == by_hand(3, 2, 1)
    assert turns.count == 12


def test_an_iteration_is_over_with_its_last_micro_batch():
    turns = Turns(1)
    for last in (False, False, True):
        assert turns.critics()
        turns.advance(last)
    assert not turns.critics()


def test_it_goes_on_from_a_checkpoint():
    turns, again = Turns(2), Turns(2)
    course(turns, 5)
    course(again, 1)  # has a count of its own by now
    again.load_state_dict(turns.state_dict())
    assert course(again, 4) == "GccG"
    assert again.count.dtype == torch.int64
