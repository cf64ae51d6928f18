"""Pseudo-labels of class-balanced self-training, hard (CBST, MRKLD) or soft (LRENT)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F


class PseudoLabels(NamedTuple):
    """`probs` `(N, K)` or `(N, K, H, W)`, a distribution where `kept` `(N,)` or `(N, H, W)` is true, else 0."""

    probs: torch.Tensor
    kept: torch.Tensor


def hard_pseudo_labels(logits: torch.Tensor, thresholds: torch.Tensor) -> PseudoLabels:
    """One-hot at k* = argmax_k p_k/λ_k, kept iff p_k*/λ_k* ≥ 1 (Zou et al., ECCV 2018).

    It minimises -Σ_k ŷ_k ln(p_k/λ_k) over one-hot ŷ and ŷ = 0.

    Args:
        logits: `(N, K)` or `(N, K, H, W)`, of the network that labels.
        thresholds: λ `(K,)`, positive.
    """
    probs = F.softmax(logits, dim=1, dtype=_single(logits))
    ratio, label = (probs / _along_classes(thresholds, probs)).max(dim=1)
    kept = ratio >= 1
    one_hot = F.one_hot(label, probs.shape[1]).movedim(-1, 1).to(probs.dtype)
    return PseudoLabels(one_hot * kept.unsqueeze(1), kept)


def soft_pseudo_labels(logits: torch.Tensor, thresholds: torch.Tensor, alpha: float) -> PseudoLabels:
    """LRENT: ŷ_k = (p_k/λ_k)^{1/α} / Z with Z = Σ_j (p_j/λ_j)^{1/α}, kept iff Z > 1 (Zou et al., ICCV 2019).

    It minimises -Σ_k ŷ_k ln(p_k/λ_k) + α Σ_k ŷ_k ln ŷ_k over the simplex; that minimum is -α ln Z, and ŷ = 0 costs 0.
    For α → 0 it tends to the hard label. With all λ = 1 and α < 1 nothing is kept.

    Args:
        logits: `(N, K)` or `(N, K, H, W)`, of the network that labels.
        thresholds: λ `(K,)`, positive.
        alpha: α, positive.
    """
    log_probs = F.log_softmax(logits, dim=1, dtype=_single(logits))
    # In the log, as (p/λ)^{1/α} overflows for a small α.
    scores = (log_probs - _along_classes(thresholds.log(), log_probs)) / alpha
    kept = scores.logsumexp(dim=1) > 0
    return PseudoLabels(scores.softmax(dim=1) * kept.unsqueeze(1), kept)


def _single(logits: torch.Tensor) -> torch.dtype:
    return torch.promote_types(logits.dtype, torch.float32)


def _along_classes(thresholds: torch.Tensor, probs: torch.Tensor) -> torch.Tensor:
    return thresholds.to(probs.dtype).view(-1, *[1] * (probs.dim() - 2))
