import torch

from hooks.sifa_standins import context, with_gradient
from seasa_da.hooks import SIFADecoderHook


def test_losses_and_outputs_by_hand():
    found = context()
    found["src_translated"] = 2 * found["src_imgs"]
    outputs, losses = SIFADecoderHook(cycle_weight=10)(found)
    src, target = found["src_imgs"], found["target_imgs"]
    expected = {
        "src_decoded": 4 * src,
        "target_decoded": 2 * target,
        "src_logits": 1.4 * src,
        "target_logits": 0.7 * target,
        "src_aux_logits": 4.4 * src,
        "target_aux_logits": 2.2 * target,
    }
    assert outputs.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(outputs[name], value)
    expected = {
        "gan_target_as_src_loss": (6 * target - 1).square().mean(),
        "decoder_cycle_src_loss": 10 * (3 * src).abs().mean(),
        "decoder_cycle_target_loss": 10 * (3 * target).abs().mean(),
    }
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value)


def test_the_encoder_gets_no_gradient_and_the_logits_carry_none():
    found = context()
    found["src_translated"] = 2 * found["src_imgs"]
    outputs, losses = SIFADecoderHook(lower=False)(found)
    assert not outputs["target_logits"].requires_grad and "target_aux_logits" not in outputs
    sum(losses.values()).backward()
    assert with_gradient(found, ("G", "C", "decoder")) == {"decoder"}
