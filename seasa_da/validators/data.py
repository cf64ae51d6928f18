"""What validators see of a run's data: the same slices and pixels for every checkpoint, and no target label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seasa_da.config import RunSettings, ViewSettings
from seasa_da.data.case import IGNORED, Split
from seasa_da.data.datasets import (
    ImageSlices,
    LabelledSlices,
    source_slices,
    source_validation_slices,
    target_slices,
)
from seasa_da.data.store import SliceStore


@dataclass(frozen=True)
class ValidationData:
    """Slices of both domains, evenly spaced over their sets.

    Attributes:
        target: training images of the target; their class has no way to read labels.
        target_index: `(n,)` of them.
        source: labelled slices of the source, `source_split` says of which split.
        source_index: of them.
        views_from: training images of the source, for the Fourier views.
        prior: `(K,)` frequencies of the labels in the source's training slices, background first.
        views: how many and how strong, as the run's method has them, or the paper's.
        seed: of the run; all draws are functions of it.
        pixels: whose features are compared with one another, at most.
    """

    target: ImageSlices
    target_index: npt.NDArray[np.int64]
    source: LabelledSlices
    source_index: npt.NDArray[np.int64]
    source_split: Split
    views_from: ImageSlices
    prior: npt.NDArray[np.float64]
    views: ViewSettings
    seed: int
    pixels: int

    @classmethod
    def of_store(
        cls, store: SliceStore, settings: RunSettings, class_names: Sequence[str], *, slices: int, pixels: int
    ) -> ValidationData:
        """Of a run's store.

        Args:
            slices: of each domain, at most.

        Raises:
            UserError: a source without labels, or a broken store.
        """
        target = target_slices(store, settings.tgt)
        source, split = source_validation_slices(store, settings.src, class_names)
        trained_on = source_slices(store, settings.src, class_names)
        has_views = "views" in type(settings).model_fields
        return cls(
            target=target,
            target_index=evenly(len(target), slices),
            source=source,
            source_index=evenly(len(source), slices),
            source_split=split,
            views_from=trained_on,
            prior=label_frequencies(trained_on, evenly(len(trained_on), slices), len(class_names) + 1),
            views=settings.section("views") if has_views else ViewSettings(),
            seed=settings.seed,
            pixels=pixels,
        )


def evenly(count: int, wanted: int) -> npt.NDArray[np.int64]:
    """Indices in the middle of `wanted` equal parts of `count` things; all of them where there are fewer."""
    wanted = min(count, wanted)
    return (2 * np.arange(wanted, dtype=np.int64) + 1) * count // (2 * max(wanted, 1))


def label_frequencies(slices: LabelledSlices, index: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.float64]:
    """`(K,)` shares of the pixels, ignored ones left out; equal shares where all are."""
    counts = np.zeros(IGNORED + 1, dtype=np.int64)
    for place in index:
        counts += np.bincount(slices.take_labels(np.array([place])).ravel(), minlength=IGNORED + 1)
    counts = counts[:classes]
    return counts / counts.sum() if counts.sum() else np.full(classes, 1 / classes)
