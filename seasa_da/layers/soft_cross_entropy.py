"""Cross-entropy with soft targets over the pixels that are kept, and MRKLD's confidence regulariser."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def soft_cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, kept: torch.Tensor, count: torch.Tensor | None = None
) -> torch.Tensor:
    """Σ_j -Σ_k ŷ_jk ln p_jk / n over the kept pixels j, p = softmax(logits).

    Args:
        logits: `(N, K)` or `(N, K, H, W)`.
        targets: ŷ, that shape, without gradient.
        kept: bool `(N,)` or `(N, H, W)`.
        count: n, a scalar; by default how many are kept, which gives their mean. Of a global batch in equal parts
            (ranks times micro-batches) each part is given the global number over the number of parts: the mean of the
            parts' losses and gradients is then exactly the global batch's.

    Returns:
        A scalar, at least 0; 0 where none is kept.
    """
    log_probs = F.log_softmax(logits, dim=1, dtype=torch.promote_types(logits.dtype, torch.float32))
    losses = -(targets * log_probs).sum(dim=1)
    count = kept.sum() if count is None else count
    return (losses * kept).sum() / count.clamp(min=1e-12)


def confidence_kld(logits: torch.Tensor, kept: torch.Tensor, count: torch.Tensor | None = None) -> torch.Tensor:
    """MRKLD: the mean of -(1/K) Σ_k ln p_k over the kept pixels (Zou et al., ICCV 2019).

    It is KL(uniform ‖ p) + ln K, so it is least, ln K, where p is uniform: it holds back the confidence that training
    on hard pseudo-labels breeds. Arguments as `soft_cross_entropy`.
    """
    uniform = torch.full((), 1 / logits.shape[1], device=logits.device).expand(logits.shape)
    return soft_cross_entropy(logits, uniform, kept, count)
