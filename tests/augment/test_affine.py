import math

import pytest
import torch

from seasa_da.augment import apply_affine, draw_affine
from seasa_da.config import AugmentSettings

NOTHING = AugmentSettings(rotate_deg=0, scale=0, translate=0)


def images(n=2, channels=1, height=32, width=32):
    return torch.rand(n, channels, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1


def about_centre(degrees, size=1.0):
    cos, sin = (f(math.radians(degrees)) / size for f in (math.cos, math.sin))
    return torch.tensor([[[cos, sin, 0.0], [-sin, cos, 0.0]]])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64])
@pytest.mark.parametrize("shape", [(32, 32), (33, 20)])
def test_identity_returns_images_and_labels(shape, dtype):
    x = images(2, 3, *shape)
    labels = torch.randint(0, 6, (2, *shape), generator=torch.Generator().manual_seed(0)).to(dtype)
    moved, moved_labels = apply_affine(x, draw_affine([1, 2], NOTHING), labels)
    torch.testing.assert_close(moved, x, atol=1e-5, rtol=0)
    assert moved_labels.dtype == dtype
    assert moved_labels.equal(labels)


def test_no_labels():
    moved, labels = apply_affine(images(), draw_affine([1, 2], AugmentSettings()))
    assert moved.shape == (2, 1, 32, 32)
    assert labels is None


def test_an_images_draw_depends_on_its_seed_alone():
    together = draw_affine(torch.tensor([3, 2**62, 27]), AugmentSettings())
    assert together.shape == (3, 2, 3)
    assert together.dtype == torch.float32
    assert draw_affine([2**62], AugmentSettings())[0].equal(together[1])
    assert together[:, 0, 0].unique().numel() == 3


def test_draws_keep_to_their_ranges():
    theta = draw_affine(range(2000), AugmentSettings(rotate_deg=10, scale=0.1, translate=0.05)).double()
    linear = theta[:, :, :2]
    size = linear.det() ** -0.5
    angle = torch.rad2deg(torch.atan2(theta[:, 0, 1], theta[:, 0, 0]))
    # the output's centre p = shift comes from the input's centre
    shift = -torch.linalg.solve(linear, theta[:, :, 2:])[..., 0] / 2
    for values, low, high in [
        (size, 0.9, 1.1),
        (angle, -10, 10),
        (shift[:, 0], -0.05, 0.05),
        (shift[:, 1], -0.05, 0.05),
    ]:
        margin = 0.01 * (high - low)
        assert low - 1e-5 <= values.min() < low + margin
        assert high - margin < values.max() <= high + 1e-5


def test_quarter_turn_moves_labels_with_their_pixels():
    x = images(1, 1, 16, 16)
    labels = torch.randint(0, 6, (1, 16, 16), generator=torch.Generator().manual_seed(0))
    moved, moved_labels = apply_affine(x, about_centre(90), labels)
    turned = torch.rot90(labels, -1, (1, 2))
    assert moved_labels.equal(turned)
    torch.testing.assert_close(moved, torch.rot90(x, -1, (2, 3)), atol=1e-5, rtol=0)


def test_shift_by_whole_pixels_fills_with_border_and_background():
    x, labels = images(1, 1, 8, 8), torch.arange(1, 9).expand(1, 8, 8)
    theta = torch.tensor([[[1.0, 0.0, -0.25], [0.0, 1.0, 0.0]]])  # 2 * 1/8: one pixel to the right
    moved, moved_labels = apply_affine(x, theta, labels)
    assert moved_labels[0, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    torch.testing.assert_close(moved[..., 1:], x[..., :-1])
    torch.testing.assert_close(moved[..., 0], x[..., 0])


def test_turning_a_long_slice_does_not_shear_it():
    # A disc stays a disc of the same size, and a half turn about the centre is exact.
    y, x = torch.meshgrid(torch.arange(32) - 15.5, torch.arange(64) - 31.5, indexing="ij")
    disc = (x**2 + y**2 < 100).long()[None]
    _, moved = apply_affine(torch.zeros(1, 1, 32, 64), about_centre(45), disc)
    assert (moved != disc).sum() < 0.1 * disc.sum()
    bar = ((x.abs() < 12) & (y.abs() < 2)).long()[None]
    _, upright = apply_affine(torch.zeros(1, 1, 32, 64), about_centre(90), bar)
    assert upright.equal(((y.abs() < 12) & (x.abs() < 2)).long()[None])


def test_growth_enlarges():
    labels = torch.zeros(1, 32, 32, dtype=torch.uint8)
    labels[:, 12:20, 12:20] = 1
    _, moved = apply_affine(torch.zeros(1, 1, 32, 32), about_centre(0, size=2.0), labels)
    assert moved.sum() == 16 * 16
