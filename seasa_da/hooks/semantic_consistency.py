"""CyCADA's semantic consistency (Hoffman et al., ICML 2018, eq. 4): a translation keeps what a segmenter sees."""

from __future__ import annotations

from typing import Any

import torch
from pytorch_adapt.hooks.base import BaseHook
from torch import Tensor

from seasa_da.layers import pixel_cross_entropy, predicted_labels


class SemanticConsistencyHook(BaseHook):
    """Gives `semantic_src_loss` and `semantic_target_loss`, weighted, scalars.

    CE(f_S(G_ST(x_S)), argmax f_S(x_S)) and CE(f_S(G_TS(x_T)), argmax f_S(x_T)), means over pixels; `f_S` is the frozen
    source segmenter, images to logits `(N, K, H, W)`.
    """

    def __init__(self, weight: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight = weight
        self.in_keys = ["src_imgs", "target_imgs", "src_as_target", "target_as_src"]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {
            "semantic_src_loss": self.weight * _loss(inputs["f_S"], inputs["src_imgs"], inputs["src_as_target"]),
            "semantic_target_loss": self.weight * _loss(inputs["f_S"], inputs["target_imgs"], inputs["target_as_src"]),
        }

    def _loss_keys(self) -> list[str]:
        return ["semantic_src_loss", "semantic_target_loss"]

    def _out_keys(self) -> list[str]:
        return []


def _loss(segment: Any, original: Tensor, translated: Tensor) -> Tensor:
    with torch.no_grad():
        wanted = predicted_labels(segment(original))
    return pixel_cross_entropy(segment(translated), wanted)
