import pytest
import torch
from accelerate import Accelerator

from seasa_da.errors import NonFiniteLoss
from seasa_da.training.loss_window import LossWindow


def test_a_mean_over_the_updates_that_had_the_loss():
    window = LossWindow()
    for losses in ({"a": 1.0}, {"a": 3.0}, {"b": 5.0}, {"a": 2.0, "b": 6.0}):
        window.add({name: torch.tensor(value) for name, value in losses.items()})
    assert window.close("adapt", 4, Accelerator(cpu=True)) == {"a": 2.0, "b": 5.5}
    window.add({"b": torch.tensor(1.0)})
    assert window.close("adapt", 5, Accelerator(cpu=True)) == {"b": 1.0}


def test_a_bad_loss_is_named():
    window = LossWindow()
    window.add({"a": torch.tensor(1.0), "b": torch.tensor(float("nan"))})
    with pytest.raises(NonFiniteLoss, match=r"'b' became nan by iteration 7 of stage 'adapt'"):
        window.close("adapt", 7, Accelerator(cpu=True))
