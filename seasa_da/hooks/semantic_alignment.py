"""ASA, the adaptive semantic alignment of the paper (eq. 7-10), as a hook."""

from __future__ import annotations

from typing import Any, Literal

from pytorch_adapt.hooks.base import BaseHook
from pytorch_adapt.hooks.features import FeaturesAndLogitsHook
from torch import nn

from seasa_da.config import ViewSettings
from seasa_da.hooks.reliability import RELIABILITY_KEYS, ReliabilityHook
from seasa_da.hooks.schedule import ScheduledWeight
from seasa_da.hooks.update import Stepper
from seasa_da.layers import PrototypeAlignmentLoss, PrototypeBank, class_sums, predicted_labels, resize_labels


class SemanticAlignmentHook(BaseHook):
    """Pulls the two domains' prototypes of a class together; unreliable target pixels do not count.

    Usable wherever an adapter takes further hooks, for segmenters (features `(N, D, h, w)`, labels `(N, H, W)`) and
    classifiers (`(N, D)`, `(N,)`) alike. Gives the loss `semantic_alignment_loss`, a scalar, weighted, and the keys
    of `ReliabilityHook` where it had to vote itself.

    Args:
        num_classes: classes `K`, background included.
        feature_dim: channels `D` of the features that the trunk returns.
        weight: lambda_2, a number or a schedule over the stage.
        alpha: eq. 9's share of the batch.
        remove_unreliable: leave unreliable pixels out (the paper's Table 4).
        distance: "l2", or "mse" as in the authors' code.
        bank_mode: see `PrototypeBank`.
        views, vote_statistics: see `ReliabilityHook`; not used where the context has the votes.
    """

    def __init__(
        self,
        num_classes: int,
        feature_dim: int,
        weight: float | ScheduledWeight = 0.1,
        alpha: float = 0.01,
        remove_unreliable: bool = True,
        distance: Literal["l2", "mse"] = "l2",
        bank_mode: Literal["straight-through", "released-code"] = "straight-through",
        views: ViewSettings | None = None,
        vote_statistics: str = "running",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.weight = weight if isinstance(weight, ScheduledWeight) else ScheduledWeight(weight)
        self.remove_unreliable = remove_unreliable
        self.loss_fn = PrototypeAlignmentLoss(distance)
        self.src_bank = PrototypeBank(num_classes, feature_dim, alpha, mode=bank_mode)
        self.target_bank = PrototypeBank(num_classes, feature_dim, alpha, mode=bank_mode)
        self.features_hook = FeaturesAndLogitsHook()
        self.reliability_hook = ReliabilityHook(views, vote_statistics)
        self.in_keys = ["src_imgs", "src_labels", "target_imgs"]
        self.voted = remove_unreliable

    def state_modules(self) -> dict[str, nn.Module]:
        """What a checkpoint must hold of this hook: the two banks of prototypes."""
        return {"src_prototypes": self.src_bank, "target_prototypes": self.target_bank}

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        outputs = self.features_hook(inputs, losses)[0]
        inputs = {**inputs, **outputs}
        target_features = inputs["target_imgs_features"]
        weight = self.weight.at(inputs.get("progress", 1.0))
        self.voted = weight > 0 and self.remove_unreliable
        if weight == 0:
            return outputs, {"semantic_alignment_loss": target_features.new_zeros(())}
        if self.voted:
            votes = self.reliability_hook(inputs, losses)[0]
            outputs = {**outputs, **votes}
            inputs = {**inputs, **votes}
            target_labels, mask = inputs["target_votes"], inputs["target_reliable"]
        else:
            target_labels, mask = predicted_labels(inputs["target_imgs_features_logits"].detach()), None

        stepper: Stepper = inputs.get("stepper") or Stepper()
        src_features = inputs["src_imgs_features"]
        self.src_bank.to(src_features.device)
        self.target_bank.to(src_features.device)
        src = self._prototypes(self.src_bank, src_features, inputs["src_labels"], None, stepper)
        target = self._prototypes(self.target_bank, target_features, target_labels, mask, stepper)
        valid = self.src_bank.seen & self.target_bank.seen
        return outputs, {"semantic_alignment_loss": weight * self.loss_fn(src, target, valid)}

    def _prototypes(self, bank: PrototypeBank, features: Any, labels: Any, mask: Any, stepper: Stepper) -> Any:
        if features.dim() > 2:
            size = features.shape[2:]
            labels = resize_labels(labels, size)
            mask = None if mask is None else resize_labels(mask, size)
        sums, counts = class_sums(features, labels, self.num_classes, mask)
        return bank.update(sums, counts, stepper.sum_over_ranks)

    def _loss_keys(self) -> list[str]:
        return ["semantic_alignment_loss"]

    def _out_keys(self) -> list[str]:
        # It votes only while it needs votes, and may not promise keys that nobody fills.
        return [*self.features_hook.out_keys, *(RELIABILITY_KEYS if self.voted else ())]
