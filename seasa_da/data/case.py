"""A patient's volume: where its files are, and what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")
MEAN = "mean"
"""What score tables call the mean over structures, so that no label may be called so."""


@dataclass(frozen=True)
class CaseFiles:
    """The files of one case. `label` is `None` where there is no label file."""

    id: str
    image: Path
    label: Path | None
    split: Split


@dataclass(frozen=True, eq=False)
class Case:
    """One volume, read and checked.

    Attributes:
        id: the patient.
        image: (X, Y, Z) float32, finite, in the file's own axes and units.
        label: (X, Y, Z) uint8, 0 background and i + 1 the reader's `label_names[i]`, or `None`.
        affine: (4, 4) from voxel index to RAS mm.
        spacing_mm: voxel size along each of the array's axes.
    """

    id: str
    image: NDArray[np.float32]
    label: NDArray[np.uint8] | None
    affine: NDArray[np.float64]
    spacing_mm: tuple[float, float, float]
