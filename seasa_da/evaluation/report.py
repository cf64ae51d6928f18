"""What is left of an evaluation: scores a case, and their summary for machines."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from seasa_da.evaluation.evaluate import Evaluation
from seasa_da.evaluation.files import FileEvaluation
from seasa_da.evaluation.scores import write_scores, write_scores_json
from seasa_da.files import atomic_folder, refuse_used_folder, write_json_atomic

SUMMARY, PER_CASE, PER_CASE_JSON = "summary.json", "per_case.csv", "per_case.json"
CALIBRATION = "calibration.json"
"""Of runs alone: label files say nothing of how certain they are."""


def summary_content(evaluation: Evaluation | FileEvaluation) -> dict[str, Any]:
    """The summary as JSON: scores in percent and distances in `units`, by structure and their mean; null if unknown."""
    return {
        **_about(evaluation),
        "units": evaluation.units,
        "tolerance_mm": evaluation.tolerance_mm,
        "cases": len({score.case for score in evaluation.scores}),
        **evaluation.summary,
        "notes": list(evaluation.notes),
    }


def full_content(evaluation: Evaluation | FileEvaluation) -> dict[str, Any]:
    """The summary together with the calibration and the scores of every case and structure."""
    found = {"calibration": evaluation.calibration} if isinstance(evaluation, Evaluation) else {}
    return {**summary_content(evaluation), **found, "per_case": [asdict(score) for score in evaluation.scores]}


def write_report(out: Path, evaluation: Evaluation | FileEvaluation) -> None:
    """Write `summary.json`, `per_case.csv` and `per_case.json` into a new folder: all of them or none.

    Raises:
        UserError: the folder is in use, or cannot be written.
    """
    refuse_used_folder(out)
    with atomic_folder(out) as folder:
        write_scores(folder / PER_CASE, evaluation.scores)
        write_scores_json(folder / PER_CASE_JSON, evaluation.scores)
        write_json_atomic(folder / SUMMARY, summary_content(evaluation))
        if isinstance(evaluation, Evaluation) and evaluation.calibration is not None:
            write_json_atomic(folder / CALIBRATION, evaluation.calibration)


def _about(evaluation: Evaluation | FileEvaluation) -> dict[str, Any]:
    if isinstance(evaluation, Evaluation):
        return {"domain": evaluation.domain, "split": evaluation.split, "labelled": evaluation.labelled}
    return {"structures": evaluation.structures.values, "ignored_values": list(evaluation.structures.ignored)}
