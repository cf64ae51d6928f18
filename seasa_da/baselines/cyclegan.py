"""CycleGAN: translate the source's images into the target's look, then train a segmenter on them.

Paper: Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", ICCV 2017.
Authors' code: github.com/junyanz/pytorch-CycleGAN-and-pix2pix (facts read, nothing copied).

From the paper: ResNet generators, 70x70 PatchGAN discriminators with instance norm, least-squares adversary, cycle
weight 10, identity loss at half of it (sec. 5.2), discriminators' losses halved, a pool of 50 earlier fakes, Adam 2e-4,
batch 1, a constant learning rate that then decays linearly to 0. From the authors' code: beta_1 0.5.
Our choice: 50,000 updates in place of 200 epochs (an epoch here is about 9,600 slices); the two halves are two stages,
the second with new Adam moments and pools, so that CyCADA can share the first; no flips, as orientation carries label
information; the segmenter then has the whole budget, from its own initial weights, on images that are translated step
by step; it is tested on raw target images.

| | |
|---|---|
| models | `G_ST`, `G_TS`, `D_S`, `D_T`, pools; then `G`, `C`, `C_aux`, `G_ST` |
| optimisers | Adam over both generators, Adam over both discriminators; then SGD over the segmenter |
| stages | `translate` (shared), `translate-decay`, `segment` |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from seasa_da.adapters.stage import Stage, StageContext
from seasa_da.adapters.translated_source import TranslatedSource, build_translated_source
from seasa_da.adapters.translation import DISCRIMINATORS, TranslationAdapter, build_translation
from seasa_da.config import RunSettings, TranslationSettings

Build = Callable[[StageContext], TranslationAdapter]


def stages(settings: RunSettings) -> list[Stage]:
    """Both halves of the translation, then the segmenter."""
    first = translate(settings)
    return [first, decay(settings, first, "translate-decay"), Stage("segment", settings.train.iterations, _segment)]


def translate(settings: RunSettings) -> Stage:
    """CycleGAN's first half, at full learning rate; the same for every method that begins with it."""
    translation: TranslationSettings = settings.section("translation")
    return Stage(
        "translate",
        translation.iterations // 2,
        build_translation,
        trains="translators",
        target=True,
        batch_size=translation.batch_size,
        schedule="constant",
        shared=("translation",),
    )


def decay(settings: RunSettings, first: Stage, name: str, build: Build = build_translation) -> Stage:
    """The second half, on the first one's networks, with a rate that falls to 0."""
    iterations = settings.section("translation").iterations - first.iterations
    return replace(first, name=name, iterations=iterations, build=build, schedule="linear", shared=None)


def _segment(context: StageContext) -> TranslatedSource:
    for name in DISCRIMINATORS:
        del context.models[name]
    return build_translated_source(context)
