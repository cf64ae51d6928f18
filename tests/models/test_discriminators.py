import math

import pytest
import torch
from torch import nn

from seasa_da.models import Discriminator


@pytest.fixture
def capture():
    """A discriminator whose network only keeps what it is shown."""

    def build(sees):
        discriminator = Discriminator(3, width=4, sees=sees)
        discriminator.net = nn.Identity()
        return discriminator

    return build


@pytest.mark.parametrize(("network", "size", "expected"), [("patchgan", 256, 30), ("fc", 256, 8), ("patchgan", 32, 2)])
def test_answers_are_a_map(network, size, expected):
    discriminator = Discriminator(5, network, width=4).eval()
    with torch.no_grad():
        assert discriminator(torch.randn(2, 5, size, size)).shape == (2, 1, expected, expected)


@pytest.mark.parametrize("network", ["patchgan", "fc"])
def test_layers_are_the_papers(network):
    discriminator = Discriminator(5, network)
    convolutions = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d)]
    norms = [m for m in discriminator.modules() if isinstance(m, nn.BatchNorm2d)]
    leaky = [m.negative_slope for m in discriminator.modules() if isinstance(m, nn.LeakyReLU)]
    assert [m.out_channels for m in convolutions] == [64, 128, 256, 512, 1]
    assert {m.kernel_size for m in convolutions} == {(4, 4)}
    strides = {"patchgan": [2, 2, 2, 1, 1], "fc": [2, 2, 2, 2, 2]}[network]
    assert [m.stride[0] for m in convolutions] == strides
    assert [m.num_features for m in norms] == {"patchgan": [128, 256, 512], "fc": []}[network]
    assert leaky == [0.2] * 4
    if network == "patchgan":
        assert convolutions[2].weight.std().item() == pytest.approx(0.02, rel=0.05)


def test_the_softmax_is_inside(capture):
    logits = torch.tensor([[[[0.0]], [[math.log(2)]], [[math.log(5)]]]])
    torch.testing.assert_close(capture("probs")(logits).flatten(), torch.tensor([1, 2, 5]) / 8)


@pytest.mark.parametrize("network", ["patchgan", "fc"])
def test_a_shift_of_all_logits_changes_nothing(network):
    logits = torch.randn(2, 3, 32, 32)
    discriminator = Discriminator(3, network, width=4).eval()
    with torch.no_grad():
        torch.testing.assert_close(discriminator(logits), discriminator(logits + 7), atol=1e-5, rtol=1e-4)
        assert not discriminator(logits).equal(discriminator(2 * logits))


def test_self_information_by_hand(capture):
    probs = torch.tensor([0.5, 0.25, 0.25])
    seen = capture("self-information")(probs.log().reshape(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(seen, torch.tensor([0.5 * 1, 0.25 * 2, 0.25 * 2]) / math.log2(3), atol=1e-6, rtol=1e-5)


def test_an_unknown_input_is_named():
    with pytest.raises(ValueError, match="sees='entropy'"):
        Discriminator(3, sees="entropy")


def test_an_unknown_network_is_named():
    with pytest.raises(ValueError, match="network='gan'"):
        Discriminator(3, network="gan")
