"""MPSCL's contrast: features of both domains against the source's class centres."""

from __future__ import annotations

from typing import Any

from pytorch_adapt.hooks.base import BaseHook
from torch import Tensor, nn

from seasa_da.config import ContrastSettings
from seasa_da.hooks.update import Stepper
from seasa_da.layers import (
    AngularContrastLoss,
    PrototypeBank,
    class_cosines,
    class_sums,
    nearest_centre,
    resize_labels,
)

TARGET_TEMPERATURE = 1.0
"""Authors' code, both ways."""


class ContrastHook(BaseHook):
    """Gives `contrast_src_loss` and `contrast_target_loss`, scalars, weighted.

    Needs `src_imgs_features` and `target_imgs_features` `(N, D, h, w)` and `src_labels` `(N, H, W)` (or `(N, D)` and
    `(N,)`). The centres are running means of the source's features by class, over ranks and without gradient; they
    take in a batch before it is compared with them. Target features are labelled by the nearest centre and kept where
    it leads. Means are over the kept pixels of all ranks, but of the micro-batch alone, with which the centres move.

    Args:
        num_classes: K, background included.
        feature_dim: channels D of the features.
        contrast: weights, margins, temperature, momentum of the centres, lead.
    """

    def __init__(
        self, num_classes: int, feature_dim: int, contrast: ContrastSettings | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.contrast = contrast or ContrastSettings()
        # (1 - alpha) of the old; its gradient has nothing to pass to, as it is given detached features.
        self.bank = PrototypeBank(num_classes, feature_dim, alpha=1 - self.contrast.momentum)
        self.src_loss_fn = AngularContrastLoss(self.contrast.temperature, self.contrast.source_margin)
        self.target_loss_fn = AngularContrastLoss(TARGET_TEMPERATURE, self.contrast.target_margin)
        self.in_keys = ["src_imgs_features", "target_imgs_features", "src_labels"]

    def state_modules(self) -> dict[str, nn.Module]:
        """What a checkpoint must hold of this hook: the centres."""
        return {"centres": self.bank}

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        stepper: Stepper = inputs.get("stepper") or Stepper()
        src, target = inputs["src_imgs_features"], inputs["target_imgs_features"]
        labels = resize_labels(inputs["src_labels"], src.shape[2:])
        self.bank.to(src.device)
        centres = self.bank.update(*class_sums(src.detach(), labels, self.num_classes), stepper.sum_over_ranks)
        seen = self.bank.seen

        cosines = class_cosines(src, centres)
        kept = (labels >= 0) & (labels < self.num_classes)
        src_loss = self.src_loss_fn(cosines, labels, seen, kept, _kept_a_rank(kept, stepper))

        cosines = class_cosines(target, centres)
        labels, kept = nearest_centre(cosines, seen, self.contrast.confidence)
        target_loss = self.target_loss_fn(cosines, labels, seen, kept, _kept_a_rank(kept, stepper))
        return {}, {
            "contrast_src_loss": self.contrast.source_weight * src_loss,
            "contrast_target_loss": self.contrast.target_weight * target_loss,
        }

    def _loss_keys(self) -> list[str]:
        return ["contrast_src_loss", "contrast_target_loss"]

    def _out_keys(self) -> list[str]:
        return []


def _kept_a_rank(kept: Tensor, stepper: Stepper) -> Tensor:
    """How many pixels a rank keeps in the mean."""
    return stepper.sum_over_ranks(kept.sum()) / stepper.world
