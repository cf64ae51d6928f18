"""Scores of cases and structures, their means, and the file they are kept in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seasa_da.data.case import IGNORED
from seasa_da.errors import UserError
from seasa_da.evaluation.metrics import asd, dice_percent
from seasa_da.files import write_json_atomic, write_text_atomic

COLUMNS = ("case", "structure", "dice", "asd", "voxels_truth", "voxels_pred")


@dataclass(frozen=True)
class StructureScore:
    """One structure of one case.

    Attributes:
        dice: percent.
        asd: average surface distance in the units of the evaluation, `None` where it is not defined.
        voxels_truth, voxels_pred: size of the structure in the reference and in the prediction.
    """

    case: str
    structure: str
    dice: float
    asd: float | None
    voxels_truth: int
    voxels_pred: int


def score_case(
    pred: npt.NDArray[np.uint8],
    truth: npt.NDArray[np.uint8],
    *,
    case_id: str,
    class_names: Sequence[str],
    spacing_mm: Sequence[float] | None,
    structures: Sequence[str] | None = None,
) -> list[StructureScore]:
    """Score the structures of one volume.

    Voxels whose reference is `IGNORED` count neither way: there both are taken to be background, so that a structure
    ends at an ignored region in the prediction as it does in the reference.

    Args:
        pred, truth: `(S, H, W)` labels; 0 is background, `i + 1` is `class_names[i]`.
        spacing_mm: voxel size along each axis; `None` gives distances in voxels.
        structures: those to score, all of `class_names` by default.

    Raises:
        ValueError: the shapes differ, or a structure is not among `class_names`.
    """
    if pred.shape != truth.shape:
        raise ValueError(f"prediction {pred.shape} and truth {truth.shape} of case {case_id} differ in shape")
    ignored = truth == IGNORED
    if ignored.any():
        pred, truth = np.where(ignored, 0, pred), np.where(ignored, 0, truth)
    scores = []
    for name in class_names if structures is None else structures:
        value = list(class_names).index(name) + 1
        found, there = pred == value, truth == value
        scores.append(
            StructureScore(
                case=case_id,
                structure=name,
                dice=dice_percent(found, there),
                asd=asd(found, there, spacing_mm),
                voxels_truth=int(np.count_nonzero(there)),
                voxels_pred=int(np.count_nonzero(found)),
            )
        )
    return scores


def summarise(scores: Iterable[StructureScore], class_names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Means over cases of every structure, then the mean of the structures.

    Returns:
        `{"dice": {name: percent, "mean": …}, "asd": {name: …, "mean": …}, "asd_undefined": {name: count}}`. A
        structure's ASD is the mean over the cases where it is defined, `asd_undefined` counts the others. What cannot
        be said (no labels, no defined distance) is `None`. A structure without labels is left out of the mean of
        structures; one whose distance is defined in no case leaves the ASD without a mean, as to miss a structure
        everywhere must not look better than to find it badly.
    """
    scores = list(scores)
    summary: dict[str, dict[str, Any]] = {"dice": {}, "asd": {}, "asd_undefined": {}}
    for name in class_names:
        own = [score for score in scores if score.structure == name]
        defined = [score.asd for score in own if score.asd is not None]
        summary["dice"][name] = _mean([score.dice for score in own])
        summary["asd"][name] = _mean(defined)
        summary["asd_undefined"][name] = len(own) - len(defined) if own else None
    labelled = [name for name in class_names if summary["dice"][name] is not None]
    for metric in ("dice", "asd"):
        values = [summary[metric][name] for name in labelled]
        summary[metric]["mean"] = None if None in values else _mean(values)
    return summary


def write_scores(path: Path, scores: Iterable[StructureScore]) -> None:
    """Write `per_case.csv`: a line a case and structure, `asd` empty where it is not defined.

    Raises `UserError` when the file cannot be written; a reader never sees half of it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for score in scores:
        distance = "" if score.asd is None else repr(score.asd)
        writer.writerow(
            [score.case, score.structure, repr(score.dice), distance, score.voxels_truth, score.voxels_pred]
        )
    write_text_atomic(path, text.getvalue())


def write_scores_json(path: Path, scores: Iterable[StructureScore]) -> None:
    """Write `per_case.json`: a list of objects with the columns of the CSV; `asd` null where it is not defined.

    Raises `UserError` when the file cannot be written; a reader never sees half of it.
    """
    write_json_atomic(path, [asdict(score) for score in scores])


def read_scores(path: Path) -> list[StructureScore]:
    """Read what `write_scores` wrote, to the last digit. Raises `UserError` naming the file."""
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""), strict=True))
        if rows and tuple(rows[0]) != COLUMNS:
            raise ValueError(f"its columns are {', '.join(map(str, rows[0]))}")
        return [
            StructureScore(
                case=row["case"],
                structure=row["structure"],
                dice=float(row["dice"]),
                asd=float(row["asd"]) if row["asd"] else None,
                voxels_truth=int(row["voxels_truth"]),
                voxels_pred=int(row["voxels_pred"]),
            )
            for row in rows
        ]
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, TypeError, csv.Error) as error:
        raise UserError(f"{path} is not a table of scores ({', '.join(COLUMNS)}): {error}") from error


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None
