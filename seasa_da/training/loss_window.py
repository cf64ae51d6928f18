"""The losses between two lines of the log."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from seasa_da.errors import NonFiniteLoss


class LossWindow:
    """Sums of losses since the last line of the log; they stay on the device until the line is written.

    Not every update has to have every loss: each is averaged over those that had it.
    """

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}

    def add(self, losses: dict[str, Tensor]) -> None:
        for name, loss in losses.items():
            self.sums[name] = self.sums[name] + loss if name in self.sums else loss.clone()
            self.counts[name] = self.counts.get(name, 0) + 1

    def state(self, accelerator: Any) -> dict[str, list[float]]:
        """The sums, averaged over ranks, and counts so far, for a checkpoint between two lines of the log."""
        if not self.sums:
            return {}
        means = accelerator.reduce(torch.stack([value.float() for value in self.sums.values()]), reduction="mean")
        return {name: [value, self.counts[name]] for name, value in zip(self.sums, means.tolist(), strict=True)}

    def restore(self, state: dict[str, list[float]], device: torch.device) -> None:
        """Go on from `state`."""
        self.sums = {name: torch.tensor(value, device=device) for name, (value, _) in state.items()}
        self.counts = {name: int(count) for name, (_, count) in state.items()}

    def close(self, stage: str, iteration: int, accelerator: Any) -> dict[str, float]:
        """The means over updates and ranks; raises `NonFiniteLoss`, on every rank, naming the first bad loss."""
        stacked = torch.stack([value.float() / self.counts[name] for name, value in self.sums.items()])
        means = dict(zip(self.sums, accelerator.reduce(stacked, reduction="mean").tolist(), strict=True))
        for name, mean in means.items():
            if not math.isfinite(mean):
                raise NonFiniteLoss(
                    f"loss {name!r} became {mean} by iteration {iteration} of stage {stage!r}; the last checkpoint is "
                    "from before: lower train.lr, or that loss's weight, and start again"
                )
        self.sums, self.counts = {}, {}
        return means
