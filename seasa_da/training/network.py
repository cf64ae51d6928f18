"""The segmenter of a run, from its newest checkpoint."""

from __future__ import annotations

import torch
from torch import nn

from seasa_da.config import ModelSettings
from seasa_da.errors import UserError
from seasa_da.models import Segmenter, build_segmenter
from seasa_da.training import checkpoint
from seasa_da.training.run_folder import RunFolder


def load_network(
    folder: RunFolder,
    settings: ModelSettings,
    weights: str | None,
    *,
    in_channels: int,
    num_classes: int,
    size: tuple[int, int],
    device: torch.device,
) -> Segmenter:
    """The network of the newest checkpoint, in evaluation mode.

    Args:
        folder: of the run.
        settings: its model.
        weights: the file that its trunk began with, which is not read; `None` for a random start.
        in_channels: image channels.
        num_classes: with background.
        size: `(H, W)` of its slices.

    Raises:
        UserError: no checkpoint, or one that does not fit.
    """
    found = checkpoint.list_checkpoints(folder.checkpoints)
    if not found:
        raise UserError(f"{folder.path} has no checkpoint yet; finish it with --resume {folder.path}")
    models: dict[str, nn.Module] = build_segmenter(
        settings, in_channels=in_channels, num_classes=num_classes, size=size, weights=weights, load=False
    )
    checkpoint.load(found[-1]).restore_modules(models)
    return Segmenter(models).to(device).eval()
