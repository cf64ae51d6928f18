"""Real slices to check an exported network on: of the run's own data, or of a volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seasa_da.config import DataSettings, PhantomSettings, RawSettings
from seasa_da.data.case import CaseFiles
from seasa_da.data.intensity import parse_rule, to_range
from seasa_da.data.locate import locate_store
from seasa_da.data.preprocess import prepare_case
from seasa_da.data.readers.nifti_case import CaseForm, open_case
from seasa_da.data.recipe import Recipe
from seasa_da.data.slice_grid import slice_grid
from seasa_da.errors import UserError
from seasa_da.evaluation.other_store import fitting_images
from seasa_da.exporting.agreement import BATCHES
from seasa_da.training.job import Observer

NUMBER = max(BATCHES)


def slices_of_run(
    content: Mapping[str, Any], record: Mapping[str, Any], recipe: Recipe, observer: Observer
) -> torch.Tensor:
    """Slices `(3, C, H, W)` in [-1, 1] from all over the target's test volumes; no label is opened.

    Args:
        content: of the run's `config.yaml`.
        record: of its `run.json`.
        recipe: of its `inference.json`.
        observer: told where data must be prepared again.

    Raises:
        UserError: the run's data are not where they were.
    """
    data = Path(record["data"]) if record["data"] else None
    if data is not None and not data.exists():
        raise UserError(
            f"the run's data are not at {data} any more, and an exported network is checked on real slices; give some "
            "with --volume FILE"
        )
    store = locate_store(
        data,
        DataSettings.model_validate(content["data"]),
        PhantomSettings.model_validate(content["phantom"]),
        RawSettings.model_validate(content["raw"]),
        say=observer.say,
        progress=observer.counting,
    )
    images, _ = fitting_images(store, recipe, "test")
    return torch.from_numpy(images[_spread(len(images))])


def slices_of_volume(files: Sequence[Path], recipe: Recipe) -> torch.Tensor:
    """Slices `(3, C, H, W)` in [-1, 1] from all over the training crop of a volume of the target domain.

    Args:
        files: one a channel, or one that holds all channels.
        recipe: of the run's `inference.json`.

    Raises:
        UserError: a fault of a file, or other channels than the run's.
    """
    channels = recipe.domain().channels
    if len(files) not in (1, len(channels)):
        count = f"{len(channels)} channel{'' if len(channels) == 1 else 's'}"
        raise UserError(f"the run has {count}: give as many --volume files, or one that holds all")
    case = open_case(CaseFiles(files[0].name, tuple(files), None, None), CaseForm(len(channels), {0: 0}, "nothing"))
    _, x, y, z = case.image.shape
    grid = slice_grid((x, y, z), case.affine, recipe.data, recipe.axis)
    prepared = prepare_case(case, grid, [parse_rule(channel.rule) for channel in channels])
    lo, hi = (np.array([getattr(channel, bound) for channel in channels]).reshape(-1, 1, 1) for bound in ("lo", "hi"))
    chosen = prepared.images.swapaxes(0, 1)[_spread(grid.shape[0])]
    return torch.from_numpy(to_range(chosen, lo, hi))


def _spread(number: int) -> list[int]:
    """The middles of even parts of so many slices."""
    return [(2 * part + 1) * number // (2 * NUMBER) for part in range(NUMBER)]
