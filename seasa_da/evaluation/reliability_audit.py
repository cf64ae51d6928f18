"""How right the reliable and the unreliable masks of a run were, by the target's hidden training labels.

After training, from what every checkpoint predicted (`masks.npz`): nothing of it can reach training or the choice of a
checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from seasa_da.data.case import IGNORED
from seasa_da.data.label_map import label_map
from seasa_da.data.labels import open_labels
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError
from seasa_da.evaluation.share import share

MARK = "by the target's training labels, which no method saw"
Labels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


def audit_masks(file: Path, store: SliceStore, domain: str, class_names: Sequence[str]) -> dict[str, Any] | None:
    """The content of `reliability.json`.

    Args:
        file: a run's `masks.npz`.
        domain: the target.
        class_names: the run's classes.

    Returns:
        for every checkpoint the figures of `mask_figures` over all pixels, over the foreground (a structure in the
        reference or the prediction) and over each structure's; `None` where the target has no training labels.

    Raises:
        UserError: a damaged file, or a broken store.
    """
    labels = open_labels(store, domain, "train")
    if labels is None:
        return None
    names, updates, slices, predicted, reliable = _read(file)
    info = store.domain(domain)
    truth = label_map(info.label_names, class_names)[labels[slices]]
    places = {name: place for place, name in enumerate(class_names, start=1) if name in info.label_names}
    scored = truth != IGNORED
    found = []
    for name, update, said, mask in zip(names, updates, predicted, reliable, strict=True):
        right = said == truth

        def figures(region: Mask, right: Mask = right, mask: Mask = mask) -> dict[str, Any]:
            return mask_figures(right[region & scored], mask[region & scored])

        found.append(
            {
                "name": str(name),
                "updates": int(update),
                "all": figures(np.ones_like(scored)),
                "foreground": figures((said > 0) | (truth > 0)),
                "structures": {key: figures((said == place) | (truth == place)) for key, place in places.items()},
            }
        )
    return {"mark": MARK, "slices": len(slices), "candidates": found}


def mask_figures(right: Mask, reliable: Mask) -> dict[str, Any]:
    """What a mask is worth, from 0 to 1; `None` where there is nothing to say.

    Args:
        right: `(P,)`, whether a pixel's prediction is right.
        reliable: `(P,)`, whether it is called reliable.

    Returns:
        `reliable`, the share called so; `accuracy_reliable` and `accuracy_unreliable` inside each mask (the first is
        the precision of "reliable" as a finder of right pixels); `recall_right`, the share of the right pixels that
        are reliable; `precision_errors`, of the unreliable pixels that are wrong; `recall_errors`, of the wrong ones
        that are unreliable.
    """
    kept, sure, unsure = int(right.sum()), int(reliable.sum()), int((~reliable).sum())
    right_sure = int((right & reliable).sum())
    wrong_unsure = int((~right & ~reliable).sum())
    return {
        "pixels": len(right),
        "reliable": share(sure, len(right)),
        "accuracy_reliable": share(right_sure, sure),
        "accuracy_unreliable": share(unsure - wrong_unsure, unsure),
        "recall_right": share(right_sure, kept),
        "precision_errors": share(wrong_unsure, unsure),
        "recall_errors": share(wrong_unsure, len(right) - kept),
    }


def _read(file: Path) -> tuple[Any, Any, npt.NDArray[np.int64], Labels, Mask]:
    try:
        with np.load(file, allow_pickle=False) as masks:
            names, updates, slices = masks["names"], masks["updates"], masks["slices"]
            predicted, reliable = masks["predicted"], masks["reliable"]
    except (OSError, EOFError, BadZipFile, KeyError, ValueError) as error:
        raise UserError(f"{file} is damaged ({' '.join(str(error).split())}); finish the run again") from error
    if predicted.shape != reliable.shape or predicted.shape[:2] != (len(names), len(slices)):
        raise UserError(f"{file} is damaged (its arrays do not fit together); finish the run again")
    return names, updates, slices, predicted, reliable
