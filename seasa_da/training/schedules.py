"""Learning-rate schedules: functions of the iteration, so that nothing of them needs saving."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch


def factor(schedule: Literal["poly", "constant", "linear"], iteration: int, total: int, power: float) -> float:
    """What the learning rates are multiplied by at `iteration` of `total`; `power` is that of "poly"."""
    if schedule == "constant":
        return 1.0
    return poly(iteration, total, power if schedule == "poly" else 1.0)


def poly(iteration: int, total: int, power: float) -> float:
    """The poly factor `(1 - t/T)^power`, 1 at the start and 0 at `t = T`."""
    return (1 - iteration / total) ** power


def scale_learning_rates(optimizers: Iterable[torch.optim.Optimizer], factor: float) -> None:
    """Set every group's rate to `factor` times the one it was made with (kept as `base_lr`)."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group.setdefault("base_lr", group["lr"])
            group["lr"] = group["base_lr"] * factor
