"""The segmenter-level adversary of CyCADA and ADDA, with its gate on the critic's accuracy."""

from __future__ import annotations

from typing import Any

import torch
from pytorch_adapt.hooks.base import BaseHook
from torch import Tensor

from seasa_da.hooks.update import Stepper
from seasa_da.layers import pixel_cross_entropy

SEEN = {"scores": "imgs_features_logits", "features": "imgs_features"}
"""What a critic may see, by the name of the setting."""
SOURCE_CLASS, TARGET_CLASS = 0, 1
"""Of the critic's two logits."""


class CriticLossHook(BaseHook):
    """Gives `critic_loss`, cross-entropy of the domains on detached inputs, a scalar, and tells the gate its accuracy.

    Needs the models `D_feat` (`(N, D, h, w)` to two domain logits a pixel) and `gate` (an `AccuracyGate`).

    Args:
        sees: "scores", the main logits, or "features", conv5.
    """

    def __init__(self, sees: str = "scores", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.in_keys = [f"{domain}_{SEEN[sees]}" for domain in ("src", "target")]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        stepper: Stepper = inputs.get("stepper") or Stepper()
        parts = [inputs["D_feat"](inputs[key].detach()) for key in self.in_keys]
        src, target = parts
        truth = torch.cat([_domain(src, SOURCE_CLASS), _domain(target, TARGET_CLASS)])
        logits = torch.cat(parts)
        right = (logits.detach().argmax(dim=1) == truth).sum()
        tally = stepper.sum_over_ranks(torch.stack([right, torch.full_like(right, truth.numel())]))
        inputs["gate"].record(tally[0], tally[1], stepper.last)
        return {}, {"critic_loss": pixel_cross_entropy(logits, truth)}

    def _loss_keys(self) -> list[str]:
        return ["critic_loss"]

    def _out_keys(self) -> list[str]:
        return []


class GatedAdversarialLossHook(BaseHook):
    """Gives `adversarial_loss`: the target shall look like the source to `D_feat`; 0 while the gate is closed.

    Args:
        weight: lambda_G (authors' code: 0.1).
        sees: as `CriticLossHook`.
    """

    def __init__(self, weight: float = 0.1, sees: str = "scores", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight = weight
        self.in_keys = [f"target_{SEEN[sees]}"]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        logits = inputs["D_feat"](inputs[self.in_keys[0]])
        loss = pixel_cross_entropy(logits, _domain(logits, SOURCE_CLASS))
        return {}, {"adversarial_loss": self.weight * inputs["gate"].opening() * loss}

    def _loss_keys(self) -> list[str]:
        return ["adversarial_loss"]

    def _out_keys(self) -> list[str]:
        return []


def _domain(logits: Tensor, number: int) -> Tensor:
    """The label `(N, h, w)` of every pixel of a domain."""
    return torch.full(logits.shape[:1] + logits.shape[2:], number, device=logits.device)
