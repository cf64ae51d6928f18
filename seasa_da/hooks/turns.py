"""One of two updates an iteration, in turns."""

from __future__ import annotations

from typing import Any

from pytorch_adapt.hooks.base import BaseHook

from seasa_da.hooks.update import Stepper, UpdateHook


class TurnsHook(BaseHook):
    """Carries out the update whose turn it is by the model `turns` (a `Turns`), and reports its losses alone.

    Args:
        updates: two, by the name their losses are reported under.
        critics: the name of that of the critics.
    """

    def __init__(self, updates: dict[str, UpdateHook], critics: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.updates = updates
        self.critics = critics
        (self.criticised,) = updates.keys() - {critics}

    def call(self, inputs: dict[str, Any], losses: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        stepper: Stepper = inputs.get("stepper") or Stepper()
        now = self.critics if inputs["turns"].critics() else self.criticised
        self.updates[now](inputs, {})
        inputs["turns"].advance(stepper.last)
        return {}, {name: update.loss_components if name == now else {} for name, update in self.updates.items()}

    def children_repr(self) -> dict[str, Any]:
        return {**super().children_repr(), **self.updates}

    def _loss_keys(self) -> list[str]:
        return list(self.updates)

    def _out_keys(self) -> list[str]:
        return []
