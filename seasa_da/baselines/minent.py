"""MinEnt: direct entropy minimisation on the target.

Paper: Vu et al., "ADVENT: Adversarial Entropy Minimization for Domain Adaptation in Semantic Segmentation", CVPR 2019.
Authors' code: github.com/valeoai/ADVENT (facts read, nothing copied).

From the paper: the supervised loss on the source and, weighted, the entropy of the target's prediction,
-sum_c p_c log p_c / log C, of both heads; no discriminator. From the authors' code: its mean over pixels and images;
weights 0.001 (main head) and 0.0002 (conv4 head), 120,000 iterations of batch 1.
Our choice: entropy from the logits, without the code's 1e-30 inside the logarithm; those weights in every preset, as
they are relative to the supervised loss, whatever the learning rate; no class-ratio prior, which the paper has for one
of its data sets; supervised loss, optimiser, augmentation and budget are those of all methods.

| | |
|---|---|
| models | `G`, `C`, `C_aux` |
| optimisers | SGD over the segmenter |
| stages | `adapt` |
"""

from __future__ import annotations

from seasa_da.adapters.addons import adaptation_stage
from seasa_da.adapters.entropy_minimisation import build_entropy_minimisation
from seasa_da.adapters.stage import Stage
from seasa_da.config import RunSettings


def stages(settings: RunSettings) -> list[Stage]:
    """One stage, end to end; add-ons join it."""
    return [adaptation_stage(settings, build_entropy_minimisation)]
