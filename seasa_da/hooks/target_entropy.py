"""Entropy minimisation on target images, on one head or on both."""

from __future__ import annotations

from typing import Any

from pytorch_adapt.hooks.base import BaseHook

from seasa_da.layers import EntropyLoss


class TargetEntropyHook(BaseHook):
    """Gives `entropy_loss` (main head) and, with its weight, `entropy_aux_loss` (conv4 head), `(N,)`, weighted.

    Needs `target_imgs_features_logits` and, for the second, `target_imgs_conv4_logits`.

    Args:
        weight: of the main head.
        aux_weight: of the conv4 head, or `None` to leave it out.
        eta: see `EntropyLoss`.
    """

    def __init__(
        self, weight: float = 1e-3, aux_weight: float | None = None, eta: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.loss_fn = EntropyLoss(eta)
        self.heads = {"entropy_loss": ("target_imgs_features_logits", weight)}
        if aux_weight is not None:
            self.heads["entropy_aux_loss"] = ("target_imgs_conv4_logits", aux_weight)
        self.in_keys = [key for key, _ in self.heads.values()]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {name: weight * self.loss_fn(inputs[key]) for name, (key, weight) in self.heads.items()}

    def _loss_keys(self) -> list[str]:
        return list(self.heads)

    def _out_keys(self) -> list[str]:
        return []
