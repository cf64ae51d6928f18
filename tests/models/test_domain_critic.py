import pytest
import torch
from torch import nn

from seasa_da.models import AccuracyGate, DomainCritic


def test_layers_are_the_codes():
    critic = DomainCritic(5)
    convolutions = [m for m in critic.modules() if isinstance(m, nn.Conv2d)]
    assert [(m.in_channels, m.out_channels, m.kernel_size) for m in convolutions] == [
        (5, 512, (1, 1)),
        (512, 256, (1, 1)),
        (256, 2, (1, 1)),
    ]
    assert [m.p for m in critic.modules() if isinstance(m, nn.Dropout2d)] == [0.5, 0.5]
    assert critic(torch.randn(2, 5, 8, 8)).shape == (2, 2, 8, 8)


def record(gate, *rights):
    for right in rights:
        gate.record(torch.tensor(right), torch.tensor(10))


@pytest.mark.parametrize(
    ("rights", "expected"), [((), 0), ((7,), 1), ((6,), 0), ((5, 9), 1), ((9, 9, 9, 1, 1, 1), 0), ((1, 9, 9, 9), 1)]
)
def test_the_gate_follows_the_mean_of_the_last_three(rights, expected):
    gate = AccuracyGate(0.6, window=3)
    record(gate, *rights)
    gate.record(torch.tensor(0), torch.tensor(10), last=False)  # the update under way does not count
    assert gate.opening().item() == expected


def test_micro_batches_are_one_update():
    whole, parts = AccuracyGate(0.6, 3), AccuracyGate(0.6, 3)
    for right in (3, 8, 6, 9, 1):
        openings = []
        for share, last in ((right, False), (5, True)):
            openings.append(parts.opening())  # the segmenter's update comes first
            parts.record(torch.tensor(share), torch.tensor(10), last)
        assert openings == [whole.opening()] * 2
        whole.record(torch.tensor(right + 5), torch.tensor(20))
    assert all(parts.state_dict()[key].equal(value) for key, value in whole.state_dict().items())


def test_the_gate_goes_on_from_a_checkpoint():
    gate, again = AccuracyGate(0.6, 3), AccuracyGate(0.6, 3)
    record(gate, 9, 9, 2, 2)
    again.load_state_dict(gate.state_dict())
    for one in (gate, again):
        record(one, 9)
    assert again.accuracies.equal(gate.accuracies) and again.count == gate.count == 5
