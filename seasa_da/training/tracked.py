"""MLflow for a run: where it goes on, and what it is told at the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seasa_da.errors import UserError
from seasa_da.files import read_json, write_json_atomic
from seasa_da.tracking import Tracker
from seasa_da.training.job import Job, versions
from seasa_da.training.run_folder import RunFolder

HOLD_S = 20.0
"""MLflow is imported with the first line of the log, or then: beside the first update it would slow that down."""


def start_tracker(job: Job, folder: RunFolder, record: dict[str, Any]) -> Tracker | None:
    """MLflow for this run, or `None` on other ranks and where the user wants none."""
    if not job.accelerator.is_main_process or record["tracking_uri"] == "none":
        return None
    settings = job.settings
    known = folder.path / "mlflow.json"
    tracker = Tracker(say=job.observer.say, hold_s=HOLD_S)
    tracker.start(
        record["tracking_uri"],
        experiment=f"{settings.src} to {settings.tgt}",
        run_name=folder.path.name,
        params=settings.model_dump(mode="json"),
        tags={
            "oracle": str(job.method.oracle).lower(),
            **{f"version.{k}": v for k, v in versions().items()},
            "run_folder": str(folder.path),
            **record.get("tracking_tags", {}),
        },
        run_id=_known_run(known),
        on_started=lambda run_id: write_json_atomic(known, {"run_id": run_id}),
    )
    return tracker


def _known_run(file: Path) -> str | None:
    """MLflow's id of this run from an earlier start; `None` where there is none or the file is damaged."""
    try:
        content = read_json(file)
    except UserError:
        return None
    return content.get("run_id") if isinstance(content, dict) else None
