"""The loop: one stage's updates, its losses on record, its checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from seasa_da.adapters import Stage, StageAdapter
from seasa_da.config import RunSettings
from seasa_da.data.batches import UpdateBatches, loader
from seasa_da.data.prefetch import prefetched
from seasa_da.errors import NonFiniteLoss
from seasa_da.layers import class_counts
from seasa_da.seeding import derive_seed
from seasa_da.training import candidates, checkpoint
from seasa_da.training.augmented import augmented
from seasa_da.training.checkpoint import Checkpoint, Position
from seasa_da.training.loss_window import LossWindow
from seasa_da.training.run_folder import RunFolder
from seasa_da.training.schedules import factor, scale_learning_rates
from seasa_da.training.stepper import AcceleratedStepper
from seasa_da.training.stopping import StopRequests

PREFETCHED = 2
"""Batches that wait for a GPU."""

FRESH_SCALE = {"scale": 2.0**16, "_growth_tracker": 0}
"""Where torch's `GradScaler` starts."""


@dataclass(frozen=True)
class Progress:
    """What an observer of the loop is told: `done` of `total` updates of a stage, and the mean losses since last.

    `share` is how much of the run's updates, over all its stages, is done.
    """

    stage: str
    done: int
    total: int
    losses: dict[str, float]
    share: float = 0.0


@dataclass
class Trainer:
    """Runs stages and keeps a run's folder up to date.

    Attributes:
        accelerator: an `accelerate.Accelerator`.
        settings: the run's.
        num_classes: with background.
        folder: where log and checkpoints go; written by the main process alone.
        about: goes into every checkpoint's `state.json`.
        observe: told of every logged iteration; by default nobody.
        say: told in a line of what the user should know; by default nobody.
        log_metrics: given `(step, {name: value})` for tracking.
        carried: models that checkpoints hold besides the adapter's own, for later stages.
        candidates: where candidates are kept: the segmenter's updates by (stage number, iteration).
        steps: updates of all stages.
        steps_before: updates of the stages before.
        train_seconds: spent in the loop so far, by this run or by the one whose stage it took over.
        stage_seconds: those of the stage under way.
    """

    accelerator: Any
    settings: RunSettings
    num_classes: int
    folder: RunFolder
    about: Mapping[str, Any]
    observe: Callable[[Progress], None] = lambda progress: None
    say: Callable[[str], None] = lambda line: None
    log_metrics: Callable[[int, dict[str, float]], None] = lambda step, metrics: None
    carried: dict[str, nn.Module] = field(default_factory=dict)
    candidates: Mapping[tuple[int, int], int] = field(default_factory=dict)
    steps: int = 0
    steps_before: int = 0
    train_seconds: float = 0.0
    stage_seconds: float = 0.0

    def stepper(self) -> AcceleratedStepper:
        """How the updates of this run are carried out."""
        return AcceleratedStepper(self.accelerator, self.settings.train.accumulate)

    def run_stage(
        self,
        number: int,
        stage: Stage,
        adapter: StageAdapter,
        batches: UpdateBatches,
        resumed: Checkpoint | None = None,
        survey: Iterable[Tensor] | None = None,
    ) -> None:
        """Train `adapter` for `stage.iterations` updates, or for what is left of them after `resumed`.

        Args:
            survey: what the adapter looks at before the first update, see `StageAdapter.survey`.

        Raises:
            NonFiniteLoss: a loss became NaN or infinite; the last checkpoint is from before.
            WorkerDied: a loader process was killed more than once.
            UserError: a checkpoint or the log cannot be written.
            KeyboardInterrupt: the run was asked to stop (`StopRequests`); a checkpoint of this update is written.
        """
        train = self.settings.train
        self.accelerator.free_memory()  # it would keep the optimisers of all stages
        for name, optimizer in list(adapter.optimizers.items()):
            adapter.optimizers[name] = self.accelerator.prepare_optimizer(optimizer)
        optimizers = dict(adapter.optimizers.items())
        done, self.stage_seconds, started = 0, 0.0, time.monotonic()
        stepper = self.stepper()
        if self.accelerator.scaler is not None:
            # As at the start of a run, whatever ran before in this process.
            self.accelerator.scaler.load_state_dict({**self.accelerator.scaler.state_dict(), **FRESH_SCALE})
        if resumed is not None:
            resumed.restore_modules(self._modules(adapter))
            resumed.restore_optimizers(optimizers)
            if resumed.state.get("scaler") and self.accelerator.scaler is not None:
                self.accelerator.scaler.load_state_dict(resumed.state["scaler"])
            done = resumed.position.iteration
            self.stage_seconds = float(resumed.state.get("stage_seconds", 0.0))
        if survey is not None:
            with self.accelerator.autocast():
                adapter.survey(survey, stepper)
        adapter.train_mode()
        window = LossWindow()
        if resumed is not None:
            window.restore(resumed.state.get("losses_so_far", {}), self.accelerator.device)
        on_gpu = self.accelerator.device.type == "cuda"
        items = loader(batches, done, workers=train.workers, pin_memory=on_gpu, say=self.say)
        if on_gpu and not train.workers:
            items = prefetched(items, PREFETCHED)  # on a CPU it would only take the update's cores
        with StopRequests(self.accelerator) as requests, closing(items):
            for batch in items:
                # For whatever draws from torch's own generator (Dropout): a function of the iteration and the rank.
                seed = derive_seed(self.settings.seed, stage.name, "step", done, self.accelerator.process_index)
                torch.manual_seed(seed)
                rates = factor(stage.schedule, done, stage.iterations, train.poly_power)
                scale_learning_rates(optimizers.values(), rates)
                window.add(self._update(adapter, stepper, batch, progress=done / stage.iterations))
                done += 1
                stop = requests.agreed()
                log_now = done % train.log_every == 0 or done == stage.iterations
                save_now = done % train.checkpoint_every == 0 or done == stage.iterations
                if log_now or save_now or stop:
                    seconds, started = time.monotonic() - started, time.monotonic()
                    self.train_seconds += seconds
                    self.stage_seconds += seconds
                if log_now or save_now:
                    losses = window.close(stage.name, done, self.accelerator)
                    if self.accelerator.is_main_process:
                        self._log(number, stage, done, losses, optimizers)
                position = Position(number, stage.name, done)
                self.save_candidate(position, adapter)
                if save_now or stop:
                    self.save(position, adapter, window.state(self.accelerator))
                    self.accelerator.wait_for_everyone()
                if stop:
                    raise KeyboardInterrupt
        self.steps_before += stage.iterations

    def save_candidate(self, position: Position, adapter: StageAdapter) -> None:
        """Keep the segmenter as a candidate where one is planned at `position`; on the main process."""
        updates = self.candidates.get((position.stage, position.iteration))
        if updates is not None and self.accelerator.is_main_process:
            candidates.save(self.folder.candidates, position, updates, self._modules(adapter))

    def adopt(self, number: int, log: Sequence[dict[str, Any]], seconds: float) -> None:
        """Put the log and the seconds of a stage that another run trained on this run's record, as its own."""
        before = self.train_seconds
        for line in log:
            own = {**line, "stage": number, "train_seconds": round(before + line["stage_seconds"], 3)}
            self.folder.append_log(own)
            self.log_metrics(self.steps_before + line["iteration"], {**line["losses"], "lr": line["lr"]})
        self.train_seconds, self.stage_seconds = before + seconds, seconds

    def _modules(self, adapter: StageAdapter) -> dict[str, nn.Module]:
        return {**self.carried, **adapter.state_modules()}

    def save(
        self, position: Position, adapter: StageAdapter, losses_so_far: Mapping[str, list[float]] | None = None
    ) -> None:
        """Write a checkpoint at `position`, on the main process, unless a tensor is not finite (`NonFiniteLoss`).

        Args:
            losses_so_far: `LossWindow.state` of the updates since the last line of the log.
        """
        modules = self._modules(adapter)
        for name, module in modules.items():
            for key, value in module.state_dict().items():
                if value.is_floating_point() and not bool(torch.isfinite(value).all()):
                    raise NonFiniteLoss(
                        f"{name}.{key} is not finite after update {position.iteration} of stage "
                        f"{position.stage_name!r}; the last checkpoint is from before: lower train.lr and start again"
                    )
        if not self.accelerator.is_main_process:
            return
        scaler = self.accelerator.scaler
        self.folder.flush_log()
        checkpoint.save(
            self.folder.checkpoints,
            position,
            modules,
            dict(adapter.optimizers.items()),
            about={
                **self.about,
                "train_seconds": self.train_seconds,
                "stage_seconds": self.stage_seconds,
                "losses_so_far": dict(losses_so_far or {}),
                "scaler": scaler.state_dict() if scaler is not None else None,
            },
            keep=self.settings.train.keep,
        )

    def _update(
        self, adapter: StageAdapter, stepper: AcceleratedStepper, batch: dict[str, Tensor], progress: float
    ) -> dict[str, Tensor]:
        # Seeds stay on the CPU, where views are drawn: to fetch them back would make the device wait every step.
        device = self.accelerator.device
        batch = {k: v if k == "target_seeds" else v.to(device, non_blocking=True) for k, v in batch.items()}
        batch = augmented(batch)
        counts = stepper.sum_over_ranks(class_counts(batch["src_labels"], self.num_classes))
        with self.accelerator.autocast():
            extras = adapter.whole_update(batch, stepper) if stepper.micro_batches > 1 else {}
        parts = {key: value.chunk(stepper.micro_batches) for key, value in batch.items()}
        total: dict[str, Tensor] = {}
        for index in range(stepper.micro_batches):
            stepper.last = index == stepper.micro_batches - 1
            part = {key: values[index] for key, values in parts.items()}
            with self.accelerator.autocast():
                groups = adapter.training_step(
                    part, stepper=stepper, src_class_counts=counts, progress=progress, **extras
                )
            for losses in groups.values():
                for name, loss in losses.items():
                    total[name] = total.get(name, torch.zeros_like(loss)) + loss / stepper.micro_batches
        return total

    def _log(
        self, number: int, stage: Stage, done: int, losses: dict[str, float], optimizers: Mapping[str, Any]
    ) -> None:
        rate = next(iter(optimizers.values())).param_groups[0]["lr"]
        line = {
            "stage": number,
            "stage_name": stage.name,
            "iteration": done,
            "lr": rate,
            "losses": losses,
            "train_seconds": round(self.train_seconds, 3),
            "stage_seconds": round(self.stage_seconds, 3),
        }
        self.folder.append_log(line)
        self.log_metrics(self.steps_before + done, {**losses, "lr": rate})
        share = (self.steps_before + done) / max(self.steps, self.steps_before + done)
        self.observe(Progress(stage.name, done, stage.iterations, losses, share))
