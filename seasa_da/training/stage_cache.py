"""Stages that several methods begin with, kept for reuse by a hash of all that determines them.

A kept stage is a folder `stages/KEY` of the cache: `modules.safetensors`, the models it left; `log.jsonl`, its lines
of the log; `stage.json`, its seconds and the tensors' SHA-256. It is written aside and renamed, so a whole name is a
whole stage; a damaged one is trained again.
"""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate.utils import broadcast, broadcast_object_list
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from seasa_da.adapters import Stage
from seasa_da.errors import UserError
from seasa_da.files import atomic_folder, cache_dir, read_json, sha256_file, write_json_atomic, write_text_atomic
from seasa_da.training.cache_key import cache_key, package_digest
from seasa_da.training.job import Job, init_weights, provenance
from seasa_da.training.trainer import Trainer

COMMON_SECTIONS = ("model", "train", "loss", "augment")


def stage_key(job: Job, stage: Stage) -> str:
    """The hash: data, domains, seed, weights, settings, code, versions and device, and not the method's name.

    Raises:
        ValueError: for who wrote the method: `build` is no function of a module, so it has no name and no file.
    """
    settings = job.settings.model_dump(mode="json")
    build = stage.build
    if not inspect.isfunction(build) or "<" in build.__qualname__:
        raise ValueError(f"stage {stage.name!r} is shared, so its build must be a function of a module, not {build}")
    what = [stage.name, stage.iterations, stage.labels, stage.target, stage.fourier_sources, stage.batch_size]
    return cache_key(
        [*what, stage.source_share, stage.schedule, stage.survey, f"{build.__module__}:{build.__qualname__}"],
        _code_of(build),
        {name: settings[name] for name in (*COMMON_SECTIONS, *(stage.shared or ()))},
        [settings["src"], settings["tgt"], settings["seed"], init_weights(job.settings), list(job.class_names)],
        provenance(job),
    )


def _code_of(build: Callable[..., object]) -> str:
    """A hash of another package's whole source, or of the one file of this package, whose rest `cache_key` adds."""
    if build.__module__.partition(".")[0] == "seasa_da":
        return sha256_file(Path(inspect.getfile(build)))
    return package_digest(build.__module__)


def load(key: str, number: int, stage: Stage, models: dict[str, nn.Module], trainer: Trainer, job: Job) -> bool:
    """Fill `models`, the stage's own, from the kept stage, and put its seconds and losses on this run's record.

    The main process reads, the others get the tensors from it. Returns whether there was one.
    """
    kept = _read(key, models) if job.accelerator.is_main_process else None
    found = [kept is not None]
    if job.accelerator.num_processes > 1:
        broadcast_object_list(found)
    if not found[0]:
        return False
    if kept is not None:
        tensors, about, log = kept
        for name, module in models.items():
            prefix = f"{name}."
            module.load_state_dict({k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)})
        job.observer.say(f"stage {stage.name!r}: taken from an earlier run with the same data, settings and seed")
        trainer.adopt(number, log, float(about["train_seconds"]))
    if job.accelerator.num_processes > 1:
        for module in models.values():
            for tensor in module.state_dict().values():
                tensor.copy_(broadcast(tensor.clone()))
    trainer.steps_before += stage.iterations
    return True


def publish(key: str, number: int, models: dict[str, nn.Module], trainer: Trainer, job: Job) -> None:
    """Keep what a stage has just trained, its `models`.

    A lost race or a full cache disk costs a later run its time, no more."""
    place = _place(key)
    if not job.accelerator.is_main_process or place.exists():
        return
    tensors = {f"{name}.{k}": v for name, module in models.items() for k, v in module.state_dict().items()}
    log = [line for line in trainer.folder.read_log() if line["stage"] == number]
    try:
        with atomic_folder(place) as folder:
            file = folder / "modules.safetensors"
            save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, file)
            write_text_atomic(folder / "log.jsonl", "".join(json.dumps(line) + "\n" for line in log))
            about = {"train_seconds": trainer.stage_seconds, "sha256": sha256_file(file)}
            write_json_atomic(folder / "stage.json", about)
    except (UserError, SafetensorError):
        return


def _read(
    key: str, models: dict[str, nn.Module]
) -> tuple[dict[str, torch.Tensor], dict[str, float], list[dict[str, object]]] | None:
    folder = _place(key)
    if not folder.is_dir():
        return None
    try:
        about = read_json(folder / "stage.json")
        if sha256_file(folder / "modules.safetensors") != about["sha256"]:
            raise ValueError("another hash")
        tensors = load_file(folder / "modules.safetensors")
        log = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
        if tensors.keys() != {f"{name}.{k}" for name, module in models.items() for k in module.state_dict()}:
            raise ValueError("other tensors")
    except (OSError, UserError, SafetensorError, ValueError, KeyError):
        shutil.rmtree(folder, ignore_errors=True)  # it makes room for a whole one
        return None
    return tensors, about, log


def _place(key: str) -> Path:
    return cache_dir() / "stages" / key
