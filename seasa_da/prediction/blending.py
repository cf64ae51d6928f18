"""Slices of any size through a network that knows windows, in batches that fit the memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from accelerate.utils import find_executable_batch_size
from accelerate.utils.memory import should_reduce_batch_size
from numpy.typing import NDArray
from torch import Tensor

from seasa_da.errors import UserError
from seasa_da.layers import predicted_labels
from seasa_da.prediction.windows import Windows

BATCH_PIXELS = {"cpu": 1 << 19, "cuda": 1 << 22}
"""Pixels of images that are tried at a time: of 256x256, 8 on a CPU and 64 elsewhere."""


class Place(NamedTuple):
    """A window of a volume: the number of its slice, and those of its row and column among the windows."""

    slice_index: int
    row: int
    column: int


Answer = Callable[[Tensor, Sequence[Place]], Tensor]
"""Windows `(B, C, h, w)` and where they are to maps `(B, K, h, w)` float32."""


class Blender:
    """Blends the answers for all windows of slices.

    Args:
        answer: runs in inference mode.
        maps: K.
        images: how many images of a window's size `answer` works on for each window.
        device: of the windows that it is given.
    """

    def __init__(self, answer: Answer, maps: int, device: torch.device, images: int = 1) -> None:
        self.answer = answer
        self.maps = maps
        self.device = device
        self.images = images
        self._fits: dict[int, int] = {}  # the batch that was found to fit, by window size

    def __call__(self, slices: NDArray[np.float32], first: int, windows: Windows) -> Tensor:
        """The blended maps `(n, K, H, W)` float32, on the CPU, of slices `(n, C, H, W)`.

        Args:
            first: the number of the first slice in its volume.

        Raises:
            UserError: not even one window fits the memory.
        """
        pixels = BATCH_PIXELS["cpu" if self.device.type == "cpu" else "cuda"]
        start = max(1, pixels // (self.images * windows.size**2))
        if windows.size in self._fits:
            # as find_executable_batch_size, without the collection of garbage that it begins with
            start = self._fits[windows.size]
            try:
                return self._blend(start, slices, first, windows)
            except RuntimeError as error:
                if not should_reduce_batch_size(error):
                    raise
        try:
            return find_executable_batch_size(self._blend, start)(slices, first, windows)
        except RuntimeError as error:
            if "reached zero" not in str(error):
                raise
            raise UserError(
                f"a slice of {windows.size}x{windows.size} does not fit the memory of {self.device}; try --device cpu"
            ) from None

    @torch.inference_mode()
    def _blend(self, batch_size: int, slices: NDArray[np.float32], first: int, windows: Windows) -> Tensor:
        places = [Place(number, *place) for number in range(len(slices)) for place in windows.places]
        blended = torch.zeros((len(slices), self.maps, *slices.shape[2:]))
        for start in range(0, len(places), batch_size):
            batch = places[start : start + batch_size]
            parts = [(place.slice_index, slice(None), *windows.part(place.row, place.column)) for place in batch]
            images = torch.from_numpy(np.stack([slices[part] for part in parts])).to(self.device)
            there = [place._replace(slice_index=first + place.slice_index) for place in batch]
            answers = self.answer(images, there).cpu()
            for place, part, maps in zip(batch, parts, answers, strict=True):
                blended[part] += maps * torch.from_numpy(windows.weights(place.row, place.column))
        self._fits[windows.size] = batch_size
        return blended


def class_probs(logits: Tensor) -> Tensor:
    """Softmax of logits `(N, K, H, W)` that has the logits' labels also where rounding makes two classes equal."""
    return keep_winner(logits.float().softmax(dim=1), predicted_labels(logits))


def as_half(probs: Tensor) -> Tensor:
    """Probabilities `(N, K, H, W)` as float16 of the same labels."""
    return keep_winner(probs.half(), predicted_labels(probs))


def keep_winner(probs: Tensor, labels: Tensor) -> Tensor:
    """Raise the probability of `labels` `(N, H, W)` by the least step where an earlier class has come to equal it.

    Args:
        probs: `(N, K, H, W)` of any float type, not negative; none is above its label's. Changed in
            place.
    """
    lost = predicted_labels(probs.float()) != labels
    # of numbers that are not negative, the next larger one has the next pattern of bits
    bits = probs.view(torch.int16 if probs.dtype == torch.float16 else torch.int32)
    bits.scatter_add_(1, labels[:, None], lost[:, None].to(bits.dtype))
    return probs
