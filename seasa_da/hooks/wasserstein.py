"""PnP-AdaNet's adversary: critics of features (`D_feat`) and of masks (`D_mask`), one score an image each."""

from __future__ import annotations

from typing import Any

import torch
from pytorch_adapt.hooks.base import BaseHook
from torch import Tensor

from seasa_da.augment.draws import on_device, uniform_draws
from seasa_da.layers import gradient_penalty, wasserstein_distance

SEEN = {"D_feat": "levels", "D_mask": "features_logits"}
"""What each critic sees of a domain: `{domain}_imgs_` and this."""
NAMES = {"D_feat": "", "D_mask": "mask_"}
"""Of their losses."""
_STREAM = 3


class WassersteinCriticLossHook(BaseHook):
    """Gives `critic_loss` and `critic_mask_loss`, scalars: -mu (mean f(s) - mean f(t)), the mask's weighted.

    Args:
        weight: mu (authors' code: 0.002).
        mask_weight: the mask critic's share (authors' code: 0.3); 0 leaves it out, and its loss.
        penalty: weight of the gradient penalty, times mu; above 0 it adds `penalty_loss` and `penalty_mask_loss`, whose
            draws are functions of `target_seeds` `(N,)`.
    """

    def __init__(self, weight: float = 0.002, mask_weight: float = 0.3, penalty: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weights = critic_weights(weight, mask_weight)
        self.penalty = penalty
        self.in_keys = [f"{domain}_imgs_{SEEN[name]}" for domain in ("src", "target") for name in self.weights]
        self.in_keys += ["target_seeds"] if penalty > 0 else []

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        found = {}
        for name, weight in self.weights.items():
            critic = inputs[name]
            src, target = (inputs[f"{domain}_imgs_{SEEN[name]}"].detach() for domain in ("src", "target"))
            found[f"critic_{NAMES[name]}loss"] = -weight * wasserstein_distance(critic(src), critic(target))
            if self.penalty > 0:
                shares = on_device(_shares(inputs["target_seeds"]), src.device)
                slope = gradient_penalty(critic, src, target, shares)
                found[f"penalty_{NAMES[name]}loss"] = weight * self.penalty * slope
        return {}, found

    def _loss_keys(self) -> list[str]:
        kinds = ("critic", "penalty") if self.penalty > 0 else ("critic",)
        return [f"{kind}_{NAMES[name]}loss" for kind in kinds for name in self.weights]

    def _out_keys(self) -> list[str]:
        return []


class WassersteinAdaptationLossHook(BaseHook):
    """Gives `adversarial_loss` and `adversarial_mask_loss`, scalars: -mu mean f(t), the mask's weighted.

    Args:
        weight, mask_weight: see `WassersteinCriticLossHook`.
    """

    def __init__(self, weight: float = 0.002, mask_weight: float = 0.3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weights = critic_weights(weight, mask_weight)
        self.in_keys = [f"target_imgs_{SEEN[name]}" for name in self.weights]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        found = {}
        for name, weight in self.weights.items():
            scores: Tensor = inputs[name](inputs[f"target_imgs_{SEEN[name]}"])
            found[f"adversarial_{NAMES[name]}loss"] = -weight * scores.float().mean()
        return {}, found

    def _loss_keys(self) -> list[str]:
        return [f"adversarial_{NAMES[name]}loss" for name in self.weights]

    def _out_keys(self) -> list[str]:
        return []


def critic_weights(weight: float, mask_weight: float) -> dict[str, float]:
    """The weight of each critic that takes part."""
    return {"D_feat": weight, **({"D_mask": weight * mask_weight} if mask_weight > 0 else {})}


def _shares(seeds: Tensor) -> Tensor:
    """Where between source and target each pair is looked at: `(N,)` in [0, 1), single precision."""
    return uniform_draws(seeds, (1,), _STREAM).flatten().to(torch.float32)
