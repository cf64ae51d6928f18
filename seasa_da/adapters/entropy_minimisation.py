"""The supervised loss on the source and the entropy of the target, on both heads: MinEnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from pytorch_adapt.hooks.base import BaseHook
from torch import nn

from seasa_da.adapters.segmentation import SegmentationAdapter, segmenter_optimizer
from seasa_da.adapters.stage import StageContext
from seasa_da.config import EntropySettings
from seasa_da.hooks import TargetEntropyHook


class EntropyMinimisation(SegmentationAdapter):
    """As `SegmentationAdapter`, and the target's entropy on both heads; a step wants `target_imgs` too.

    Args:
        entropy: the weights of the two heads.
        others: see `SegmentationAdapter`.
    """

    domains: ClassVar[tuple[str, ...]] = ("src", "target")

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
        *,
        entropy: EntropySettings | None = None,
        **others: Any,
    ) -> None:
        self.entropy = entropy or EntropySettings()
        super().__init__(models, optimizers, **others)

    def adaptation_hooks(self) -> list[BaseHook]:
        return [TargetEntropyHook(self.entropy.weight, self.entropy.aux_weight)]


def build_entropy_minimisation(context: StageContext, post_g: Sequence[BaseHook] = ()) -> EntropyMinimisation:
    """An adapter on the segmenter that the stages before left."""
    settings = context.settings
    return EntropyMinimisation(
        context.models,
        {"G": segmenter_optimizer(context.models, settings.train)},
        num_classes=context.num_classes,
        loss=settings.loss,
        entropy=settings.section("entropy"),
        post_g=post_g,
    )
