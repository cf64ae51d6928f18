"""The least-squares form of the adversarial loss."""

from __future__ import annotations

from torch import Tensor

REAL, FAKE = 1.0, 0.0


def least_squares_loss(scores: Tensor, wanted: float) -> Tensor:
    """mean (s - wanted)², a scalar (LSGAN, Mao et al., ICCV 2017).

    Args:
        scores: a discriminator's raw output, any shape.
        wanted: `REAL` or `FAKE`.
    """
    return (scores - wanted).square().mean()
