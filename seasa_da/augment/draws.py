"""Random numbers of single images: a function of the image's own seed, wherever it stands in whatever batch."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch


def on_device(drawn: torch.Tensor, device: torch.device) -> torch.Tensor:
    """What was drawn on the CPU, on `device`; the program does not wait until a GPU has it."""
    if device.type != "cuda":
        return drawn.to(device)
    return drawn.pin_memory().to(device, non_blocking=True)


def uniform_draws(seeds: torch.Tensor | Iterable[int], shape: tuple[int, ...], stream: int) -> torch.Tensor:
    """Uniform numbers in [0, 1).

    Args:
        seeds: an int (up to 64 bits) for each image: a sequence, or an int64 tensor on the CPU.
        shape: how many numbers an image needs. More along the first axis leave the others as they were.
        stream: tells apart what is drawn from one seed for different purposes.

    Returns:
        `(N, *shape)`, double precision, on the CPU.
    """
    # Philox takes all 64 bits; torch's CPU generator keeps only 32 of a seed.
    numbers = [np.random.Generator(np.random.Philox(key=[int(s) % 2**64, stream])).random(shape) for s in seeds]
    return torch.from_numpy(np.stack(numbers)) if numbers else torch.zeros((0, *shape), dtype=torch.float64)
