"""PnP-AdaNet: the target gets early layers of its own, which critics make fit the source's later ones.

Paper: Dou et al., "PnP-AdaNet: Plug-and-Play Adversarial Domain Adaptation Network at Unpaired Cross-Modality Cardiac
Segmentation", IEEE Access 2019. Authors' code: github.com/carrenD/Medical-Cross-Modality-Domain-Adaptation (facts read,
nothing copied).

From the paper: a source segmenter, then frozen; a copy of its early layers (DAM) for target images, the later layers
and the head both domains'; a critic of features from several depths with the prediction (DCM), and a second one of
masks; Wasserstein losses, weights clipped; the critics first, then many updates of theirs for each of the layers'.
From the authors' code: mu 0.002, clipping at 0.03 (of convolutions and the last layer, after each update of theirs),
RMSProp 3e-4 with decay 0.9; 20,100 updates of the critic of features alone; then 20 of both critics for each of the
layers', one more after every 300 of the layers', the mask's losses weighted 0.3; each update on batches of its own;
DAM's batch norm normalises by the batch in the layers' updates only, every other one of the segmenter by its running
statistics. The mask critic sees the logits, without softmax, as in one version of the code: another gives it the
argmax, through which no gradient comes.
Our choice: the port to DeepLab: DAM is the stem to layer2 (`pnp.adapted=layer3` for more), a critic sees layer2,
layer3, layer4, the scores and the label at the features' resolution (models/wasserstein_critics.py); the critics' batch
norm is a norm over each image, and they have no dropout; RMSProp starts from 0, as torch's does (code: from 1, so
gently); the budget is the source segmenter one half, the layers' updates the other, and those of the critics come on
top; our supervised loss and batch; no L2 term (1e-4 mu: where nothing else has a gradient, RMSProp would make steps as
large as any of it); biases are not clipped; a constant learning rate for the critics alone, then our poly (code: times
0.98 every 100 updates of the layers), so that the last iterate is the one to keep; `pnp.penalty` for a gradient penalty
(Gulrajani et al., 2017) in place of clipping.

| | |
|---|---|
| models | `G`, `C`, `C_aux`; with `G_S` (the source's trunk), `D_feat`; with `D_mask`, `turns` |
| optimisers | SGD over the segmenter; RMSProp over the critics, and over `G`'s early layers |
| stages | `warm-up` (shared), `critics` (unless `pnp.critic_updates` is 0), `adapt` |
"""

from __future__ import annotations

from seasa_da.adapters.plug_and_play import build_critics, build_plug_and_play
from seasa_da.adapters.stage import Stage
from seasa_da.baselines.warm_up import source_warm_up
from seasa_da.config import PnPSettings, RunSettings
from seasa_da.models.turns import iterations_for


def stages(settings: RunSettings) -> list[Stage]:
    """The source segmenter, the critics alone, then the target's layers and the critics in turns."""
    pnp: PnPSettings = settings.section("pnp")
    warm_up = source_warm_up(settings)
    updates = settings.train.iterations - warm_up.iterations
    in_turns = iterations_for(updates, pnp.critic_steps, pnp.critic_steps_growth)
    adapt = Stage("adapt", in_turns, build_plug_and_play, target=True, segmenter_updates=updates)
    if pnp.critic_updates == 0:
        return [warm_up, adapt]
    critics = Stage(
        "critics", pnp.critic_updates, build_critics, trains="translators", target=True, schedule="constant"
    )
    return [warm_up, critics, adapt]
