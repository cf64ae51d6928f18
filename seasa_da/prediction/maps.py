"""What is drawn beside a segmentation, from class probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def normalised(probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities (K, ...) whose sum is 1, which rounding to float16 took from them."""
    return probs / probs.sum(axis=0)


def entropy(probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """H = -Σ_c p_c ln p_c of (K, ...), nats, from 0 to ln K.

    >>> round(float(entropy(np.array([0.5, 0.5, 0.0], dtype=np.float32))), 4)
    0.6931
    """
    tiny = np.finfo(np.float32).tiny
    total = np.zeros(probs.shape[1:], dtype=np.float32)
    for one in probs:
        total -= one * np.log(np.maximum(one, tiny))
    return np.maximum(total, 0, out=total)  # no negative zero


def fitting_dtype(values: tuple[int, ...]) -> np.dtype:
    """The smallest integer type for label values that other programs read everywhere."""
    for dtype in (np.uint8, np.int16, np.uint16):
        if max(values) <= np.iinfo(dtype).max:
            return np.dtype(dtype)
    return np.dtype(np.int32)
