"""The supervised loss of both heads on labelled source images (eq. 11's L_seg)."""

from __future__ import annotations

from typing import Any

from pytorch_adapt.hooks.base import BaseHook

from seasa_da.hooks.update import Stepper
from seasa_da.layers import SegmentationLoss


class SegmentationLossHook(BaseHook):
    """Gives `seg_ce_loss`, `seg_dice_loss` (main head) and `seg_aux_loss` (both terms of the conv4 head), scalars.

    Needs `src_imgs_features_logits`, `src_imgs_conv4_logits` and `src_labels` `(N, H, W)`. `src_class_counts` `(K,)`,
    where the trainer gives it, are the class counts of the whole update over ranks and micro-batches, so that the
    parts' losses average to the whole's.

    Args:
        num_classes: with background.
        aux_weight: weight of the conv4 head (authors' code: 0.1; the paper is silent).
        dice_weight: weight of Dice over that of cross-entropy.
    """

    def __init__(self, num_classes: int, aux_weight: float = 0.1, dice_weight: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loss_fn = SegmentationLoss(num_classes, dice_weight)
        self.aux_weight = aux_weight
        self.in_keys = ["src_imgs_features_logits", "src_imgs_conv4_logits", "src_labels"]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        stepper: Stepper = inputs.get("stepper") or Stepper()
        counts = inputs.get("src_class_counts")
        # Without the whole update's counts a part is its own batch.
        parts = 1 if counts is None else stepper.parts
        main, aux = (self.loss_fn(inputs[key], inputs["src_labels"], counts, parts) for key in self.in_keys[:2])
        return {}, {
            "seg_ce_loss": main.ce,
            "seg_dice_loss": self.loss_fn.dice_weight * main.dice,
            "seg_aux_loss": self.aux_weight * aux.total,
        }

    def _loss_keys(self) -> list[str]:
        return ["seg_ce_loss", "seg_dice_loss", "seg_aux_loss"]

    def _out_keys(self) -> list[str]:
        return []
