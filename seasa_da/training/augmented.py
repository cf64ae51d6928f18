"""The training augmentation of a batch, on its device."""

from __future__ import annotations

from torch import Tensor

from seasa_da.augment import apply_affine


def augmented(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Apply the affine transformations that the loader drew, on the batch's own device."""
    batch = dict(batch)
    batch["src_imgs"], labels = apply_affine(batch["src_imgs"], batch.pop("src_theta"), batch["src_labels"])
    assert labels is not None
    batch["src_labels"] = labels.long()
    if "target_imgs" in batch:
        batch["target_imgs"], _ = apply_affine(batch["target_imgs"], batch.pop("target_theta"))
    return batch
