"""What the trainer asks of a stage's adapter, whatever it trains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from pytorch_adapt.adapters import BaseAdapter
from pytorch_adapt.containers import KeyEnforcer, Misc, Models, MultipleContainers, Optimizers
from pytorch_adapt.hooks import ChainHook
from pytorch_adapt.hooks.base import BaseHook
from pytorch_adapt.hooks.optimizer import SummaryHook
from torch import Tensor, nn

from seasa_da.hooks import Stepper, UpdateHook


class StageAdapter(BaseAdapter):
    """An adapter whose training step is a row of named updates.

    `model_names` and `optimizer_names` are the keys that its containers must have. `training_step(batch)` returns the
    losses of each update as they enter its sum, as detached tensors.

    Args:
        models, optimizers: by those names; further models, such as other stages', are left alone.
    """

    model_names: ClassVar[tuple[str, ...]] = ()
    optimizer_names: ClassVar[tuple[str, ...]] = ()

    def __init__(self, models: Mapping[str, nn.Module], optimizers: Mapping[str, torch.optim.Optimizer]) -> None:
        own = {name: models[name] for name in self.model_names if name in models}
        super().__init__(models=Models(own), optimizers=Optimizers(dict(optimizers)), misc=Misc({}))

    def get_default_containers(self) -> MultipleContainers:
        return MultipleContainers(models=Models({}), optimizers=Optimizers({}), misc=Misc({}))

    def get_key_enforcer(self) -> KeyEnforcer:
        return KeyEnforcer(models=list(self.model_names), optimizers=list(self.optimizer_names))

    @property
    def hook_cls(self) -> type[BaseHook]:
        return ChainHook

    def init_hook(self, hook_kwargs: dict[str, Any]) -> None:
        updates = self.updates()
        self.hook = self.hook_cls(*updates.values(), SummaryHook(updates), **hook_kwargs)

    def updates(self) -> dict[str, UpdateHook]:
        """The updates of one training step in their order, by the name their losses are reported under."""
        raise NotImplementedError

    def survey(self, images: Iterable[Tensor], stepper: Stepper) -> None:
        """Look at the whole target once before the first update; called where the stage asks for it.

        Args:
            images: batches `(n, C, H, W)` of this rank's share of all target training slices, not augmented.
            stepper: to join what the ranks found.
        """
        raise NotImplementedError(f"{type(self).__name__} takes no survey")

    def whole_update(self, batch: Mapping[str, Tensor], stepper: Stepper) -> dict[str, Tensor]:
        """What a micro-batch must know of the update that it is a part of, by the context's keys.

        Args:
            batch: this rank's part of the update's batch, before it is split.
            stepper: to join what the ranks found.
        """
        return {}

    def train_mode(self) -> None:
        """Put every module into the mode it is trained in."""
        for module in self.state_modules().values():
            module.train()

    def state_modules(self) -> dict[str, nn.Module]:
        """All that a checkpoint must hold besides the optimisers."""
        return dict(self.models.items())
