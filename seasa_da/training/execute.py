"""Carrying a run out: the reference first, then stage after stage, then the scores."""

from __future__ import annotations

import shlex
import time
from contextlib import nullcontext
from dataclasses import asdict, replace
from typing import Any, Literal

from seasa_da.config import RunSettings
from seasa_da.errors import UserError
from seasa_da.files import write_json_atomic
from seasa_da.registry import find_method
from seasa_da.training import checkpoint
from seasa_da.training.budget import stage_records
from seasa_da.training.cache_key import cache_key, code_digest
from seasa_da.training.candidates import planned_candidates
from seasa_da.training.checkpoint import Checkpoint
from seasa_da.training.job import (
    Job,
    Observer,
    fresh_segmenter,
    header,
    init_weights,
    provenance,
    recipe_of,
    training_fingerprint,
    versions,
)
from seasa_da.training.reference import find_reference, publish_reference
from seasa_da.training.run_folder import SCHEMA_VERSION, RunFolder
from seasa_da.training.selection import select
from seasa_da.training.stages import run_stages
from seasa_da.training.tracked import start_tracker
from seasa_da.training.trainer import Trainer


def carry_out(job: Job, models: dict[str, Any], folder: RunFolder, record: dict[str, Any]) -> RunFolder | None:
    """Reference first (so that a picture can show it), then the run itself; what is finished is not done again.

    Args:
        models: the initial segmenter, of `fresh_segmenter`.
        folder: the run's, made before, in which no other process may train meanwhile.
        record: the content of its `run.json`.

    Returns:
        The folder of the run without adaptation, where the record asks for one.
    """
    with folder.held() if job.accelerator.is_main_process else nullcontext():
        try:
            return _both(job, models, folder, record)
        except KeyboardInterrupt:
            job.observer.say(f"stopped; go on with: seasa-da train --resume {shlex.quote(str(folder.path))}")
            raise


def _both(job: Job, models: dict[str, Any], folder: RunFolder, record: dict[str, Any]) -> RunFolder | None:
    for line in header(job, folder):
        job.observer.say(line)
    reference = _reference(job, folder, record) if record["reference"] else None
    if not folder.finished:
        _train_and_evaluate(job, models, folder, record, reference)
    job.accelerator.wait_for_everyone()
    return reference


def _reference(job: Job, folder: RunFolder, record: dict[str, Any]) -> RunFolder:
    """The same run without adaptation, from the cache or made now."""
    common = {name: getattr(job.settings, name) for name in RunSettings.model_fields}
    settings = RunSettings(**{**common, "method": "source-only", "recipe": None, "addons": ()})
    spec, quiet = find_method("source-only"), Observer(progress=job.observer.progress)
    fingerprint = training_fingerprint(job.store, settings, spec)
    stages = spec.load_stages()(settings)
    sub = replace(job, method=spec, settings=settings, stages=stages, fingerprint=fingerprint, observer=quiet)
    own = {**record, "reference": False, "tracking_uri": "none", "tracking_tags": {}, **provenance(sub)}
    scored = job.store.fingerprint([(settings.tgt, "test", "images"), (settings.tgt, "test", "labels")])
    key = cache_key(settings.model_dump(mode="json"), provenance(sub), scored, job.class_names, job.anonymise)
    target = RunFolder(folder.reference)
    if job.accelerator.is_main_process and not target.path.exists():
        if find_reference(key, target):
            write_json_atomic(target.record, own)  # where the data are in this run, not in the one it was made for
            job.observer.say("without adaptation: taken from an earlier run with the same data, settings and seed")
        else:
            RunFolder.create(target.path, settings, own, recipe_of(sub))
    job.accelerator.wait_for_everyone()
    if not target.finished:
        job.observer.say("first the same without adaptation, to show beside")
        pure = _train_and_evaluate(sub, fresh_segmenter(sub), target, own, None)
        if pure and job.accelerator.is_main_process:
            publish_reference(key, target)
    return target


def _train_and_evaluate(
    job: Job, models: dict[str, Any], folder: RunFolder, record: dict[str, Any], reference: RunFolder | None
) -> bool:
    """Returns whether all of it was made under the circumstances of now, so that others may take it over."""
    settings, accelerator = job.settings, job.accelerator
    resumed = _latest(folder, job)
    pure = resumed is None or _check_resumed(job, resumed)
    tracker = start_tracker(job, folder, record)
    trainer = Trainer(
        accelerator,
        settings,
        len(job.class_names) + 1,
        folder,
        candidates=planned_candidates(job.stages, settings.selection.candidates),
        steps=sum(stage.iterations for stage in job.stages),
        about={"settings": settings.model_dump(mode="json"), **provenance(job), "pure": pure},
        observe=job.observer.progress,
        say=job.observer.say,
        log_metrics=tracker.log_metrics if tracker else lambda step, metrics: None,
    )
    status: Literal["FINISHED", "FAILED", "KILLED"] = "FAILED"
    started = time.monotonic()
    try:
        if resumed:
            trainer.train_seconds = float(resumed.state.get("train_seconds", 0.0))
            job.observer.say(f"resuming at update {resumed.position.iteration} of stage {resumed.position.stage_name}")
        if accelerator.is_main_process:
            at = (resumed.position.stage, resumed.position.iteration) if resumed else (0, 0)
            folder.rewind_log(*at)
        run_stages(job, models, trainer, resumed)
        if accelerator.is_main_process:
            # With medpy and matplotlib, for which the first update need not wait.
            from seasa_da.training.results import finish_run

            chosen = select(folder, settings, job.store, job.class_names, models, accelerator.device, job.observer.say)
            finish_run(
                folder=folder,
                store=job.store,
                settings=settings,
                class_names=job.class_names,
                models=models,
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
                    "updates": settings.train.iterations,
                    "stages": [asdict(stage) for stage in stage_records(job.stages)],
                    "init_weights": init_weights(settings),
                    **chosen.about(),
                    "validators": chosen.scores,
                    "oracle": job.method.oracle,
                    "train_seconds": round(trainer.train_seconds, 1),
                    "data_fingerprint": job.fingerprint,
                    "code": code_digest(),
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
    return pure


def _check_resumed(job: Job, resumed: Checkpoint) -> bool:
    """Refuse a checkpoint of other settings; say where it was made under other circumstances, and return if not."""
    if resumed.state.get("settings") != job.settings.model_dump(mode="json"):
        raise UserError(f"checkpoint {resumed.path} was made with other settings than the run's config.yaml has now")
    now = provenance(job)
    other = [name for name in now if resumed.state.get(name) != now[name]]
    if other:
        shown = ", ".join("other code" if name == "code" else f"{name} {resumed.state.get(name)!r}" for name in other)
        job.observer.say(f"made with {shown}: the weights may differ from an uninterrupted run's")
    return not other and bool(resumed.state.get("pure"))


def _latest(folder: RunFolder, job: Job) -> Checkpoint | None:
    """What the run goes on from; whatever came after it, on the disk, goes."""
    found = checkpoint.load_newest(folder.checkpoints, job.observer.say)
    job.accelerator.wait_for_everyone()
    if found is not None and job.accelerator.is_main_process:
        checkpoint.drop_later(folder.checkpoints, found.position)
    job.accelerator.wait_for_everyone()
    return found
