"""Fourier views, eq. 4-5: the target's image with some of a source image's low-frequency amplitude."""

from __future__ import annotations

import math

import torch


def window_half_side(height: int, width: int, beta: float) -> int:
    """b = max(1, floor(beta min(H, W))): the window V is the square |f_y|, |f_x| <= b, of side 2b+1."""
    # 0.29 * 100 is 28.999… in binary
    return max(1, math.floor(beta * min(height, width) + 1e-9))


def fourier_mix(
    target: torch.Tensor, source: torch.Tensor, mu: float | torch.Tensor, beta: float = 0.01
) -> torch.Tensor:
    """F⁻¹(A, P_t) with A = (1-V) A_t + V [(1-mu) A_t + mu A_s]: the target's phase, a mixed amplitude in V.

    As the transform is linear, only the change inside the window, mu (A_s - A_t) e^{iP_t}, is transformed back and
    added to the target. Taken to the letter, eq. 4 as printed would also damp everything outside V by 1-mu.

    Args:
        target: `(N, C, H, W)`.
        source: `(N, C, H, W)`, or `(V, N, C, H, W)` for V views at the price of one transform of the target.
        mu: the source's share of the amplitude in the window, in [0, 1]; a number, or `(N,)` for each image its own.
        beta: half side of the window as a share of the slice, see `window_half_side`.

    Returns:
        The shape of `source` and the type of `target`; not cut to [-1, 1].

    Raises:
        ValueError: the images are not of one shape.
    """
    if source.shape[-4:] != target.shape:
        raise ValueError(f"source is {tuple(source.shape)}, target {tuple(target.shape)}; they must be of one shape")
    height, width = target.shape[-2:]
    half = window_half_side(height, width, beta)
    # Transforms know no half precision.
    precise = torch.promote_types(target.dtype, torch.float32)
    # The spectrum of a real image is symmetric: columns f_x >= 0 are enough. Rows: f_y = -b … b.
    rows = torch.arange(-half, half + 1, device=target.device)[:, None] % height
    columns = torch.arange(min(half, width // 2) + 1, device=target.device)
    low = torch.fft.rfft2(target.to(precise))[..., rows, columns]
    low_source = torch.fft.rfft2(source.to(precise))[..., rows, columns]
    if isinstance(mu, torch.Tensor):
        mu = mu.to(device=target.device, dtype=precise).reshape(-1, 1, 1, 1)
    phase = torch.polar(torch.ones_like(low.real), low.angle())
    change = torch.zeros((*source.shape[:-1], width // 2 + 1), dtype=phase.dtype, device=target.device)
    change[..., rows, columns] = mu * (low_source.abs() - low.abs()) * phase
    return (target + torch.fft.irfft2(change, s=(height, width))).to(target.dtype)
