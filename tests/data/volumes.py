"""Writing small NIfTI files."""

from pathlib import Path

import nibabel
import numpy as np


def write_volume(path: Path, voxels: np.ndarray, affine: np.ndarray | None = None) -> None:
    """A NIfTI file whose sform is `affine` (2 mm voxels by default)."""
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([2.0, 2.0, 2.0, 1.0]) if affine is None else affine), path)
