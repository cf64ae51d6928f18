"""SIFA, V1 and V2: images and features aligned together, with one encoder for both.

Papers: Chen et al., "Synergistic Image and Feature Adaptation: Towards Cross-Modality Domain Adaptation for Medical
Image Segmentation", AAAI 2019 (V1), and "Unsupervised Bidirectional Cross-Modality Adaptation via Deeply Synergistic
Image and Feature Alignment for Medical Image Segmentation", TMI 2020 (V2). Authors' code: github.com/cchen-cc/SIFA
(facts read, nothing copied).

From the papers: a generator translates the source; the segmenter's encoder sees translated source and target, and with
a decoder it is the reverse generator; adversaries of target images, of source images, of the predictions, and of an
auxiliary task (decoded from the source, or from the target); V2 has a second, lower level, supervised and adversarial.
From the authors' code: least-squares adversaries, discriminators' losses halved, pools of earlier fakes; cycle weight
10; in the encoder's update 0.1 for the reverse generator's losses, the auxiliary task and the predictions' adversary,
0.01 for its lower level; discriminators of raw logits; both generators give tanh(x + r); order of updates: generator,
segmenter, decoder, discriminators, on one batch; the segmentation loss never reaches the generator. V1: the adversaries
of predictions join after a quarter of the run.
Our choice: the encoder is the common DeepLab with the common optimiser, loss and batch (`sifa.network=native` for the
authors' network, with Adam); the lower level is conv4, and its supervised weight of 0.1 is the common one; the code
trains the target images' discriminator before the segmenter: as the segmenter's update does not ask it, all
discriminators are trained together, which is the same; what they see was decoded just before the decoder's step; the
generators pad by reflection, the discriminators by 1 (code: 2), as CycleGAN's here; all learning rates follow the poly
schedule, as the segmenter's; the auxiliary task starts at once in V1, too.

| | |
|---|---|
| models | `G`, `C`, `C_aux`; `G_ST`, `decoder`; `D_S`, `D_T`, `D`, `D_aux` (V2); pools |
| optimisers | SGD over the segmenter; Adam over the generator, over the decoder, and over the discriminators |
| stages | `adapt` |
"""

from __future__ import annotations

from seasa_da.adapters.addons import build_addons, fourier_sources
from seasa_da.adapters.sifa import SIFA, build_sifa, choose_segmenter
from seasa_da.adapters.stage import Stage, StageContext
from seasa_da.config import RunSettings
from seasa_da.errors import UserError


def stages(settings: RunSettings) -> list[Stage]:
    """One stage for the whole budget; the versions differ by their recipes."""
    if settings.weights is not None and settings.section("sifa").network == "native":
        raise UserError("--weights are of the common trunk, and sifa.network=native has its own; leave one of them out")
    return [Stage("adapt", settings.train.iterations, _build, target=True, fourier_sources=fourier_sources(settings))]


def _build(context: StageContext) -> SIFA:
    context = choose_segmenter(context)
    return build_sifa(context, build_addons(context))
