"""The weight of a loss over a stage."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ScheduledWeight:
    """A weight that is 0 until `start`, then grows linearly over `ramp` to `weight`; shares of the stage in [0, 1].

    The trainer puts the share that is done into the context as `progress`; where nobody does (a stock pytorch-adapt
    loop), the weight is in full force.
    """

    weight: float = 1.0
    start: float = 0.0
    ramp: float = 0.0

    def at(self, progress: float) -> float:
        """The weight when the share `progress` of the stage is done."""
        if progress < self.start:
            return 0.0
        if self.ramp <= 0:
            return self.weight
        return self.weight * min(1.0, (progress - self.start) / self.ramp)
