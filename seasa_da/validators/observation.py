"""A checkpoint's predictions on the validation slices, as the validators take them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from seasa_da.data.case import IGNORED
from seasa_da.hooks import ReliabilityHook
from seasa_da.hooks.reliability import running_statistics
from seasa_da.layers import predicted_labels
from seasa_da.seeding import derive_seed
from seasa_da.validators.data import ValidationData

BATCH = 16
PLAIN_PIXELS = 16
"""How many times `ValidationData.pixels` the plain sample has: it is compared with nothing, so it costs little."""


@dataclass(frozen=True)
class Observation:
    """What one checkpoint says of the validation slices.

    Attributes:
        data: by the names of the splits that validators require: `target_train` (a plain sample of pixels: `logits`,
            `preds` `(P, K)`), `target_balanced` (as many of every predicted class, as far as there are: the same and
            `features` `(P, D)`), `target_votes` (every pixel: `labels`, `reliable`), `src_train` (`prior`) and
            `src_val` (`confusion`).
        predicted: `(n, H, W)` labels of the target's slices.
        reliable: `(n, H, W)`, whether both view families confirm them.
    """

    data: dict[str, dict[str, Tensor]]
    predicted: npt.NDArray[np.uint8]
    reliable: npt.NDArray[np.bool_]


@torch.inference_mode()
def observe(models: Mapping[str, nn.Module], data: ValidationData, device: torch.device | str) -> Observation:
    """Let `G` and `C` predict; their modes stay as they were, and so does torch's own generator.

    Pixels are drawn by the run's seed; the plain ones are the same for every checkpoint. A slice takes 2N + 2 forwards.
    """
    trunk, head = models["G"], models["C"]
    with running_statistics(trunk, head):
        predicted, reliable = _votes(models, data, device)
        height, width = predicted.shape[1:]
        plain = _plain(data, predicted.size)
        balanced = _balanced(data, predicted)
        wanted = {"plain": plain, "balanced": balanced}
        logits: dict[str, list[Tensor]] = {name: [] for name in wanted}
        features: list[Tensor] = []
        for start, images in _batches(data.target, data.target_index, device):
            levels = trunk(images)
            outputs = head(levels)
            for name, places in wanted.items():
                inside = places[(places >= start * height * width) & (places < (start + len(images)) * height * width)]
                here, y, x = np.unravel_index(inside - start * height * width, (len(images), height, width))
                logits[name].append(outputs[here, :, y, x].float())
                if name == "balanced":
                    rows, columns = (y * levels.shape[2] // height, x * levels.shape[3] // width)
                    features.append(levels[here, :, rows, columns].float())
        confusion = _confusion(trunk, head, data, device)
    samples = {name: torch.cat(parts) for name, parts in logits.items()}
    return Observation(
        data={
            "target_train": {"logits": samples["plain"], "preds": samples["plain"].softmax(dim=1)},
            "target_balanced": {
                "logits": samples["balanced"],
                "preds": samples["balanced"].softmax(dim=1),
                "features": torch.cat(features),
            },
            "target_votes": {
                "labels": torch.from_numpy(predicted),
                "reliable": torch.from_numpy(reliable),
                "classes": torch.tensor(len(data.prior)),
            },
            "src_train": {"prior": torch.from_numpy(data.prior).float()},
            "src_val": {"confusion": confusion},
        },
        predicted=predicted,
        reliable=reliable,
    )


def _batches(slices: Any, index: npt.NDArray[np.int64], device: torch.device | str) -> Iterator[tuple[int, Tensor]]:
    for start in range(0, len(index), BATCH):
        yield start, torch.from_numpy(slices.take(index[start : start + BATCH])).to(device)


def _votes(
    models: Mapping[str, nn.Module], data: ValidationData, device: torch.device | str
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    hook = ReliabilityHook(data.views)
    labels, masks = [], []
    for start, images in _batches(data.target, data.target_index, device):
        places = [int(place) for place in data.target_index[start : start + len(images)]]
        draws = [
            np.random.default_rng(derive_seed(data.seed, "validate", "fourier", place)).integers(
                len(data.views_from), size=data.views.n
            )
            for place in places
        ]
        inputs: dict[str, Any] = {
            "G": models["G"],
            "C": models["C"],
            "target_imgs": images,
            "target_seeds": torch.tensor([derive_seed(data.seed, "validate", "views", place) for place in places]),
            "fourier_imgs": torch.from_numpy(data.views_from.take(np.stack(draws))).to(device),
        }
        outputs, _ = hook(inputs)
        labels.append(outputs["target_votes"].to(torch.uint8).cpu().numpy())
        masks.append(outputs["target_reliable"].cpu().numpy())
    return np.concatenate(labels), np.concatenate(masks)


def _plain(data: ValidationData, count: int) -> npt.NDArray[np.int64]:
    """Rising places in all pixels of the slices: the same for every checkpoint."""
    wanted = min(count, PLAIN_PIXELS * data.pixels)
    draws = np.random.default_rng(derive_seed(data.seed, "validate", "pixels"))
    return np.sort(draws.choice(count, size=wanted, replace=False))


def _balanced(data: ValidationData, predicted: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Rising places: of every predicted class as many, as far as it has them."""
    draws = np.random.default_rng(derive_seed(data.seed, "validate", "balanced pixels"))
    flat = predicted.ravel()
    present = np.flatnonzero(np.bincount(flat))
    each = max(1, data.pixels // len(present))
    places = [np.flatnonzero(flat == label) for label in present]
    return np.sort(np.concatenate([draws.choice(own, size=min(each, len(own)), replace=False) for own in places]))


def _confusion(trunk: nn.Module, head: nn.Module, data: ValidationData, device: torch.device | str) -> Tensor:
    """`(K, K)` pixels of the source's slices by (label, prediction); ignored ones left out."""
    classes = len(data.prior)
    counts = torch.zeros(classes * classes, dtype=torch.int64)
    for start, images in _batches(data.source, data.source_index, device):
        found = predicted_labels(head(trunk(images))).cpu()
        truth = torch.from_numpy(data.source.take_labels(data.source_index[start : start + len(images)])).long()
        counted = truth != IGNORED
        counts += torch.bincount(truth[counted] * classes + found[counted], minlength=classes * classes)
    return counts.reshape(classes, classes)
