import numpy as np
import pytest
import torch

from seasa_da.augment import fourier_mix, window_half_side


def images(*shape, seed=0, dtype=torch.float64):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype) * 2 - 1


def literal(target, source, mu, beta):
    """Eq. 4 and 5 on the full, centred spectrum of one channel."""
    spectrum_t, spectrum_s = (np.fft.fftshift(np.fft.fft2(image)) for image in (target, source))
    amplitude_t, amplitude_s, phase_t = np.abs(spectrum_t), np.abs(spectrum_s), np.angle(spectrum_t)
    height, width = target.shape
    b = max(1, int(np.floor(beta * min(height, width))))
    window = np.zeros((height, width))
    window[height // 2 - b : height // 2 + b + 1, width // 2 - b : width // 2 + b + 1] = 1
    amplitude = (1 - window) * amplitude_t + window * ((1 - mu) * amplitude_t + mu * amplitude_s)
    mixed = np.fft.ifft2(np.fft.ifftshift(amplitude * np.exp(1j * phase_t)))
    np.testing.assert_allclose(mixed.imag, 0, atol=1e-12)
    return mixed.real


@pytest.mark.parametrize("size", [(32, 32), (33, 32), (20, 31), (9, 9)])
@pytest.mark.parametrize(("mu", "beta"), [(0.8, 0.01), (1.0, 0.1), (0.3, 0.4)])
def test_equals_the_literal_equations(size, mu, beta):
    target, source = images(2, 3, *size), images(2, 3, *size, seed=1)
    mixed = fourier_mix(target, source, mu, beta)
    for n in range(2):
        for c in range(3):
            expected = literal(target[n, c].numpy(), source[n, c].numpy(), mu, beta)
            np.testing.assert_allclose(mixed[n, c], expected, atol=1e-10)


def test_nothing_of_the_source_returns_the_input():
    target, source = images(2, 1, 64, 64, dtype=torch.float32), images(2, 1, 64, 64, seed=1, dtype=torch.float32)
    torch.testing.assert_close(fourier_mix(target, source, 0.0), target, atol=1e-4, rtol=0)


def test_the_image_itself_as_source_returns_it():
    target = images(2, 1, 64, 64, dtype=torch.float32)
    torch.testing.assert_close(fourier_mix(target, target, 0.8, 0.1), target, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("size", "beta", "half"), [(256, 0.01, 2), (64, 0.01, 1), (100, 0.29, 29), (300, 0.01, 3)])
def test_window_has_side_2b_plus_1_and_the_mean(size, beta, half):
    assert window_half_side(size, size + 7, beta) == half
    target, source = images(1, 1, size, size), images(1, 1, size, size, seed=1)
    change = torch.fft.fftshift(torch.fft.fft2(fourier_mix(target, source, 1.0, beta) - target).abs()[0, 0])
    changed = (change > 1e-8).nonzero() - size // 2
    assert changed.min(dim=0).values.tolist() == [-half, -half]
    assert changed.max(dim=0).values.tolist() == [half, half]
    assert len(changed) == (2 * half + 1) ** 2  # the mean at (0, 0) among them


def test_phase_stays_and_amplitude_is_mixed():
    target, source = images(1, 1, 32, 32), images(1, 1, 32, 32, seed=1)
    before, given = torch.fft.fft2(target), torch.fft.fft2(source)
    after = torch.fft.fft2(fourier_mix(target, source, 0.8, 0.1))
    # compared as directions: an angle jumps at pi
    torch.testing.assert_close(after / after.abs(), before / before.abs())
    inside = (0, 0, 2, -1)
    torch.testing.assert_close(after[inside].abs(), 0.2 * before[inside].abs() + 0.8 * given[inside].abs())


def test_output_is_real_finite_and_not_cut():
    black, white = torch.full((1, 1, 16, 16), 1e-3), torch.ones(1, 1, 16, 16) * 5
    mixed = fourier_mix(black, white, 1.0)
    assert not mixed.is_complex()
    torch.testing.assert_close(mixed, white)
    assert fourier_mix(torch.zeros(1, 1, 16, 16), white, 0.5).isfinite().all()


def test_each_image_its_own_share():
    target, source = images(3, 2, 16, 16), images(3, 2, 16, 16, seed=1)
    shares = torch.tensor([0.0, 0.5, 1.0])
    mixed = fourier_mix(target, source, shares, 0.1)
    for n, share in enumerate(shares.tolist()):
        torch.testing.assert_close(mixed[n], fourier_mix(target[n : n + 1], source[n : n + 1], share, 0.1)[0])


def test_all_views_at_once():
    target, source = images(2, 1, 16, 16), images(3, 2, 1, 16, 16, seed=1)
    mixed = fourier_mix(target, source, torch.tensor([0.2, 0.8]))
    assert mixed.shape == source.shape
    for v in range(3):
        torch.testing.assert_close(mixed[v], fourier_mix(target, source[v], torch.tensor([0.2, 0.8])))


def test_half_precision_comes_back_as_it_went():
    target = images(1, 1, 16, 16).bfloat16()
    assert fourier_mix(target, target, 0.5).equal(target)


def test_shapes_must_fit():
    with pytest.raises(ValueError, match="must be of one shape"):
        fourier_mix(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 9), 0.5)
