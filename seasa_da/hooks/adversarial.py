"""The output-space adversary of Tsai et al. (CVPR 2018), the paper's eq. 1 and 2, on both heads.

Source is 1 and target 0, as eq. 1 has it (the authors' code has the reverse).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytorch_adapt.hooks.base import BaseHook
from torch import Tensor

from seasa_da.hooks.schedule import ScheduledWeight
from seasa_da.layers import SOURCE_DOMAIN, TARGET_DOMAIN, domain_loss

LEVELS: Mapping[str, str] = {"D": "imgs_features_logits", "D_aux": "imgs_conv4_logits"}
"""Which logits each discriminator sees."""


class AdversarialLossHook(BaseHook):
    """Eq. 2: the target's logits shall look like the source's. Gives one loss a level, weighted, a scalar.

    Args:
        weights: by discriminator name; the names are the keys of `LEVELS`.
    """

    def __init__(self, weights: Mapping[str, ScheduledWeight], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weights = dict(weights)
        self.in_keys = [f"target_{LEVELS[name]}" for name in self.weights]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        progress = inputs.get("progress", 1.0)
        found: dict[str, Tensor] = {}
        for name, weight in self.weights.items():
            dlogits = inputs[name](inputs[f"target_{LEVELS[name]}"])
            found[_loss_key("adversarial", name)] = weight.at(progress) * domain_loss(dlogits, SOURCE_DOMAIN)
        return {}, found

    def _loss_keys(self) -> list[str]:
        return [_loss_key("adversarial", name) for name in self.weights]

    def _out_keys(self) -> list[str]:
        return []


class DiscriminatorLossHook(BaseHook):
    """Eq. 1, halved as in the authors' code: each discriminator tells detached source from target logits, a scalar."""

    def __init__(self, names: tuple[str, ...] = tuple(LEVELS), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.names = names
        self.in_keys = [f"{domain}_{LEVELS[name]}" for name in names for domain in ("src", "target")]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        found: dict[str, Tensor] = {}
        for name in self.names:
            src, target = (inputs[name](inputs[f"{domain}_{LEVELS[name]}"].detach()) for domain in ("src", "target"))
            found[_loss_key("discriminator", name)] = 0.5 * (
                domain_loss(src, SOURCE_DOMAIN) + domain_loss(target, TARGET_DOMAIN)
            )
        return {}, found

    def _loss_keys(self) -> list[str]:
        return [_loss_key("discriminator", name) for name in self.names]

    def _out_keys(self) -> list[str]:
        return []


def _loss_key(role: str, name: str) -> str:
    return f"{role}{name[1:]}_loss"
