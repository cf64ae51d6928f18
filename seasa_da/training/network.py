"""The segmenter of a run: its chosen candidate, or its newest checkpoint while it is under way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from seasa_da.adapters import StageContext
from seasa_da.config import RunSettings, settings_model, validated
from seasa_da.data.recipe import Recipe
from seasa_da.errors import UserError
from seasa_da.models import Segmenter, build_segmenter
from seasa_da.registry import MethodSpec, find_method
from seasa_da.training import checkpoint
from seasa_da.training.candidates import MODULES
from seasa_da.training.run_folder import RunFolder
from seasa_da.training.selection import selected_candidate


def load_network(
    folder: RunFolder,
    settings: RunSettings,
    *,
    in_channels: int,
    num_classes: int,
    size: tuple[int, int],
    device: torch.device,
) -> Segmenter:
    """The network that is the run's result, or of its newest checkpoint as long as none is, in evaluation mode.

    Args:
        folder: of the run.
        settings: the run's; the file of weights that its trunk began with is not read.
        in_channels: image channels.
        num_classes: with background.
        size: `(H, W)` of its slices.

    Raises:
        UserError: no checkpoint, or one that does not fit.
    """
    selected = selected_candidate(folder)
    found = checkpoint.list_checkpoints(folder.checkpoints)
    if selected is None and not found:
        raise UserError(f"{folder.path} has no checkpoint yet; finish it with --resume {folder.path}")
    models = build_network(settings, in_channels=in_channels, num_classes=num_classes, size=size)
    if selected is not None:
        selected.restore(models)
    else:
        checkpoint.load(found[-1]).restore_modules({name: models[name] for name in MODULES})
    return Segmenter(models).to(device).eval()


def build_network(
    settings: RunSettings, *, in_channels: int, num_classes: int, size: tuple[int, int]
) -> dict[str, Any]:
    """The networks of a method's result, with any weights; arguments as `load_network`."""
    models: dict[str, Any] = build_segmenter(
        settings.model,
        in_channels=in_channels,
        num_classes=num_classes,
        size=size,
        weights=settings.weights,
        load=False,
    )
    spec = _spec(settings.method)
    if spec is not None and (choose := spec.load_segmenter()):
        choose(StageContext(settings, num_classes, models["G"].channels[0], (in_channels, *size), models))
    return models


def network_of_run(folder: RunFolder, content: Mapping[str, Any], recipe: Recipe, device: torch.device) -> Segmenter:
    """`load_network` where the run's data are not there.

    Args:
        content: of the run's `config.yaml`.
        recipe: of its `inference.json`.

    Raises:
        UserError: a damaged `config.yaml`, no checkpoint, or one that does not fit.
    """
    return load_network(
        folder,
        _settings(folder, content),
        in_channels=len(recipe.domain().channels),
        num_classes=len(recipe.class_names) + 1,
        size=(recipe.data.size, recipe.data.size),
        device=device,
    )


def _settings(folder: RunFolder, content: Mapping[str, Any]) -> RunSettings:
    """What every run has, and the method's own; not the add-ons', which have no part in the segmenter."""
    spec = _spec(str(content.get("method")))
    model = settings_model(spec.sections if spec else {})
    try:
        return validated(model, {name: content[name] for name in model.model_fields if name in content})
    except UserError as error:
        raise UserError(f"{folder.config} is damaged ({error}); copy the run again") from None


def _spec(method: str) -> MethodSpec | None:
    """`None` for a third party's method that is not installed here: a segmenter needs nothing of how it was trained."""
    try:
        return find_method(method)
    except UserError:
        return None
