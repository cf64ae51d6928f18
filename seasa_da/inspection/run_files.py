"""The files of a finished run, read for showing; what another version left out is simply not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seasa_da.errors import UserError
from seasa_da.files import read_json
from seasa_da.training.run_folder import RunFolder


@dataclass(frozen=True)
class RunFiles:
    """A finished run.

    Attributes:
        folder: where it lies.
        settings: content of `config.yaml`.
        record: of `run.json`.
        metrics: of `metrics.json`.
        scores: of `per_case.json`.
        validation, oracle, calibration, reliability: of these files, `None` where there is none.
    """

    folder: RunFolder
    settings: Mapping[str, Any]
    record: Mapping[str, Any]
    metrics: Mapping[str, Any]
    scores: list[dict[str, Any]]
    validation: Mapping[str, Any] | None
    oracle: Mapping[str, Any] | None
    calibration: Mapping[str, Any] | None
    reliability: Mapping[str, Any] | None

    @property
    def anonymised(self) -> bool:
        """Neither ids nor pictures may be shown."""
        return bool(self.record.get("anonymise"))

    @property
    def name(self) -> str:
        """The method and its add-ons."""
        return "+".join([str(self.settings.get("method")), *self.settings.get("addons", ())])

    def predictions(self) -> list[str]:
        """The names of the cases whose predicted volumes are there."""
        if not self.folder.predictions.is_dir():
            return []
        return sorted(path.name.removesuffix(".nii.gz") for path in self.folder.predictions.glob("*.nii.gz"))


def read_run_files(path: Path) -> RunFiles:
    """Read a run's folder.

    Raises:
        UserError: not a run's folder, a run that is not finished, or a damaged file.
    """
    folder, settings, record = RunFolder.open(path)
    if not folder.finished:
        raise UserError(f"{path} is not finished yet; finish it with: seasa-da train --resume {path}")
    metrics, scores = read_json(folder.metrics), read_json(folder.per_case_json)
    if not isinstance(metrics, dict) or not {"method", "dice", "asd"} <= metrics.keys():
        raise UserError(f"{folder.metrics} is damaged; copy the run again, or train it again")
    if not isinstance(scores, list) or not all(isinstance(one, dict) and "case" in one for one in scores):
        raise UserError(f"{folder.per_case_json} is damaged; copy the run again, or train it again")

    def further(file: Path) -> Mapping[str, Any] | None:
        content = read_json(file) if file.is_file() else None
        return content if isinstance(content, dict) else None

    return RunFiles(
        folder=folder,
        settings=settings,
        record=record,
        metrics=metrics,
        scores=scores,
        validation=further(folder.validation),
        oracle=further(folder.oracle),
        calibration=further(path / "calibration.json"),
        reliability=further(path / "reliability.json"),
    )
