"""What training sees of a store. The target's class has no way to read labels.

Together with `evaluation/` this is the only place that opens labels (`data/labels.py`): for the source domain, and
for the upper bound, whose function is called `oracle_slices` so that nobody uses it by mistake.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seasa_da.data.arrays import read_ahead
from seasa_da.data.case import MEAN, Split
from seasa_da.data.label_map import label_map
from seasa_da.data.labels import labels_exist, open_labels
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError


class ImageSlices:
    """The slices of a domain's split: images only, `(S, C, H, W)` float32 in [-1, 1], memory-mapped."""

    def __init__(self, store: SliceStore, domain: str, split: Split = "train") -> None:
        self.images = store.images(domain, split)

    def __len__(self) -> int:
        return len(self.images)

    def expect(self, indices: npt.NDArray[np.int64]) -> None:
        """Have the slices at `indices`, whatever their shape, be read from the disk meanwhile; see `read_ahead`."""
        read_ahead(self.images, indices.reshape(-1))

    def take(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """A copy of the slices at `indices`, whatever their shape `(...)`: `(..., C, H, W)`."""
        return np.asarray(self.images[indices.reshape(-1)]).reshape(*indices.shape, *self.images.shape[1:])


class LabelledSlices(ImageSlices):
    """Slices with their labels `(S, H, W)` uint8, 0 background and `i + 1` the run's class `i`."""

    def __init__(self, store: SliceStore, domain: str, class_names: Sequence[str], split: Split = "train") -> None:
        super().__init__(store, domain, split)
        labels = open_labels(store, domain, split)
        if labels is None:
            kind = "training" if split == "train" else split
            raise UserError(
                f"domain {domain!r} of {store.path} has no {kind} labels; a source needs them (swap --src and --tgt?)"
            )
        self.labels = labels
        self.to_class = label_map(store.domain(domain).label_names, class_names)

    def expect_labels(self, indices: npt.NDArray[np.int64]) -> None:
        """As `expect`, for the labels at `indices` `(B,)`."""
        read_ahead(self.labels, indices)

    def take_labels(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """The labels of the slices at `indices` `(B,)`: `(B, H, W)`."""
        # As bytes: NumPy's own look-up makes 64-bit indices of them first.
        values = bytearray(self.labels[indices]).translate(self.to_class.tobytes())
        return np.frombuffer(values, dtype=np.uint8).reshape(len(indices), *self.labels.shape[1:])


def source_slices(store: SliceStore, domain: str, class_names: Sequence[str]) -> LabelledSlices:
    """The labelled source. Raises `UserError` when it has no labels."""
    return LabelledSlices(store, domain, class_names)


def source_validation_slices(
    store: SliceStore, domain: str, class_names: Sequence[str]
) -> tuple[LabelledSlices, Split]:
    """The source's labelled test slices, which training does not see; its training slices where there are none.

    Returns:
        the slices, and of which split they are.
    """
    split: Split = "test" if len(store.images(domain, "test")) and labels_exist(store, domain, "test") else "train"
    return LabelledSlices(store, domain, class_names, split), split


def target_slices(store: SliceStore, domain: str) -> ImageSlices:
    """The unlabelled target."""
    return ImageSlices(store, domain)


def oracle_slices(store: SliceStore, domain: str, class_names: Sequence[str]) -> LabelledSlices:
    """The target *with* labels, for the upper bound alone. Raises `UserError` when it has none."""
    return LabelledSlices(store, domain, class_names)


def require_training_labels(store: SliceStore, src: str, tgt: str, *, oracle: bool) -> None:
    """Raise `UserError` when the domain that a run takes labels from has none: the source, or an oracle's target."""
    if oracle and not labels_exist(store, tgt, "train"):
        raise UserError(
            f"domain {tgt!r} of {store.path} has no training labels; the upper bound trains on the target's, so leave "
            "it out, or give a target that has them"
        )
    if not oracle and not labels_exist(store, src, "train"):
        raise UserError(
            f"domain {src!r} of {store.path} has no training labels; a source needs them (swap --src and --tgt?)"
        )


def require_same_channels(store: SliceStore, src: str, tgt: str) -> None:
    """Raise `UserError` when the two domains' images do not have as many channels."""
    source, target = (store.domain(name).channels for name in (src, tgt))
    if len(source) != len(target):
        listed = [", ".join(channel.name for channel in channels) for channels in (source, target)]
        raise UserError(
            f"{src!r} has {len(source)} channels ({listed[0]}), {tgt!r} {len(target)} ({listed[1]}); one network reads "
            "both, so prepare the same number of each"
        )


def shared_class_names(store: SliceStore, src: str, tgt: str) -> tuple[tuple[str, ...], list[str]]:
    """The classes of a run, in the source's order, and a line for each name that only one domain has.

    A target without label names takes the source's. A name in one domain only is background there.

    Raises:
        UserError: unknown domain, one domain given twice, a source without labels, no name in common, or the name
            that score tables need for the mean.
    """
    if src == tgt:
        raise UserError(f"--src and --tgt are both {src!r}; adaptation needs two domains")
    for option, name in (("--src", src), ("--tgt", tgt)):
        if name not in store.domains:
            raise UserError(
                f"{store.path} has no domain {name!r}; {option} has to be one of its domains: "
                f"{', '.join(store.domains)}"
            )
    source, target = store.domain(src), store.domain(tgt)
    if not source.label_names:
        raise UserError(f"domain {src!r} of {store.path} has no labels; a source needs them (swap --src and --tgt?)")
    names = tuple(name for name in source.label_names if not target.label_names or name in target.label_names)
    if MEAN in names:
        raise UserError(
            f"a label cannot be called {MEAN!r}, as score tables call the mean over structures so; "
            f"rename it in the raw data of {src!r} and prepare {store.path} again"
        )
    if not target.label_names:
        return names, []
    if not names:
        raise UserError(
            f"{src!r} has labels {', '.join(source.label_names)} and {tgt!r} {', '.join(target.label_names)}: "
            "none in common; name the same structures alike"
        )
    alone = [
        f"label {name!r} is only in {info.name!r}: background in this run"
        for info in (source, target)
        for name in info.label_names
        if name not in names
    ]
    return names, alone
