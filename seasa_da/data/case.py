"""A patient's volume: where its files are, and what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")
Axis = Literal["axial", "coronal", "sagittal"]
"""Which slices a volume is cut into."""
AXES: tuple[Axis, ...] = ("axial", "coronal", "sagittal")
Intensities = tuple[float, float, float]
"""1st, 50th and 99th percentile of a channel's voxels in the crop, in the file's units."""
MEAN = "mean"
"""What score tables call the mean over structures, so that no label may be called so."""
IGNORED = 255
"""The label value of voxels that are neither learnt from nor scored; structures have 1 to 254."""


@dataclass(frozen=True)
class CaseFiles:
    """The files of one case.

    Attributes:
        id: the patient.
        images: one file a channel, in the order of the domain's channels, or one that holds them all.
        label: `None` where there is no label file.
        split: where the case belongs unless the user says otherwise; `None`: it is left out.
        home: the split whose folder it lies in. When the user names the test cases, the rest of the cases at home in
            "train" is for training, the rest of those at home in "test" is left out.
    """

    id: str
    images: tuple[Path, ...]
    label: Path | None
    split: Split | None
    home: Split = "train"

    @property
    def image(self) -> Path:
        """The first image file, by which the case is named to users."""
        return self.images[0]

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files."""
        return (*self.images, self.label) if self.label else self.images


class Voxels(Protocol):
    """Voxels that are read where they are asked for; an array is one, too."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all voxels."""

    def __getitem__(self, box: tuple[slice, ...], /) -> NDArray:
        """The voxels of a box: a slice without a step for every axis."""


@dataclass(frozen=True, eq=False)
class Case:
    """One volume, opened and checked.

    Attributes:
        id: the patient.
        image: (C, X, Y, Z) float32, finite, in the file's own axes and units.
        label: (X, Y, Z) uint8, 0 background, i + 1 the reader's `label_names[i]`, `IGNORED`; or `None`.
        affine: (4, 4) from voxel index to RAS mm.
    """

    id: str
    image: Voxels
    label: Voxels | None
    affine: NDArray[np.float64]

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size along each of the volume's axes."""
        x, y, z = ((self.affine[:3, :3] ** 2).sum(axis=0) ** 0.5).tolist()
        return x, y, z
