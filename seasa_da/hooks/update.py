"""One update: run a hook, backpropagate the sum of its losses once, step its optimisers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from pytorch_adapt.hooks.base import BaseHook
from torch import Tensor


class Stepper:
    """How an update is carried out on one process, one batch an update.

    The trainer passes its own under the context's key `stepper`, which adds micro-batches, loss scaling and ranks.
    """

    parts = 1
    """Equal parts (ranks times micro-batches) that the losses of one update are averaged over."""

    world, rank = 1, 0
    """How many processes there are, and which of them this is."""

    last = True
    """Whether the micro-batch under way is the update's last."""

    def backward(self, loss: Tensor) -> None:
        """Backpropagate `loss`, a scalar."""
        loss.backward()

    def step(self, optimizers: Iterable[torch.optim.Optimizer]) -> None:
        """Step, then clear the gradients: in this order micro-batches may add theirs up."""
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def sum_over_ranks(self, values: Tensor) -> Tensor:
        """The sum over ranks; its gradient is right when ranks average their gradients."""
        return values

    def gather_over_ranks(self, values: Tensor) -> Tensor:
        """The ranks' tensors `(n, …)`, whose `n` may differ, joined along the first axis; without gradient."""
        return values.detach()


class UpdateHook(BaseHook):
    """Runs `hook`, backpropagates the sum of its losses (each averaged over its elements), steps `optimizers`.

    pytorch-adapt's `OptimizerHook` clears the gradients first, which loses those of earlier micro-batches, and
    divides by the number of losses, which makes every weight depend on what else is in the sum.

    Args:
        hook: computes the losses.
        optimizers: their names in the context, such as `["G_opt"]`.
        frozen: models that gradients pass through but that do not get any, such as `["D"]` while G is trained.
    """

    def __init__(self, hook: BaseHook, optimizers: Sequence[str], frozen: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hook = hook
        self.optimizers = list(optimizers)
        self.frozen = list(frozen)
        self.loss_components: dict[str, Tensor] = {}
        self.in_keys = hook.in_keys

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        stepper: Stepper = inputs.get("stepper") or Stepper()
        parameters = [p for name in self.frozen for p in inputs[name].parameters() if p.requires_grad]
        for parameter in parameters:
            parameter.requires_grad_(False)
        try:
            outputs, losses = self.hook(inputs, losses)
            reduced = {name: loss.mean() for name, loss in losses.items()}
            total = torch.stack([loss.float() for loss in reduced.values()]).sum()
            stepper.backward(total)
        finally:
            for parameter in parameters:
                parameter.requires_grad_(True)
        # Detached tensors, not numbers: reading a number would make the device wait every step.
        self.loss_components = {name: loss.detach() for name, loss in reduced.items()}
        stepper.step([inputs[name] for name in self.optimizers])
        return outputs, {}

    def _loss_keys(self) -> list[str]:
        return []

    def _out_keys(self) -> list[str]:
        return self.hook.out_keys
