"""The output-space adversary on both heads: what AdaOutput is, and what SE and ASA stand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from pytorch_adapt.hooks.base import BaseHook
from torch import nn

from seasa_da.adapters.segmentation import SegmentationAdapter, segmenter_optimizer, trainable
from seasa_da.adapters.stage import StageContext
from seasa_da.config import AdversarySettings
from seasa_da.hooks import AdversarialLossHook, DiscriminatorLossHook, ScheduledWeight, UpdateHook
from seasa_da.models import Discriminator


class OutputAdversary(SegmentationAdapter):
    """Segmenter and discriminators in turns (Tsai et al., CVPR 2018), two levels.

    |Container|Required keys|
    |---|---|
    |models|`["G", "C", "C_aux", "D", "D_aux"]`|
    |optimizers|`["G", "D"]`, one over the segmenter, one over both discriminators|

    A step wants `target_imgs` besides what `SegmentationAdapter` wants. One forward a domain serves all losses; the
    discriminators see the same logits, detached.

    Args:
        adversary: the weights of the two levels.
        others: see `SegmentationAdapter`.
    """

    model_names: ClassVar[tuple[str, ...]] = ("G", "C", "C_aux", "D", "D_aux")
    optimizer_names: ClassVar[tuple[str, ...]] = ("G", "D")
    domains: ClassVar[tuple[str, ...]] = ("src", "target")

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
        *,
        adversary: AdversarySettings | None = None,
        **others: Any,
    ) -> None:
        self.adversary = adversary or AdversarySettings()
        super().__init__(models, optimizers, **others)

    def updates(self) -> dict[str, UpdateHook]:
        updates = super().updates()
        updates["g_loss"].frozen = ["D", "D_aux"]
        return {**updates, "d_loss": UpdateHook(DiscriminatorLossHook(), ["D_opt"])}

    def adaptation_hooks(self) -> list[BaseHook]:
        weights = {"D": self.adversary.weight, "D_aux": self.adversary.aux_weight}
        return [AdversarialLossHook({name: ScheduledWeight(weight) for name, weight in weights.items()})]


def build_output_adversary(context: StageContext, post_g: Sequence[BaseHook] = ()) -> OutputAdversary:
    """An adapter with fresh discriminators and optimisers on the segmenter that the stages before left."""
    settings = context.settings
    adversary: AdversarySettings = settings.section("adversary")
    device = next(context.models["G"].parameters()).device
    critics = {
        name: Discriminator(context.num_classes, adversary.network, adversary.width, adversary.input).to(device)
        for name in ("D", "D_aux")
    }
    optimizers = {
        "G": segmenter_optimizer(context.models, settings.train),
        "D": torch.optim.Adam(trainable(critics.values()), lr=adversary.lr, betas=(0.9, 0.99)),
    }
    return OutputAdversary(
        {**context.models, **critics},
        optimizers,
        num_classes=context.num_classes,
        loss=settings.loss,
        adversary=adversary,
        post_g=post_g,
    )
