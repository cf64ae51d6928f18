"""The loss of self-training: both heads learn the target's pseudo-labels."""

from __future__ import annotations

from typing import Any

from pytorch_adapt.hooks.base import BaseHook
from torch import Tensor

from seasa_da.hooks.update import Stepper
from seasa_da.layers import confidence_kld, soft_cross_entropy


class SelfTrainingHook(BaseHook):
    """Gives `pseudo_ce_loss` and, with MRKLD, `confidence_loss` (main head), and `pseudo_aux_loss` (both, conv4 head).

    Scalars: means over the kept pixels of the update. Needs `target_imgs_features_logits`,
    `target_imgs_conv4_logits`, `target_pseudo_probs` and `target_kept`. `target_kept_count`, where given, is how many
    pixels the whole update keeps, over ranks and micro-batches, so that the parts' losses average to the whole's;
    without it micro-batches are averaged with equal weights.

    Args:
        aux_weight: weight of the conv4 head.
        weight: of all three.
        regulariser_weight: MRKLD's alpha, or `None` for no such term.
    """

    def __init__(
        self, aux_weight: float = 0.1, weight: float = 1.0, regulariser_weight: float | None = 0.1, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.aux_weight = aux_weight
        self.weight = weight
        self.regulariser_weight = regulariser_weight
        self.in_keys = [
            "target_imgs_features_logits",
            "target_imgs_conv4_logits",
            "target_pseudo_probs",
            "target_kept",
        ]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        targets, kept = inputs["target_pseudo_probs"], inputs["target_kept"]
        count = _kept_a_part(inputs)
        main, aux = (inputs[key] for key in self.in_keys[:2])
        cross_entropy, cross_entropy_aux = (soft_cross_entropy(head, targets, kept, count) for head in (main, aux))
        if self.regulariser_weight is None:
            return {}, {
                "pseudo_ce_loss": self.weight * cross_entropy,
                "pseudo_aux_loss": self.weight * self.aux_weight * cross_entropy_aux,
            }
        confidence, confidence_aux = (
            self.regulariser_weight * confidence_kld(head, kept, count) for head in (main, aux)
        )
        return {}, {
            "pseudo_ce_loss": self.weight * cross_entropy,
            "pseudo_aux_loss": self.weight * self.aux_weight * (cross_entropy_aux + confidence_aux),
            "confidence_loss": self.weight * confidence,
        }

    def _loss_keys(self) -> list[str]:
        keys = ["pseudo_ce_loss", "pseudo_aux_loss"]
        return keys if self.regulariser_weight is None else [*keys, "confidence_loss"]

    def _out_keys(self) -> list[str]:
        return []


def _kept_a_part(inputs: dict[str, Any]) -> Tensor:
    """How many pixels a part (rank, micro-batch) keeps in the mean."""
    stepper: Stepper = inputs.get("stepper") or Stepper()
    if (whole := inputs.get("target_kept_count")) is not None:
        return whole / stepper.parts
    return stepper.sum_over_ranks(inputs["target_kept"].sum()) / stepper.world
