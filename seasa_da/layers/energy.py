"""The free energy of a classifier's logits, and the constraint that energy-constrained self-training puts on it."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import nn

EnergyMode = Literal["raw", "hinge", "contrast"]


def free_energy(logits: torch.Tensor) -> torch.Tensor:
    """E(x) = -ln Σ_k exp f_k(x), the energy of p(x) ∝ Σ_k exp f_k(x) (Grathwohl et al., ICLR 2020).

    Args:
        logits: f, `(N, K)` or `(N, K, H, W)`.

    Returns:
        `(N,)` or `(N, H, W)`, any real number; E(f + c) = E(f) - c and ∂E/∂f_k = -p_k.
    """
    return -logits.to(torch.promote_types(logits.dtype, torch.float32)).logsumexp(dim=1)


class EnergyLoss(nn.Module):
    """Lowers the energy of target predictions; no label is in it.

    - "raw": E itself. It has no lower bound: adding a constant to all logits lowers it and changes no prediction.
    - "hinge": max(0, E - m)², m the source's mean energy: no gradient once the target's energy is as low.
    - "contrast": E - m. As m carries no gradient it trains as "raw" does; its value says how far the domains are apart.

    A likelihood of x would want negative samples (SGLD) beside; there are none here.

    Args:
        mode: see above.

    Raises:
        ValueError: an unknown mode.
    """

    def __init__(self, mode: EnergyMode = "hinge") -> None:
        super().__init__()
        if mode not in get_args(EnergyMode):
            raise ValueError(f"mode={mode!r}; choose from {', '.join(get_args(EnergyMode))}")
        self.mode = mode

    def forward(self, logits: torch.Tensor, source_energy: torch.Tensor) -> torch.Tensor:
        """The loss of each image, a mean over its pixels: `(N,)`, at least 0 with "hinge".

        Args:
            logits: `(N, K)` or `(N, K, H, W)`, of target images.
            source_energy: m, a scalar; carries no gradient.
        """
        energy = free_energy(logits)
        if self.mode != "raw":
            energy = energy - source_energy.detach()
        if self.mode == "hinge":
            energy = energy.clamp(min=0).square()
        return energy.unsqueeze(-1).flatten(1).mean(dim=1)
