"""How good a checkpoint is where labels are allowed: on the source."""

from __future__ import annotations

import math

from pytorch_adapt.validators import BaseValidator
from torch import Tensor


class SourceDiceValidator(BaseValidator):
    """Dice of the structures on source slices, pooled over their pixels, mean over the structures there are; 0 to 1.

    Takes `src_val` with `confusion` `(K, K)`: pixels by (label, prediction); class 0 is background.
    """

    def compute_score(self, src_val: dict[str, Tensor]) -> float:
        confusion = src_val["confusion"].double()
        both = confusion.diagonal()[1:]
        sizes = (confusion.sum(dim=0) + confusion.sum(dim=1))[1:]
        there = sizes > 0
        return float((2 * both[there] / sizes[there]).mean()) if bool(there.any()) else math.nan
