"""Last update of SIFA's step: all discriminators (Chen et al., TMI 2020)."""

from __future__ import annotations

from typing import Any

from pytorch_adapt.hooks.base import BaseHook

from seasa_da.hooks.translation import pooled
from seasa_da.hooks.update import Stepper
from seasa_da.layers import FAKE, REAL, least_squares_loss

SEEN = {"D": "logits", "D_aux": "aux_logits"}
"""Which logits each discriminator of predictions sees."""


class SIFADiscriminatorsHook(BaseHook):
    """½ (real + fake), least squares, a scalar a discriminator and task.

    - `critic_T_loss`: target images against translated source (`D_T`, through `pool_T`);
    - `critic_S_loss`: source images against decoded target (first score of `D_S`, through `pool_S`);
    - `critic_S_task_loss`: images decoded from translated source against those decoded from the target (its second);
    - `discriminator_loss`, `discriminator_aux_loss`: logits of translated source against the target's.

    Needs what the hooks of the updates before left, and `target_seeds` `(N,)` for the pools' draws.

    Args:
        names: discriminators of logits.
    """

    def __init__(self, names: tuple[str, ...] = tuple(SEEN), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.names = names
        logits = [f"{domain}_{SEEN[name]}" for name in names for domain in ("src", "target")]
        images = ["src_imgs", "target_imgs", "src_as_target", "src_decoded", "target_decoded"]
        self.in_keys = [*images, *logits, "target_seeds"]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        stepper: Stepper = inputs.get("stepper") or Stepper()
        seeds = inputs["target_seeds"]
        fake_target = pooled(inputs["pool_T"], inputs["src_as_target"], seeds, stepper)
        fake_source = pooled(inputs["pool_S"], inputs["target_decoded"], seeds, stepper)
        critic = inputs["D_S"]
        of_fake = critic(fake_source)
        of_decoded = critic(inputs["src_decoded"].detach())
        found = {
            "critic_T_loss": _loss(inputs["D_T"](inputs["target_imgs"]), inputs["D_T"](fake_target)),
            "critic_S_loss": _loss(critic(inputs["src_imgs"])[:, 0], of_fake[:, 0]),
            "critic_S_task_loss": _loss(of_decoded[:, 1], of_fake[:, 1]),
        }
        for name in self.names:
            real, fake = (inputs[name](inputs[f"{domain}_{SEEN[name]}"]) for domain in ("src", "target"))
            found[f"discriminator{name[1:]}_loss"] = _loss(real, fake)
        return {}, found

    def _loss_keys(self) -> list[str]:
        images = ["critic_T_loss", "critic_S_loss", "critic_S_task_loss"]
        return [*images, *(f"discriminator{name[1:]}_loss" for name in self.names)]

    def _out_keys(self) -> list[str]:
        return []


def _loss(real: Any, fake: Any) -> Any:
    return 0.5 * (least_squares_loss(real, REAL) + least_squares_loss(fake, FAKE))
