import pytest
import torch
from pytorch_adapt.hooks.base import BaseHook
from torch import nn

from seasa_da.hooks import Stepper, TurnsHook, UpdateHook
from seasa_da.models import Turns


class Weight(BaseHook):
    """One loss: the weight of a model."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def call(self, inputs, losses):
        return {}, {f"{self.model}_loss": inputs[self.model].weight.sum()}

    def _loss_keys(self):
        return [f"{self.model}_loss"]

    def _out_keys(self):
        return []


@pytest.fixture
def inputs():
    models = {name: nn.Linear(1, 1, bias=False) for name in ("G", "D")}
    for model in models.values():
        nn.init.zeros_(model.weight)
    optimizers = {f"{name}_opt": torch.optim.SGD(m.parameters(), lr=1.0) for name, m in models.items()}
    return {**models, **optimizers, "turns": Turns(2)}


def hook():
    return TurnsHook(
        {"g_loss": UpdateHook(Weight("G"), ["G_opt"]), "d_loss": UpdateHook(Weight("D"), ["D_opt"])}, "d_loss"
    )


def test_one_update_an_iteration(inputs):
    both, course = hook(), []
    for _ in range(6):
        _, losses = both(inputs)
        assert losses.keys() == {"g_loss", "d_loss"}
        course.append([name for name, found in losses.items() if found])
    assert course == [["d_loss"], ["d_loss"], ["g_loss"]] * 2
    assert (inputs["D"].weight.item(), inputs["G"].weight.item()) == (-4, -2)


def test_micro_batches_belong_to_one_iteration(inputs):
    both, stepper = hook(), Stepper()
    for last in (False, True):
        stepper.last = last
        assert both({**inputs, "stepper": stepper})[1]["g_loss"] == {}
    assert inputs["turns"].count == 1
