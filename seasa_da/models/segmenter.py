"""The common segmenter of all methods, built from settings."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from seasa_da.config import ModelSettings
from seasa_da.models.deeplab import DeepLabTrunk, DilatedHead, freeze_batch_norm_affine


def build_segmenter(
    settings: ModelSettings,
    *,
    in_channels: int,
    num_classes: int,
    size: tuple[int, int],
    weights: str | None,
    load: bool = True,
) -> dict[str, nn.Module]:
    """The parts `G` (trunk), `C` (main head on conv5) and `C_aux` (head on conv4) of DeepLabV2, channels-last.

    The order of the weights in memory decides in which order convolutions work; channels-last is the faster one
    (docs/performance.md), and what is computed is the same but for rounding.

    Args:
        in_channels: image channels.
        num_classes: classes with background.
        size: `(H, W)` of the slices, and of the logits.
        weights: a local file of trunk weights, or `None` for a random start.
        load: read that file; `False` where a checkpoint will fill the network.

    Raises:
        UserError: backbone or weights that do not fit.
    """
    trunk = DeepLabTrunk(settings.backbone, in_channels, stem_pool=settings.stem_pool, weights=weights, load=load)
    if settings.freeze_affine == "yes" or (settings.freeze_affine == "auto" and weights is not None):
        freeze_batch_norm_affine(trunk)
    main, aux = (DilatedHead(width, num_classes, settings.head_dilations, size) for width in trunk.channels)
    parts = {"G": trunk, "C": main, "C_aux": aux}
    return {name: part.to(memory_format=torch.channels_last) for name, part in parts.items()}


class Segmenter(nn.Module):
    """Images `(N, C, H, W)` to logits `(N, K, H, W)`: the trunk and the main head, as used at test time."""

    def __init__(self, models: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.trunk = models["G"]
        self.head = models["C"]

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.trunk(images))
