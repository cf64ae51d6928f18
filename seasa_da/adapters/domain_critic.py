"""A per-pixel domain critic against the segmenter: CyCADA's last stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from pytorch_adapt.hooks.base import BaseHook
from torch import nn

from seasa_da.adapters.segmentation import segmenter_optimizer
from seasa_da.adapters.stage import StageContext
from seasa_da.adapters.translated_source import TranslatedSource
from seasa_da.config import CyCADASettings
from seasa_da.hooks import CriticLossHook, GatedAdversarialLossHook, UpdateHook
from seasa_da.models import AccuracyGate, DomainCritic


class DomainCriticAdapter(TranslatedSource):
    """The segmenter, supervised on translated source and against the critic while the gate is open; then the critic.

    |Container|Required keys|
    |---|---|
    |models|`["G", "C", "C_aux", "G_ST", "D_feat", "gate"]`|
    |optimizers|`["G", "D"]`|

    One forward a domain serves both updates; the critic sees it detached.

    Args:
        cycada: the critic's input and weight.
        others: see `SegmentationAdapter`.
    """

    model_names: ClassVar[tuple[str, ...]] = ("G", "C", "C_aux", "G_ST", "D_feat", "gate")
    optimizer_names: ClassVar[tuple[str, ...]] = ("G", "D")
    domains: ClassVar[tuple[str, ...]] = ("src", "target")

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
        *,
        cycada: CyCADASettings | None = None,
        **others: Any,
    ) -> None:
        self.cycada = cycada or CyCADASettings()
        super().__init__(models, optimizers, **others)

    def updates(self) -> dict[str, UpdateHook]:
        updates = super().updates()
        updates["g_loss"].frozen = ["D_feat"]
        return {**updates, "d_loss": UpdateHook(CriticLossHook(self.cycada.critic_input), ["D_opt"])}

    def adaptation_hooks(self) -> list[BaseHook]:
        return [GatedAdversarialLossHook(self.cycada.weight, self.cycada.critic_input)]


def build_domain_critic(context: StageContext, post_g: Sequence[BaseHook] = ()) -> DomainCriticAdapter:
    """An adapter with a fresh critic on the segmenter and the translator that the stages before left."""
    settings: CyCADASettings = context.settings.section("cycada")
    train = context.settings.train
    seen = context.num_classes if settings.critic_input == "scores" else context.feature_dim
    device = next(context.models["G"].parameters()).device
    critic = DomainCritic(seen, settings.critic_width, settings.critic_dropout).to(device)
    gate = AccuracyGate(settings.gate, settings.gate_window).to(device)
    slower = train.model_copy(update={"lr": train.lr * settings.lr_factor})
    optimizers = {
        "G": segmenter_optimizer(context.models, slower),
        "D": torch.optim.SGD(critic.parameters(), lr=settings.critic_lr, momentum=0.99, weight_decay=5e-4),
    }
    return DomainCriticAdapter(
        {**context.models, "D_feat": critic, "gate": gate},
        optimizers,
        num_classes=context.num_classes,
        loss=context.settings.loss,
        cycada=settings,
        post_g=post_g,
    )
