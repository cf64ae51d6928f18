"""FDA: source images in the target's low frequencies, and a robust entropy on the target.

Paper: Yang and Soatto, "FDA: Fourier Domain Adaptation for Semantic Segmentation", CVPR 2020. Authors' code:
github.com/YanchaoYang/FDA (facts read, nothing copied).

From the paper: the low-frequency amplitude of a source image is replaced by that of a target image, its phase stays;
the supervised loss is on those images, with the source's labels; entropy of the target's prediction under Charbonnier's
penalty with eta = 2 and weight 0.005; window sizes beta 0.01, 0.05, 0.09.
From the authors' code: entropy from the first update (its usage; the option's default is after 50,000); the transform
is of grey values from 0 up, before the mean is subtracted, else the mean brightness of an image below 0 loses its
sign; what comes out is not cut to the range of images.
Our choice: one beta, 0.01, and the first round alone: the paper trains three models of different beta, averages their
predictions ("multi-band transfer") and retrains on pseudo-labels made of them, which is three times the budget of a
method, and more. Image i of the batch's source takes the style of image i of its target. The window is the centred
square of side 2b+1, as in the paper and in the code's demonstration (its training code has 2b rows and columns), b at
least 1. Entropy is of the main head's upsampled logits, the code's of those at the features' size. Network, supervised
loss (Dice, class weights, both heads), augmentation and optimiser are those of all methods.

| | |
|---|---|
| models | `G`, `C`, `C_aux` |
| optimisers | SGD over the segmenter |
| stages | `adapt` |
"""

from __future__ import annotations

from seasa_da.adapters.addons import adaptation_stage
from seasa_da.adapters.stage import Stage
from seasa_da.adapters.stylised_source import build_stylised_source
from seasa_da.config import RunSettings


def stages(settings: RunSettings) -> list[Stage]:
    """One stage, end to end; add-ons join it."""
    return [adaptation_stage(settings, build_stylised_source)]
