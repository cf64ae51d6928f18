"""What PnP-AdaNet's critics see: source images through the source's layers, target images through the target's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from pytorch_adapt.hooks.base import BaseHook

from seasa_da.layers import stack_levels

TRUNKS = {"src": "G_S", "target": "G"}


class CriticLevelsHook(BaseHook):
    """Fills `{domain}_imgs_levels` `(N, S, h, w)` (see `stack_levels`) and `{domain}_imgs_features_logits`.

    Source images pass the frozen trunk `G_S`, target images `G`; the head `C` is both's.

    Args:
        domains: of "src" and "target".
        learns: the last of the target's own layers, where they learn from this: their batch norm then normalises by
            the batch and follows it. `None`: every batch norm uses its running statistics, and no gradient is kept.
    """

    def __init__(self, domains: Sequence[str] = ("src", "target"), learns: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.domains = list(domains)
        self.learns = learns
        self.in_keys = [f"{domain}_imgs" for domain in self.domains]

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        own = inputs["G"].up_to(self.learns) if self.learns else []
        found = {}
        for layer in own:
            layer.train()
        try:
            with torch.set_grad_enabled(self.learns is not None):
                for domain in self.domains:
                    levels = inputs[TRUNKS[domain]](inputs[f"{domain}_imgs"], taps=True)
                    logits = inputs["C"](levels[-1])
                    found[f"{domain}_imgs_levels"] = stack_levels(levels, logits)
                    found[f"{domain}_imgs_features_logits"] = logits
        finally:
            for layer in own:
                layer.eval()
        return found, {}

    def _loss_keys(self) -> list[str]:
        return []

    def _out_keys(self) -> list[str]:
        return [f"{domain}_imgs_{kind}" for domain in self.domains for kind in ("levels", "features_logits")]
