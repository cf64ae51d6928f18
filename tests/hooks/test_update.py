import pytest
import torch
from pytorch_adapt.hooks.base import BaseHook
from torch import nn

from seasa_da.hooks import Stepper, UpdateHook


class Product(BaseHook):
    """Losses of sizes () and (2,): w d, and [w, 3 w]."""

    def __init__(self, fail=False):
        super().__init__()
        self.fail = fail
        self.seen = None

    def call(self, inputs, losses):
        w, d = inputs["G"].weight[0, 0], inputs["D"].weight[0, 0]
        self.seen = [p.requires_grad for p in inputs["D"].parameters()]
        if self.fail:
            raise RuntimeError("no")
        return {"product": w * d}, {"a_loss": w * d, "b_loss": torch.stack([w, 3 * w])}

    def _loss_keys(self):
        return ["a_loss", "b_loss"]

    def _out_keys(self):
        return ["product"]


@pytest.fixture
def inputs():
    models = {"G": nn.Linear(1, 1, bias=False), "D": nn.Linear(1, 1)}
    for model, value in zip(models.values(), (2.0, 5.0), strict=True):
        nn.init.constant_(model.weight, value)
    models["D"].bias.requires_grad_(False)
    return {**models, **{f"{name}_opt": torch.optim.SGD(m.parameters(), lr=0.1) for name, m in models.items()}}


def test_the_step_is_along_the_sum_of_the_losses(inputs):
    hook = UpdateHook(Product(), ["G_opt"])
    outputs, losses = hook(inputs)
    assert outputs.keys() == {"product"}
    assert losses == {}
    # d/dw (w d + mean(w, 3 w)) = 5 + 2: a sum, not a mean over the losses
    assert inputs["G"].weight.item() == pytest.approx(2 - 0.1 * 7)
    assert hook.loss_components["a_loss"].item() == 10
    assert hook.loss_components["b_loss"].item() == 4
    assert not any(loss.requires_grad for loss in hook.loss_components.values())


def test_frozen_models_pass_gradients_and_get_none(inputs):
    product = Product()
    UpdateHook(product, ["G_opt"], frozen=["D"])(inputs)
    assert product.seen == [False, False]
    assert inputs["D"].weight.grad is None
    assert inputs["G"].weight.item() == pytest.approx(2 - 0.1 * 7)
    # What had been frozen before stays so.
    assert [p.requires_grad for p in inputs["D"].parameters()] == [True, False]


def test_models_are_unfrozen_when_the_hook_raises(inputs):
    with pytest.raises(RuntimeError, match="no"):
        UpdateHook(Product(fail=True), ["G_opt"], frozen=["D"])(inputs)
    assert [p.requires_grad for p in inputs["D"].parameters()] == [True, False]
    assert inputs["G"].weight.item() == 2


def test_without_freezing_others_collect_gradient_but_do_not_move(inputs):
    UpdateHook(Product(), ["G_opt"])(inputs)
    assert inputs["D"].weight.grad.item() == 2
    assert inputs["D"].weight.item() == 5


class Recorder(Stepper):
    """Notes the gradient of G at each call."""

    def __init__(self, weight):
        self.weight = weight
        self.notes = []

    def _note(self, what):
        self.notes.append((what, None if self.weight.grad is None else self.weight.grad.item()))

    def backward(self, loss):
        self._note("before")
        super().backward(loss)
        self._note("backward")

    def step(self, optimizers):
        super().step(optimizers)
        self._note("step")


def test_gradients_are_cleared_after_the_step_and_not_before(inputs):
    weight = inputs["G"].weight
    weight.grad = torch.full_like(weight, 100.0)  # of an earlier micro-batch
    recorder = Recorder(weight)
    UpdateHook(Product(), ["G_opt"])({**inputs, "stepper": recorder})
    assert recorder.notes == [("before", 100.0), ("backward", 107.0), ("step", None)]
    assert weight.item() == pytest.approx(2 - 0.1 * 107)


def test_the_plain_stepper_is_one_process():
    values = torch.ones(3, requires_grad=True)
    assert Stepper().sum_over_ranks(values) is values
    assert Stepper().parts == 1
