"""How an update is carried out with Accelerate: micro-batches, loss scaling, ranks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from seasa_da.hooks import Stepper


class AcceleratedStepper(Stepper):
    """Averages gradients over micro-batches and ranks, then steps once.

    The models are not wrapped in DDP: several forwards and backwards a step, and heads that some losses skip, are
    where DDP goes wrong without an error. One all-reduce of the gradients before the step gives the same sums.

    Args:
        accelerator: an `accelerate.Accelerator`.
        micro_batches: into how many parts a rank's batch is split.
    """

    def __init__(self, accelerator: Any, micro_batches: int = 1) -> None:
        self.accelerator = accelerator
        self.micro_batches = micro_batches
        self.world = accelerator.num_processes
        self.rank = accelerator.process_index
        self.parts = micro_batches * self.world
        self.last = True  # set by the trainer

    def backward(self, loss: Tensor) -> None:
        # Outside autocast, under which the training step runs: what the forward did in single precision stays so.
        with torch.autocast(self.accelerator.device.type, enabled=False):
            self.accelerator.backward(loss / self.micro_batches)

    def step(self, optimizers: Iterable[torch.optim.Optimizer]) -> None:
        if not self.last:
            return
        for optimizer in optimizers:
            if self.world > 1:
                self._average_gradients(optimizer)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def sum_over_ranks(self, values: Tensor) -> Tensor:
        if self.world == 1:
            return values
        total = self.accelerator.reduce(values.detach(), reduction="sum")
        if not values.requires_grad:
            return total
        # Ranks average their gradients, so that of a sum has to count `world` times.
        return total + self.world * (values - values.detach())

    def gather_over_ranks(self, values: Tensor) -> Tensor:
        values = values.detach()
        if self.world == 1:
            return values
        lengths = self.accelerator.gather(torch.tensor([len(values)], device=self.accelerator.device)).tolist()
        padded = self.accelerator.pad_across_processes(values.contiguous(), dim=0)
        parts = self.accelerator.gather(padded).split(max(lengths))
        return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)])

    def _average_gradients(self, optimizer: torch.optim.Optimizer) -> None:
        gradients = []
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    # ranks must agree on what is sent, also where one of them had no use for a head
                    parameter.grad = torch.zeros_like(parameter)
                gradients.append(parameter.grad)
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        flat = self.accelerator.reduce(flat, reduction="mean")
        start = 0
        for gradient in gradients:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()
