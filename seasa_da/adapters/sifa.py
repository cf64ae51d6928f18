"""Images and features aligned together: SIFA's four updates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from pytorch_adapt.hooks import ChainHook
from pytorch_adapt.hooks.base import BaseHook
from torch import nn

from seasa_da.adapters.segmentation import SegmentationAdapter, segmenter_optimizer, trainable
from seasa_da.adapters.stage import StageContext
from seasa_da.config import RunSettings, SIFASettings
from seasa_da.hooks import (
    ScheduledWeight,
    SharedEncoderHook,
    SharedEncoderLossHook,
    SIFADecoderHook,
    SIFADiscriminatorsHook,
    SIFAGeneratorHook,
    UpdateHook,
)
from seasa_da.models import Decoder, Generator, ImageDiscriminator, ImagePool, NativeEncoder, PixelHead

IMAGE_CRITICS = ("D_S", "D_T")


class SIFA(SegmentationAdapter):
    """Generator; encoder and heads; decoder; discriminators: an update each, in this order (Chen et al., TMI 2020).

    |Container|Required keys|
    |---|---|
    |models|`["G", "C", "C_aux", "G_ST", "decoder", "D_S", "D_T", "D", "pool_S", "pool_T"]`; `"D_aux"` with two levels|
    |optimizers|`["generator", "G", "decoder", "discriminators"]`|

    `G` encodes target images and translated source, and with `decoder` it is the reverse generator. A step wants
    `src_imgs`, `src_labels`, `target_imgs` and `target_seeds`. The first three updates run fresh forwards, as each
    stands on what the one before has trained; so with micro-batches, whose updates come at the last one, a step is not
    quite that of the whole batch.

    Args:
        sifa: the weights.
        others: see `SegmentationAdapter`; `post_g` hooks join the second update, where the source's features are those
            of its translation.
    """

    model_names: ClassVar[tuple[str, ...]] = (
        *("G", "C", "C_aux", "G_ST", "decoder"),
        *(*IMAGE_CRITICS, "D", "pool_S", "pool_T"),
    )
    optimizer_names: ClassVar[tuple[str, ...]] = ("generator", "G", "decoder", "discriminators")
    domains: ClassVar[tuple[str, ...]] = ("src", "target")

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
        *,
        sifa: SIFASettings | None = None,
        **others: Any,
    ) -> None:
        self.sifa = sifa or SIFASettings()
        self.critics = feature_critics(self.sifa)
        self.model_names = (*type(self).model_names, *self.critics[1:])  # type: ignore[misc]  # V1 has one level
        super().__init__(models, optimizers, **others)

    def updates(self) -> dict[str, UpdateHook]:
        cycle = self.sifa.cycle_weight
        decoder = SIFADecoderHook(cycle, lower=len(self.critics) > 1)
        segmenter = ChainHook(*self.segmenter_hooks())
        return {
            "generator_loss": UpdateHook(SIFAGeneratorHook(cycle), ["generator_opt"], ["G", "decoder", "D_T"]),
            "g_loss": UpdateHook(segmenter, ["G_opt"], ["G_ST", "decoder", "D_S", *self.critics]),
            "decoder_loss": UpdateHook(decoder, ["decoder_opt"], ["G_ST", "D_S"]),
            "d_loss": UpdateHook(SIFADiscriminatorsHook(self.critics), ["discriminators_opt"]),
        }

    def levels_hook(self) -> BaseHook:
        return SharedEncoderHook()

    def adaptation_hooks(self) -> list[BaseHook]:
        settings = self.sifa
        weights = {"D": settings.feature_weight, "D_aux": settings.aux_feature_weight}
        features = {
            name: ScheduledWeight(weights[name], settings.feature_start, settings.feature_ramp) for name in self.critics
        }
        return [SharedEncoderLossHook(settings.image_weight, settings.cycle_weight, settings.aux_task_weight, features)]


def feature_critics(settings: SIFASettings) -> tuple[str, ...]:
    """The discriminators of logits: of both levels, or of the main one alone where the other has no weight."""
    return ("D", "D_aux") if settings.aux_feature_weight > 0 else ("D",)


def choose_segmenter(context: StageContext) -> StageContext:
    """The context with the segmenter that `sifa.network` names: SIFA's own encoder and heads, or the common ones."""
    settings: SIFASettings = context.settings.section("sifa")
    if settings.network == "deeplab":
        return context
    channels, height, width = context.image_shape
    device = next(context.models["G"].parameters()).device
    encoder = NativeEncoder(channels, settings.native_width, settings.native_dropout)
    context.models["G"] = encoder.to(device)
    for name, seen in zip(("C", "C_aux"), encoder.channels, strict=True):
        context.models[name] = PixelHead(seen, context.num_classes, (height, width), settings.native_dropout).to(device)
    return replace(context, feature_dim=encoder.channels[0])


def build_sifa(context: StageContext, post_g: Sequence[BaseHook] = ()) -> SIFA:
    """An adapter on the context's segmenter, with fresh translators and discriminators."""
    settings: SIFASettings = context.settings.section("sifa")
    channels, height, _ = context.image_shape
    encoder = context.models["G"]
    device = next(encoder.parameters()).device
    with torch.no_grad():
        features = encoder.eval()(torch.zeros(1, *context.image_shape, device=device))
    doublings = round(math.log2(height / features.shape[2]))
    networks: dict[str, nn.Module] = {
        "G_ST": Generator(channels, settings.width, settings.blocks, residual=True),
        "decoder": Decoder(context.feature_dim, channels, doublings, settings.decoder_width),
        "D_S": ImageDiscriminator(channels, settings.critic_width, outputs=2),
        "D_T": ImageDiscriminator(channels, settings.critic_width),
    }
    critics = feature_critics(settings)
    for name in critics:
        networks[name] = ImageDiscriminator(context.num_classes, settings.critic_width)
    for name, network in networks.items():
        networks[name] = network.to(device)
    pools = {name: ImagePool(settings.pool, context.image_shape, name) for name in ("pool_S", "pool_T")}
    groups = {"generator": ("G_ST",), "decoder": ("decoder",), "discriminators": (*IMAGE_CRITICS, *critics)}
    optimizers: dict[str, torch.optim.Optimizer] = {
        name: torch.optim.Adam(trainable(networks[key] for key in keys), lr=settings.lr, betas=(0.5, 0.999))
        for name, keys in groups.items()
    }
    return SIFA(
        {**context.models, **networks, **pools},
        {"G": _segmenter_optimizer(context.models, settings, context.settings), **optimizers},
        num_classes=context.num_classes,
        loss=context.settings.loss,
        sifa=settings,
        post_g=post_g,
    )


def _segmenter_optimizer(
    models: Mapping[str, nn.Module], settings: SIFASettings, run: RunSettings
) -> torch.optim.Optimizer:
    if settings.network == "deeplab":
        return segmenter_optimizer(models, run.train)
    parameters = trainable(models[name] for name in ("G", "C", "C_aux"))
    return torch.optim.Adam(parameters, lr=settings.native_lr, weight_decay=run.train.weight_decay)
