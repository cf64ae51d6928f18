"""Which pixels of new slices are reliable: the vote of the two families of views, as in training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seasa_da.config import RunSettings, ViewSettings
from seasa_da.data.datasets import ImageSlices
from seasa_da.data.locate import locate_store
from seasa_da.errors import UserError
from seasa_da.hooks import ReliabilityHook
from seasa_da.layers import predicted_labels
from seasa_da.prediction.blending import Place
from seasa_da.seeding import derive_seed


@dataclass(frozen=True)
class Votes:
    """What a vote was made of.

    Attributes:
        labels: `(B, h, w)`, predicted of the clean windows.
        random, fourier: the views `(N, B, C, h, w)`.
        random_labels, fourier_labels: `(N, B, h, w)`, predicted of them.
        agrees_random, agrees_fourier: `(B, h, w)` bool, where a family's majority agrees with `labels`.
    """

    labels: Tensor
    random: Tensor
    fourier: Tensor
    random_labels: Tensor
    fourier_labels: Tensor
    agrees_random: Tensor
    agrees_fourier: Tensor


class Voter:
    """Votes on windows of slices; what is drawn for one follows from the seed and its place in its volume.

    Args:
        models: `G` and `C`, in evaluation mode.
        sources: the source's training slices, for the Fourier views.
        views: how many and how strong.
        seed: of the run.
    """

    def __init__(self, models: dict[str, nn.Module], sources: ImageSlices, views: ViewSettings, seed: int) -> None:
        self.models = models
        self.sources = sources
        self.seed = seed
        self.hook = ReliabilityHook(views)
        self.images = 2 * views.n + 1

    def __call__(self, windows: Tensor, places: Sequence[Place]) -> Tensor:
        """1 where a pixel's prediction is reliable, else 0, `(B, 1, h, w)`, of windows `(B, C, h, w)` in [-1, 1]."""
        outputs, _ = self.hook(self._inputs(windows, places))
        return outputs["target_reliable"][:, None].float()

    @torch.inference_mode()
    def explain(self, windows: Tensor, places: Sequence[Place]) -> Votes:
        """The same vote with all that it was made of, to be shown."""
        inputs = self._inputs(windows, places)
        random, fourier = self.hook.views_of(inputs)
        outputs, _ = self.hook(inputs)
        trunk, head = self.models["G"], self.models["C"]
        return Votes(
            labels=outputs["target_votes"],
            random=random,
            fourier=fourier,
            random_labels=torch.stack([predicted_labels(head(trunk(view))) for view in random]),
            fourier_labels=torch.stack([predicted_labels(head(trunk(view))) for view in fourier]),
            agrees_random=outputs["target_agrees_random"],
            agrees_fourier=outputs["target_agrees_fourier"],
        )

    def _inputs(self, windows: Tensor, places: Sequence[Place]) -> dict[str, Any]:
        n = self.hook.views.n
        draws = [
            np.random.default_rng(derive_seed(self.seed, "predict", "fourier", *place)).integers(
                len(self.sources), size=n
            )
            for place in places
        ]
        return {
            **self.models,
            "target_imgs": windows,
            "target_seeds": torch.tensor([derive_seed(self.seed, "predict", "views", *place) for place in places]),
            "fourier_imgs": torch.from_numpy(self.sources.take(np.stack(draws))).to(windows.device),
        }


def source_of_run(
    settings: RunSettings, record: dict[str, Any], run: Path, say: Callable[[str], None] = lambda line: None
) -> ImageSlices:
    """The source's training slices of a run's own data. No label is opened.

    Args:
        settings: of the run.
        record: the content of its `run.json`.
        run: its folder, for messages.
        say: called with lines for the user, where the data have to be prepared again.

    Raises:
        UserError: the data are not where they were, or are others.
    """
    data = Path(record["data"]) if record["data"] else None
    if data is not None and not data.exists():
        raise UserError(
            f"reliability maps want source slices, but the data of {run} are not at {data} any more; put them back, "
            "or predict without --reliability"
        )
    store = locate_store(data, settings.data, settings.phantom, settings.raw, say=say)
    images = [(settings.src, "train", "images"), (settings.tgt, "train", "images")]
    # the fingerprint has the labels of the domain that was trained on, by their hash in the manifest
    prints = {store.fingerprint([*images, (labelled, "train", "labels")]) for labelled in (settings.src, settings.tgt)}
    if record["data_fingerprint"] not in prints:
        raise UserError(
            f"reliability maps want source slices, but {store.path} holds others than {run} was trained on; "
            "predict without --reliability"
        )
    return ImageSlices(store, settings.src)
