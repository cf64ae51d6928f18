"""The energy constraint of Liu et al. (2021) on target images."""

from __future__ import annotations

from typing import Any

import torch
from pytorch_adapt.hooks.base import BaseHook
from pytorch_adapt.hooks.features import FeaturesAndLogitsHook

from seasa_da.hooks.update import Stepper
from seasa_da.layers import EnergyLoss, EnergyMode, free_energy


class EnergyHook(BaseHook):
    """Lowers the energy of the target's main logits, kept or not; works beside any method. Segmenters and classifiers.

    Gives the loss `energy_loss`, `(N,)`, weighted. The source's mean energy, which two of the modes compare with, is
    that of the batch over all ranks (but of the micro-batch alone), without gradient. The frozen `teacher` gives it
    where the context has one: with the present network's own, target and source would chase each other, as what raises
    all logits lowers both energies, and the weights diverge.

    Args:
        weight: of the loss.
        mode: see `EnergyLoss`.
    """

    def __init__(self, weight: float = 0.01, mode: EnergyMode = "hinge", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight = weight
        self.loss_fn = EnergyLoss(mode)
        self.logits_hook = FeaturesAndLogitsHook()
        self.in_keys = ["src_imgs", "target_imgs"]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        outputs = self.logits_hook(inputs, losses)[0]
        inputs = {**inputs, **outputs}
        stepper: Stepper = inputs.get("stepper") or Stepper()
        teacher = inputs.get("teacher")
        with torch.no_grad():
            src_logits = inputs["src_imgs_features_logits"] if teacher is None else teacher(inputs["src_imgs"])
            src_energy = stepper.sum_over_ranks(free_energy(src_logits).mean()) / stepper.world
        return outputs, {"energy_loss": self.weight * self.loss_fn(inputs["target_imgs_features_logits"], src_energy)}

    def _loss_keys(self) -> list[str]:
        return ["energy_loss"]

    def _out_keys(self) -> list[str]:
        return self.logits_hook.out_keys
