"""The choice of a run's result among its candidates, by validators that see no target label."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from seasa_da.config import RunSettings
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError
from seasa_da.evaluation.choice import LAST, best
from seasa_da.files import atomic_file, read_json, write_json_atomic
from seasa_da.training.candidates import Candidate, list_candidates, read_candidate
from seasa_da.training.run_folder import RunFolder

Scores = dict[str, float | None]


@dataclass(frozen=True)
class Selection:
    """A run's result: the candidate, what chose it, and its scores by validator."""

    candidate: Candidate
    by: str
    scores: Scores

    def about(self) -> dict[str, Any]:
        """For `metrics.json`."""
        return {"selection": self.by, "selected": self.candidate.about()}


def select(
    folder: RunFolder,
    settings: RunSettings,
    store: SliceStore,
    class_names: Sequence[str],
    models: Mapping[str, nn.Module],
    device: torch.device,
    say: Callable[[str], None] = lambda line: None,
) -> Selection:
    """Score all candidates, write `validation.json` and `masks.npz`, and leave the chosen one in `models`.

    Raises:
        UserError: no candidate, a damaged one, or a file that cannot be written.
    """
    from seasa_da.validators import ValidationData, observe, scores

    candidates = list_candidates(folder.candidates)
    if not candidates:
        raise UserError(f"{folder.path} has no candidate to choose from; start the run anew")
    wanted = settings.selection
    data = ValidationData.of_store(store, settings, class_names, slices=wanted.slices, pixels=wanted.pixels)
    found: list[Scores] = []
    predicted, reliable = [], []
    for candidate in candidates:
        candidate.restore(models)
        seen = observe(models, data, device)
        found.append(scores(seen))
        predicted.append(seen.predicted)
        reliable.append(seen.reliable)
    place, by = best(found, wanted.by)
    if by != wanted.by:
        say(f"{wanted.by} is not defined for this run: the last checkpoint is taken")
    chosen = Selection(candidates[place], by, found[place])
    with atomic_file(folder.masks) as file:
        np.savez_compressed(
            file,
            names=np.array([candidate.name for candidate in candidates]),
            updates=np.array([candidate.updates for candidate in candidates]),
            slices=data.target_index,
            predicted=np.stack(predicted),
            reliable=np.stack(reliable),
        )
    write_json_atomic(
        folder.validation,
        {
            "by": by,
            "selected": chosen.candidate.name,
            "slices": len(data.target_index),
            "source_split": data.source_split,
            "candidates": [{**c.about(), "scores": s} for c, s in zip(candidates, found, strict=True)],
        },
    )
    chosen.candidate.restore(models)
    which = "the last" if by == LAST else f"that of update {chosen.candidate.updates}, chosen by {by},"
    say(f"the result is {which} of {len(candidates)} checkpoints")
    return chosen


def selected_candidate(folder: RunFolder) -> Candidate | None:
    """The candidate that is a run's result; `None` as long as none is chosen. Raises `UserError` for damage."""
    if not folder.validation.is_file():
        return None
    content = read_json(folder.validation)
    name = content.get("selected") if isinstance(content, dict) else None
    if not isinstance(name, str) or Path(name).name != name:
        raise UserError(f"{folder.validation} is damaged; start the run anew")
    return read_candidate(folder.candidates / name)
