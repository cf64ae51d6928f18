"""Whether an exported network says what the run's own says."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seasa_da.exporting.formats import Run

TOLERANCE = 1e-4
BATCHES = (1, 3)
"""The numbers of slices at once that are compared: an export may know but the batch that it was shown."""


@dataclass(frozen=True)
class Agreement:
    """The largest differences between two networks over all pixels and classes.

    Attributes:
        logits: of the logits, over the largest absolute logit.
        probs: of the softmax.
        batches: the numbers of slices at once.
    """

    logits: float
    probs: float
    batches: tuple[int, ...]

    @property
    def holds(self) -> bool:
        """Whether both are within `TOLERANCE`; NaN is not."""
        return self.logits <= TOLERANCE and self.probs <= TOLERANCE

    def __str__(self) -> str:
        return f"largest difference {self.logits:.1e} of the largest logit, {self.probs:.1e} in probability"


@torch.inference_mode()
def agreement(own: nn.Module, exported: Run, slices: Tensor, batches: Sequence[int] = BATCHES) -> Agreement:
    """Compare a network with its exported form.

    The network answers in double precision: in single precision a deep one differs from itself by nearly the tolerance
    where it is asked for other numbers of slices at once, and only the file's own rounding is to count.

    Args:
        own: images `(N, C, H, W)` to logits `(N, K, H, W)`, in evaluation mode on the CPU.
        exported: the same, in single precision.
        slices: `(n, C, H, W)` in [-1, 1], as many as the largest of `batches` at least.
    """
    precise = copy.deepcopy(own).double()
    logits, probs = [], []
    for number in batches:
        expected, found = precise(slices[:number].double()), exported(slices[:number]).double()
        if found.shape != expected.shape:
            return Agreement(float("nan"), float("nan"), tuple(batches))
        largest = expected.abs().max().clamp(min=1e-12)
        logits.append((expected - found).abs().max() / largest)
        probs.append((expected.softmax(dim=1) - found.softmax(dim=1)).abs().max())
    # torch's max, unlike Python's, does not lose a NaN
    return Agreement(float(torch.stack(logits).max()), float(torch.stack(probs).max()), tuple(batches))
