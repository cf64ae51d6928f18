"""The two bounds: no adaptation, and the target's own labels.

From the paper: both rows of Table 1. From the authors' code: the same loop and loss as every method, on one domain.
Our choice: the same budget as every method (the code gave the lower bound 5,000 iterations).
"""

from __future__ import annotations

from seasa_da.adapters.stage import Stage
from seasa_da.baselines.warm_up import build_source_only
from seasa_da.config import RunSettings


def source_only(settings: RunSettings) -> list[Stage]:
    """The lower bound: labelled source images only; target images are never read."""
    return [Stage("source", settings.train.iterations, build_source_only)]


def supervised(settings: RunSettings) -> list[Stage]:
    """The upper bound (oracle): the target's training images with their labels."""
    return [Stage("oracle", settings.train.iterations, build_source_only, labels="oracle-target")]
