"""Scores of cases and structures, their means, and the file they are kept in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from seasa_da.data.case import IGNORED
from seasa_da.errors import UserError
from seasa_da.evaluation.metrics import dice_percent, volume_error
from seasa_da.evaluation.surface import surface_distances
from seasa_da.evaluation.tolerance import TOLERANCE_MM
from seasa_da.files import write_json_atomic, write_text_atomic

FIRST_COLUMNS = ("case", "structure", "dice", "asd", "voxels_truth", "voxels_pred")
"""All that earlier versions had."""
COLUMNS = (*FIRST_COLUMNS, "hd95", "surface_dice", "volume_error")
FURTHER = ("hd95", "surface_dice", "volume_error")
"""Metrics beside the paper's two."""
KINDS = ("dice", "asd", "asd_undefined", "hd95", "hd95_undefined", "surface_dice", "volume_error")
"""What a summary holds."""


@dataclass(frozen=True)
class StructureScore:
    """One structure of one case.

    Attributes:
        dice: percent.
        asd: average surface distance in the units of the evaluation, `None` where it is not defined.
        voxels_truth, voxels_pred: size of the structure in the reference and in the prediction.
        hd95: 95th percentile of the Hausdorff distance, defined where `asd` is.
        surface_dice: percent of both surfaces within the tolerance, which is in mm whatever the units.
        volume_error: of the predicted volume, percent of the reference's; `None` where that is empty.

    The last three are `None` throughout in files of earlier versions.
    """

    case: str
    structure: str
    dice: float
    asd: float | None
    voxels_truth: int
    voxels_pred: int
    hd95: float | None = None
    surface_dice: float | None = None
    volume_error: float | None = None


def score_case(
    pred: npt.NDArray[np.uint8],
    truth: npt.NDArray[np.uint8],
    *,
    case_id: str,
    class_names: Sequence[str],
    spacing_mm: Sequence[float],
    units: Literal["mm", "voxel"] = "mm",
    structures: Sequence[str] | None = None,
    tolerance_mm: float = TOLERANCE_MM,
) -> list[StructureScore]:
    """Score the structures of one volume.

    Voxels whose reference is `IGNORED` count neither way: there both are taken to be background, so that a structure
    ends at an ignored region in the prediction as it does in the reference.

    Args:
        pred, truth: `(S, H, W)` labels; 0 is background, `i + 1` is `class_names[i]`.
        spacing_mm: voxel size along each axis.
        units: of `asd` and `hd95`.
        structures: those to score, all of `class_names` by default.
        tolerance_mm: of the surface Dice.

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
        in_mm = surface_distances(found, there, spacing_mm)
        distances = in_mm if units == "mm" else surface_distances(found, there)
        scores.append(
            StructureScore(
                case=case_id,
                structure=name,
                dice=dice_percent(found, there),
                asd=distances.mean(),
                voxels_truth=int(np.count_nonzero(there)),
                voxels_pred=int(np.count_nonzero(found)),
                hd95=distances.hd95(),
                surface_dice=in_mm.dice_percent(tolerance_mm),
                volume_error=volume_error(found, there),
            )
        )
    return scores


def summarise(scores: Iterable[StructureScore], class_names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Means over cases of every structure, then the mean of the structures.

    Returns:
        `{"dice": {name: percent, "mean": …}, "asd": {name: …, "mean": …}, "asd_undefined": {name: count}}`, the same
        as the last two of "hd95", and as the first of "surface_dice" and "volume_error" (here without its sign). A
        structure's ASD is the mean over the cases where it is defined, `asd_undefined` counts the others; HD95 is
        defined where the ASD is, a volume's error where the reference is not empty. What cannot be said (no labels, no
        defined distance, scores of a version that did not look at it) is `None`. A structure without labels is left
        out of the mean of structures; one whose distance is defined in no case leaves the ASD without a mean, as to
        miss a structure everywhere must not look better than to find it badly.
    """
    scores = list(scores)
    summary: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    for name in class_names:
        own = [score for score in scores if score.structure == name]
        defined = [score.asd for score in own if score.asd is not None]
        summary["dice"][name] = _mean([score.dice for score in own])
        summary["asd"][name] = _mean(defined)
        summary["asd_undefined"][name] = len(own) - len(defined) if own else None
        # What an earlier version did not look at is unknown, and not undefined.
        looked = bool(own) and all(score.surface_dice is not None for score in own)
        summary["hd95_undefined"][name] = len(own) - len(defined) if looked else None
        summary["hd95"][name] = _mean_of_all([score.hd95 for score in own if score.asd is not None])
        summary["surface_dice"][name] = _mean_of_all([score.surface_dice for score in own])
        sizes = [score.volume_error for score in own if score.voxels_truth]
        summary["volume_error"][name] = _mean_of_all([None if size is None else abs(size) for size in sizes])
    labelled = [name for name in class_names if summary["dice"][name] is not None]
    for metric in ("dice", "asd", *FURTHER):
        values = [summary[metric][name] for name in labelled]
        summary[metric]["mean"] = None if None in values else _mean(values)
    return summary


def write_scores(path: Path, scores: Iterable[StructureScore]) -> None:
    """Write `per_case.csv`: a line a case and structure; empty where something is not defined.

    Raises `UserError` when the file cannot be written; a reader never sees half of it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for score in scores:
        writer.writerow("" if value is None else value for value in astuple(score))
    write_text_atomic(path, text.getvalue())


def write_scores_json(path: Path, scores: Iterable[StructureScore]) -> None:
    """Write `per_case.json`: a list of objects with the columns of the CSV; null where something is not defined.

    Raises `UserError` when the file cannot be written; a reader never sees half of it.
    """
    write_json_atomic(path, [asdict(score) for score in scores])


def read_scores(path: Path) -> list[StructureScore]:
    """Read what `write_scores` wrote, or an earlier version, to the last digit. Raises `UserError` naming the file."""
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""), strict=True))
        if rows and tuple(rows[0]) not in (COLUMNS, FIRST_COLUMNS):
            raise ValueError(f"its columns are {', '.join(map(str, rows[0]))}")
        if any(None in row.values() for row in rows):
            raise ValueError("a line of it is cut off")
        return [
            StructureScore(
                case=row["case"],
                structure=row["structure"],
                dice=float(row["dice"]),
                asd=_number(row["asd"]),
                voxels_truth=int(row["voxels_truth"]),
                voxels_pred=int(row["voxels_pred"]),
                **{name: _number(row.get(name)) for name in FURTHER},
            )
            for row in rows
        ]
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, TypeError, csv.Error) as error:
        raise UserError(f"{path} is not a table of scores ({', '.join(COLUMNS)}): {error}") from error


def _number(text: str | None) -> float | None:
    return float(text) if text else None


def _mean_of_all(values: list[float | None]) -> float | None:
    return None if None in values else _mean([value for value in values if value is not None])


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None
