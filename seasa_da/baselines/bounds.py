"""The two bounds: no adaptation, and the target's own labels.

From the paper: both rows of Table 1. From the authors' code: the same loop and loss as every method, on one domain.
Our choice: the same budget as every method (the code gave the lower bound 5,000 iterations).
"""

from __future__ import annotations

from seasa_da.adapters.segmentation import SegmentationAdapter, segmenter_optimizer
from seasa_da.adapters.stage import Stage, StageContext
from seasa_da.config import RunSettings


def source_only(settings: RunSettings) -> list[Stage]:
    """The lower bound: labelled source images only; target images are never read."""
    return [Stage("source", settings.train.iterations, _build)]


def supervised(settings: RunSettings) -> list[Stage]:
    """The upper bound (oracle): the target's training images with their labels."""
    return [Stage("oracle", settings.train.iterations, _build, labels="oracle-target")]


def _build(context: StageContext) -> SegmentationAdapter:
    settings = context.settings
    return SegmentationAdapter(
        context.models,
        {"G": segmenter_optimizer(context.models, settings.train)},
        num_classes=context.num_classes,
        loss=settings.loss,
    )
