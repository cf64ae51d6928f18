"""Whether a segmenter is as certain as it is right: expected calibration error, and confident errors.

The paper's motive: on the target a source model is wrong with low entropy. Counted in histograms over all voxels, so
the result does not depend on batches, and nothing is kept of a volume.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from seasa_da.data.case import IGNORED
from seasa_da.evaluation.share import share

BINS = 15
"""Equal bins of confidence, as Guo et al. (ICML 2017) have them."""
LOW_ENTROPY = 0.1
"""Below this share of ln K a prediction is called confident."""


@dataclass(frozen=True)
class Region:
    """Voxels of one kind, by their confidence.

    Attributes:
        count, confidence, right: `(BINS,)`: voxels, the sum of their confidences, how many of them are right. Bin m
            holds confidences in (m / BINS, (m + 1) / BINS].
    """

    count: npt.NDArray[np.float64]
    confidence: npt.NDArray[np.float64]
    right: npt.NDArray[np.float64]

    def error(self) -> float | None:
        """Expected calibration error: mean over voxels of |accuracy - confidence| of their bin, from 0 to 1."""
        total = self.count.sum()
        return float(np.abs(self.right - self.confidence).sum() / total) if total else None

    def content(self) -> dict[str, Any]:
        """For `calibration.json`; what is not defined is null."""
        bins = [
            {
                "from": place / BINS,
                "to": (place + 1) / BINS,
                "count": int(count),
                "confidence": share(self.confidence[place], count),
                "accuracy": share(self.right[place], count),
            }
            for place, count in enumerate(self.count)
        ]
        total = self.count.sum()
        return {
            "voxels": int(total),
            "ece": self.error(),
            "confidence": share(self.confidence.sum(), total),
            "accuracy": share(self.right.sum(), total),
            "bins": bins,
        }


class Calibration:
    """Counts voxels as they come, slice batch after slice batch.

    Three kinds of region: `all` voxels; the `foreground`, those that are called a structure; and those called each
    structure (calibration by the predicted class, Gupta & Ramdas, ICLR 2022), with the confidence of the predicted
    class everywhere. Over all voxels the background, of which a network is rightly certain, hides the rest. A region
    may depend on the prediction alone: chosen by the reference, too, its unsure voxels would be those that are right.
    What was missed is among the wrong voxels of the confident errors. Voxels whose reference is `IGNORED` count
    nowhere.

    Args:
        class_names: the run's classes; label `i + 1` is `class_names[i]`.
        structures: those that the reference knows.
    """

    def __init__(self, class_names: Sequence[str], structures: Iterable[str] | None = None) -> None:
        self.classes = len(class_names) + 1
        known = set(class_names if structures is None else structures)
        self.places = {name: place for place, name in enumerate(class_names, start=1) if name in known}
        self._sums = {name: np.zeros((3, BINS)) for name in ("all", "foreground", *self.places.values())}
        # [right, wrong] x [voxels, those of low entropy, sum of entropies]
        self._entropy = np.zeros((2, 3))

    @torch.no_grad()
    def add(self, logits: torch.Tensor, truth: npt.NDArray[np.uint8]) -> None:
        """Count a batch.

        Args:
            logits: `(B, K, H, W)`.
            truth: `(B, H, W)` reference in the run's classes, or `IGNORED`.

        Raises:
            ValueError: shapes that do not go together.
        """
        if logits.shape[1] != self.classes or logits.shape[:1] + logits.shape[2:] != truth.shape:
            raise ValueError(f"logits {tuple(logits.shape)} do not go with a reference {truth.shape}")
        reference = torch.from_numpy(np.ascontiguousarray(truth)).to(logits.device)
        scored = reference != IGNORED
        log_probs = logits.float().log_softmax(dim=1).permute(0, 2, 3, 1)[scored]  # (V, K)
        reference = reference[scored].long()
        probs = log_probs.exp()
        confidence, label = probs.max(dim=1)
        right = label == reference
        self._count("all", confidence, right)
        shown = label > 0
        self._count("foreground", confidence[shown], right[shown])
        for place in self.places.values():
            own = label == place
            self._count(place, confidence[own], right[own])
        entropy = -(probs * log_probs).sum(dim=1)
        low = entropy < LOW_ENTROPY * math.log(self.classes)
        for row, which in enumerate((right, ~right)):
            self._entropy[row] += [int(which.sum()), int((which & low).sum()), float(entropy[which].double().sum())]

    def region(self, name: str) -> Region:
        """`all`, `foreground`, or a structure by its name. Raises `KeyError` for a structure that is not counted."""
        return Region(*self._sums[name if name in ("all", "foreground") else self.places[name]])

    def content(self) -> dict[str, Any]:
        """For `calibration.json`."""
        return {
            "low_entropy_nats": LOW_ENTROPY * math.log(self.classes),
            "all": self.region("all").content(),
            "foreground": self.region("foreground").content(),
            "structures": {name: Region(*self._sums[place]).content() for name, place in self.places.items()},
            **self._entropy_content(),
        }

    def _count(self, region: Any, confidence: torch.Tensor, right: torch.Tensor) -> None:
        # ceil, so that a confidence on a bin's border belongs to the bin below it
        bins = (confidence.double() * BINS).ceil().long().sub(1).clamp(0, BINS - 1)
        sums = self._sums[region]
        for row, weights in enumerate((None, confidence.double(), right.double())):
            sums[row] += torch.bincount(bins, weights=weights, minlength=BINS).double().cpu().numpy()

    def _entropy_content(self) -> dict[str, Any]:
        (right, right_low, right_sum), (wrong, wrong_low, wrong_sum) = self._entropy
        return {
            "confident_errors": {
                "of_errors": share(wrong_low, wrong),
                "of_confident": share(wrong_low, right_low + wrong_low),
            },
            "entropy": {"right": share(right_sum, right), "wrong": share(wrong_sum, wrong)},
        }


def summary(content: Mapping[str, Any]) -> dict[str, Any]:
    """Of `calibration.json` what `metrics.json` has: the errors by region, the confident errors, the mean entropies."""
    errors = {name: content[name]["ece"] for name in ("all", "foreground")}
    errors |= {name: region["ece"] for name, region in content["structures"].items()}
    return {"ece": errors, "confident_errors": content["confident_errors"], "entropy": content["entropy"]}
