"""The one door to a store's labels.

Only `seasa_da/data/datasets.py` (for the source, and for the upper bound that is marked oracle everywhere),
`seasa_da/evaluation/`, and `seasa_da/data/reuse.py` (which copies them from a store into the next one) may import
`open_labels`. No training code for a target may, and a test says so.
"""

from __future__ import annotations

import numpy as np

from seasa_da.data.arrays import open_array
from seasa_da.data.store import SliceStore, file_name


def labels_exist(store: SliceStore, domain: str, split: str) -> bool:
    """Whether a split has labels: listed in the manifest, and the file not deleted since."""
    listed = store.record(domain, split, "labels") is not None
    return listed and (store.path / domain / file_name(split, "labels")).exists()


def open_labels(store: SliceStore, domain: str, split: str) -> np.memmap | None:
    """The labels (S, H, W) uint8 of a split, mapped read-only: 0 background, i + 1 the domain's `label_names[i]`.

    Returns:
        `None` when the store was prepared without labels for this split, or when their file was deleted.

    Raises:
        UserError: unknown domain or split; the file is there but not what the manifest says.
    """
    record = store.record(domain, split, "labels")
    path = store.path / domain / file_name(split, "labels")
    if record is None or not path.exists():
        return None
    return open_array(path, record)
