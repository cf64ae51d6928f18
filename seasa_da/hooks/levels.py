"""Both levels of the trunk in one forward."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from pytorch_adapt.hooks.features import BaseFeaturesHook, LogitsHook


class LevelsHook(BaseFeaturesHook):
    """Fills `{domain}_imgs_features` (conv5) and `{domain}_imgs_conv4` from one call `G(x, levels=True)`.

    Placed first, it is the only forward of the trunk: pytorch-adapt's own hooks find `*_features` in the context and
    do not compute it again.
    """

    def __init__(self, domains: Sequence[str] = ("src", "target"), **kwargs: Any) -> None:
        super().__init__("G", ["_imgs"], ["_features", "_conv4"], domains=list(domains), **kwargs)

    def add_if_new(
        self,
        outputs: dict[str, Any],
        full_key: list[str],
        output_vals: list[Any],
        inputs: dict[str, Any],
        model_name: str,
        in_keys: list[str],
        domain: str,
    ) -> None:
        inputs = {**inputs, model_name: partial(inputs[model_name], levels=True)}
        super().add_if_new(outputs, full_key, output_vals, inputs, model_name, in_keys, domain)


class AuxLogitsHook(LogitsHook):
    """Fills `{domain}_imgs_conv4_logits`, the auxiliary head's logits `(N, K, H, W)`, from `{domain}_imgs_conv4`."""

    def __init__(self, domains: Sequence[str] = ("src", "target"), **kwargs: Any) -> None:
        super().__init__("C_aux", ["_imgs_conv4"], ["_logits"], domains=list(domains), **kwargs)
