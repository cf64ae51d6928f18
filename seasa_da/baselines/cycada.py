"""CyCADA: cycle-consistent translation that keeps the semantics, then an adversary of the segmenter's outputs.

Paper: Hoffman et al., "CyCADA: Cycle-Consistent Adversarial Domain Adaptation", ICML 2018. Authors' code:
github.com/jhoffman/cycada_release (facts read, nothing copied).

From the paper: the pixel stage is CycleGAN plus semantic consistency, both ways, by a frozen source segmenter `f_S`
(eq. 4); a segmenter trained on translated source; a domain critic against it.
From the authors' code: the critic sees the score map (`cycada.critic_input=features` for conv5), 1x1 convolutions
512-256-2 with dropout, SGD 1e-5 with momentum 0.99; adversarial weight 0.1; it counts only while the critic's mean
accuracy over 100 iterations is above 60 %; segmenter and critic in turns, weights shared between the domains. The code
has no semantic loss for segmentation (only for digits, with true labels): here it is as the paper writes it.
Our choice: semantic consistency joins in the second half of the translation, so that the first is plain CycleGAN's and
shared with it; the budget is `f_S` one half (its updates count, and the segmenter goes on from it), a quarter on
translated source, a quarter against the critic; while the gate is closed the supervised update goes on, where the code
does none, so that all methods have the same number of updates; no early end; one backward for both losses; the
segmenter's update comes before the critic's, so that micro-batches add up to the batch.

| | |
|---|---|
| models | `G`, `C`, `C_aux`; with `G_ST`, `G_TS`, `D_S`, `D_T`, `f_S`, pools; with `G_ST`, `D_feat`, `gate` |
| optimisers | SGD over the segmenter; Adam over generators, and over discriminators; SGD over the critic |
| stages | `warm-up` (shared), `translate` (shared), `translate-semantic`, `segment`, `adapt` |
"""

from __future__ import annotations

from seasa_da.adapters.addons import adaptation_stage
from seasa_da.adapters.domain_critic import build_domain_critic
from seasa_da.adapters.stage import Stage, StageContext
from seasa_da.adapters.translated_source import TranslatedSource, build_translated_source
from seasa_da.adapters.translation import DISCRIMINATORS, TranslationAdapter, build_translation
from seasa_da.baselines.cyclegan import decay, translate
from seasa_da.baselines.warm_up import source_warm_up
from seasa_da.config import CyCADASettings, RunSettings
from seasa_da.hooks import SemanticConsistencyHook
from seasa_da.models import Frozen, Segmenter


def stages(settings: RunSettings) -> list[Stage]:
    """The source model, both halves of the translation, then the segmenter on its own and against the critic."""
    cycada: CyCADASettings = settings.section("cycada")
    warm_up, pixel = source_warm_up(settings), translate(settings)
    adapt = max(1, round(cycada.adapt_share * settings.train.iterations))
    return [
        warm_up,
        pixel,
        decay(settings, pixel, "translate-semantic", _translate_semantic),
        Stage("segment", settings.train.iterations - warm_up.iterations - adapt, _segment),
        adaptation_stage(settings, build_domain_critic, adapt),
    ]


def _translate_semantic(context: StageContext) -> TranslationAdapter:
    context.models["f_S"] = Frozen(Segmenter(context.models))
    consistency = SemanticConsistencyHook(context.settings.section("cycada").semantic_weight)
    return build_translation(context, [consistency], ["f_S"])


def _segment(context: StageContext) -> TranslatedSource:
    for name in (*DISCRIMINATORS, "f_S"):
        del context.models[name]
    return build_translated_source(context)
