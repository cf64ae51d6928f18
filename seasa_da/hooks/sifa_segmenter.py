"""Second update of SIFA's step: the shared encoder and the heads (Chen et al., TMI 2020, eq. 4-8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from pytorch_adapt.hooks.base import BaseHook

from seasa_da.hooks.adversarial import LEVELS
from seasa_da.hooks.schedule import ScheduledWeight
from seasa_da.layers import REAL, least_squares_loss


class SharedEncoderHook(BaseHook):
    """Fills `src_imgs_features`, `src_imgs_conv4` and the target's, the source's being those of its translation.

    The generator has just been trained, so the source is translated again: `src_translated`, without gradient, as a
    segmentation loss must never reach it. pytorch-adapt's hooks and ours find the features and go on with them.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.in_keys = ["src_imgs", "target_imgs"]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        with torch.no_grad():
            translated = inputs["G_ST"](inputs["src_imgs"])
        outputs = {"src_translated": translated}
        for domain, images in (("src", translated), ("target", inputs["target_imgs"])):
            high, low = inputs["G"](images, levels=True)
            outputs |= {f"{domain}_imgs_features": high, f"{domain}_imgs_conv4": low}
        return outputs, {}

    def _loss_keys(self) -> list[str]:
        return []

    def _out_keys(self) -> list[str]:
        levels = [f"{domain}_imgs_{level}" for domain in ("src", "target") for level in ("features", "conv4")]
        return ["src_translated", *levels]


class SharedEncoderLossHook(BaseHook):
    """What the encoder learns besides segmentation, weighted, scalars.

    - `image_loss`: the reverse generator's own, as the encoder is its first half: cycles (L1) and the adversary;
    - `task_loss`: the auxiliary task, images decoded from the target shall look as if decoded from the source;
    - `adversarial_loss`, `adversarial_aux_loss`: the target's logits shall look like those of translated source.

    Needs what `SharedEncoderHook` and the logits hooks fill, and `G_ST`, `decoder`, `D_S` (two scores a place: real or
    fake, and the task's) and the discriminators of logits.

    Args:
        image_weight, cycle_weight, task_weight: see `SIFASettings`.
        feature_weights: by discriminator of logits, "D" and perhaps "D_aux".
    """

    def __init__(
        self,
        image_weight: float,
        cycle_weight: float,
        task_weight: float,
        feature_weights: Mapping[str, ScheduledWeight],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.image_weight = image_weight
        self.cycle_weight = cycle_weight
        self.task_weight = task_weight
        self.feature_weights = dict(feature_weights)
        self.in_keys = [
            *("src_imgs", "target_imgs", "src_translated", "src_imgs_features", "target_imgs_features"),
            *(f"target_{LEVELS[name]}" for name in self.feature_weights),
        ]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        src, target, translated = (inputs[key] for key in ("src_imgs", "target_imgs", "src_translated"))
        back = inputs["decoder"](inputs["target_imgs_features"], target)
        cycled = inputs["decoder"](inputs["src_imgs_features"], translated)
        scores = inputs["D_S"](back)
        cycles = F.l1_loss(cycled, src) + F.l1_loss(inputs["G_ST"](back), target)
        image = self.cycle_weight * cycles + least_squares_loss(scores[:, 0], REAL)
        found = {
            "image_loss": self.image_weight * image,
            "task_loss": self.task_weight * least_squares_loss(scores[:, 1], REAL),
        }
        progress = inputs.get("progress", 1.0)
        for name, weight in self.feature_weights.items():
            said = inputs[name](inputs[f"target_{LEVELS[name]}"])
            found[_adversarial(name)] = weight.at(progress) * least_squares_loss(said, REAL)
        return {}, found

    def _loss_keys(self) -> list[str]:
        return ["image_loss", "task_loss", *(_adversarial(name) for name in self.feature_weights)]

    def _out_keys(self) -> list[str]:
        return []


def _adversarial(name: str) -> str:
    return f"adversarial{name[1:]}_loss"
