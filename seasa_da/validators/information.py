"""Information maximisation that is right for dense outputs."""

from __future__ import annotations

from pytorch_adapt.layers.entropy_loss import EntropyLoss
from pytorch_adapt.validators import BaseValidator
from torch import Tensor


class DenseIMValidator(BaseValidator):
    """-KL(mean prediction || source's label frequencies) - mean entropy, nats: certain, and of the expected sizes.

    For classification one rewards the entropy of the mean prediction (Shi & Sha, ICML 2012; pytorch-adapt's
    `IMValidator`): all classes alike. Pixels are not alike: where background is 95 % of a slice, that rewards a
    network which calls far too much of it a structure. What is known of the sizes without target labels is the
    source's label frequencies. With equal frequencies this is `IMValidator`'s score less ln K.

    Takes `target_train` with `logits` `(P, K)` and `src_train` with `prior` `(K,)`, which sums to 1.
    """

    def compute_score(self, target_train: dict[str, Tensor], src_train: dict[str, Tensor]) -> float:
        logits = target_train["logits"]
        prior = src_train["prior"].to(logits.device).clamp(min=1e-6)
        mean = logits.softmax(dim=1).mean(dim=0)
        divergence = (mean * (mean.clamp(min=1e-12).log() - prior.log())).sum()
        return float(-divergence - EntropyLoss()(logits))
