import torch

from hooks.sifa_standins import context, with_gradient
from seasa_da.hooks import SIFAGeneratorHook


def test_losses_by_hand():
    found = context()
    outputs, losses = SIFAGeneratorHook(cycle_weight=10)(found)
    src, target = found["src_imgs"], found["target_imgs"]
    torch.testing.assert_close(outputs["src_as_target"], 2 * src)
    expected = {
        "gan_src_as_target_loss": (10 * src - 1).square().mean(),  # D_T(G_ST(x)) = 5 * 2 x, wanted real
        "cycle_src_loss": 10 * (4 * src - src).abs().mean(),  # doubled, and doubled back
        "cycle_target_loss": 10 * (4 * target - target).abs().mean(),
    }
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value)


def test_the_targets_way_back_takes_no_gradient():
    found = context()
    SIFAGeneratorHook()(found)[1]["cycle_target_loss"].backward()
    assert with_gradient(found, ("G_ST", "G", "decoder")) == {"G_ST"}
