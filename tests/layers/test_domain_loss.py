import math

import pytest
import torch

from seasa_da.layers import SOURCE_DOMAIN, TARGET_DOMAIN, domain_loss


@pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 1, 3, 4)])
def test_by_hand(shape):
    # sigmoid(ln 3) = 3/4
    logits = torch.full(shape, math.log(3))
    torch.testing.assert_close(domain_loss(logits, SOURCE_DOMAIN), torch.tensor(-math.log(3 / 4)))
    torch.testing.assert_close(domain_loss(logits, TARGET_DOMAIN), torch.tensor(-math.log(1 / 4)))


def test_mean_over_each_image_then_over_images():
    logits = torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    images = torch.stack([domain_loss(image[None], SOURCE_DOMAIN) for image in logits])
    torch.testing.assert_close(domain_loss(logits, SOURCE_DOMAIN), images.mean())


@pytest.mark.parametrize("domain", [SOURCE_DOMAIN, TARGET_DOMAIN])
def test_certain_answers_have_finite_gradients(domain):
    logits = torch.tensor([-1e4, 1e4], requires_grad=True)
    domain_loss(logits, domain).backward()
    assert logits.grad.isfinite().all()
