import copy

import torch

from hooks.sifa_standins import context, with_gradient
from seasa_da.hooks import SIFADiscriminatorsHook


def half(real, fake):
    return 0.5 * ((real - 1).square().mean() + fake.square().mean())


def seen():
    found = context()
    src, target = found["src_imgs"], found["target_imgs"]
    found.update(src_as_target=2 * src, src_decoded=4 * src, target_decoded=2 * target)
    found.update(src_logits=1.4 * src, target_logits=0.7 * target)
    found.update(src_aux_logits=4.4 * src, target_aux_logits=2.2 * target)
    return found


def test_losses_by_hand_while_the_pools_fill():
    found = seen()
    src, target = found["src_imgs"], found["target_imgs"]
    _, losses = SIFADiscriminatorsHook()(found)
    expected = {
        "critic_T_loss": half(5 * target, 5 * 2 * src),
        "critic_S_loss": half(3 * src, 3 * 2 * target),
        "critic_S_task_loss": half(-3 * 4 * src, -3 * 2 * target),
        "discriminator_loss": half(0.5 * 1.4 * src, 0.5 * 0.7 * target),
        "discriminator_aux_loss": half(0.25 * 4.4 * src, 0.25 * 2.2 * target),
    }
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value)
    assert found["pool_T"].images.equal(2 * src) and found["pool_S"].images.equal(2 * target)


def test_full_pools_give_earlier_fakes():
    found = seen()
    SIFADiscriminatorsHook()(found)
    later = {**found, "src_as_target": found["src_as_target"] + 100.0, "target_seeds": torch.tensor([1, 2])}
    earlier = copy.deepcopy(found["pool_T"]).exchange(later["src_as_target"], later["target_seeds"])
    assert (earlier.amax(dim=(1, 2, 3)) < 50).any()  # one of the two at least is from before
    expected = half(5 * found["target_imgs"], 5 * earlier)
    torch.testing.assert_close(SIFADiscriminatorsHook()(later)[1]["critic_T_loss"], expected)


def test_only_discriminators_get_a_gradient():
    found = seen()
    for key in ("src_as_target", "src_decoded", "target_decoded"):
        found[key] = found[key] * found["G_ST"].factor
    sum(SIFADiscriminatorsHook(("D",))(found)[1].values()).backward()
    assert with_gradient(found, ("G_ST", "D_S", "D_T", "D", "D_aux")) == {"D_S", "D_T", "D"}
