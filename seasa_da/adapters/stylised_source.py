"""A segmenter trained on source images in the target's low frequencies, and on the target's entropy: FDA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from pytorch_adapt.hooks.base import BaseHook
from torch import Tensor, nn

from seasa_da.adapters.segmentation import SegmentationAdapter, segmenter_optimizer
from seasa_da.adapters.stage import StageContext
from seasa_da.augment import fourier_mix
from seasa_da.config import FDASettings
from seasa_da.hooks import TargetEntropyHook


class StylisedSource(SegmentationAdapter):
    """As `SegmentationAdapter`, on stylised source images, and the target's entropy on the main head.

    A step wants `target_imgs`, as many as `src_imgs`, besides what `SegmentationAdapter` wants. Further hooks find the
    stylised images under `src_imgs`.

    Args:
        fda: window, weight and penalty.
        others: see `SegmentationAdapter`.
    """

    domains: ClassVar[tuple[str, ...]] = ("src", "target")

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
        *,
        fda: FDASettings | None = None,
        **others: Any,
    ) -> None:
        self.fda = fda or FDASettings()
        super().__init__(models, optimizers, **others)

    def adaptation_hooks(self) -> list[BaseHook]:
        return [TargetEntropyHook(self.fda.entropy_weight, eta=self.fda.eta)]

    def training_step(self, batch: dict[str, Tensor], **kwargs: Any) -> dict[str, dict[str, Tensor]]:
        stylised = stylise(batch["src_imgs"], batch["target_imgs"], self.fda.beta)
        return super().training_step({**batch, "src_imgs": stylised}, **kwargs)


def stylise(src: Tensor, target: Tensor, beta: float) -> Tensor:
    """Image i of the source with the low-frequency amplitude of image i of the target (FDA).

    Args:
        src, target: `(N, C, H, W)` in [-1, 1].
        beta: half side of the window as a share of the slice, see `window_half_side`.

    Returns:
        `(N, C, H, W)`, not cut to [-1, 1].
    """
    # From 0 on, as the authors ask for: an amplitude has no sign, and a mean brightness below 0 would keep its own.
    return fourier_mix(src + 1, target + 1, 1.0, beta) - 1


def build_stylised_source(context: StageContext, post_g: Sequence[BaseHook] = ()) -> StylisedSource:
    """An adapter on the segmenter that the stages before left."""
    settings = context.settings
    return StylisedSource(
        context.models,
        {"G": segmenter_optimizer(context.models, settings.train)},
        num_classes=context.num_classes,
        loss=settings.loss,
        fda=settings.section("fda"),
        post_g=post_g,
    )
