"""MPSCL: margin-preserving self-paced contrastive learning, on AdvEnt.

Paper: Liu et al., "Margin Preserving Self-paced Contrastive Learning Towards Domain Adaptation for Medical Image
Segmentation", IEEE JBHI 2022. Authors' code: github.com/TFboys-lzz/MPSCL (facts read, nothing copied).

From the paper: `advent`, and a contrast of both domains' normalised conv5 features with the source's class centres,
cross-entropy of their cosines with an additive angular margin on the own class; target features are labelled by the
nearest centre, and those that are sure of it take part.
From the authors' code: centres are running means of the raw features, 0.2 old + 0.8 batch, without gradient, updated
before the batch is compared with them; sure is a lead of more than 0.25 over the second cosine; weights 1 (source) and
0.1 (target); the source's temperature also multiplies its loss; the target's is 1; margin 0.2 on the target. Two values
depend on the direction there: margin 0.2 and temperature 2 on a CT source, which are the defaults both ways, 0.4 and 1
on an MRI source (`--set contrast.source_margin=0.4 contrast.temperature=1`). Its discriminators are PatchGANs CT to MRI
and fully convolutional back (`adversary.network=fc`).
Our choice: a warm-up on the source alone for 8 % of the budget (the authors speak of about 4,000 iterations of 50,000
on the source; their configuration of it is AdvEnt's, and their discriminators go on from it, ours start fresh), with a
learning rate schedule of its own; the centres start from the first batch after it, not from a file; a class that no
batch has had yet is left out of the softmax; the margin is the paper's (the code takes a maximum off both sides before
it joins them, so that the margin cancels wherever the own centre is the nearest, as on all of the target). Network,
supervised loss, augmentation, optimiser and budget are those of all methods.

| | |
|---|---|
| models | `G`, `C`, `C_aux`; with `D`, `D_aux`, `centres` |
| optimisers | SGD over the segmenter, Adam over the discriminators |
| stages | `warm-up`, `adapt` |
"""

from __future__ import annotations

from collections.abc import Sequence

from pytorch_adapt.hooks.base import BaseHook

from seasa_da.adapters.addons import adaptation_stage
from seasa_da.adapters.output_adversary import OutputAdversary, build_output_adversary
from seasa_da.adapters.stage import Stage, StageContext
from seasa_da.baselines.warm_up import build_source_only
from seasa_da.config import ContrastSettings, RunSettings
from seasa_da.hooks import ContrastHook


def stages(settings: RunSettings) -> list[Stage]:
    """The warm-up on the source, then the adversary and the contrast; add-ons join the second."""
    contrast: ContrastSettings = settings.section("contrast")
    iterations = settings.train.iterations
    warm_up = max(1, round(contrast.warm_up_share * iterations))
    return [
        Stage("warm-up", warm_up, build_source_only),
        adaptation_stage(settings, _adapt, iterations - warm_up),
    ]


def _adapt(context: StageContext, addons: Sequence[BaseHook]) -> OutputAdversary:
    contrast = ContrastHook(context.num_classes, context.feature_dim, context.settings.section("contrast"))
    return build_output_adversary(context, [contrast, *addons])
