"""The base adapter of dense prediction: a two-headed segmenter trained on labelled source images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import torch
from pytorch_adapt.hooks import ChainHook
from pytorch_adapt.hooks.base import BaseHook
from pytorch_adapt.hooks.features import LogitsHook
from torch import nn

from seasa_da.adapters.stage_adapter import StageAdapter
from seasa_da.config import LossSettings, TrainSettings
from seasa_da.hooks import AuxLogitsHook, LevelsHook, SegmentationLossHook, UpdateHook
from seasa_da.models import Segmenter


class SegmentationAdapter(StageAdapter):
    """Trains `G`, `C` and `C_aux` on `src_imgs` and `src_labels`; the base of all methods, alone the lower bound.

    |Container|Required keys|
    |---|---|
    |models|`["G", "C", "C_aux"]`|
    |optimizers|`["G"]`, one optimiser over all three|

    `training_step(batch)` wants `src_imgs` `(N, C, H, W)` in [-1, 1] and `src_labels` `(N, H, W)`, and returns the
    losses as they enter the sum, as detached tensors.

    Args:
        models, optimizers: by the names above.
        num_classes: with background.
        loss: weights of the supervised loss.
        post_g: further hooks of the segmenter's update, such as SE and ASA.
    """

    model_names: ClassVar[tuple[str, ...]] = ("G", "C", "C_aux")
    optimizer_names: ClassVar[tuple[str, ...]] = ("G",)
    domains: ClassVar[tuple[str, ...]] = ("src",)

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
        *,
        num_classes: int,
        loss: LossSettings | None = None,
        post_g: Sequence[BaseHook] = (),
    ) -> None:
        self.num_classes = num_classes
        self.loss = loss or LossSettings()
        self.post_g = list(post_g)
        super().__init__(models, optimizers)

    def updates(self) -> dict[str, UpdateHook]:
        return {"g_loss": UpdateHook(ChainHook(*self.segmenter_hooks()), ["G_opt"])}

    def segmenter_hooks(self) -> list[BaseHook]:
        """The chain of the segmenter's update: one forward a domain, the supervised loss, then `post_g`."""
        return [
            self.levels_hook(),
            LogitsHook(domains=list(self.domains)),
            AuxLogitsHook(self.domains),
            SegmentationLossHook(self.num_classes, self.loss.aux_weight, self.loss.dice_weight),
            *self.adaptation_hooks(),
            *self.post_g,
        ]

    def levels_hook(self) -> BaseHook:
        """Fills both levels of features of `domains`."""
        return LevelsHook(self.domains)

    def adaptation_hooks(self) -> list[BaseHook]:
        """What a method adds between the supervised loss and `post_g`."""
        return []

    def segmenter(self) -> Segmenter:
        """Images to logits, as at test time."""
        return Segmenter(self.models)

    def state_modules(self) -> dict[str, nn.Module]:
        """The models, and what hooks remember."""
        modules = super().state_modules()
        for hook in self.post_g:
            if hasattr(hook, "state_modules"):
                modules.update(hook.state_modules())
        return modules


def segmenter_optimizer(models: Mapping[str, nn.Module], train: TrainSettings) -> torch.optim.Optimizer:
    """SGD over trunk and heads; the heads learn `head_lr_factor` times as fast (as DeepLab's codes do)."""
    groups = [
        {"params": trainable([models["G"]]), "lr": train.lr},
        {"params": trainable([models["C"], models["C_aux"]]), "lr": train.lr * train.head_lr_factor},
    ]
    return torch.optim.SGD(groups, lr=train.lr, momentum=train.momentum, weight_decay=train.weight_decay)


def trainable(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    """The parameters that get a gradient."""
    return [parameter for module in modules for parameter in module.parameters() if parameter.requires_grad]
