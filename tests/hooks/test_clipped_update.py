import pytest
import torch
from pytorch_adapt.hooks.base import BaseHook
from torch import nn

from seasa_da.hooks import ClippedUpdateHook, Stepper


class Score(BaseHook):
    """Minus the model's output at 1: its weight and bias both rise with every step."""

    def call(self, inputs, losses):
        return {}, {"score_loss": -inputs["D"](torch.ones(1, 1)).sum()}

    def _loss_keys(self):
        return ["score_loss"]

    def _out_keys(self):
        return []


class Late(Stepper):
    """A stepper that steps with the last micro-batch alone."""

    def step(self, optimizers):
        if self.last:
            super().step(optimizers)


@pytest.fixture
def inputs():
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, 0.4)
    nn.init.constant_(model.bias, 0.4)
    other = nn.Linear(1, 1)
    nn.init.constant_(other.weight, 0.4)
    return {"D": model, "other": other, "D_opt": torch.optim.SGD(model.parameters(), lr=1.0)}


def values(model):
    return model.weight.item(), model.bias.item()


def test_weights_are_clipped_after_the_step_and_biases_not(inputs):
    ClippedUpdateHook(Score(), ["D_opt"], clip=0.1, models=["D"])(inputs)
    assert values(inputs["D"]) == pytest.approx((0.1, 1.4))
    assert inputs["other"].weight.item() == pytest.approx(0.4)


def test_zero_clips_nothing(inputs):
    ClippedUpdateHook(Score(), ["D_opt"], clip=0.0, models=["D"])(inputs)
    assert values(inputs["D"]) == pytest.approx((1.4, 1.4))


def test_all_micro_batches_find_the_same_weights(inputs):
    hook, stepper = ClippedUpdateHook(Score(), ["D_opt"], clip=0.1, models=["D"]), Late()
    stepper.last = False
    hook({**inputs, "stepper": stepper})
    assert values(inputs["D"]) == pytest.approx((0.4, 0.4))
    stepper.last = True
    hook({**inputs, "stepper": stepper})
    assert values(inputs["D"]) == pytest.approx((0.1, 2.4))
