"""Pseudo-labels of target images, as the round's teacher sees them."""

from __future__ import annotations

from typing import Any

import torch
from pytorch_adapt.hooks.base import BaseHook

from seasa_da.layers import hard_pseudo_labels, soft_pseudo_labels


class PseudoLabelHook(BaseHook):
    """Labels `target_imgs` by the frozen `teacher` and the class `thresholds`, both models of the context.

    Gives `target_pseudo_probs` `(N, K)` or `(N, K, H, W)`, 0 where nothing is kept, and `target_kept` `(N,)` or
    `(N, H, W)`, both without gradient. They are made anew for each batch from its own (augmented) images, so that
    nothing has to be stored.

    Args:
        soft: LRENT's soft labels; hard ones (CBST, MRKLD) otherwise.
        alpha: how soft.
    """

    def __init__(self, soft: bool = False, alpha: float = 0.25, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.soft = soft
        self.alpha = alpha
        self.in_keys = ["target_imgs"]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        with torch.no_grad():
            logits, thresholds = inputs["teacher"](inputs["target_imgs"]), inputs["thresholds"]()
            if self.soft:
                labels = soft_pseudo_labels(logits, thresholds, self.alpha)
            else:
                labels = hard_pseudo_labels(logits, thresholds)
        return {"target_pseudo_probs": labels.probs, "target_kept": labels.kept}, {}

    def _loss_keys(self) -> list[str]:
        return []

    def _out_keys(self) -> list[str]:
        return ["target_pseudo_probs", "target_kept"]
