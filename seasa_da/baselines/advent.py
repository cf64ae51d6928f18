"""AdvEnt: the output adversary, which sees how certain the prediction is and not what it says.

Paper: Vu et al., "ADVENT: Adversarial Entropy Minimization for Domain Adaptation in Semantic Segmentation", CVPR 2019.
Authors' code: github.com/valeoai/ADVENT (facts read, nothing copied).

From the paper: as `adaoutput`, with discriminators on the weighted self-information I_c = -p_c log p_c, all channels
kept, of both heads. From the authors' code: I_c is divided by log C, so that a pixel's channels add up to at most 1;
weights 0.001 and 0.0002, AdaptSegNet's fully convolutional discriminators, 120,000 iterations of batch 1, 1e-30 inside
the logarithm. From the SE_ASA authors' re-implementation, where it is one of the table's ancestors: PatchGAN
discriminators, weights 0.003 and 2e-5, 1e-7 inside the logarithm, Dice beside cross-entropy.
Our choice: the second set of numbers, as all methods of the table have it, within the common budget (`--set
adversary.network=fc adversary.weight=0.001 adversary.aux_weight=0.0002 loss.dice_weight=0` has the first one's networks
and weights, beside a cross-entropy that stays weighted by class). The paper's AdvEnt + MinEnt is an average of two
networks' predictions and no method of its own.

All that tells it from `adaoutput` is `adversary.input=self-information`, which is its recipe.

| | |
|---|---|
| models | `G`, `C`, `C_aux`, `D`, `D_aux` |
| optimisers | SGD over the segmenter, Adam over the discriminators |
| stages | `adapt` |
"""

from __future__ import annotations

from seasa_da.adapters.stage import Stage
from seasa_da.baselines import adaoutput
from seasa_da.config import RunSettings


def stages(settings: RunSettings) -> list[Stage]:
    """The stage of `adaoutput`; add-ons join it."""
    return adaoutput.stages(settings)
