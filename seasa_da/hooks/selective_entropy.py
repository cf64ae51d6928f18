"""SE, the selective entropy constraints of the paper (eq. 6), as a hook."""

from __future__ import annotations

from typing import Any, Literal

import torch
from pytorch_adapt.hooks.base import BaseHook
from pytorch_adapt.hooks.features import FeaturesAndLogitsHook
from torch import Tensor

from seasa_da.config import ViewSettings
from seasa_da.hooks.reliability import RANDOM_LOGITS_KEY, ReliabilityHook
from seasa_da.hooks.schedule import ScheduledWeight
from seasa_da.layers import SelectiveEntropyLoss, entropy_map, predicted_labels


class SelectiveEntropyHook(BaseHook):
    """Minimises the entropy of reliable target pixels and maximises that of unreliable ones.

    Usable wherever an adapter takes further hooks: `DANN(…, hook_kwargs={"post_g": [SelectiveEntropyHook()]})`,
    segmenters `(N, K, H, W)` and classifiers `(N, K)` alike. Gives the loss `selective_entropy_loss`, `(N,)`,
    weighted, and the keys of `ReliabilityHook`, so that a later `SemanticAlignmentHook` does not vote again.

    Args:
        weight: lambda_3, a number or a schedule over the stage.
        views: the views that vote.
        minimise, maximise: which pixels (the paper's Table 3); see `SelectiveEntropyLoss`.
        gradient: "clean": the entropy is that of the clean image's prediction (our reading of eq. 6); "augmented":
            per pixel that of the last random view that agreed (reliable) or disagreed (unreliable), as in the
            authors' code; "one-view": that of one random view.
        vote_statistics: see `ReliabilityHook`.
    """

    def __init__(
        self,
        weight: float | ScheduledWeight = 1.0,
        views: ViewSettings | None = None,
        minimise: Literal["reliable", "all", "none"] = "reliable",
        maximise: Literal["unreliable", "none"] = "unreliable",
        gradient: str = "clean",
        vote_statistics: str = "running",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if gradient not in ("clean", "augmented", "one-view"):
            raise ValueError(f"gradient={gradient!r}; it is 'clean', 'augmented' or 'one-view'")
        self.weight = weight if isinstance(weight, ScheduledWeight) else ScheduledWeight(weight)
        self.gradient = gradient
        self.loss_fn = SelectiveEntropyLoss(minimise=minimise, maximise=maximise)
        self.logits_hook = FeaturesAndLogitsHook(domains=["target"])
        random_gradient = {"clean": None, "augmented": "all", "one-view": "one"}[gradient]
        self.reliability_hook = ReliabilityHook(views, vote_statistics, random_gradient)
        self.in_keys = ["target_imgs"]
        self.active = True

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        outputs = self.logits_hook(inputs, losses)[0]
        inputs = {**inputs, **outputs}
        logits = inputs["target_imgs_features_logits"]
        weight = self.weight.at(inputs.get("progress", 1.0))
        self.active = weight > 0
        if not self.active:
            return outputs, {"selective_entropy_loss": logits.new_zeros(len(logits))}
        votes = self.reliability_hook(inputs, losses)[0]
        outputs = {**outputs, **votes}
        inputs = {**inputs, **votes}
        return outputs, {"selective_entropy_loss": weight * self._loss(logits, inputs)}

    def _loss(self, logits: Tensor, inputs: dict[str, Any]) -> Tensor:
        reliable = inputs["target_reliable"]
        if self.gradient == "clean":
            return self.loss_fn(logits, reliable)
        views = inputs[RANDOM_LOGITS_KEY]
        if self.gradient == "one-view":
            return self.loss_fn(views[0], reliable)
        return self.loss_fn.reduce(_entropy_of_deciding_view(views, inputs["target_votes"], reliable), reliable)

    def _loss_keys(self) -> list[str]:
        return ["selective_entropy_loss"]

    def _out_keys(self) -> list[str]:
        # Before its start the hook does not vote, and may not promise keys that nobody fills.
        return [*self.logits_hook.out_keys, *(self.reliability_hook.out_keys if self.active else [])]


def _entropy_of_deciding_view(views: Tensor, clean: Tensor, reliable: Tensor) -> Tensor:
    """Entropy `(N, ...)` of the last view `(V, N, K, ...)` that agrees (reliable) or disagrees (not) with `clean`.

    Where no view does (an unreliable pixel on which only Fourier views disagreed) it is 0 without gradient: the
    authors' code leaves uniform logits there, a constant.
    """
    entropies = torch.stack([entropy_map(view) for view in views])
    decides = (predicted_labels(views.detach(), dim=2) == clean) == reliable
    order = torch.arange(1, len(views) + 1, device=views.device).view(-1, *[1] * clean.dim())
    last, index = (decides * order).max(dim=0)
    return entropies.gather(0, index[None])[0] * (last > 0)
