"""Label volumes from a slice-wise segmenter. Every slice counts, whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size

from seasa_da.layers import entropy_map, predicted_labels

if TYPE_CHECKING:
    from seasa_da.data.arrays import ScaledImages
    from seasa_da.data.store import CaseRecord

Segment = Callable[[torch.Tensor], torch.Tensor]
Labels = npt.NDArray[np.uint8]
Entropy = npt.NDArray[np.float16]


OnLogits = Callable[["CaseRecord", slice, torch.Tensor], None]
"""Is given a case, which of its slices, and their `(B, K, H, W)` logits."""


class VolumePrediction(NamedTuple):
    """A case and, `(S_case, H, W)` each: labels uint8, 0 to K - 1; entropy float16, nats from 0 to ln K, or `None`."""

    case: CaseRecord
    labels: Labels
    entropy: Entropy | None


def predict_volumes(
    segment: Segment,
    images: npt.NDArray[np.float32] | ScaledImages,
    cases: Iterable[CaseRecord],
    *,
    batch_size: int = 32,
    device: str | torch.device = "cpu",
    entropy: bool = False,
    on_logits: OnLogits | None = None,
) -> Iterator[VolumePrediction]:
    """Segment case after case; only one case's result is held at a time.

    Args:
        segment: `(B, C, H, W)` images to `(B, K, H, W)` logits, at the images' size; a model behind it must already be
            in evaluation mode, so that a slice's answer does not depend on its batch.
        images: `(S, C, H, W)` in [-1, 1], the slices of all cases; may be memory-mapped.
        cases: with `start` and `stop`, their slices in `images`.
        batch_size: slices a forward, which never mixes cases; the last one of a case takes what is left. Halved, for
            good, as often as the device has not the memory for it.
        entropy: also yield the entropy of the softmax.
        on_logits: called with the logits of each batch, which are not kept.

    Raises:
        ValueError: logits of another batch or image size.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size={batch_size} is below 1")
    for case in cases:
        # `inference_mode` ends before the yield: the consumer's own computation must not run under it.
        look = None if on_logits is None else partial(on_logits, case)
        volume = images[case.start : case.stop]
        labels, uncertainty, batch_size = _predict(segment, volume, batch_size, device, entropy, look)
        yield VolumePrediction(case, labels, uncertainty if entropy else None)


@torch.inference_mode()
def _predict(
    segment: Segment,
    volume: npt.NDArray[np.float32],
    batch_size: int,
    device: str | torch.device,
    entropy: bool,
    look: Callable[[slice, torch.Tensor], None] | None,
) -> tuple[Labels, Entropy, int]:
    """Labels, entropy and the batch size that fitted."""
    slices, _, height, width = volume.shape
    labels = np.empty((slices, height, width), dtype=np.uint8)
    uncertainty = np.empty((slices, height, width) if entropy else 0, dtype=np.float16)
    start = 0
    while start < slices:
        part = slice(start, min(start + batch_size, slices))
        logits = None
        try:
            # A copy: torch would share the read-only memory map.
            logits = segment(torch.from_numpy(np.array(volume[part], dtype=np.float32)).to(device))
        except RuntimeError as error:
            if batch_size == 1 or not should_reduce_batch_size(error):
                raise
        if logits is None:  # after the error, which held what was half done
            clear_device_cache(garbage_collection=True)
            batch_size = max(1, (part.stop - start) // 2)
            continue
        if logits.ndim != 4 or logits.shape[0] != part.stop - start or logits.shape[2:] != (height, width):
            raise ValueError(
                f"segment gave logits {tuple(logits.shape)} for images {volume[part].shape}; (B, K, H, W) is expected"
            )
        if look is not None:
            look(part, logits)
        labels[part] = predicted_labels(logits).to(torch.uint8).cpu().numpy()
        if entropy:
            uncertainty[part] = entropy_map(logits.float()).cpu().numpy()
        start = part.stop
    return labels, uncertainty, batch_size
