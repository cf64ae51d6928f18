"""The segmenter of a run, from its newest checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import ValidationError
from torch import nn

from seasa_da.config import ModelSettings
from seasa_da.data.recipe import Recipe
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


def network_of_run(folder: RunFolder, content: Mapping[str, Any], recipe: Recipe, device: torch.device) -> Segmenter:
    """`load_network` where the run's data are not there.

    Args:
        content: of the run's `config.yaml`.
        recipe: of its `inference.json`.

    Raises:
        UserError: a damaged `config.yaml`, no checkpoint, or one that does not fit.
    """
    try:
        model = ModelSettings.model_validate(content.get("model"))
    except ValidationError as error:
        raise UserError(f"{folder.config} is damaged ({error.errors()[0]['msg']}); copy the run again") from None
    return load_network(
        folder,
        model,
        content.get("weights"),
        in_channels=len(recipe.domain().channels),
        num_classes=len(recipe.class_names) + 1,
        size=(recipe.data.size, recipe.data.size),
        device=device,
    )
