"""From a domain's own label values to the classes of a run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seasa_da.data.case import IGNORED


def label_map(label_names: Sequence[str], class_names: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Table `(256,)` from a domain's own label values to the run's, by name; what has no class becomes 0.

    `IGNORED` stays what it is.

    >>> label_map(["RV", "MYO", "AA"], ["AA", "MYO"])[[0, 1, 2, 3, 255]].tolist()
    [0, 0, 2, 1, 255]
    """
    table = np.zeros(256, dtype=np.uint8)
    for value, name in enumerate(label_names, start=1):
        if name in class_names:
            table[value] = list(class_names).index(name) + 1
    table[IGNORED] = IGNORED
    return table
