"""A method is a list of stages; a stage is an adapter and how long it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from seasa_da.adapters.segmentation import SegmentationAdapter
from seasa_da.config import RunSettings


@dataclass(frozen=True)
class StageContext:
    """What a stage is built from.

    Attributes:
        settings: the run's.
        num_classes: with background.
        feature_dim: channels of the conv5 features.
        models: `G`, `C` and `C_aux`, as the stages before left them, on their device.
    """

    settings: RunSettings
    num_classes: int
    feature_dim: int
    models: dict[str, nn.Module]


@dataclass(frozen=True)
class Stage:
    """One stage of a method.

    Attributes:
        name: unique in the method; part of every random draw of the stage.
        iterations: updates of the segmenter.
        build: makes the adapter.
        labels: whose labelled images are `src_imgs`: the source's, or (oracle) the target's.
        target: whether batches bring target images.
        fourier_sources: further source images a target image, for Fourier views.
    """

    name: str
    iterations: int
    build: Callable[[StageContext], SegmentationAdapter]
    labels: Literal["source", "oracle-target"] = "source"
    target: bool = False
    fourier_sources: int = 0
