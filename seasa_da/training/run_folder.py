"""A run's folder: what lies where, and who may write it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from seasa_da.config import RunSettings
from seasa_da.errors import UserError
from seasa_da.files import (
    atomic_folder,
    held_alone,
    os_errors_named,
    read_json,
    refuse_used_folder,
    sweep_partials,
    write_json_atomic,
    write_text_atomic,
)

if TYPE_CHECKING:
    from seasa_da.data.recipe import Recipe

SCHEMA_VERSION = 1
"""Of `metrics.json`; another one where a number in it comes to mean something else."""

RECORD_KEYS = {"data", "tracking_uri", "reference", "anonymise", "data_fingerprint"}
"""What `run.json` must have for a run to go on."""


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run, and reading and writing of the small files in it.

    `config.yaml` the settings, `run.json` where the data are and how it was started, `inference.json` how volumes
    become slices, `log.jsonl` the losses (the truth that MLflow is fed from), `checkpoint/`, `candidates/`, and
    at the end `validation.json`, `masks.npz`, `per_case.csv` and `.json`, `predictions/`, `figures/` and, last,
    `metrics.json`.
    """

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def record(self) -> Path:
        return self.path / "run.json"

    @property
    def inference(self) -> Path:
        """The recipe (`seasa_da.data.recipe`): what prediction needs to know of the data, wherever they are."""
        return self.path / "inference.json"

    @property
    def log(self) -> Path:
        return self.path / "log.jsonl"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.json"

    @property
    def per_case(self) -> Path:
        return self.path / "per_case.csv"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoint"

    @property
    def candidates(self) -> Path:
        """The segmenter at points along the run (`seasa_da.training.candidates`)."""
        return self.path / "candidates"

    @property
    def validation(self) -> Path:
        """The label-free scores of the candidates, and which of them is the run's result."""
        return self.path / "validation.json"

    @property
    def masks(self) -> Path:
        """What every candidate predicts on target training slices, and which pixels of it are reliable."""
        return self.path / "masks.npz"

    @property
    def calibration(self) -> Path:
        """How certain and how right the run is on the target's test volumes (`seasa_da.evaluation.calibration`)."""
        return self.path / "calibration.json"

    @property
    def reliability(self) -> Path:
        """What the masks were worth (`seasa_da.evaluation.reliability_audit`)."""
        return self.path / "reliability.json"

    @property
    def oracle(self) -> Path:
        """The candidates scored by the target's test labels, where a comparison asked for it."""
        return self.path / "oracle.json"

    @property
    def per_case_json(self) -> Path:
        return self.path / "per_case.json"

    @property
    def predictions(self) -> Path:
        return self.path / "predictions"

    @property
    def figures(self) -> Path:
        return self.path / "figures"

    @property
    def reference(self) -> Path:
        """The run without adaptation that is shown beside this one."""
        return self.path / "without-adaptation"

    @property
    def finished(self) -> bool:
        """Whether the run ended well: `metrics.json` is written last."""
        return self.metrics.is_file()

    @classmethod
    def create(cls, path: Path, settings: RunSettings, record: dict[str, Any], recipe: Recipe) -> RunFolder:
        """Make a new run's folder. Raises `UserError` when it cannot be written or holds something already."""
        cls.refuse_used(path)
        # All files or none: a kill in between must not leave what neither a new run nor a resumed one takes.
        with atomic_folder(path) as aside:
            folder = cls(aside)
            write_text_atomic(folder.config, yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
            write_json_atomic(folder.inference, recipe.model_dump(mode="json"))
            write_json_atomic(folder.record, record)
        return cls(path)

    @staticmethod
    def refuse_used(path: Path) -> None:
        """Raise `UserError` when `path` holds something already, with what to do instead."""
        with os_errors_named(path, "write to"):
            if (path / "run.json").is_file():
                raise UserError(f"output folder {path} is not empty; use --resume {path}, or another --out")
        refuse_used_folder(path)

    @classmethod
    def open(cls, path: Path) -> tuple[RunFolder, dict[str, Any], dict[str, Any]]:
        """An existing run's folder, its settings as plain content and its record.

        Raises:
            UserError: not a run's folder, or a damaged file in it.
        """
        folder = cls(path)
        with os_errors_named(path, "read"):
            if not folder.record.is_file() or not folder.config.is_file():
                raise UserError(f"{path} is not a run's folder (no run.json and config.yaml in it)")
        try:
            content = yaml.safe_load(folder.config.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
            raise UserError(f"cannot read {folder.config}: {' '.join(str(error).split())}") from error
        record = read_json(folder.record)
        if not isinstance(content, dict) or not isinstance(content.get("addons"), list):
            raise UserError(f"{folder.config} is damaged; start the run anew")
        if not isinstance(record, dict) or not record.keys() >= RECORD_KEYS:
            raise UserError(f"{folder.record} is damaged; start the run anew")
        return folder, content, record

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes out as long as this one trains, and remove what one that was killed had begun to write.

        Raises:
            UserError: another process trains here.
        """
        with held_alone(self.path, "wait for it or stop it, or choose another folder with --out"):
            for folder in (self.path, *(path for path in self.path.rglob("*") if path.is_dir())):
                sweep_partials(folder)
            yield

    def append_log(self, line: dict[str, Any]) -> None:
        """Add a line to `log.jsonl`."""
        with os_errors_named(self.log, "write"), self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def flush_log(self) -> None:
        """Put the log on the disk itself, so that a power cut takes no line from before a checkpoint."""
        if self.log.is_file():
            with os_errors_named(self.log, "write"), self.log.open("rb") as file:
                os.fsync(file.fileno())

    def read_log(self) -> list[dict[str, Any]]:
        """All whole lines of `log.jsonl`; one that a crash cut off is left out."""
        if not self.log.is_file():
            return []
        lines = []
        for text in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                line = json.loads(text)
            except json.JSONDecodeError:
                continue
            if isinstance(line, dict) and {"stage", "iteration"} <= line.keys():
                lines.append(line)
        return lines

    def rewind_log(self, stage: int, iteration: int) -> None:
        """Drop the lines after a checkpoint (all of them for `0, 0`), which a resumed run will write again."""
        if not self.log.is_file():
            return
        kept = [line for line in self.read_log() if (line["stage"], line["iteration"]) <= (stage, iteration)]
        write_text_atomic(self.log, "".join(json.dumps(line) + "\n" for line in kept))
