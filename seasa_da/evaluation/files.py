"""Score label files of any program by the rules that runs are scored by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from seasa_da.data.case import IGNORED
from seasa_da.data.readers.raw import LARGEST_VALUE
from seasa_da.evaluation.label_files import LabelPair, check_grids, find_pairs, named, read_classes
from seasa_da.evaluation.scores import StructureScore, score_case, summarise
from seasa_da.evaluation.structures import (
    Structures,
    dataset_json_of,
    declared_structures,
    found_structures,
)
from seasa_da.evaluation.tolerance import TOLERANCE_MM, checked_tolerance


@dataclass(frozen=True)
class FileEvaluation:
    """Result of `evaluate_files`.

    Attributes:
        units: of every `asd` and `hd95`.
        structures: what was scored.
        scores: one a case and structure.
        summary: see `summarise`.
        notes: lines to tell the user, such as what was taken to be background.
        tolerance_mm: of every `surface_dice`.
    """

    units: Literal["mm", "voxel"]
    structures: Structures
    scores: list[StructureScore]
    summary: dict[str, dict[str, Any]]
    notes: tuple[str, ...]
    tolerance_mm: float = TOLERANCE_MM


def evaluate_files(
    pred: str | Path,
    label: str | Path,
    *,
    structures: Structures | None = None,
    units: Literal["mm", "voxel"] = "mm",
    tolerance_mm: float = TOLERANCE_MM,
    on_case: Callable[[str], None] | None = None,
) -> FileEvaluation:
    """Score a folder of predicted label volumes against a folder of labels; one case is in memory at a time.

    Args:
        pred, label: folders of NIfTI files, see `find_pairs`.
        structures: those to score; by default the ones that a `dataset.json` in the labels' folder or above it
            declares, else every value in the labels.
        units: of ASD and HD95, `"mm"` by the labels' voxel sizes, or `"voxel"`.
        tolerance_mm: of the surface Dice.
        on_case: called with each case's name when it is scored.

    Raises:
        UserError: cases without a prediction (all are named), predictions that do not lie on their label's grid, files
            that are no label volumes, no structure, or a tolerance below 0.
    """
    checked_tolerance(tolerance_mm)
    pairs, extra = find_pairs(Path(pred), Path(label))
    check_grids(pairs)
    structures = structures or _default_structures(Path(label), pairs)
    notes = [f"structures by {structures.said_by}: {_listed(structures)}"]
    if extra:
        notes.append(f"predictions without a label, not scored: {named([path.name for path in extra])}")
    scores: list[StructureScore] = []
    odd: dict[str, dict[int, list[str]]] = {"predictions": {}, "labels": {}}
    table = structures.table()
    predicted = np.where(table == IGNORED, 0, table).astype(np.uint8)  # what to ignore is the labels' to say
    for pair in pairs:
        labels, _, values = read_classes(pair.pred, predicted)
        truth, grid, true_values = read_classes(pair.label, table)
        spacing = tuple(float(size) for size in np.linalg.norm(grid.affine[:3, :3], axis=0))
        scores += score_case(
            labels,
            truth,
            case_id=pair.case,
            class_names=structures.names,
            spacing_mm=spacing,
            units=units,
            tolerance_mm=tolerance_mm,
        )
        for kind, found in (("predictions", values), ("labels", true_values)):
            for value in structures.undeclared(found):
                odd[kind].setdefault(value, []).append(pair.case)
        if on_case is not None:
            on_case(pair.case)
    absent = [name for name in structures.names if not any(s.voxels_truth for s in scores if s.structure == name)]
    if absent:
        notes.append(
            f"in no label: {named(absent)}; a case without the structure in its prediction, too, has a Dice of 100"
        )
    notes += [note for kind, by_value in odd.items() for note in _undeclared(kind, by_value)]
    summary = summarise(scores, structures.names)
    return FileEvaluation(units, structures, scores, summary, tuple(notes), tolerance_mm)


def _default_structures(label: Path, pairs: list[LabelPair]) -> Structures:
    if declared := dataset_json_of(label):
        return declared_structures(declared)
    nothing = np.zeros(LARGEST_VALUE + 1, dtype=np.uint8)
    return found_structures(value for pair in pairs for value in read_classes(pair.label, nothing)[2])


def _undeclared(kind: str, by_value: Mapping[int, list[str]]) -> list[str]:
    """A line for the values that are in the same cases."""
    together: dict[tuple[str, ...], list[str]] = {}
    for value, cases in sorted(by_value.items()):
        together.setdefault(tuple(cases), []).append(str(value))
    return [
        f"{kind} have the value{'s' if values[1:] else ''} {named(values)}, no structure{'s' if values[1:] else ''}: "
        f"background (in {named(list(cases))})"
        for cases, values in together.items()
    ]


def _listed(structures: Structures) -> str:
    return ", ".join(f"{name} {value}" for name, value in structures.values.items())
