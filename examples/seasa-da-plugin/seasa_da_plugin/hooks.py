"""Wiring: which keys go into a layer, which loss comes out. A hook steps no optimiser."""

from __future__ import annotations

from typing import Any

from pytorch_adapt.hooks.base import BaseHook
from pytorch_adapt.hooks.features import FeaturesAndLogitsHook

from seasa_da.hooks import ScheduledWeight, Stepper
from seasa_da_plugin.layers import coral_loss, covariance, total_variation


class CoralHook(BaseHook):
    """Gives `coral_loss`, a scalar, weighted; covariances are over all ranks (but over the micro-batch alone).

    Args:
        weight: of the loss.
    """

    def __init__(self, weight: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight = weight
        self.in_keys = ["src_imgs_features", "target_imgs_features"]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        stepper: Stepper = inputs.get("stepper") or Stepper()
        src, target = (covariance(inputs[key], stepper.sum_over_ranks) for key in self.in_keys)
        return {}, {"coral_loss": self.weight * coral_loss(src, target)}

    def _loss_keys(self) -> list[str]:
        return ["coral_loss"]

    def _out_keys(self) -> list[str]:
        return []


class TotalVariationHook(BaseHook):
    """Gives `total_variation_loss`, `(N,)`, weighted, of the target's main logits.

    Args:
        weight: a number or a schedule over the stage.
    """

    def __init__(self, weight: float | ScheduledWeight = 0.1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight = weight if isinstance(weight, ScheduledWeight) else ScheduledWeight(weight)
        # The logits are computed where no hook before has, so this joins any adapter with target images.
        self.logits_hook = FeaturesAndLogitsHook(domains=["target"])
        self.in_keys = ["target_imgs"]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        outputs = self.logits_hook(inputs, losses)[0]
        logits = {**inputs, **outputs}["target_imgs_features_logits"]
        weight = self.weight.at(inputs.get("progress", 1.0))
        return outputs, {"total_variation_loss": weight * total_variation(logits)}

    def _loss_keys(self) -> list[str]:
        return ["total_variation_loss"]

    def _out_keys(self) -> list[str]:
        return self.logits_hook.out_keys
