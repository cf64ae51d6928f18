"""SE + ASA: selective entropy constraints and adaptive semantic alignment on the output adversary.

Paper: "Unsupervised Domain Adaptation for Medical Image Segmentation by Selective Entropy Constraints and Adaptive
Semantic Alignment", AAAI 2023. Authors' code: github.com/fengweie/SE_ASA (facts read, nothing copied).

From the paper (recipe `paper`): eq. 1-11; N = 3 views a family, mu = 0.8, alpha = 0.01, lambda = 0.003, 0.1, 1.0;
discriminators on probabilities; prototypes from reliable pixels only; one stage, end to end.

From the authors' code (recipe `released-code`): N = 5; full swap of the window's amplitude; brightness and contrast
of +-0.9 and no blur; discriminators on self-information; weight decay 5e-4; entropy gradient through the random views
only, each view its own train-mode batch; prototypes from all pixels, nearly the batch's own, a mean-square distance
summed over the classes with weight 1; a warm-up by the adversary alone, then new discriminators. Left out are its
leaks: checkpoints chosen on test labels, target prototypes that start from target labels, lost slices. Different in
ours: its Fourier sources come from the current batch, ours from the data set, as the paper says; its brightness is a
factor on 8-bit grey values, ours a shift.

Our choice, where both are silent or cannot be meant literally: eq. 6 is over the clean image's prediction, natural
log, normalised by all pixels, masks without gradient; all votes under the same (running) normalisation; eq. 9's
gradient passes straight through; pseudo-labels are the labels that were voted on; lambda_1 of the conv4 level is the
code's 2e-5; the code's warm-up ended at 30,000 (CT to MRI) and 5,000 (MRI to CT) iterations and was chosen on test
labels: ours is 3/8 of the budget both ways, the CT-to-MRI share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from pytorch_adapt.hooks.base import BaseHook
from torch import nn

from seasa_da.adapters.addons import asa, fourier_sources, se
from seasa_da.adapters.output_adversary import OutputAdversary, build_output_adversary
from seasa_da.adapters.stage import Stage, StageContext
from seasa_da.config import RunSettings
from seasa_da.hooks import SelectiveEntropyHook, SemanticAlignmentHook

WARM_UP_SHARE = 3 / 8


class SEASA(OutputAdversary):
    """The paper's method, eq. 11: L_seg + lambda_1 L_adv + lambda_2 L_pro + lambda_3 L_sent.

    Models and optimisers as `OutputAdversary`. A step wants `src_imgs`, `src_labels`, `target_imgs`; `fourier_imgs`
    `(B, N, C, H, W)`, `target_seeds` `(B,)` and `progress` are used where given.

    Args:
        models, optimizers: see `OutputAdversary`.
        num_classes: with background.
        feature_dim: channels of the conv5 features; used where `asa` is not given.
        se, asa: the two hooks; by default those of the paper.
        others: see `OutputAdversary`; further `post_g` hooks run after both.
    """

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
        *,
        num_classes: int,
        feature_dim: int,
        se: SelectiveEntropyHook | None = None,
        asa: SemanticAlignmentHook | None = None,
        post_g: Sequence[BaseHook] = (),
        **others: Any,
    ) -> None:
        hooks = [se or SelectiveEntropyHook(), asa or SemanticAlignmentHook(num_classes, feature_dim), *post_g]
        super().__init__(models, optimizers, num_classes=num_classes, post_g=hooks, **others)


def stages(settings: RunSettings) -> list[Stage]:
    """One stage (`paper`), or a warm-up by the adversary alone and then the method (`released-code`)."""
    iterations = settings.train.iterations
    warm_up = round(WARM_UP_SHARE * iterations) if settings.recipe == "released-code" else 0
    adapt = Stage("adapt", iterations - warm_up, _build, target=True, fourier_sources=fourier_sources(settings))
    if warm_up == 0:
        return [adapt]
    return [Stage("warm-up", warm_up, build_output_adversary, target=True), adapt]


def _build(context: StageContext) -> OutputAdversary:
    return build_output_adversary(context, [se(context), asa(context)])
