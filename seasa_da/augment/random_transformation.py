"""Randomly transformed views, eq. 3: colour jitter (brightness, contrast) and Gaussian blur."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
import torch.nn.functional as F

from seasa_da.augment.draws import on_device, uniform_draws

_STREAM = 2


class JitterParams(NamedTuple):
    """What `apply_jitter` does to view v of image n: `(V, N)` tensors."""

    brightness: torch.Tensor  # added
    contrast: torch.Tensor  # factor of the distance to the image's mean
    sigma: torch.Tensor  # of the blur, pixels at 256; 0 for none
    sigma_max: float  # the largest that could have been drawn; fixes the kernel's length whatever the batch


def draw_jitter(
    seeds: torch.Tensor | Iterable[int],
    n_views: int,
    *,
    brightness: float,
    contrast: float,
    blur_sigma: tuple[float, float],
    blur_probability: float,
) -> JitterParams:
    """Draw the views' parameters, all uniform. An image's depend on its own seed; a further view changes no other.

    Args:
        seeds: an int for each image.
        n_views: V, views an image.
        brightness: largest change either way, in units of images in [-1, 1].
        contrast: largest change of the factor 1 either way.
        blur_sigma: range of the blur's sigma, pixels at 256.
        blur_probability: how often a view is blurred.
    """
    draws = uniform_draws(seeds, (n_views, 4), _STREAM).permute(2, 1, 0)
    low, high = blur_sigma
    sigma = torch.where(draws[2] < blur_probability, low + (high - low) * draws[3], 0.0)
    return JitterParams(
        (brightness * (2 * draws[0] - 1)).float(), (1 + contrast * (2 * draws[1] - 1)).float(), sigma.float(), high
    )


def apply_jitter(images: torch.Tensor, params: JitterParams) -> torch.Tensor:
    """All views at once: blur(mean + contrast (x - mean) + brightness), cut to [-1, 1], where images live.

    The mean is over an image's channels and pixels. Sigma is scaled by min(H, W)/256, so that a small slice is not
    blurred more than a large one; at the border the image is mirrored.

    Args:
        images: `(N, C, H, W)` in [-1, 1].
        params: of `draw_jitter`.

    Returns:
        `(V, N, C, H, W)`.
    """
    together = on_device(torch.stack(params[:3]), images.device).to(images.dtype)
    brightness, contrast, sigma = together[..., None, None, None]
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    views = mean + contrast * (images - mean) + brightness
    scale = min(images.shape[-2:]) / 256
    # Under autocast the convolutions would round the views to half precision.
    with torch.autocast(images.device.type, enabled=False):
        return _blur(views, sigma * scale, params.sigma_max * scale).clamp(-1, 1)


def _blur(views: torch.Tensor, sigma: torch.Tensor, sigma_max: float) -> torch.Tensor:
    height, width = views.shape[-2:]
    radius = min(math.ceil(3 * sigma_max), height - 1, width - 1)
    offsets = torch.arange(-radius, radius + 1, device=views.device, dtype=views.dtype)
    # The floor turns sigma = 0 into (0 ... 1 ... 0) and not into 0/0.
    kernel = torch.exp(-0.5 * (offsets / sigma.clamp(min=1e-3)) ** 2)
    kernel = (kernel / kernel.sum(dim=-1, keepdim=True)).expand(*views.shape[:3], 1, -1).reshape(-1, 1, 1, len(offsets))
    # One group an image and channel: each has its own kernel.
    stack = views.reshape(1, -1, height, width)
    stack = F.conv2d(F.pad(stack, (radius, radius, 0, 0), mode="reflect"), kernel, groups=len(kernel))
    stack = F.pad(stack, (0, 0, radius, radius), mode="reflect")
    return F.conv2d(stack, kernel.transpose(2, 3), groups=len(kernel)).reshape(views.shape)
