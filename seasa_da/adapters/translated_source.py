"""A segmenter trained on source images that were made to look like the target's."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from seasa_da.adapters.segmentation import SegmentationAdapter, segmenter_optimizer
from seasa_da.adapters.stage import StageContext


class TranslatedSource(SegmentationAdapter):
    """As `SegmentationAdapter`, on `G_ST(src_imgs)` with the source's labels; `G_ST` is used and not trained.

    Images are translated step by step, after their augmentation, so that no translated data set has to be kept.
    """

    model_names: ClassVar[tuple[str, ...]] = ("G", "C", "C_aux", "G_ST")

    def training_step(self, batch: dict[str, Tensor], **kwargs: Any) -> dict[str, dict[str, Tensor]]:
        with torch.no_grad():
            translated = self.models["G_ST"](batch["src_imgs"])
        return super().training_step({**batch, "src_imgs": translated}, **kwargs)


def build_translated_source(context: StageContext) -> TranslatedSource:
    """An adapter on the segmenter and the translator that the stages before left."""
    return TranslatedSource(
        context.models,
        {"G": segmenter_optimizer(context.models, context.settings.train)},
        num_classes=context.num_classes,
        loss=context.settings.loss,
    )
