"""A method is a list of stages; a stage is an adapter and how long it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from seasa_da.adapters.stage_adapter import StageAdapter
from seasa_da.config import RunSettings


@dataclass(frozen=True)
class StageContext:
    """What a stage is built from.

    Attributes:
        settings: the run's.
        num_classes: with background.
        feature_dim: channels of the conv5 features.
        image_shape: `(C, H, W)` of a slice.
        models: `G`, `C` and `C_aux`, as the stages before left them, and what those stages put beside them (such as
            the translators), on their device. A stage's `build` may add and remove; every checkpoint holds them all.
    """

    settings: RunSettings
    num_classes: int
    feature_dim: int
    image_shape: tuple[int, int, int]
    models: dict[str, nn.Module]


@dataclass(frozen=True)
class Stage:
    """One stage of a method.

    Attributes:
        name: unique in the method; part of every random draw of the stage.
        iterations: updates.
        build: makes the adapter. It is called also where the stage itself is skipped (a resumed run), so that later
            stages find the same models.
        trains: whose updates they are. Those of the segmenter, summed over the stages, are the method's budget.
        segmenter_updates: how many of the iterations move the segmenter, where not all of them do (a method that trains
            critics in iterations of their own); those are what counts in the budget.
        labels: whose labelled images are `src_imgs`: the source's, or (oracle) the target's.
        target: whether batches bring target images.
        fourier_sources: further source images a target image, for Fourier views.
        batch_size: images a domain and update; by default `train.batch_size`.
        source_share: share of the source's slices that take part, a subset drawn for the stage.
        schedule: of every learning rate over the stage: "poly" (`train.poly_power`), "constant", or "linear" to 0.
        survey: the adapter's `survey` sees all target training slices before the first update.
        shared: for a stage that several methods begin with: the sections of settings, besides the common ones, that
            determine it. It is then kept and reused by a hash of those, so it must not start from what another stage
            trained.
    """

    name: str
    iterations: int
    build: Callable[[StageContext], StageAdapter]
    trains: Literal["segmenter", "translators"] = "segmenter"
    segmenter_updates: int | None = None
    labels: Literal["source", "oracle-target"] = "source"
    target: bool = False
    fourier_sources: int = 0
    batch_size: int | None = None
    source_share: float = 1.0
    schedule: Literal["poly", "constant", "linear"] = "poly"
    survey: bool = False
    shared: tuple[str, ...] | None = None
