"""Training the translators: generators and image discriminators in turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from pytorch_adapt.hooks import ChainHook
from pytorch_adapt.hooks.base import BaseHook
from torch import nn

from seasa_da.adapters.segmentation import trainable
from seasa_da.adapters.stage import StageContext
from seasa_da.adapters.stage_adapter import StageAdapter
from seasa_da.config import TranslationSettings
from seasa_da.hooks import ImageDiscriminatorLossHook, TranslationHook, TranslationLossHook, UpdateHook
from seasa_da.models import Generator, ImageDiscriminator, ImagePool

GENERATORS = ("G_ST", "G_TS")
DISCRIMINATORS = ("D_S", "D_T")


class TranslationAdapter(StageAdapter):
    """CycleGAN (Zhu et al., ICCV 2017): both generators in one update, both discriminators in the next.

    |Container|Required keys|
    |---|---|
    |models|`["G_ST", "G_TS", "D_S", "D_T", "pool_S", "pool_T"]`|
    |optimizers|`["generators", "discriminators"]`|

    A step wants `src_imgs` and `target_imgs` `(N, C, H, W)` in [-1, 1] and `target_seeds` `(N,)`. One forward of each
    generator a domain and direction serves both updates.

    Args:
        translation: the weights.
        consistency: further hooks of the generators' update, such as semantic consistency.
        used: names of further models that those use.
    """

    model_names: ClassVar[tuple[str, ...]] = (*GENERATORS, *DISCRIMINATORS, "pool_S", "pool_T")
    optimizer_names: ClassVar[tuple[str, ...]] = ("generators", "discriminators")

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
        *,
        translation: TranslationSettings | None = None,
        consistency: Sequence[BaseHook] = (),
        used: Sequence[str] = (),
    ) -> None:
        self.model_names = (*type(self).model_names, *used)  # type: ignore[misc]  # this one's hooks want more
        self.translation = translation or TranslationSettings()
        self.consistency = list(consistency)
        super().__init__(models, optimizers)

    def updates(self) -> dict[str, UpdateHook]:
        losses = TranslationLossHook(self.translation.cycle_weight, self.translation.identity_weight)
        generate = ChainHook(TranslationHook(), losses, *self.consistency)
        return {
            "g_loss": UpdateHook(generate, ["generators_opt"], frozen=DISCRIMINATORS),
            "d_loss": UpdateHook(ImageDiscriminatorLossHook(), ["discriminators_opt"]),
        }


def build_translation(
    context: StageContext, consistency: Sequence[BaseHook] = (), used: Sequence[str] = ()
) -> TranslationAdapter:
    """An adapter on the context's translators, which are made and put there if they are not there yet.

    Args:
        consistency: see `TranslationAdapter`.
        used: names of further models of the context that those hooks use.
    """
    settings: TranslationSettings = context.settings.section("translation")
    channels = context.image_shape[0]
    for name in GENERATORS:
        if name not in context.models:
            context.models[name] = Generator(channels, settings.width, settings.blocks, settings.residual)
    for name in DISCRIMINATORS:
        if name not in context.models:
            context.models[name] = ImageDiscriminator(channels, settings.critic_width)
    pools = {name: ImagePool(settings.pool, context.image_shape, name) for name in ("pool_S", "pool_T")}
    optimizers = {
        name: torch.optim.Adam(trainable(context.models[key] for key in keys), lr=settings.lr, betas=(0.5, 0.999))
        for name, keys in (("generators", GENERATORS), ("discriminators", DISCRIMINATORS))
    }
    return TranslationAdapter(
        {**context.models, **pools}, optimizers, translation=settings, consistency=consistency, used=used
    )
