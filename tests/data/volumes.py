"""Writing small NIfTI files, and reading all of some voxels."""

from pathlib import Path

import nibabel
import numpy as np


def write_volume(path: Path, voxels: np.ndarray, affine: np.ndarray | None = None) -> None:
    """A NIfTI file in mm whose sform is `affine` (2 mm voxels by default)."""
    image = nibabel.Nifti1Image(voxels, np.diag([2.0, 2.0, 2.0, 1.0]) if affine is None else affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)


def whole(voxels) -> np.ndarray:
    """All of a case's voxels."""
    return voxels[tuple(slice(0, n) for n in voxels.shape)]
