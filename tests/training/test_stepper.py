import pytest
import torch
from accelerate import Accelerator
from toys import random_batch

from seasa_da.hooks import Stepper
from seasa_da.training.stepper import AcceleratedStepper
from training.standins import make_adapter, train

# SEASA is not among them: its prototypes move once a micro-batch.
SAME_IN_PARTS = [
    "SegmentationAdapter",
    "OutputAdversary",
    "StylisedSource",
    "TranslationAdapter",
    "DomainCriticAdapter",
]


@pytest.fixture
def accelerator():
    return Accelerator(cpu=True)


def largest_difference(one, other):
    assert one.keys() == other.keys()
    return max((one[key].double() - other[key].double()).abs().max().item() for key in one)


@pytest.mark.parametrize("micro_batches", [2, 4])
@pytest.mark.parametrize("name", SAME_IN_PARTS)
def test_micro_batches_equal_one_batch(accelerator, name, micro_batches):
    adapter = make_adapter(name)
    start = {f"{n}.{k}": v.clone() for n, m in adapter.models.items() for k, v in m.state_dict().items()}
    whole = train(adapter, AcceleratedStepper(accelerator))
    parts = train(make_adapter(name), AcceleratedStepper(accelerator, micro_batches))
    assert largest_difference(whole, parts) < 1e-6
    moved = [(whole[key] - start[key]).abs().max() for key in start]
    assert max(moved) > 1e-3
    if name in ("SegmentationAdapter", "OutputAdversary"):
        assert min(moved) > 1e-5  # all, and much further


def test_micro_batches_want_the_whole_updates_class_counts(accelerator):
    whole = train(make_adapter("SegmentationAdapter"), AcceleratedStepper(accelerator))
    parts = train(make_adapter("SegmentationAdapter"), AcceleratedStepper(accelerator, 2), with_counts=False)
    assert largest_difference(whole, parts) > 1e-4


def test_one_part_is_the_plain_stepper(accelerator):
    class Plain(Stepper):
        micro_batches = 1

    ours = train(make_adapter("OutputAdversary"), AcceleratedStepper(accelerator))
    assert largest_difference(ours, train(make_adapter("OutputAdversary"), Plain())) == 0


def test_only_the_last_micro_batch_steps(accelerator):
    weight = torch.nn.Parameter(torch.tensor(1.0))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    stepper = AcceleratedStepper(accelerator, 2)
    assert stepper.parts == 2
    for last, value, gradient in ((False, 1.0, 1.5), (True, 1.0 - 1.5 - 2.5, None)):
        stepper.last = last
        stepper.backward((5.0 if last else 3.0) * weight)  # each counts half
        stepper.step([optimizer])
        assert weight.item() == value
        assert (weight.grad if gradient is None else weight.grad.item()) == gradient


def test_one_process_has_nothing_to_sum(accelerator):
    values = torch.ones(2, requires_grad=True)
    assert AcceleratedStepper(accelerator).sum_over_ranks(values) is values


@pytest.mark.parametrize("name", ["SegmentationAdapter", "OutputAdversary", "SEASA"])
def test_mixed_precision_gives_the_losses_of_single_to_two_percent(accelerator, name):
    found = []
    for mixed in (False, True):
        adapter = make_adapter(name)
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            groups = adapter.training_step(random_batch(), stepper=AcceleratedStepper(accelerator), progress=1.0)
        found.append({key: value for losses in groups.values() for key, value in losses.items()})
        assert all(p.dtype == torch.float32 for model in adapter.models.values() for p in model.parameters())
    single, half = found
    assert all(value.dtype == torch.float32 for value in half.values())
    assert any(not value.equal(single[key]) for key, value in half.items())  # it was really another precision
    for key, value in half.items():
        torch.testing.assert_close(value, single[key], rtol=0.02, atol=2e-3, msg=key)
