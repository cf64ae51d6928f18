"""A round of self-training: what CRST is, and what EBM stands on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from pytorch_adapt.hooks.base import BaseHook
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from seasa_da.adapters.segmentation import SegmentationAdapter, segmenter_optimizer
from seasa_da.adapters.stage import StageContext
from seasa_da.config import SelfTrainingSettings
from seasa_da.hooks import PseudoLabelHook, SelfTrainingHook, Stepper
from seasa_da.layers import ClassThresholds, class_thresholds
from seasa_da.models import Frozen, Segmenter


class SelfTraining(SegmentationAdapter):
    """Retrains the segmenter on labelled source images and on the target's pseudo-labels, which stay for the round.

    |Container|Required keys|
    |---|---|
    |models|`["G", "C", "C_aux", "teacher", "thresholds"]`|
    |optimizers|`["G"]`, one optimiser over the segmenter|

    `teacher` gives the logits that are labelled, `thresholds` is a `ClassThresholds`; neither is trained. Before the
    first step `survey` has to set the thresholds. A step wants `target_imgs` besides what `SegmentationAdapter` wants.

    Args:
        portion: share of each class's pixels that are kept.
        self_training: how it labels and what it weighs.
        others: see `SegmentationAdapter`.
    """

    model_names: ClassVar[tuple[str, ...]] = ("G", "C", "C_aux", "teacher", "thresholds")
    domains: ClassVar[tuple[str, ...]] = ("src", "target")

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
        *,
        portion: float = 0.20,
        self_training: SelfTrainingSettings | None = None,
        **others: Any,
    ) -> None:
        self.portion = portion
        self.self_training = self_training or SelfTrainingSettings()
        self.labeller = PseudoLabelHook(self.self_training.regulariser == "lrent", self.self_training.alpha)
        super().__init__(models, optimizers, **others)

    def adaptation_hooks(self) -> list[BaseHook]:
        settings = self.self_training
        regulariser_weight = settings.regulariser_weight if settings.regulariser == "mrkld" else None
        return [self.labeller, SelfTrainingHook(self.loss.aux_weight, settings.target_weight, regulariser_weight)]

    def survey(self, images: Iterable[Tensor], stepper: Stepper) -> None:
        """Set the round's thresholds from the teacher's confidences on all of `images`."""
        confidences, labels = [], []
        with torch.no_grad():
            for batch in images:
                probs = self.models["teacher"](batch).float().softmax(dim=1)
                confidence, label = (found.flatten(1)[:, :: self.self_training.pixel_stride] for found in probs.max(1))
                confidences.append(confidence.reshape(-1))
                labels.append(label.reshape(-1).to(torch.uint8))
        # On the host, which has the room: at the paper's size these are 157 million pixels.
        pooled, classes = (stepper.gather_over_ranks(torch.cat(found)).cpu() for found in (confidences, labels))
        value = class_thresholds(pooled, classes, self.num_classes, self.portion)
        self.models["thresholds"].value.copy_(value)

    def whole_update(self, batch: Mapping[str, Tensor], stepper: Stepper) -> dict[str, Tensor]:
        """What micro-batches must know of the update that they are parts of; this rank's whole batch is looked at."""
        kept = self.labeller({**self.models, "target_imgs": batch["target_imgs"]})[0]["target_kept"]
        return {"target_kept_count": stepper.sum_over_ranks(kept.sum())}

    def train_mode(self) -> None:
        super().train_mode()
        if self.self_training.batch_norm == "running":
            for name in ("G", "C", "C_aux"):
                for layer in self.models[name].modules():
                    if isinstance(layer, _BatchNorm):
                        layer.eval()


def build_self_training(context: StageContext, portion: float, post_g: Sequence[BaseHook] = ()) -> SelfTraining:
    """An adapter whose teacher is the segmenter as the stages before left it."""
    settings = context.settings
    self_training: SelfTrainingSettings = settings.section("self_training")
    segmenter = {name: context.models[name] for name in ("G", "C", "C_aux")}
    device = next(segmenter["G"].parameters()).device
    models = {
        **segmenter,
        "teacher": Frozen(Segmenter(segmenter)),
        "thresholds": ClassThresholds(context.num_classes).to(device),
    }
    train = settings.train.model_copy(update={"lr": self_training.lr_factor * settings.train.lr})
    return SelfTraining(
        models,
        {"G": segmenter_optimizer(segmenter, train)},
        num_classes=context.num_classes,
        loss=settings.loss,
        portion=portion,
        self_training=self_training,
        post_g=post_g,
    )
