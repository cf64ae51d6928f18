"""Third update of SIFA's step: the decoder, on features that it does not reach (Chen et al., TMI 2020)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from pytorch_adapt.hooks.base import BaseHook

from seasa_da.layers import REAL, least_squares_loss


class SIFADecoderHook(BaseHook):
    """The decoder's losses, weighted, scalars: least-squares adversary and the cycles both ways (L1).

    Needs `src_imgs`, `target_imgs`, `src_translated` and the models `G`, `C`, `C_aux`, `decoder`, `G_ST`, `D_S`. The
    encoder has just been trained: it is run again, without gradient. For the discriminators it gives the decoded images
    `src_decoded`, `target_decoded` and the present logits, `src_logits`, `target_logits` and those of the lower level.

    Args:
        cycle_weight: of the cycles (paper: 10).
        lower: whether the lower level's logits are wanted.
    """

    def __init__(self, cycle_weight: float = 10.0, lower: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cycle_weight = cycle_weight
        self.lower = lower
        self.in_keys = ["src_imgs", "target_imgs", "src_translated"]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        outputs: dict[str, Any] = {}
        for domain, key in (("src", "src_translated"), ("target", "target_imgs")):
            with torch.no_grad():
                high, low = inputs["G"](inputs[key], levels=True)
                outputs[f"{domain}_logits"] = inputs["C"](high)
                if self.lower:
                    outputs[f"{domain}_aux_logits"] = inputs["C_aux"](low)
            outputs[f"{domain}_decoded"] = inputs["decoder"](high, inputs[key])
        back = outputs["target_decoded"]
        return outputs, {
            "gan_target_as_src_loss": least_squares_loss(inputs["D_S"](back)[:, 0], REAL),
            "decoder_cycle_src_loss": self.cycle_weight * F.l1_loss(outputs["src_decoded"], inputs["src_imgs"]),
            "decoder_cycle_target_loss": self.cycle_weight * F.l1_loss(inputs["G_ST"](back), inputs["target_imgs"]),
        }

    def _loss_keys(self) -> list[str]:
        return ["gan_target_as_src_loss", "decoder_cycle_src_loss", "decoder_cycle_target_loss"]

    def _out_keys(self) -> list[str]:
        kinds = ["logits", *(["aux_logits"] if self.lower else []), "decoded"]
        return [f"{domain}_{kind}" for domain in ("src", "target") for kind in kinds]
