"""A run made ready: its settings, data, device, and where it reports to."""

from __future__ import annotations

import functools
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, InitProcessGroupKwargs
from accelerate.state import AcceleratorState

from seasa_da.adapters import Stage
from seasa_da.config import RunSettings
from seasa_da.data.datasets import require_same_channels, shared_class_names
from seasa_da.data.locate import locate_store
from seasa_da.data.parallel import Counting, no_counting
from seasa_da.data.recipe import Recipe
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError
from seasa_da.files import sha256_file
from seasa_da.models import build_segmenter
from seasa_da.registry import MethodSpec
from seasa_da.seeding import derive_seed
from seasa_da.training.budget import planned_stages
from seasa_da.training.cache_key import code_digest
from seasa_da.training.compiled import check_compiler
from seasa_da.training.run_folder import RunFolder
from seasa_da.training.trainer import Progress
from seasa_da.version import __version__

SMALLEST_FOR_DISCRIMINATORS = 32
"""Rows and columns that are left after five convolutions of stride 2."""


@dataclass(frozen=True)
class Observer:
    """Where a run reports to: single lines, the progress of its loop, of making data. By default nowhere."""

    say: Callable[[str], None] = lambda line: None
    progress: Callable[[Progress], None] = lambda progress: None
    counting: Counting = no_counting


@dataclass(frozen=True)
class Job:
    """All that determines a run, ready to be carried out."""

    method: MethodSpec
    settings: RunSettings
    stages: list[Stage]
    store: SliceStore
    class_names: tuple[str, ...]
    fingerprint: str
    accelerator: Any
    observer: Observer
    anonymise: bool


def prepare_job(spec: MethodSpec, settings: RunSettings, record: dict[str, Any], observer: Observer) -> Job:
    """Open (or make) the data, find the classes, start Accelerate.

    Args:
        record: `data` (a path, or `None` for the phantom) and `anonymise` are used.

    Raises:
        UserError: unusable data, a batch that does not split, or settings that do not go together.
    """
    stages = planned_stages(spec, settings)
    accelerator = _accelerator(settings.train.precision)
    for stage in stages:
        _check_batch(stage, settings, accelerator.num_processes)
    if settings.train.precision == "fp16" and settings.train.accumulate > 1:
        # The loss scale changes after the segmenter's step, while the discriminators' gradients still add up.
        raise UserError("train.precision=fp16 does not go with train.accumulate > 1; use bf16")
    if settings.train.precision == "fp16" and accelerator.device.type == "cpu":
        # Accelerate would go on in full precision without a word.
        raise UserError("train.precision=fp16 wants a GPU; use bf16 or no")
    if settings.train.compile:
        check_compiler()
    if not accelerator.is_main_process:
        observer = Observer()
    data = Path(record["data"]) if record["data"] else None
    # what preparing says may name patients
    say = (lambda line: None) if record.get("anonymise") else observer.say
    with accelerator.main_process_first():
        store = locate_store(data, settings.data, settings.phantom, settings.raw, say=say, progress=observer.counting)
    if _has_discriminators(settings) and store.settings.size < SMALLEST_FOR_DISCRIMINATORS:
        raise UserError(
            f"slices of {store.settings.size}x{store.settings.size} are too small for the discriminators of "
            f"{settings.method}; prepare them with a size of at least {SMALLEST_FOR_DISCRIMINATORS}"
        )
    names, alone = shared_class_names(store, settings.src, settings.tgt)
    require_same_channels(store, settings.src, settings.tgt)
    for line in alone:
        observer.say(line)
    fingerprint = training_fingerprint(store, settings, spec)
    anonymise = bool(record.get("anonymise"))
    return Job(spec, settings, stages, store, names, fingerprint, accelerator, observer, anonymise)


def _check_batch(stage: Stage, settings: RunSettings, processes: int) -> None:
    batch = stage.batch_size or settings.train.batch_size
    if batch % (processes * settings.train.accumulate):
        name = "train.batch_size" if stage.batch_size is None else "the batch of its own settings"
        raise UserError(
            f"stage {stage.name!r}: {name}, {batch}, does not split evenly into {processes} "
            f"process{'es' if processes > 1 else ''} x {settings.train.accumulate} micro-batches"
        )


def _has_discriminators(settings: RunSettings) -> bool:
    sections = type(settings).model_fields
    if "self_training" in sections:
        return settings.section("self_training").start == "adversary"
    return "adversary" in sections or "translation" in sections


def training_fingerprint(store: SliceStore, settings: RunSettings, spec: MethodSpec) -> str:
    """A hash of the data that training may read: both domains' training images, and one domain's labels."""
    labelled = settings.tgt if spec.oracle else settings.src
    images = [(settings.src, "train", "images"), (settings.tgt, "train", "images")]
    return store.fingerprint([*images, (labelled, "train", "labels")])


def fresh_segmenter(job: Job) -> dict[str, Any]:
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


def recipe_of(job: Job) -> Recipe:
    """What prediction needs to know of the run's data."""
    return Recipe.of_store(job.store, job.settings.src, job.settings.tgt, job.class_names)


def header(job: Job, folder: RunFolder) -> list[str]:
    """What was chosen, in two lines."""
    settings, accelerator = job.settings, job.accelerator
    recipe = f" (recipe {settings.recipe})" if settings.recipe else ""
    added = "".join(f" + {name}" for name in settings.addons)
    mark = ", oracle: trained on target labels" if job.method.oracle else ""
    processes = f"{accelerator.num_processes} process{'es' if accelerator.num_processes > 1 else ''}"
    return [
        f"{settings.method}{recipe}{added}: {settings.src} to {settings.tgt}, preset {settings.preset}, "
        f"seed {settings.seed}{mark}",
        f"{settings.model.backbone} from {init_weights(settings)} weights, {settings.train.iterations} updates of "
        f"{settings.train.batch_size} images, {processes} on {accelerator.device.type}; {folder.path}",
    ]


def provenance(job: Job) -> dict[str, Any]:
    return {
        "data_fingerprint": job.fingerprint,
        "code": code_digest(),
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
            found[package] = __version__ if package == "seasa-da" else "unknown"
    return found


def init_weights(settings: RunSettings) -> str:
    if settings.weights is None:
        return "random"
    return f"{Path(settings.weights).name} sha256:{sha256_file(Path(settings.weights))[:16]}"


def deterministic_kernels() -> None:
    """Have a GPU, where there is one, compute the same numbers every time, as far as its kernels can."""
    if not torch.cuda.is_available():
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    # torch would also fill all memory that it hands out, a kernel each: that finds reads of what nobody wrote, and we
    # have none.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # made at import


def _accelerator(precision: str) -> Any:
    """Accelerate on this machine."""
    if AcceleratorState._shared_state.get("_mixed_precision", precision) != precision:
        # Accelerate keeps one precision a process; a second run in this process may want another.
        AcceleratorState._reset_state()
    deterministic_kernels()
    # Ranks wait while the main one prepares data or evaluates, which may take longer than the usual ten minutes.
    patience = InitProcessGroupKwargs(timeout=timedelta(hours=12))
    return Accelerator(cpu=not torch.cuda.is_available(), mixed_precision=precision, kwargs_handlers=[patience])
