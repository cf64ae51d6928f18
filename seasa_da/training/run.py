"""A run from settings to metrics: what `seasa-da train` does, for Python."""

from __future__ import annotations

import functools
import os
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import torch
from accelerate import Accelerator, InitProcessGroupKwargs, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast_object_list
from torch import nn

from seasa_da.adapters import Stage, StageContext
from seasa_da.config import RunSettings, settings_model, validated
from seasa_da.data.batches import Share, UpdateBatches
from seasa_da.data.datasets import oracle_slices, shared_class_names, source_slices, target_slices
from seasa_da.data.locate import Counting, locate_store, no_counting
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError
from seasa_da.evaluation.evaluate import Evaluation, evaluate_domain
from seasa_da.files import read_json, sha256_file, write_json_atomic
from seasa_da.models import build_segmenter
from seasa_da.registry import MethodSpec, compose_run, find_addon, find_method, sections_of
from seasa_da.seeding import derive_seed
from seasa_da.tracking import Tracker, resolve_uri
from seasa_da.training import checkpoint
from seasa_da.training.checkpoint import Checkpoint
from seasa_da.training.reference import find_reference, publish_reference, reference_key
from seasa_da.training.results import finish_run, load_segmenter
from seasa_da.training.run_folder import RunFolder
from seasa_da.training.trainer import Progress, Trainer

SCHEMA_VERSION = 1


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


@dataclass(frozen=True)
class Observer:
    """Where a run reports to: single lines, the progress of its loop, of making data. By default nowhere."""

    say: Callable[[str], None] = lambda line: None
    progress: Callable[[Progress], None] = lambda progress: None
    counting: Counting = no_counting


@dataclass(frozen=True)
class _Job:
    """All that determines a run, ready to be carried out."""

    method: MethodSpec
    settings: RunSettings
    store: SliceStore
    class_names: tuple[str, ...]
    fingerprint: str
    accelerator: Any
    observer: Observer
    anonymise: bool


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
        "reference": with_reference and method not in ("source-only", "supervised"),
        "anonymise": anonymise,
    }
    job = _prepare(spec, settings, record, observer)
    models = _fresh_segmenter(job)  # before anything is written: backbone and weights may not fit
    path = Path(out) if out else _new_folder(settings, job.accelerator)
    if job.accelerator.is_main_process:
        RunFolder.create(path, settings, {**record, **_provenance(job)})
    job.accelerator.wait_for_everyone()
    return _carry_out(job, models, RunFolder(path), record)


def resume(run: str | Path, *, observer: Observer | None = None) -> RunResult:
    """Go on with a run from its last checkpoint; a finished one is only read.

    Raises:
        UserError: not a run's folder, or its data or settings are not what they were.
    """
    folder, job, record = _open(run, observer or Observer())
    return _carry_out(job, _fresh_segmenter(job), folder, record)


def evaluate_run(
    run: str | Path, units: Literal["mm", "voxel"] = "mm", *, observer: Observer | None = None
) -> Evaluation:
    """Score a run's newest checkpoint on the target's test volumes; the run's folder is not changed.

    Raises:
        UserError: not a run's folder, no checkpoint in it, or its data are not what they were.
    """
    folder, job, _ = _open(run, observer or Observer())
    device = job.accelerator.device
    segmenter = load_segmenter(folder, job.settings, job.store, job.class_names, device)
    return evaluate_domain(
        segmenter, job.store, job.settings.tgt, job.class_names, units=units, device=device, keep_predictions=False
    )


def is_main_process() -> bool:
    """Whether this process is the one that reports, of all that a launcher started."""
    return bool(PartialState().is_main_process)


def default_preset(data: str | Path | None) -> str:
    """ "paper" for real data on a GPU, else "quick"."""
    return "paper" if data and torch.cuda.is_available() else "quick"


def _open(run: str | Path, observer: Observer) -> tuple[RunFolder, _Job, dict[str, Any]]:
    folder, content, record = RunFolder.open(Path(run))
    spec = find_method(str(content.get("method")))
    addons = [find_addon(name) for name in content.get("addons", ())]
    settings = validated(settings_model(sections_of(spec, addons)), content)
    job = _prepare(spec, settings, record, observer)
    if record.get("data_fingerprint") != job.fingerprint:
        raise UserError(f"the data of {folder.path} changed since it was started; start a new run")
    return folder, job, record


def _prepare(spec: MethodSpec, settings: RunSettings, record: dict[str, Any], observer: Observer) -> _Job:
    accelerator = _accelerator(settings.train.precision)
    parts = accelerator.num_processes * settings.train.accumulate
    if settings.train.batch_size % parts:
        raise UserError(
            f"train.batch_size={settings.train.batch_size} does not split evenly into {accelerator.num_processes} "
            f"processes x {settings.train.accumulate} micro-batches"
        )
    if settings.train.precision == "fp16" and settings.train.accumulate > 1:
        # The loss scale changes after the segmenter's step, while the discriminators' gradients still add up.
        raise UserError("train.precision=fp16 does not go with train.accumulate > 1; use bf16")
    if not accelerator.is_main_process:
        observer = Observer()
    data = Path(record["data"]) if record["data"] else None
    with accelerator.main_process_first():
        store = locate_store(data, settings.data, settings.phantom, say=observer.say, progress=observer.counting)
    names, alone = shared_class_names(store, settings.src, settings.tgt)
    for line in alone:
        observer.say(line)
    reads = [(settings.src, "train", "images"), (settings.tgt, "train", "images")]
    labelled = settings.tgt if spec.oracle else settings.src
    fingerprint = store.fingerprint([*reads, (labelled, "train", "labels")])
    return _Job(spec, settings, store, names, fingerprint, accelerator, observer, bool(record.get("anonymise")))


def _accelerator(precision: str) -> Any:
    """Accelerate on this machine, with kernels as deterministic as the device has them."""
    if AcceleratorState._shared_state.get("_mixed_precision", precision) != precision:
        # Accelerate keeps one precision a process; a second run in this process may want another.
        AcceleratorState._reset_state()
    if torch.cuda.is_available():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
        torch.use_deterministic_algorithms(True, warn_only=True)
    # Ranks wait while the main one prepares data or evaluates, which may take longer than the usual ten minutes.
    patience = InitProcessGroupKwargs(timeout=timedelta(hours=12))
    return Accelerator(cpu=not torch.cuda.is_available(), mixed_precision=precision, kwargs_handlers=[patience])


def _carry_out(job: _Job, models: dict[str, Any], folder: RunFolder, record: dict[str, Any]) -> RunResult:
    """Reference first (so that a picture can show it), then the run itself."""
    try:
        for line in _header(job, folder):
            job.observer.say(line)
        reference = _reference(job, folder, record) if record["reference"] else None
        if not folder.finished:
            _train_and_evaluate(job, models, folder, record, reference)
        job.accelerator.wait_for_everyone()
    except KeyboardInterrupt:
        job.observer.say(f"stopped; go on with: seasa-da train --resume {folder.path}")
        raise
    without = read_json(reference.metrics) if reference else None
    return RunResult(folder.path, read_json(folder.metrics), without)


def _header(job: _Job, folder: RunFolder) -> list[str]:
    """What was chosen, in two lines."""
    settings, accelerator = job.settings, job.accelerator
    recipe = f" (recipe {settings.recipe})" if settings.recipe else ""
    added = "".join(f" + {name}" for name in settings.addons)
    mark = ", oracle: trained on target labels" if job.method.oracle else ""
    processes = f"{accelerator.num_processes} process{'es' if accelerator.num_processes > 1 else ''}"
    return [
        f"{settings.method}{recipe}{added}: {settings.src} to {settings.tgt}, preset {settings.preset}, "
        f"seed {settings.seed}{mark}",
        f"{settings.model.backbone} from {_init_weights(settings)} weights, {settings.train.iterations} updates of "
        f"{settings.train.batch_size} images, {processes} on {accelerator.device.type}; {folder.path}",
    ]


def _reference(job: _Job, folder: RunFolder, record: dict[str, Any]) -> RunFolder:
    """The same run without adaptation, from the cache or made now."""
    common = {name: getattr(job.settings, name) for name in RunSettings.model_fields}
    settings = RunSettings(**{**common, "method": "source-only", "recipe": None, "addons": ()})
    src, tgt = settings.src, settings.tgt
    quiet = Observer(progress=job.observer.progress)
    reads = job.store.fingerprint([(src, "train", "images"), (tgt, "train", "images"), (src, "train", "labels")])
    sub = replace(job, method=find_method("source-only"), settings=settings, fingerprint=reads, observer=quiet)
    own = {**record, "reference": False, "tracking_uri": "none", **_provenance(sub)}
    scored = job.store.fingerprint([(tgt, "test", "images"), (tgt, "test", "labels")])
    key = reference_key(settings.model_dump(mode="json"), _provenance(sub), scored, job.class_names, job.anonymise)
    target = RunFolder(folder.reference)
    if job.accelerator.is_main_process and not target.path.exists():
        if find_reference(key, target):
            write_json_atomic(target.record, own)  # where the data are in this run, not in the one it was made for
            job.observer.say("without adaptation: taken from an earlier run with the same data, settings and seed")
        else:
            RunFolder.create(target.path, settings, own)
    job.accelerator.wait_for_everyone()
    if not target.finished:
        job.observer.say("first the same without adaptation, to show beside")
        _train_and_evaluate(sub, _fresh_segmenter(sub), target, own, None)
        if job.accelerator.is_main_process:
            publish_reference(key, target)
    return target


def _train_and_evaluate(
    job: _Job, models: dict[str, Any], folder: RunFolder, record: dict[str, Any], reference: RunFolder | None
) -> None:
    settings, accelerator = job.settings, job.accelerator
    stages: list[Stage] = job.method.load_stages()(settings)
    resumed = _latest(folder, accelerator)
    tracker = _tracker(job, folder, record)
    trainer = Trainer(
        accelerator,
        settings,
        len(job.class_names) + 1,
        folder,
        about={"settings": settings.model_dump(mode="json"), **_provenance(job)},
        observe=job.observer.progress,
        log_metrics=tracker.log_metrics if tracker else lambda step, metrics: None,
    )
    adapter = None
    status: Literal["FINISHED", "FAILED", "KILLED"] = "FAILED"
    started = time.monotonic()
    try:
        if resumed:
            _check_resumed(job, resumed)
            trainer.train_seconds = float(resumed.state.get("train_seconds", 0.0))
            job.observer.say(f"resuming at update {resumed.position.iteration} of stage {resumed.position.stage_name}")
        if accelerator.is_main_process:
            at = (resumed.position.stage, resumed.position.iteration) if resumed else (0, 0)
            folder.rewind_log(*at)
        for number, stage in enumerate(stages):
            if resumed and number < resumed.position.stage:
                trainer.steps_before += stage.iterations
                continue
            torch.manual_seed(derive_seed(settings.seed, "stage", stage.name))
            context = StageContext(settings, len(job.class_names) + 1, models["G"].channels[0], models)
            adapter = stage.build(context)
            for module in adapter.state_modules().values():
                module.to(accelerator.device)
                if accelerator.num_processes > 1 and accelerator.device.type == "cuda":
                    # In place, parameters stay the same objects, so the optimisers keep theirs.
                    nn.SyncBatchNorm.convert_sync_batchnorm(module)
            here = resumed if resumed and number == resumed.position.stage else None
            trainer.run_stage(number, stage, adapter, _batches(job, stage), here)
        assert adapter is not None
        if accelerator.is_main_process:
            finish_run(
                folder=folder,
                store=job.store,
                settings=settings,
                class_names=job.class_names,
                segmenter=adapter.segmenter().eval(),
                device=accelerator.device,
                reference=reference,
                anonymise=job.anonymise,
                tracker=tracker,
                metrics={
                    "schema_version": SCHEMA_VERSION,
                    "method": settings.method,
                    "recipe": settings.recipe,
                    "addons": list(settings.addons),
                    "src": settings.src,
                    "tgt": settings.tgt,
                    "seed": settings.seed,
                    "preset": settings.preset,
                    "iterations": settings.train.iterations,
                    "updates": sum(stage.iterations for stage in stages),
                    "init_weights": _init_weights(settings),
                    "selection": "last",
                    "oracle": job.method.oracle,
                    "train_seconds": round(trainer.train_seconds, 1),
                    "data_fingerprint": job.fingerprint,
                    "versions": versions(),
                },
            )
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        if tracker:
            tracker.finish(status)
    job.observer.say(f"done in {time.monotonic() - started:.0f} s")


def _check_resumed(job: _Job, resumed: Checkpoint) -> None:
    """Refuse a checkpoint of other settings; say where it was made under other circumstances."""
    if resumed.state.get("settings") != job.settings.model_dump(mode="json"):
        raise UserError(f"checkpoint {resumed.path} was made with other settings than the run's config.yaml has now")
    now = _provenance(job)
    other = [f"{name} {resumed.state.get(name)!r}" for name in now if resumed.state.get(name) != now[name]]
    if other:
        job.observer.say(f"made with {', '.join(other)}: the weights may differ from an uninterrupted run's")


def _batches(job: _Job, stage: Stage) -> UpdateBatches:
    settings = job.settings
    if stage.labels == "oracle-target":
        labelled = oracle_slices(job.store, settings.tgt, job.class_names)
    else:
        labelled = source_slices(job.store, settings.src, job.class_names)
    return UpdateBatches(
        labelled,
        target_slices(job.store, settings.tgt) if stage.target else None,
        batch_size=settings.train.batch_size,
        seed=settings.seed,
        stage=stage.name,
        updates=stage.iterations,
        augment=settings.augment,
        fourier_sources=stage.fourier_sources,
        share=Share(job.accelerator.process_index, job.accelerator.num_processes),
    )


def _fresh_segmenter(job: _Job) -> dict[str, Any]:
    """The initial `G`, `C`, `C_aux` of a seed, the same for every method, on the run's device."""
    torch.manual_seed(derive_seed(job.settings.seed, "initial weights"))
    images = job.store.images(job.settings.src, "train")
    models: dict[str, Any] = build_segmenter(
        job.settings.model,
        in_channels=images.shape[1],
        num_classes=len(job.class_names) + 1,
        size=(images.shape[2], images.shape[3]),
        weights=job.settings.weights,
    )
    return {name: module.to(job.accelerator.device) for name, module in models.items()}


def _latest(folder: RunFolder, accelerator: Any) -> Checkpoint | None:
    found = checkpoint.list_checkpoints(folder.checkpoints)
    accelerator.wait_for_everyone()
    return checkpoint.load(found[-1]) if found else None


def _new_folder(settings: RunSettings, accelerator: Any) -> Path:
    name = "-".join([settings.method, *settings.addons, settings.src, settings.tgt, settings.preset])
    base = Path("runs") / f"{name}-seed{settings.seed}"
    path, number = base, 2
    while path.exists():
        path, number = base.with_name(f"{base.name}-{number}"), number + 1
    # The main process decides: another may look when the folder is there already.
    shared = [str(path)]
    if accelerator.num_processes > 1:
        broadcast_object_list(shared)
    return Path(shared[0])


def _init_weights(settings: RunSettings) -> str:
    if settings.weights is None:
        return "random"
    return f"{Path(settings.weights).name} sha256:{sha256_file(Path(settings.weights))[:16]}"


def _provenance(job: _Job) -> dict[str, Any]:
    return {
        "data_fingerprint": job.fingerprint,
        "versions": versions(),
        "device": job.accelerator.device.type,
        "world_size": job.accelerator.num_processes,
        "threads": torch.get_num_threads(),
    }


@functools.cache
def versions() -> dict[str, str]:
    """Versions of what a result depends on."""
    found = {"python": platform.python_version()}
    for package in ("seasa-da", "torch", "pytorch-adapt", "timm", "accelerate", "numpy", "scipy", "medpy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            from seasa_da.version import __version__

            found[package] = __version__ if package == "seasa-da" else "unknown"
    return found


def _known_run(file: Path) -> str | None:
    """MLflow's id of this run from an earlier start; `None` where there is none or the file is damaged."""
    try:
        content = read_json(file)
    except UserError:
        return None
    return content.get("run_id") if isinstance(content, dict) else None


def _tracker(job: _Job, folder: RunFolder, record: dict[str, Any]) -> Tracker | None:
    """MLflow for this run, or `None` on other ranks and where the user wants none."""
    if not job.accelerator.is_main_process or record["tracking_uri"] == "none":
        return None
    settings = job.settings
    known = folder.path / "mlflow.json"
    tracker = Tracker(say=job.observer.say)
    tracker.start(
        record["tracking_uri"],
        experiment=f"{settings.src} to {settings.tgt}",
        run_name=folder.path.name,
        params={**settings.model_dump(mode="json"), "run_folder": str(folder.path)},
        tags={"oracle": str(job.method.oracle).lower(), **{f"version.{k}": v for k, v in versions().items()}},
        run_id=_known_run(known),
        on_started=lambda run_id: write_json_atomic(known, {"run_id": run_id}),
    )
    return tracker
