"""A run from settings to metrics: what `seasa-da train` does, for Python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

from seasa_da.config import RunSettings, settings_model, validated
from seasa_da.data.datasets import require_training_labels
from seasa_da.errors import UserError
from seasa_da.evaluation.tolerance import TOLERANCE_MM, checked_tolerance
from seasa_da.files import read_json
from seasa_da.registry import compose_run, find_addon, find_method, sections_of
from seasa_da.tracking import resolve_uri
from seasa_da.training.execute import carry_out
from seasa_da.training.job import Job, Observer, fresh_segmenter, prepare_job, provenance, recipe_of
from seasa_da.training.run_folder import RunFolder

if TYPE_CHECKING:
    from seasa_da.evaluation.evaluate import Evaluation, Split, Units

__all__ = ["Observer", "RunResult", "default_preset", "evaluate_run", "is_main_process", "resume", "train"]


@dataclass(frozen=True)
class RunResult:
    """What a finished run left.

    Attributes:
        folder: with `metrics.json`, `per_case.csv`, `checkpoint/`, `figures/` and `log.jsonl`.
        metrics: the content of `metrics.json`.
        without_adaptation: the same of the run without adaptation, where one was asked for.
    """

    folder: Path
    metrics: dict[str, Any]
    without_adaptation: dict[str, Any] | None


def train(
    method: str,
    src: str | None = None,
    tgt: str | None = None,
    *,
    data: str | Path | None = None,
    preset: str | None = None,
    seed: int | None = None,
    addons: Sequence[str] = (),
    overrides: Iterable[str] = (),
    config: str | Path | None = None,
    weights: str | Path | None = None,
    out: str | Path | None = None,
    tracking_uri: str | None = None,
    tracking_tags: Mapping[str, str] | None = None,
    reference: bool | None = None,
    anonymise: bool = False,
    observer: Observer | None = None,
) -> RunResult:
    """Train a method, evaluate it on the target's test volumes and record everything.

    Args:
        method: a name that `seasa-da methods` lists.
        src, tgt: the labelled and the unlabelled domain, by default "ct" and "mri".
        data: a slice store or a raw folder; `None` is the built-in phantom.
        preset: "smoke", "quick" or "paper"; by default "paper" for real data on a GPU, else "quick".
        seed: of the initial weights and every draw, by default 0.
        addons: hooks that join the method's last stage, such as `["se", "asa"]`.
        overrides: settings as `name=value`, such as `["train.iterations=2000"]`.
        config: a YAML file of settings, such as another run's `config.yaml`; what is given here goes before it.
        weights: a local file of trunk weights; random without.
        out: the run's folder; by default a new one under `runs/`.
        tracking_uri: where MLflow records go; by default `mlruns/` here; "none" for no tracking.
        tracking_tags: further tags of the MLflow run.
        reference: also train without adaptation on the same data, budget and seed (once, then cached) and show it
            beside; by default yes on "smoke" and "quick", where it takes a minute.
        anonymise: keep case ids out of tables, pictures and MLflow.
        observer: where to report to.

    Raises:
        UserError: wrong input, unusable data or folders; nothing half-written is left.
    """
    observer = observer or Observer()
    resolved_uri = resolve_uri(tracking_uri)  # refuses what cannot be a store before anything is written
    if out:
        RunFolder.refuse_used(Path(out))
    spec, settings = compose_run(
        method,
        addons,
        src=src,
        tgt=tgt,
        seed=seed,
        preset=preset,
        fallback_preset=default_preset(data),
        weights=weights,
        config=config,
        overrides=overrides,
    )
    with_reference = settings.preset != "paper" if reference is None else reference
    record = {
        "data": str(Path(data).resolve()) if data else None,
        # A store in this folder is meant also when the run is resumed from another; other addresses stay as given.
        "tracking_uri": resolved_uri if resolved_uri.startswith("sqlite:") else tracking_uri,
        "tracking_tags": dict(tracking_tags or {}),
        "reference": with_reference and not spec.bound,
        "anonymise": anonymise,
    }
    job = prepare_job(spec, settings, record, observer)
    require_training_labels(job.store, settings.src, settings.tgt, oracle=spec.oracle)
    models = fresh_segmenter(job)  # before anything is written: backbone and weights may not fit
    path = _create(Path(out) if out else None, job, {**record, **provenance(job)})
    return _result(RunFolder(path), carry_out(job, models, RunFolder(path), record))


def resume(run: str | Path, *, observer: Observer | None = None) -> RunResult:
    """Go on with a run from its last checkpoint; a finished one is only read.

    Raises:
        UserError: not a run's folder, or its data or settings are not what they were.
    """
    folder, job, record = open_run(run, observer or Observer())
    return _result(folder, carry_out(job, fresh_segmenter(job), folder, record))


def evaluate_run(
    run: str | Path,
    units: Units = "mm",
    *,
    data: str | Path | None = None,
    split: Split = "test",
    tolerance_mm: float = TOLERANCE_MM,
    observer: Observer | None = None,
) -> Evaluation:
    """Score the segmenter that is a run's result on volumes of its target domain; the run's folder is not changed.

    Args:
        run: its folder.
        units: of ASD and HD95.
        data: another store or raw folder that has the run's target domain, by name; by default the run's own data.
        split: "test", or "train".
        tolerance_mm: of the surface Dice.
        observer: where to report to.

    Raises:
        UserError: not a run's folder, no checkpoint in it; its own data are not what they were; other data do not fit.
    """
    # Scoring imports medpy and matplotlib, and training need not wait for them.
    from seasa_da.training.results import load_segmenter
    from seasa_da.training.scoring import score, score_other_data

    observer = observer or Observer()
    checked_tolerance(tolerance_mm)
    if data is not None:
        return score_other_data(
            Path(run), Path(data), split=split, units=units, tolerance_mm=tolerance_mm, observer=observer
        )
    folder, job, _ = open_run(run, observer)
    device = job.accelerator.device
    segmenter = load_segmenter(folder, job.settings, job.store, job.class_names, device)
    return score(
        segmenter,
        job.store,
        job.settings.tgt,
        job.class_names,
        split=split,
        units=units,
        tolerance_mm=tolerance_mm,
        device=device,
        anonymise=job.anonymise,
        observer=observer,
    )


def is_main_process() -> bool:
    """Whether this process is the one that reports, of all that a launcher started."""
    return bool(PartialState().is_main_process)


def default_preset(data: str | Path | None) -> str:
    """ "paper" for real data on a GPU, else "quick"."""
    return "paper" if data and torch.cuda.is_available() else "quick"


def open_run(run: str | Path, observer: Observer) -> tuple[RunFolder, Job, dict[str, Any]]:
    """A run's folder, its job on its own data, and the content of its `run.json`.

    Raises:
        UserError: not a run's folder, or its data or settings are not what they were.
    """
    folder, content, record = RunFolder.open(Path(run))
    spec = find_method(str(content.get("method")))
    addons = [find_addon(name) for name in content.get("addons", ())]
    settings = validated(settings_model(sections_of(spec, addons)), content)
    job = prepare_job(spec, settings, record, observer)
    if record.get("data_fingerprint") != job.fingerprint:
        raise UserError(f"the data of {folder.path} changed since it was started; start a new run")
    return folder, job, record


def _create(out: Path | None, job: Job, record: dict[str, Any]) -> Path:
    """Make the run's folder, on the main process, whose choice of a name the others learn."""
    shared = [str(out)]
    if job.accelerator.is_main_process:
        recipe = recipe_of(job)
        for path in [out] if out else _names(job.settings):
            try:
                RunFolder.create(path, job.settings, record, recipe)
            except UserError:
                if out or not path.exists():
                    raise
            else:
                shared = [str(path)]
                break
    if job.accelerator.num_processes > 1:
        broadcast_object_list(shared)
    return Path(shared[0])


def _names(settings: RunSettings) -> Iterator[Path]:
    """Folders in `runs/`, until one is free; another run may take it before this one makes it."""
    name = "-".join([settings.method, *settings.addons, settings.src, settings.tgt, settings.preset])
    base = Path("runs") / f"{name}-seed{settings.seed}"
    return (base if number == 1 else base.with_name(f"{base.name}-{number}") for number in count(1))


def _result(folder: RunFolder, reference: RunFolder | None) -> RunResult:
    return RunResult(folder.path, read_json(folder.metrics), read_json(reference.metrics) if reference else None)
