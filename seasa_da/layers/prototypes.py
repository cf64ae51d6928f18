"""Running class prototypes, eq. 9."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import nn

Mode = Literal["straight-through", "released-code"]


class PrototypeBank(nn.Module):
    """Running prototypes of one domain, eq. 9. `value` `(K, D)` and `seen` `(K,)` are saved with the model.

    A class's first batch prototype b is its first value. Afterwards, by `mode`:

    - "straight-through": value = (1-α) old + α b, while the gradient passes to b unscaled: taken literally α would
      scale the gradient too, and at α = 0.01 alignment would do nothing.
    - "released-code": value = α old + (1-α) b, with its true gradient (the authors' code: nearly the batch's own).

    Args:
        num_classes: K.
        dim: D, channels of the features.
        alpha: α in [0, 1].
        mode: see above.

    Raises:
        ValueError: an unknown mode.
    """

    value: torch.Tensor
    seen: torch.Tensor

    def __init__(self, num_classes: int, dim: int, alpha: float = 0.01, mode: Mode = "straight-through") -> None:
        super().__init__()
        if mode not in get_args(Mode):
            raise ValueError(f"mode={mode!r}; choose from {', '.join(get_args(Mode))}")
        self.alpha = alpha
        self.mode = mode
        self.register_buffer("value", torch.zeros(num_classes, dim))
        self.register_buffer("seen", torch.zeros(num_classes, dtype=torch.bool))

    def update(
        self,
        sums: torch.Tensor,
        counts: torch.Tensor,
        all_reduce: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """Take in a batch and return the prototypes z `(K, D)` that eq. 10 compares.

        A class that is absent from the batch keeps its value and gets no gradient.

        Args:
            sums: `(K, D)` of `class_sums`.
            counts: `(K,)` of `class_sums`.
            all_reduce: returns the sum of a tensor over the ranks; its backward must sum the gradients over the ranks,
                too, so that their mean (as DDP takes it) is the whole batch's. Applied before dividing.
        """
        if all_reduce is not None:
            sums, counts = all_reduce(sums), all_reduce(counts)
        batch = sums / counts.clamp(min=1)[:, None]
        # The graph keeps `seen`, which is overwritten below.
        present, seen = (counts > 0)[:, None], self.seen.clone()[:, None]
        share = self.alpha if self.mode == "straight-through" else 1 - self.alpha
        running = torch.where(seen, (1 - share) * self.value + share * batch, batch)
        if self.mode == "straight-through":
            running = running.detach() + (batch - batch.detach())
        prototypes = torch.where(present, running, self.value)
        with torch.no_grad():
            self.value.copy_(prototypes)
            self.seen.logical_or_(counts > 0)
        return prototypes
