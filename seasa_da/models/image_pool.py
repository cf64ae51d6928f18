"""Earlier fakes for the discriminators to see again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from seasa_da.seeding import derive_seed


class ImagePool(nn.Module):
    """A history of generated images (Shrivastava et al., CVPR 2017; CycleGAN keeps 50).

    While it fills, every image is stored and given back; then each image is, half of the time, exchanged for a stored
    one. A draw is a function of its image's own seed. Both buffers belong in a checkpoint.

    Args:
        size: images kept; 0 gives every image back.
        shape: `(C, H, W)` of an image.
        name: part of its draws, so that two pools with the same seeds draw differently.
    """

    def __init__(self, size: int, shape: Sequence[int], name: str = "pool") -> None:
        super().__init__()
        self.size = size
        self.name = name
        self.register_buffer("images", torch.zeros(size, *shape))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.images: Tensor
        self.count: Tensor
        self._stored: int | None = None

    def exchange(self, images: Tensor, seeds: Tensor) -> Tensor:
        """Put `images` `(N, C, H, W)` in, one after the other, and get as many out; `seeds` `(N,)` on the CPU."""
        if self._stored is None:
            self._stored = int(self.count)  # once; later it would make the device wait every step
        out = []
        for image, seed in zip(images.detach(), seeds.tolist(), strict=True):
            out.append(self._exchange_one(image, seed))
        self.count.fill_(self._stored)
        return torch.stack(out)

    def _exchange_one(self, image: Tensor, seed: int) -> Tensor:
        if self._stored is not None and self._stored < self.size:
            self.images[self._stored] = image
            self._stored += 1
            return image
        generator = torch.Generator().manual_seed(derive_seed(seed, self.name))
        if self.size == 0 or torch.rand((), generator=generator) < 0.5:
            return image
        slot = int(torch.randint(self.size, (), generator=generator))
        stored = self.images[slot].clone()
        self.images[slot] = image
        return stored

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._stored = None
