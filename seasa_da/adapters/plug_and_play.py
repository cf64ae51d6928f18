"""The target's own early layers against Wasserstein critics: PnP-AdaNet's two stages after the source's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pytorch_adapt.hooks import ChainHook
from torch import nn

from seasa_da.adapters.segmentation import trainable
from seasa_da.adapters.stage import StageContext
from seasa_da.adapters.stage_adapter import StageAdapter
from seasa_da.config import PnPSettings
from seasa_da.hooks import (
    ClippedUpdateHook,
    CriticLevelsHook,
    TurnsHook,
    UpdateHook,
    WassersteinAdaptationLossHook,
    WassersteinCriticLossHook,
)
from seasa_da.hooks.wasserstein import critic_weights
from seasa_da.models import FeatureCritic, Frozen, MaskCritic, Turns


class CriticsAlone(StageAdapter):
    """Trains the critic of features on a segmenter that stays as it is.

    |Container|Required keys|
    |---|---|
    |models|`["G", "C", "G_S", "D_feat"]`|
    |optimizers|`["D"]`|

    A step wants `src_imgs` and `target_imgs` `(N, C, H, W)` in [-1, 1], and `target_seeds` `(N,)` for the gradient
    penalty.

    Args:
        pnp: weights and bounds; `mask_weight` is that of the stage after.
    """

    model_names: ClassVar[tuple[str, ...]] = ("G", "C", "G_S", "D_feat")
    optimizer_names: ClassVar[tuple[str, ...]] = ("D",)
    mask_weight = 0.0

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
        *,
        pnp: PnPSettings | None = None,
    ) -> None:
        self.pnp = pnp or PnPSettings()
        super().__init__(models, optimizers)

    @property
    def critics(self) -> list[str]:
        """The names of the critics that are trained."""
        return list(critic_weights(self.pnp.weight, self.mask_weight))

    def updates(self) -> dict[str, UpdateHook]:
        loss = WassersteinCriticLossHook(self.pnp.weight, self.mask_weight, self.pnp.penalty)
        clip = 0.0 if self.pnp.penalty > 0 else self.pnp.clip
        hook = ChainHook(CriticLevelsHook(), loss)
        return {"d_loss": ClippedUpdateHook(hook, ["D_opt"], clip=clip, models=self.critics)}

    def train_mode(self) -> None:
        """The critics' alone; an update of the target's layers puts their batch norm into its mode by itself."""
        for name, module in self.state_modules().items():
            module.train(name in self.critics)


class PlugAndPlay(CriticsAlone):
    """Iterations of the critics and of the target's own layers, in turns.

    |Container|Required keys|
    |---|---|
    |models|`["G", "C", "G_S", "D_feat", "turns"]`, and `"D_mask"` unless its weight is 0|
    |optimizers|`["G", "D"]`|

    Args:
        pnp: weights, bounds, and which layers are the target's own: `G`'s optimiser must have no others.
    """

    model_names: ClassVar[tuple[str, ...]] = ("G", "C", "G_S", "D_feat", "turns")
    optimizer_names: ClassVar[tuple[str, ...]] = ("G", "D")

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
        *,
        pnp: PnPSettings | None = None,
    ) -> None:
        pnp = pnp or PnPSettings()
        self.mask_weight = pnp.mask_weight
        if self.mask_weight > 0:
            self.model_names = (*type(self).model_names, "D_mask")  # type: ignore[misc]  # this one's critics are more
        super().__init__(models, optimizers, pnp=pnp)

    def init_hook(self, hook_kwargs: dict[str, Any]) -> None:
        self.hook = TurnsHook(self.updates(), critics="d_loss", **hook_kwargs)

    def updates(self) -> dict[str, UpdateHook]:
        loss = WassersteinAdaptationLossHook(self.pnp.weight, self.mask_weight)
        hook = ChainHook(CriticLevelsHook(["target"], learns=self.pnp.adapted), loss)
        return {"g_loss": UpdateHook(hook, ["G_opt"], frozen=self.critics), **super().updates()}


def build_critics(context: StageContext) -> CriticsAlone:
    """A fresh critic of features, and the source's frozen trunk for the stages from here on."""
    settings: PnPSettings = context.settings.section("pnp")
    _add_feature_critic(context, settings)
    return CriticsAlone(context.models, {"D": _rmsprop([context.models["D_feat"]], settings)}, pnp=settings)


def build_plug_and_play(context: StageContext) -> PlugAndPlay:
    """The layers in turns with both critics; that of features goes on from the stage before, if there was one."""
    settings: PnPSettings = context.settings.section("pnp")
    models = context.models
    _add_feature_critic(context, settings)
    if settings.mask_weight > 0:
        device = next(models["G"].parameters()).device
        mask = MaskCritic(context.num_classes, context.image_shape[1:], settings.critic_width)
        models["D_mask"] = mask.to(device)
    freeze_after(models["G"], settings.adapted)
    models["C"].requires_grad_(False)
    turns = Turns(settings.critic_steps, settings.critic_steps_growth)
    critics = [models[name] for name in critic_weights(settings.weight, settings.mask_weight)]
    optimizers = {"G": _rmsprop([models["G"]], settings), "D": _rmsprop(critics, settings)}
    return PlugAndPlay({**models, "turns": turns}, optimizers, pnp=settings)


def freeze_after(trunk: Any, last: str) -> None:
    """Let no layer of a trunk after the one called `last` want a gradient; they stay as they are from here on."""
    early = {id(parameter) for layer in trunk.up_to(last) for parameter in layer.parameters()}
    for parameter in trunk.parameters():
        if id(parameter) not in early:
            parameter.requires_grad_(False)


def _add_feature_critic(context: StageContext, settings: PnPSettings) -> None:
    models = context.models
    if "D_feat" in models:
        return
    models["G_S"] = Frozen(models["G"])
    example = torch.zeros(1, *context.image_shape, device=next(models["G"].parameters()).device)
    with torch.no_grad():
        levels = models["G_S"](example, taps=True)
    models["D_feat"] = FeatureCritic(
        [level.shape[1] for level in levels],
        context.num_classes,
        levels[-1].shape[2:],
        settings.reduced,
        settings.critic_width,
    ).to(example.device)


def _rmsprop(models: list[nn.Module], settings: PnPSettings) -> torch.optim.Optimizer:
    # TensorFlow's defaults, with which the authors' learning rate was chosen: 0.9, and 1e-10 under the root.
    return torch.optim.RMSprop(trainable(models), lr=settings.lr, alpha=0.9, eps=1e-5)
