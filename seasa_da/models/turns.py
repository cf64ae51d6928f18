"""Two kinds of updates in turns: some for the critics, then one for what they criticise, and so on."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import torch
from torch import Tensor, nn


def iterations_for(updates: int, steps: int, growth: int) -> int:
    """How many iterations hold `updates` rounds: each is some iterations of the critics, then one of the criticised.

    Round n (from 0) has `steps + floor(n / growth)` of the critics (always `steps` where `growth` is 0).

    >>> iterations_for(3, steps=2, growth=0)
    9
    >>> iterations_for(3, steps=2, growth=2)
    10
    """
    more = 0
    if growth:
        whole, rest = divmod(updates, growth)
        more = growth * whole * (whole - 1) // 2 + rest * whole
    return updates * (steps + 1) + more


def ends_a_round(iteration: int, steps: int, growth: int) -> bool:
    """Whether `iteration` (from 0) is the last of a round, and so the criticised's turn."""
    after = iteration + 1
    rounds = bisect_left(range(after + 1), after, key=lambda n: iterations_for(n, steps, growth))
    return iterations_for(rounds, steps, growth) == after


class Turns(nn.Module):
    """Counts a stage's iterations, so that a checkpoint knows whose turn is next.

    Args:
        steps, growth: see `iterations_for`.
    """

    def __init__(self, steps: int, growth: int = 0) -> None:
        super().__init__()
        self.steps = steps
        self.growth = growth
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.count: Tensor
        self._done: int | None = None

    def critics(self) -> bool:
        """Whether the iteration under way is the critics'."""
        return not ends_a_round(self._known(), self.steps, self.growth)

    def advance(self, last: bool = True) -> None:
        """A micro-batch is over; `last` is its iteration's last."""
        if last:
            self._done = self._known() + 1
            self.count.fill_(self._done)

    def _known(self) -> int:
        if self._done is None:
            self._done = int(self.count)  # once; later it would make the device wait every step
        return self._done

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._done = None
