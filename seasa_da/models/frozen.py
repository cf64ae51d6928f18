"""A network that is used and never trained."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn


class Frozen(nn.Module):
    """A copy of `module` as it is now: no parameter wants a gradient, and it stays in evaluation mode.

    Gradients still pass through it to its inputs.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = copy.deepcopy(module).requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> Frozen:
        return super().train(False)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)
