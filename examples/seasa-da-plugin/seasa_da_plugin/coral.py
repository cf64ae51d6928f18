"""Deep CORAL, and what builds the hooks from a run's settings.

Paper: Sun and Saenko, "Deep CORAL: Correlation Alignment for Deep Domain Adaptation", ECCV workshops 2016.

From the paper: the distance of the features' covariances, from the first update on, beside the supervised loss.
Our choice: the features of a segmenter are its conv5 places, every place of every image one sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pytorch_adapt.hooks.base import BaseHook
from torch import nn

from seasa_da.adapters import SegmentationAdapter, Stage, StageContext
from seasa_da.adapters.addons import build_addons, fourier_sources
from seasa_da.adapters.segmentation import segmenter_optimizer
from seasa_da.config import RunSettings
from seasa_da.hooks import ScheduledWeight
from seasa_da_plugin.hooks import CoralHook, TotalVariationHook


class Coral(SegmentationAdapter):
    """The supervised loss and `coral_loss` in one update; models and optimisers as `SegmentationAdapter`.

    Args:
        weight: of `coral_loss`.
        others: see `SegmentationAdapter`.
    """

    domains: ClassVar[tuple[str, ...]] = ("src", "target")

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
        *,
        weight: float = 1.0,
        **others: Any,
    ) -> None:
        self.weight = weight
        super().__init__(models, optimizers, **others)

    def adaptation_hooks(self) -> list[BaseHook]:
        return [CoralHook(self.weight)]


def stages(settings: RunSettings) -> list[Stage]:
    """One stage, which is the whole budget; add-ons join it, those with Fourier views too."""
    return [Stage("adapt", settings.train.iterations, _build, target=True, fourier_sources=fourier_sources(settings))]


def _build(context: StageContext) -> Coral:
    settings = context.settings
    return Coral(
        context.models,
        {"G": segmenter_optimizer(context.models, settings.train)},
        num_classes=context.num_classes,
        loss=settings.loss,
        weight=settings.section("coral").weight,
        post_g=build_addons(context),
    )


def total_variation(context: StageContext) -> TotalVariationHook:
    """The add-on `tv` from its section."""
    settings = context.settings.section("tv")
    return TotalVariationHook(ScheduledWeight(settings.weight, settings.start))
