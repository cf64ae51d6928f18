"""EBM: self-training whose target predictions are held to a low energy. A re-implementation, unverified.

Papers: Liu et al., "Energy-constrained Self-training for Unsupervised Domain Adaptation", 2021 (arXiv 2101.00316);
journal version "Constraining Pseudo-label in Self-training Unsupervised Domain Adaptation with Energy-based Model",
2022 (arXiv 2208.12885). No authors' code was found.

From the paper (its abstract and the caption of its Fig. 1; its equations could not be read in full): to self-training
on the target's confident hard pseudo-labels, "minimizing the pseudo label-irrelevant energy of E_w(x_t)" is added as
"a simple additional regularization".

Reconstruction: E_w(x) = -ln sum_k exp f_w(x)[k], as an energy-based model reads a classifier's logits (Grathwohl et
al., ICLR 2020), so that the objective is that of `crst` + alpha mean_t E_w(x_t) over all pixels of the target.

Our choice: alpha, which is not known (0.01; 0.05 and 0.1 were thought of too); on the main head alone; by default the
squared excess over the mean energy that the round's frozen teacher gives the source, as the plain energy has no lower
bound and falls when a constant is added to all logits (`energy.mode=raw` is the plain one; with the present network's
energy of the source as the measure the weights were seen to diverge); no negative samples (SGLD), which a likelihood
would want, as the abstract speaks of a simple regularization. With `energy.weight=0` it is `crst`, whose file says the
rest.
"""

from __future__ import annotations

from pytorch_adapt.hooks.base import BaseHook

from seasa_da.adapters.stage import Stage, StageContext
from seasa_da.baselines.crst import self_training_stages
from seasa_da.config import EnergySettings, RunSettings
from seasa_da.hooks import EnergyHook


def stages(settings: RunSettings) -> list[Stage]:
    """The stages of `crst`, with the energy in every round."""
    return self_training_stages(settings, _hooks)


def _hooks(context: StageContext) -> list[BaseHook]:
    energy: EnergySettings = context.settings.section("energy")
    return [EnergyHook(energy.weight, energy.mode)]
