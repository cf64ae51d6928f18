"""CRST: class-balanced self-training with confidence regularisation; with `regulariser=none` it is CBST.

Papers: Zou et al., "Confidence Regularized Self-Training", ICCV 2019; Zou et al., "Unsupervised Domain Adaptation for
Semantic Segmentation via Class-Balanced Self-Training", ECCV 2018. Authors' code: github.com/yzou2/CRST (facts read,
nothing copied).

From the papers: rounds of labelling the target and retraining; labels, soft or hard, by class-wise thresholds; a
portion of 20% that grows by 5% a round; MRKLD with alpha 0.1 (default) or LRENT with 0.25. MRKLD's released code
multiplies by that weight twice, which comes to 0.01 (`--set self_training.regulariser_weight=0.01`).

From the authors' code: 3 rounds; one pixel in four for the thresholds; 3% of the source, drawn anew each round, +0.25%;
a constant learning rate, 1/5 of the warm-up's; batch norm by running statistics; means over the kept pixels of a batch.

Our choice: network, supervised loss, weight decay, augmentation and budget are those of all methods; the warm-up is
half of the budget (`self_training.start=adversary` warms up with `adaoutput`, which the papers do not), the rounds
share the rest equally, and a batch has as many source as target images. Pseudo-labels are made anew for each batch
from the augmented images by the network as it was when the round began; only the thresholds come from a pass over the
whole target, at one scale and without flips. That needs no room for soft labels and resumes exactly. The conv4 head
learns the same labels. Background is a class; rare classes are not mined.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pytorch_adapt.hooks.base import BaseHook

from seasa_da.adapters.addons import build_addons, fourier_sources
from seasa_da.adapters.self_training import SelfTraining, build_self_training
from seasa_da.adapters.stage import Stage, StageContext
from seasa_da.baselines.warm_up import adversarial_warm_up, source_warm_up
from seasa_da.config import RunSettings, SelfTrainingSettings
from seasa_da.errors import UserError

Hooks = Callable[[StageContext], list[BaseHook]]


def stages(settings: RunSettings) -> list[Stage]:
    """The warm-up and the rounds; add-ons join the last round."""
    return self_training_stages(settings, lambda context: [])


def self_training_stages(settings: RunSettings, hooks: Hooks) -> list[Stage]:
    """The same with further hooks in every round.

    Args:
        hooks: makes them.

    Raises:
        UserError: the budget leaves a round without an update.
    """
    rounds: SelfTrainingSettings = settings.section("self_training")
    warm_up = source_warm_up(settings) if rounds.start == "source" else adversarial_warm_up(settings)
    share, rest = divmod(settings.train.iterations - warm_up.iterations, rounds.rounds)
    if share == 0:
        raise UserError(
            f"train.iterations={settings.train.iterations} is too small for a warm-up of half of it and "
            f"self_training.rounds={rounds.rounds}"
        )
    found = [warm_up]
    for number in range(rounds.rounds):
        last = number == rounds.rounds - 1
        source_share = rounds.source_share + number * rounds.source_share_step
        found.append(
            Stage(
                f"round-{number + 1}",
                share + (number < rest),
                partial(_build, number=number, hooks=hooks, last=last),
                target=True,
                fourier_sources=fourier_sources(settings) if last else 0,
                source_share=min(source_share, rounds.source_share_max),
                schedule="constant",
                survey=True,
            )
        )
    return found


def _build(context: StageContext, number: int, hooks: Hooks, last: bool) -> SelfTraining:
    rounds: SelfTrainingSettings = context.settings.section("self_training")
    portion = min(rounds.portion + number * rounds.portion_step, rounds.portion_max)
    addons = build_addons(context) if last else []
    return build_self_training(context, portion, [*hooks(context), *addons])
