"""Candidates: the segmenter at points along a run, of which one becomes the run's result.

`RUN/candidates/NNN-STAGE-IIIIIIII/` holds `model.safetensors` (the weights of `G`, `C` and `C_aux`) and `state.json`
(stage, iteration, the segmenter's updates so far, SHA-256). The last one is the end of training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from seasa_da.adapters import Stage
from seasa_da.errors import UserError
from seasa_da.files import atomic_folder, read_json, sha256_file, write_json_atomic
from seasa_da.training.budget import segmenter_updates
from seasa_da.training.checkpoint import Position, list_checkpoints, load_tensors, restore, save_tensors

MODULES = ("G", "C", "C_aux")
"""What is evaluated, and the auxiliary head beside it."""
WEIGHTS, STATE = "model.safetensors", "state.json"


@dataclass(frozen=True)
class Candidate:
    """One candidate on disk; `updates` of the segmenter had been done."""

    path: Path
    stage: int
    stage_name: str
    iteration: int
    updates: int
    sha256: str

    @property
    def name(self) -> str:
        """Sorts by progress."""
        return self.path.name

    def about(self) -> dict[str, Any]:
        """For the files that list candidates."""
        place = {"stage": self.stage, "stage_name": self.stage_name, "iteration": self.iteration}
        return {"name": self.name, **place, "updates": self.updates}

    def restore(self, modules: Mapping[str, nn.Module]) -> None:
        """Put the weights into `modules`. Raises `UserError` when the file is damaged or does not fit."""
        restore(self._tensors(), {name: modules[name] for name in MODULES}, self.path)

    def _tensors(self) -> dict[str, Tensor]:
        return load_tensors(self.path / WEIGHTS, self.sha256)


def planned_candidates(stages: Sequence[Stage], wanted: int) -> dict[tuple[int, int], int]:
    """Where candidates are kept: the segmenter's updates so far, by (stage number, iteration).

    They are spaced evenly over the segmenter's updates of the stages that are the method's own: a warm-up that several
    methods share is no result of any. The end of the run is always one.
    """
    before, own = 0, []
    for number, stage in enumerate(stages):
        updates = segmenter_updates(stage)
        if updates and stage.shared is None:
            own.append((number, stage, before, updates))
        before += updates
    total = sum(updates for *_, updates in own)
    places = {}
    passed = 0
    for number, stage, start, updates in own:
        for part in range(1, wanted + 1):
            here = round(total * part / wanted) - passed
            if 0 < here <= updates:
                # where only some iterations move the segmenter, the same share of them
                places[number, max(1, round(stage.iterations * here / updates))] = start + here
        passed += updates
    places[len(stages) - 1, stages[-1].iterations] = before
    return places


def save(parent: Path, position: Position, updates: int, modules: Mapping[str, nn.Module]) -> None:
    """Write a candidate under `parent`. Raises `UserError` when it cannot be written."""
    target = parent / position.folder_name
    with atomic_folder(target, replace=True) as folder:  # one of a run that was resumed from an earlier checkpoint
        chosen = {name: modules[name] for name in MODULES}
        save_tensors(folder / WEIGHTS, {f"{n}.{k}": v for n, m in chosen.items() for k, v in m.state_dict().items()})
        state = {"stage": position.stage, "stage_name": position.stage_name, "iteration": position.iteration}
        write_json_atomic(folder / STATE, {**state, "updates": updates, "sha256": sha256_file(folder / WEIGHTS)})


def list_candidates(parent: Path) -> list[Candidate]:
    """The whole candidates under `parent`, the earliest first. Raises `UserError` naming a damaged file."""
    return [read_candidate(path) for path in list_checkpoints(parent)]


def read_candidate(path: Path) -> Candidate:
    """What is known of a candidate; its weights are not read. Raises `UserError` naming a damaged file."""
    state = read_json(path / STATE)
    try:
        return Candidate(path, **state)
    except TypeError:
        raise UserError(f"{path / STATE} is damaged; start the run anew") from None
