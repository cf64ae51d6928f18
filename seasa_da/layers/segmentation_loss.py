"""Supervised loss of one head: class-weighted cross-entropy + soft Dice."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

IGNORE = 255


class SegmentationTerms(NamedTuple):
    """Scalars: the two terms and `total` = ce + dice_weight * dice."""

    ce: torch.Tensor
    dice: torch.Tensor
    total: torch.Tensor


def class_counts(labels: torch.Tensor, num_classes: int) -> torch.Tensor:
    """How often each class occurs: int64 `(K,)`. Values outside 0..K-1 (such as 255) are left out."""
    flat = labels.reshape(-1).long()
    # They are counted in one more bin; not bincount, which waits for the device.
    flat = torch.where((flat >= 0) & (flat < num_classes), flat, num_classes)
    return flat.new_zeros(num_classes + 1).scatter_add_(0, flat, torch.ones_like(flat))[:num_classes]


class SegmentationLoss(nn.Module):
    """L_seg of one head: Σ_j w_{y_j} nll_j / Σ_j w_{y_j} with w_c = 1 - (n_c+1)/n, and 1 - mean Dice.

    Dice of a sample and class is 2 Σ p g / (Σ p² + Σ g² + 1e-5), its mean is over the batch and all classes, so a class
    absent from a slice counts as 0. Label 255 is left out of both terms. (Authors' code; SIFA's loss, normalised.)

    Args:
        num_classes: K.
        dice_weight: weight of the Dice term in `total`.
        class_weighted: False gives every class the same weight.
    """

    def __init__(self, num_classes: int, dice_weight: float = 1.0, class_weighted: bool = True) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.dice_weight = dice_weight
        self.class_weighted = class_weighted

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, counts: torch.Tensor | None = None, parts: int = 1
    ) -> SegmentationTerms:
        """Loss of a batch, or of one of its equal parts.

        Args:
            logits: `(N, K)` or `(N, K, H, W)`.
            labels: `(N,)` or `(N, H, W)`, classes 0..K-1, or 255.
            counts: `(K,)`, `class_counts` of the global batch; of these labels if not given.
            parts: into how many parts of N images (ranks times micro-batches) the global batch is split. The mean of
                the parts' losses and gradients is then exactly the global batch's.
        """
        labels = labels.long()
        # Half precision cannot count the pixels of an image.
        log_probs = F.log_softmax(logits, dim=1, dtype=torch.promote_types(logits.dtype, torch.float32))
        if counts is None:
            counts = class_counts(labels, self.num_classes)
        weight, denominator = self._weights(counts.to(log_probs.dtype))
        # Summed here, as nll_loss's own sum has a random order on a GPU.
        nll = F.nll_loss(log_probs, labels, weight, ignore_index=IGNORE, reduction="none")
        ce = parts * nll.sum() / denominator
        dice = 1 - self._dice(log_probs.exp(), labels)
        return SegmentationTerms(ce, dice, ce + self.dice_weight * dice)

    def _weights(self, counts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        weight = torch.ones_like(counts)
        if self.class_weighted:
            # A class that fills the batch would get -1/n: the floor makes that batch's loss the plain mean.
            weight = (1 - (counts + 1) / counts.sum().clamp(min=1)).clamp(min=1e-6)
        # Without any label the numerator is 0, and so is the loss.
        return weight, (weight * counts).sum().clamp(min=1e-12)

    def _dice(self, probs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        probs = probs.unsqueeze(-1).flatten(2)
        labels = labels.reshape(labels.shape[0], 1, -1)
        probs = probs * (labels != IGNORE)
        truth = labels == torch.arange(self.num_classes, device=labels.device)[:, None]
        overlap = (probs * truth).sum(dim=2)
        return (2 * overlap / (probs.square().sum(dim=2) + truth.sum(dim=2) + 1e-5)).mean()
