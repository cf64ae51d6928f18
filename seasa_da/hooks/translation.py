"""Unpaired translation between the domains' images: CycleGAN's losses (Zhu et al., ICCV 2017, eq. 1-3).

`G_ST` makes target-like images of the source's, `G_TS` the reverse; `D_T` and `D_S` tell real images of a domain from
those made for it.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from pytorch_adapt.hooks.base import BaseHook
from torch import Tensor

from seasa_da.hooks.update import Stepper
from seasa_da.layers import FAKE, REAL, least_squares_loss

FAKES = {"D_T": "src_as_target", "D_S": "target_as_src"}
"""Which translated images each discriminator sees."""
REALS = {"D_T": "target_imgs", "D_S": "src_imgs"}


class TranslationHook(BaseHook):
    """Fills `src_as_target`, `target_as_src` and, there and back, `src_cycled`, `target_cycled`: `(N, C, H, W)`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.in_keys = ["src_imgs", "target_imgs"]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        there, back = inputs["G_ST"](inputs["src_imgs"]), inputs["G_TS"](inputs["target_imgs"])
        return {
            "src_as_target": there,
            "target_as_src": back,
            "src_cycled": inputs["G_TS"](there),
            "target_cycled": inputs["G_ST"](back),
        }, {}

    def _loss_keys(self) -> list[str]:
        return []

    def _out_keys(self) -> list[str]:
        return ["src_as_target", "target_as_src", "src_cycled", "target_cycled"]


class TranslationLossHook(BaseHook):
    """The generators' losses, weighted, scalars: least-squares adversary, cycle and identity (L1), each both ways.

    Args:
        cycle_weight: lambda of the cycle loss (paper: 10).
        identity_weight: that of the identity loss over lambda (paper, sec. 5.2: 0.5); 0 leaves it and its forwards out.
    """

    def __init__(self, cycle_weight: float = 10.0, identity_weight: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cycle_weight = cycle_weight
        self.identity_weight = identity_weight
        self.in_keys = ["src_imgs", "target_imgs", *TranslationHook().out_keys]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        src, target = inputs["src_imgs"], inputs["target_imgs"]
        found = {
            "gan_src_as_target_loss": least_squares_loss(inputs["D_T"](inputs["src_as_target"]), REAL),
            "gan_target_as_src_loss": least_squares_loss(inputs["D_S"](inputs["target_as_src"]), REAL),
            "cycle_src_loss": self.cycle_weight * F.l1_loss(inputs["src_cycled"], src),
            "cycle_target_loss": self.cycle_weight * F.l1_loss(inputs["target_cycled"], target),
        }
        if self.identity_weight > 0:
            weight = self.cycle_weight * self.identity_weight
            found["identity_src_loss"] = weight * F.l1_loss(inputs["G_TS"](src), src)
            found["identity_target_loss"] = weight * F.l1_loss(inputs["G_ST"](target), target)
        return {}, found

    def _loss_keys(self) -> list[str]:
        names = ["gan_src_as_target", "gan_target_as_src", "cycle_src", "cycle_target"]
        names += ["identity_src", "identity_target"] if self.identity_weight > 0 else []
        return [f"{name}_loss" for name in names]

    def _out_keys(self) -> list[str]:
        return []


class ImageDiscriminatorLossHook(BaseHook):
    """½ (real + fake), least squares, a scalar a discriminator; the fakes come through the pools `pool_T`, `pool_S`.

    `target_seeds` `(N,)` make the pools' draws. The pools take the images of all ranks in one order, so that they are
    the same on each, and a rank gets its part back.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.in_keys = ["src_imgs", "target_imgs", *FAKES.values(), "target_seeds"]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        stepper: Stepper = inputs.get("stepper") or Stepper()
        seeds = inputs["target_seeds"]
        found = {}
        for name, fake in FAKES.items():
            earlier = pooled(inputs[f"pool{name[1:]}"], inputs[fake], seeds, stepper)
            real_loss = least_squares_loss(inputs[name](inputs[REALS[name]]), REAL)
            found[f"critic{name[1:]}_loss"] = 0.5 * (real_loss + least_squares_loss(inputs[name](earlier), FAKE))
        return {}, found

    def _loss_keys(self) -> list[str]:
        return [f"critic{name[1:]}_loss" for name in FAKES]

    def _out_keys(self) -> list[str]:
        return []


def pooled(pool: Any, fakes: Tensor, seeds: Tensor, stepper: Stepper) -> Tensor:
    """Exchange a rank's fakes `(n, C, H, W)` for earlier ones; `seeds` `(n,)` on the CPU make the draws."""
    if stepper.world > 1:
        seeds = stepper.gather_over_ranks(seeds.to(fakes.device)).cpu()
    return pool.exchange(stepper.gather_over_ranks(fakes), seeds).chunk(stepper.world)[stepper.rank]
