"""Which pixels of a target image are reliable: two families of views vote (the paper's eq. 3-5 and its Fig. 2)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from pytorch_adapt.hooks.base import BaseHook
from torch import Tensor, nn

from seasa_da.augment import apply_jitter, draw_jitter, fourier_mix
from seasa_da.config import ViewSettings
from seasa_da.layers import predicted_labels, reliability_masks

RELIABILITY_KEYS = ("target_reliable", "target_agrees_random", "target_agrees_fourier", "target_votes")
RANDOM_LOGITS_KEY = "target_random_logits"


class ReliabilityHook(BaseHook):
    """Predicts the clean target image and its `2N` views, and lets each family's majority judge every pixel.

    Needs `target_imgs` `(B, C, H, W)` in [-1, 1], the models `G` and `C`, and the Fourier views' sources: either
    `fourier_imgs` `(B, N, C, H, W)` or, drawn with replacement, `src_imgs`. `target_seeds` `(B,)` int64 makes every
    image's views a function of its own seed; without it they follow torch's global generator. Gives, unless the
    context has them already:

    - `target_reliable`, `target_agrees_random`, `target_agrees_fourier`: bool, `(B, H, W)` (or `(B,)` for a
      classifier), the reliable pixels C = C_RA and C_FA, and the two families' own masks;
    - `target_votes`: the clean image's labels that were judged, int64, same shape;
    - with `random_gradient`: `target_random_logits` `(V, B, K, H, W)`, train-mode logits of the random views that
      carry gradient (V = N, or 1 for "one").

    Args:
        views: how many views and how strong.
        statistics: "running" votes in one pooled no-grad batch under running batch-norm statistics, which are not
            updated: adding a view changes no other view's vote. "batch" runs each view as its own train-mode batch,
            as the authors' code does.
        random_gradient: `None`, "one" or "all" random views with gradient.
    """

    def __init__(
        self,
        views: ViewSettings | None = None,
        statistics: str = "running",
        random_gradient: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.views = views or ViewSettings()
        if self.views.n % 2 == 0:
            raise ValueError(f"views.n={self.views.n}; a majority needs an odd number of views")
        if statistics not in ("running", "batch"):
            raise ValueError(f"statistics={statistics!r}; it is 'running' or 'batch'")
        if random_gradient not in (None, "one", "all"):
            raise ValueError(f"random_gradient={random_gradient!r}; it is None, 'one' or 'all'")
        self.statistics = statistics
        self.random_gradient = random_gradient
        self.in_keys = ["target_imgs"]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        missing = [key for key in self._out_keys() if inputs.get(key) is None]
        if not missing:
            return {}, {}
        random_views, fourier_views = self.views_of(inputs)
        gradient = self._gradient_logits(inputs, random_views)
        if self.statistics == "running":
            votes = _pooled_votes(inputs, torch.cat([inputs["target_imgs"][None], random_views, fourier_views]))
            clean, random_votes, fourier_votes = votes[0], votes[1 : 1 + self.views.n], votes[1 + self.views.n :]
        else:
            clean, random_votes, fourier_votes = self._batch_votes(inputs, random_views, fourier_views, gradient)
        masks = reliability_masks(clean, random_votes, fourier_votes)
        outputs = {
            "target_reliable": masks.reliable,
            "target_agrees_random": masks.agrees_random,
            "target_agrees_fourier": masks.agrees_fourier,
            "target_votes": clean,
            RANDOM_LOGITS_KEY: gradient,
        }
        return {key: outputs[key] for key in missing}, {}

    def views_of(self, inputs: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """The random and the Fourier views, `(N, B, C, H, W)` each."""
        target = inputs["target_imgs"]
        batch, n = len(target), self.views.n
        seeds = inputs.get("target_seeds")
        if seeds is None:
            seeds = torch.randint(2**62, (batch,))
        params = draw_jitter(
            seeds,
            n,
            brightness=self.views.brightness,
            contrast=self.views.contrast,
            blur_sigma=self.views.blur_sigma,
            blur_probability=self.views.blur_probability,
        )
        sources = inputs.get("fourier_imgs")
        if sources is None:
            src = inputs["src_imgs"]
            sources = src[torch.randint(len(src), (batch, n), device=src.device)]
        fourier = fourier_mix(target, sources[:, :n].transpose(0, 1), self.views.mu, self.views.beta)
        return apply_jitter(target, params), fourier

    def _gradient_logits(self, inputs: dict[str, Any], random_views: Tensor) -> Tensor | None:
        if self.random_gradient is None:
            return None
        # the last view, whose vote is the one that the authors' code lets stand
        chosen = random_views if self.random_gradient == "all" else random_views[-1:]
        return torch.stack([inputs["C"](inputs["G"](view)) for view in chosen])

    def _batch_votes(
        self, inputs: dict[str, Any], random_views: Tensor, fourier_views: Tensor, gradient: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        def vote(images: Tensor) -> Tensor:
            with torch.no_grad():
                return predicted_labels(inputs["C"](inputs["G"](images)))

        known = inputs.get("target_imgs_features_logits")
        clean = vote(inputs["target_imgs"]) if known is None else predicted_labels(known.detach())
        if gradient is not None and len(gradient) == len(random_views):
            random_votes = predicted_labels(gradient.detach(), dim=2)
        else:
            random_votes = torch.stack([vote(view) for view in random_views])
        return clean, random_votes, torch.stack([vote(view) for view in fourier_views])

    def _loss_keys(self) -> list[str]:
        return []

    def _out_keys(self) -> list[str]:
        return [*RELIABILITY_KEYS, *([RANDOM_LOGITS_KEY] if self.random_gradient else [])]


@contextmanager
def running_statistics(*modules: nn.Module) -> Iterator[None]:
    """Evaluate with running batch-norm statistics, leaving every layer's mode as it was."""
    before = [(layer, layer.training) for module in modules for layer in module.modules()]
    for layer, _ in before:
        layer.training = False
    try:
        yield
    finally:
        for layer, training in before:
            layer.training = training


def _pooled_votes(inputs: dict[str, Any], views: Tensor) -> Tensor:
    """Labels `(V, B, ...)` of all views `(V, B, C, H, W)`, one no-grad batch under running statistics."""
    trunk, head = inputs["G"], inputs["C"]
    with torch.no_grad(), running_statistics(trunk, head):
        labels = predicted_labels(head(trunk(views.flatten(0, 1))))
    return labels.unflatten(0, views.shape[:2])
