"""Calibration of a run, and what its reliability masks were worth, from the files that the evaluation left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seasa_da.reporting.page.charts import Chart
from seasa_da.reporting.page.content import Table

Json = Mapping[str, Any]


def calibration_table(runs: Mapping[str, Json | None], structures: Sequence[str]) -> list[Table]:
    """Expected calibration errors by structure and overall, and the share of confident errors, of each run."""
    return []


def calibration_figures(calibration: Json) -> list[Chart]:
    """Reliability diagrams: how often predictions of a confidence are right."""
    return []


def mask_charts(reliability: Json) -> list[Chart]:
    """Precision, recall and accuracy of the masks over training."""
    return []
