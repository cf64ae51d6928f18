import pytest
import torch
from scipy.ndimage import gaussian_filter

from seasa_da.augment import JitterParams, apply_jitter, draw_jitter

RANGES = {"brightness": 0.4, "contrast": 0.3, "blur_sigma": (0.1, 2.0), "blur_probability": 0.5}


def images(n=2, channels=1, height=32, width=32):
    return torch.rand(n, channels, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1


def params(brightness=0.0, contrast=1.0, sigma=0.0, sigma_max=2.0, shape=(1, 2)):
    return JitterParams(*(torch.full(shape, float(value)) for value in (brightness, contrast, sigma)), sigma_max)


def test_draws_keep_to_their_ranges():
    drawn = draw_jitter(range(2000), 3, **RANGES)
    assert drawn.brightness.shape == drawn.contrast.shape == drawn.sigma.shape == (3, 2000)
    assert drawn.brightness.abs().max() <= 0.4
    assert drawn.brightness.max() > 0.39
    assert 0.7 <= drawn.contrast.min() < 0.71
    assert 1.29 < drawn.contrast.max() <= 1.3
    blurred = drawn.sigma[drawn.sigma > 0]
    assert 0.1 <= blurred.min() < 0.11
    assert 1.99 < blurred.max() <= 2.0
    assert len(blurred) / 6000 == pytest.approx(0.5, abs=0.03)


def test_an_images_draws_depend_on_its_seed_alone():
    together, alone = draw_jitter(torch.tensor([3, 9, 27]), 5, **RANGES), draw_jitter([9], 3, **RANGES)
    for many, one in zip(together[:3], alone[:3], strict=True):
        assert many[:3, 1:2].equal(one)  # neither the batch nor two further views matter


def test_changing_nothing_returns_the_images():
    x = images(channels=3)
    torch.testing.assert_close(apply_jitter(x, params()), x[None], atol=1e-6, rtol=0)


def test_brightness_and_contrast_by_hand():
    x = torch.tensor([[[[-0.5, 0.5], [0.0, 0.0]]], [[[-1.0, 0.0], [-1.0, 0.0]]]])  # means 0 and -1/2
    views = apply_jitter(x, params(brightness=0.25, contrast=0.5))
    expected = torch.tensor([[[[0.0, 0.5], [0.25, 0.25]]], [[[-0.5, 0.0], [-0.5, 0.0]]]])
    torch.testing.assert_close(views[0], expected)


def test_contrast_is_about_the_mean_of_all_channels():
    x = torch.tensor([0.5, -0.5]).reshape(1, 2, 1, 1).expand(1, 2, 4, 4)
    views = apply_jitter(x, params(contrast=0.5, shape=(1, 1)))
    torch.testing.assert_close(views[0], 0.5 * x)


def test_views_are_cut_to_the_range_of_images():
    views = apply_jitter(images(), params(brightness=0.8, contrast=1.4))
    assert views.max() == 1
    assert views.min() > -1


def test_blur_is_scipys():
    x = images(height=256, width=256)
    blurred = apply_jitter(x, params(sigma=1.3, sigma_max=2.0))[0, 0, 0]
    expected = gaussian_filter(x[0, 0].double().numpy(), 1.3, mode="mirror", radius=6)
    torch.testing.assert_close(blurred.double(), torch.from_numpy(expected), atol=1e-5, rtol=0)


def test_blur_is_scaled_with_the_slice():
    x = images(height=64, width=80)
    blurred = apply_jitter(x, params(sigma=4.0, sigma_max=4.0))[0, 1, 0]
    expected = gaussian_filter(x[1, 0].double().numpy(), 1.0, mode="mirror", radius=3)
    torch.testing.assert_close(blurred.double(), torch.from_numpy(expected), atol=1e-5, rtol=0)


def test_each_view_of_each_image_has_its_own_parameters():
    x = images(n=3, channels=2)
    drawn = draw_jitter([1, 2, 3], 5, **RANGES)
    views = apply_jitter(x, drawn)
    assert views.shape == (5, 3, 2, 32, 32)
    for v in range(5):
        for n in range(3):
            own = JitterParams(*(p[v : v + 1, n : n + 1] for p in drawn[:3]), drawn.sigma_max)
            torch.testing.assert_close(views[v, n], apply_jitter(x[n : n + 1], own)[0, 0], atol=1e-6, rtol=0)


@pytest.mark.parametrize("blur_sigma", [(0.0, 0.0), (50.0, 90.0)])
def test_extreme_blurs(blur_sigma):
    drawn = draw_jitter([1, 2], 3, brightness=0.0, contrast=0.0, blur_sigma=blur_sigma, blur_probability=1.0)
    views = apply_jitter(images(height=16, width=12), drawn)
    assert views.isfinite().all()
    unchanged = (views - images(height=16, width=12)).abs().max() < 1e-6
    assert unchanged == (blur_sigma == (0.0, 0.0))
