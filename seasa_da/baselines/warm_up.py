"""The warm-ups that several methods begin with; each runs once and is shared."""

from __future__ import annotations

from seasa_da.adapters.output_adversary import build_output_adversary
from seasa_da.adapters.segmentation import SegmentationAdapter, segmenter_optimizer
from seasa_da.adapters.stage import Stage, StageContext
from seasa_da.config import RunSettings

WARM_UP_SHARE = 1 / 2


def source_warm_up(settings: RunSettings) -> Stage:
    """Source-only training for the first half of the budget, with a poly schedule of its own."""
    return Stage("warm-up", round(WARM_UP_SHARE * settings.train.iterations), build_source_only, shared=())


def adversarial_warm_up(settings: RunSettings) -> Stage:
    """The output adversary (`adaoutput`) for the first half of the budget, with a poly schedule of its own."""
    iterations = round(WARM_UP_SHARE * settings.train.iterations)
    return Stage("warm-up-adversary", iterations, build_output_adversary, target=True, shared=("adversary",))


def build_source_only(context: StageContext) -> SegmentationAdapter:
    """The supervised loss on `src_imgs` and nothing else."""
    settings = context.settings
    return SegmentationAdapter(
        context.models,
        {"G": segmenter_optimizer(context.models, settings.train)},
        num_classes=context.num_classes,
        loss=settings.loss,
    )
