"""First update of SIFA's step: the generator from source to target (Chen et al., TMI 2020, eq. 1-3)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from pytorch_adapt.hooks.base import BaseHook

from seasa_da.layers import REAL, least_squares_loss


class SIFAGeneratorHook(BaseHook):
    """The generator's losses, weighted, scalars: least-squares adversary and the cycles both ways (L1).

    Needs `src_imgs` and `target_imgs` `(N, C, H, W)` and the models `G_ST`, `G` and `decoder` (together the reverse
    generator) and `D_T`. No loss of a label is among them. Gives `src_as_target`, for the discriminator to see.

    Args:
        cycle_weight: of the cycles (paper: 10).
    """

    def __init__(self, cycle_weight: float = 10.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cycle_weight = cycle_weight
        self.in_keys = ["src_imgs", "target_imgs"]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        generator, encoder, decoder = (inputs[name] for name in ("G_ST", "G", "decoder"))
        src, target = inputs["src_imgs"], inputs["target_imgs"]
        there = generator(src)
        with torch.no_grad():  # nothing on this way is the generator's
            back = decoder(encoder(target), target)
        return {"src_as_target": there}, {
            "gan_src_as_target_loss": least_squares_loss(inputs["D_T"](there), REAL),
            "cycle_src_loss": self.cycle_weight * F.l1_loss(decoder(encoder(there), there), src),
            "cycle_target_loss": self.cycle_weight * F.l1_loss(generator(back), target),
        }

    def _loss_keys(self) -> list[str]:
        return ["gan_src_as_target_loss", "cycle_src_loss", "cycle_target_loss"]

    def _out_keys(self) -> list[str]:
        return ["src_as_target"]
