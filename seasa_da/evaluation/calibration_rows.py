"""Calibration of methods side by side: means over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seasa_da.evaluation.comparison import Spread


@dataclass(frozen=True)
class CalibrationRow:
    """One method; everything from 0 to 1.

    Attributes:
        seeds: of the runs that were scored.
        errors: expected calibration error by region: "all", "foreground", and the structures.
        confident_of_errors: share of the wrong voxels that have low entropy.
        wrong_of_confident: share of the voxels of low entropy that are wrong.
    """

    name: str
    oracle: bool
    seeds: list[int]
    errors: dict[str, Spread]
    confident_of_errors: Spread
    wrong_of_confident: Spread


def calibration_row(
    name: str, oracle: bool, runs: Mapping[int, Mapping[str, Any] | None], class_names: Sequence[str]
) -> CalibrationRow:
    """A method's row.

    Args:
        runs: what `metrics.json` has under "calibration", by seed; `None` for a run without labels, or of a version
            that did not look.
        class_names: the structures.
    """
    known = {seed: run for seed, run in sorted(runs.items()) if run is not None}
    return CalibrationRow(
        name=name,
        oracle=oracle,
        seeds=list(known),
        errors={
            region: Spread.of_all([run["ece"].get(region) for run in known.values()])
            for region in ("all", "foreground", *class_names)
        },
        confident_of_errors=Spread.of_all([run["confident_errors"]["of_errors"] for run in known.values()]),
        wrong_of_confident=Spread.of_all([run["confident_errors"]["of_confident"] for run in known.values()]),
    )
