"""A method's stages one after the other: made anew, taken from the cache, or skipped by a resumed run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seasa_da.adapters import Stage, StageAdapter, StageContext
from seasa_da.data.batches import Share, UpdateBatches
from seasa_da.data.datasets import oracle_slices, source_slices, target_slices
from seasa_da.errors import UserError
from seasa_da.seeding import derive_seed
from seasa_da.training import stage_cache
from seasa_da.training.checkpoint import Checkpoint, Position
from seasa_da.training.compiled import compile_networks, leave_compiled
from seasa_da.training.job import Job
from seasa_da.training.trainer import Trainer

SURVEY_BATCH = 32


def run_stages(job: Job, models: dict[str, Any], trainer: Trainer, resumed: Checkpoint | None) -> None:
    """Carry out all stages that `resumed` has not, on `models` in place.

    Raises:
        NonFiniteLoss, UserError: see `Trainer.run_stage`.
    """
    images = job.store.images(job.settings.src, "train")
    channels, height, width = images.shape[1:]
    context = StageContext(
        job.settings, len(job.class_names) + 1, models["G"].channels[0], (channels, height, width), models
    )
    for number, stage in enumerate(job.stages):
        torch.manual_seed(derive_seed(job.settings.seed, "stage", stage.name))
        adapter = stage.build(context)
        if not isinstance(adapter, StageAdapter):
            found = type(adapter).__name__
            raise UserError(
                f"method {job.method.name!r} is not usable: stage {stage.name!r} built no StageAdapter but {found}"
            )
        for module in (*adapter.state_modules().values(), *models.values()):
            _place(module, job.accelerator)
        if job.settings.train.compile:
            compile_networks(adapter.models.values())
        trainer.carried = dict(models)
        if resumed and number < resumed.position.stage:
            trainer.steps_before += stage.iterations
            continue
        here = resumed if resumed and number == resumed.position.stage else None
        key = stage_cache.stage_key(job, stage) if stage.shared is not None else None
        own = {name: module for name, module in models.items() if name in adapter.state_modules()}
        if key and here is None and stage_cache.load(key, number, stage, own, trainer, job):
            end = Position(number, stage.name, stage.iterations)
            trainer.save_candidate(end, adapter)
            trainer.save(end, adapter)
            continue
        survey = _target_images(job) if stage.survey and here is None else None
        trainer.run_stage(number, stage, adapter, _batches(job, stage), here, survey=survey)
        if key and (here is None or trainer.about["pure"]):
            stage_cache.publish(key, number, own, trainer, job)
    leave_compiled(models.values())


def _place(module: nn.Module, accelerator: Any) -> None:
    module.to(accelerator.device)
    if accelerator.num_processes > 1 and accelerator.device.type == "cuda":
        # In place, parameters stay the same objects, so the optimisers keep theirs.
        nn.SyncBatchNorm.convert_sync_batchnorm(module)


def _batches(job: Job, stage: Stage) -> UpdateBatches:
    settings = job.settings
    if stage.labels == "oracle-target":
        labelled = oracle_slices(job.store, settings.tgt, job.class_names)
    else:
        labelled = source_slices(job.store, settings.src, job.class_names)
    return UpdateBatches(
        labelled,
        target_slices(job.store, settings.tgt) if stage.target else None,
        batch_size=stage.batch_size or settings.train.batch_size,
        seed=settings.seed,
        stage=stage.name,
        updates=stage.iterations,
        augment=settings.augment,
        fourier_sources=stage.fourier_sources,
        source_share=stage.source_share,
        share=Share(job.accelerator.process_index, job.accelerator.num_processes, settings.train.accumulate),
    )


def _target_images(job: Job) -> Iterator[Tensor]:
    """This rank's share of all target training slices, in batches on the device."""
    slices = target_slices(job.store, job.settings.tgt)
    own = np.arange(job.accelerator.process_index, len(slices), job.accelerator.num_processes)
    for start in range(0, len(own), SURVEY_BATCH):
        yield torch.from_numpy(slices.take(own[start : start + SURVEY_BATCH])).to(job.accelerator.device)
