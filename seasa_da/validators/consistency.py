"""Whether predictions hold under the paper's two families of views."""

from __future__ import annotations

import torch
from pytorch_adapt.validators import BaseValidator
from torch import Tensor


class ConsistencyValidator(BaseValidator):
    """Share of a class's predicted pixels that the majorities of both view families confirm, mean over the classes.

    The masks are those of the paper's eq. 3-5 (`ReliabilityHook`). Over all pixels alike the background would decide;
    a class that is never predicted counts as 0, so that a network which predicts background alone cannot win.

    Takes `target_votes` with `labels` and `reliable` `(P,)`, and `classes`, a scalar.
    """

    def compute_score(self, target_votes: dict[str, Tensor]) -> float:
        classes = int(target_votes["classes"])
        labels, reliable = target_votes["labels"].long(), target_votes["reliable"]
        found = torch.bincount(labels.flatten(), minlength=classes)
        confirmed = torch.bincount(labels[reliable].flatten(), minlength=classes)
        return float((confirmed / found.clamp(min=1)).mean())
