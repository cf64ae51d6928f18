"""Class-wise confidence thresholds of class-balanced self-training (CBST's λ)."""

from __future__ import annotations

import math

import torch
from torch import nn


def class_thresholds(confidences: torch.Tensor, labels: torch.Tensor, num_classes: int, portion: float) -> torch.Tensor:
    """λ_c: of the N_c pixels predicted c, in falling order of confidence, that at rank floor(portion N_c), from 0.

    About the share `portion` of every class reaches its own λ_c, so that frequent and easy classes do not crowd out
    the others (Zou et al., ECCV 2018). Beside its inputs it needs 16 bytes a pixel of the largest class.

    Args:
        confidences: `(n,)`, max_c p_c of all pixels, in single precision: in half precision those near 1, which are
            most, would be one value.
        labels: `(n,)` of an integer type, their predicted classes.
        num_classes: K.
        portion: in (0, 1]; a rank past the last pixel is the last's.

    Returns:
        `(K,)`; 1 for a class that was never predicted.
    """
    thresholds = confidences.new_ones(num_classes)
    for label in range(num_classes):
        own = confidences[labels == label]
        if count := len(own):
            rank = min(math.floor(portion * count), count - 1)
            thresholds[label] = own.kthvalue(count - rank).values  # it counts from 1, upwards; no sort of a copy
    return thresholds


class ClassThresholds(nn.Module):
    """The thresholds λ `(K,)` of a round, kept with the model; NaN until they are set."""

    value: torch.Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.register_buffer("value", torch.full((num_classes,), math.nan))
        self.known = False

    def forward(self) -> torch.Tensor:
        """λ `(K,)`. Raises `RuntimeError` before they were set: without thresholds every pixel would be left out."""
        if not self.known:  # looked at once, as it makes the device wait
            if bool(self.value.isnan().any()):
                raise RuntimeError("the class thresholds are not set; survey the target's images before training")
            self.known = True
        return self.value
