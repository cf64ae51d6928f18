"""How well the target's features cluster around the prototypes of the predicted classes."""

from __future__ import annotations

import torch
from pytorch_adapt.validators import BaseValidator
from torch import Tensor
from torch.nn.functional import normalize

ABSENT = -1.0
"""The silhouette's worst: a network that predicts one class alone has nothing to tell apart, and must not win."""


class PrototypeValidator(BaseValidator):
    """Simplified silhouette (Hruschka et al., 2004) of pixels' features by predicted class, mean over the classes.

    A pixel's is (b - a) / max(a, b), from -1 to 1: a its cosine distance to the prototype (mean direction) of its own
    class, b to the nearest of another. A class that is never predicted counts as -1.

    Takes `target_balanced` with `features` `(P, D)` and `logits` `(P, K)`.
    """

    def compute_score(self, target_balanced: dict[str, Tensor]) -> float:
        features = normalize(target_balanced["features"].float(), dim=1)
        labels = target_balanced["logits"].argmax(dim=1)
        classes = target_balanced["logits"].shape[1]
        present = [label for label in range(classes) if bool((labels == label).any())]
        if len(present) < 2:
            return ABSENT
        means = [features[labels == label].mean(dim=0) for label in present]
        prototypes = normalize(torch.stack(means), dim=1)
        distances = 1 - features @ prototypes.T
        score = 0.0
        for place, label in enumerate(present):
            own = distances[labels == label]
            a = own[:, place]
            others = own.clone()
            others[:, place] = float("inf")
            b = others.min(dim=1).values
            score += float(((b - a) / b.maximum(a).clamp(min=1e-12)).mean())
        return (score + ABSENT * (classes - len(present))) / classes
