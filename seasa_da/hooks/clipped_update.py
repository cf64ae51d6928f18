"""An update whose models' weights stay small: the Lipschitz bound of the first Wasserstein critics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from pytorch_adapt.hooks.base import BaseHook
from torch import nn

from seasa_da.hooks.update import Stepper, UpdateHook


class ClippedUpdateHook(UpdateHook):
    """After each step of the optimisers, clips every weight of `models` to [-clip, clip] (Arjovsky et al., ICML 2017).

    Biases stay as they are: they make no critic steeper.

    Args:
        clip: the largest absolute value; 0 clips nothing.
        models: their names in the context.
        others: see `UpdateHook`.
    """

    def __init__(
        self, hook: BaseHook, optimizers: list[str], *, clip: float, models: Iterable[str], **kwargs: Any
    ) -> None:
        super().__init__(hook, optimizers, **kwargs)
        self.clip = clip
        self.models = list(models)

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        result = super().call(inputs, losses)
        stepper: Stepper = inputs.get("stepper") or Stepper()
        # Between micro-batches nothing has stepped, and they must all find the same weights.
        if self.clip > 0 and stepper.last:
            clip_weights((inputs[name] for name in self.models), self.clip)
        return result


@torch.no_grad()
def clip_weights(models: Iterable[nn.Module], largest: float) -> None:
    """Clip all parameters but biases to [-largest, largest], in place."""
    for model in models:
        for name, parameter in model.named_parameters():
            if not name.endswith("bias"):
                parameter.clamp_(-largest, largest)
