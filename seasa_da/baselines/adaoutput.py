"""AdaOutput: AdaptSegNet's multi-level adversary in the output space.

Paper: Tsai et al., "Learning to Adapt Structured Output Space for Semantic Segmentation", CVPR 2018. Authors' code:
github.com/wasidennis/AdaptSegNet (facts read, nothing copied).

From the paper: discriminators on the softmax of both heads, BCE, segmenter and discriminators in turns, Adam 1e-4
with betas (0.9, 0.99), both learning rates poly. From the SE_ASA authors' re-implementation, whose row the table
compares with: PatchGAN discriminators, weights 0.003 and 2e-5, Dice beside cross-entropy (`--set
adversary.network=fc adversary.weight=0.001 adversary.aux_weight=0.0002 loss.dice_weight=0` has AdaptSegNet's networks
and weights, beside a cross-entropy that stays weighted by class).
Our choice: all four branches of a head are summed, where AdaptSegNet's code returns after two.
"""

from __future__ import annotations

from seasa_da.adapters.addons import adaptation_stage
from seasa_da.adapters.output_adversary import build_output_adversary
from seasa_da.adapters.stage import Stage
from seasa_da.config import RunSettings


def stages(settings: RunSettings) -> list[Stage]:
    """One stage, end to end; add-ons join it."""
    return [adaptation_stage(settings, build_output_adversary)]
