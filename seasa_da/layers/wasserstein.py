"""The losses of a Wasserstein critic (Arjovsky et al., ICML 2017; Gulrajani et al., NeurIPS 2017)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def wasserstein_distance(src_scores: Tensor, target_scores: Tensor) -> Tensor:
    """mean f(s) - mean f(t), a scalar: what the critic f makes as large as its Lipschitz bound lets it.

    Args:
        src_scores, target_scores: `(N,)`, the critic's raw output for each image.
    """
    return src_scores.float().mean() - target_scores.float().mean()


def gradient_penalty(critic: Callable[[Tensor], Tensor], src: Tensor, target: Tensor, shares: Tensor) -> Tensor:
    """mean (|grad f(x)|_2 - 1)², a scalar, with x = share s + (1 - share) t for each pair of images.

    Args:
        critic: f, `(N, ...)` to `(N,)`; it must treat every image by itself.
        src, target: `(N, ...)`, as many of both; no gradient goes to them.
        shares: `(N,)` in [0, 1].
    """
    shares = shares.to(src).view(-1, *[1] * (src.dim() - 1))
    between = (shares * src + (1 - shares) * target).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slope.float().flatten(1).norm(dim=1) - 1).square().mean()
