"""A method's stage on random images, as the trainer would run it, without a run around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

from seasa_da.adapters import Stage, StageAdapter, StageContext
from seasa_da.config import RunSettings
from seasa_da.hooks import Stepper
from seasa_da.layers import ClassThresholds
from seasa_da.models import ImagePool, Turns, build_segmenter
from seasa_da.registry import compose_run
from seasa_da.training.job import deterministic_kernels

CLASSES = 5
"""Four structures and the background, as in the paper."""


def stages_of(method: str, preset: str, overrides: Iterable[str] = ()) -> tuple[list[Stage], RunSettings]:
    """The method's stages, and the settings they were made from."""
    spec, settings = compose_run(method, preset=preset, overrides=list(overrides))
    return spec.load_stages()(settings), settings


def build(
    stages: list[Stage], number: int, settings: RunSettings, device: str = "cpu", seed: int = 0
) -> tuple[StageAdapter, dict[str, Any]]:
    """The adapter of stage `number`, ready to be trained, and a batch for it."""
    deterministic_kernels()  # as the trainer has them
    torch.manual_seed(seed)
    size, stage = settings.data.size, stages[number]
    models = build_segmenter(settings.model, in_channels=1, num_classes=CLASSES, size=(size, size), weights=None)
    models = {name: model.to(device) for name, model in models.items()}
    context = StageContext(settings, CLASSES, models["G"].channels[0], (1, size, size), models)  # type: ignore[arg-type]
    for before in stages[: number + 1]:
        adapter = before.build(context)
        for module in (*adapter.state_modules().values(), *models.values()):
            module.to(device)
    batch = random_batch(stage, stage.batch_size or settings.train.batch_size, size, device)
    adapter.train_mode()
    if stage.survey:
        adapter.survey([batch["target_imgs"]], Stepper())
    return adapter, batch


def without_numbers(adapter: StageAdapter, batch: dict[str, Any]) -> dict[str, Any]:
    """The adapter's networks on the "meta" device, in place, and the batch there; seeds and counters stay."""
    for module in adapter.state_modules().values():
        for part in module.modules():
            if isinstance(part, ClassThresholds):
                part()  # what it looks at once, before it has no numbers
        kept = [(part, part.count) for part in module.modules() if isinstance(part, Turns | ImagePool)]
        module.to("meta")
        for part, count in kept:
            part.count = count
    return {name: value if name == "target_seeds" else value.to("meta") for name, value in batch.items()}


@contextmanager
def no_autocast() -> Iterator[None]:
    """Leave `torch.autocast` out, which does not know the "meta" device."""
    before = torch.autocast
    torch.autocast = lambda *args, **kwargs: nullcontext()  # type: ignore[assignment,misc]
    try:
        yield
    finally:
        torch.autocast = before  # type: ignore[misc]


def random_batch(stage: Stage, n: int, size: int, device: str = "cpu") -> dict[str, Any]:
    """What the trainer would hand to this stage."""
    batch = {
        "src_imgs": torch.rand(n, 1, size, size) * 2 - 1,
        "src_labels": torch.randint(CLASSES, (n, size, size)),
    }
    if stage.target:
        batch["target_imgs"] = torch.rand(n, 1, size, size) * 2 - 1
    if stage.fourier_sources:
        batch["fourier_imgs"] = torch.rand(n, stage.fourier_sources, 1, size, size) * 2 - 1
    batch = {name: value.to(device) for name, value in batch.items()}
    return {**batch, "target_seeds": torch.arange(n)} if stage.target else batch
