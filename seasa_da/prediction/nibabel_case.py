"""An image of nibabel's, or files, as a case without a label."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from seasa_da.data.case import Case, CaseFiles
from seasa_da.data.readers.nifti import AGAIN, DAMAGE, UNIT_MM, faults_of_affine
from seasa_da.data.readers.nifti_case import CaseForm, open_case
from seasa_da.errors import UserError

NO_AFFINE = "has no usable affine; set its orientation (sform or qform) again"


def case_of_image(image: nibabel.Nifti1Image, channels: int) -> Case:
    """A case whose voxels are the image's, in memory.

    Args:
        image: 3D, or 4D (X, Y, Z, C).
        channels: that it must have.

    Raises:
        UserError: no NIfTI image, of other dimensions, or with voxels or an affine that cannot be used.
    """
    if not isinstance(image, nibabel.Nifti1Image | nibabel.Nifti2Image):
        raise UserError(f"the image is {type(image).__name__}; give a nibabel.Nifti1Image")
    shape = image.shape
    if (
        min(shape, default=0) < 1
        or len(shape) != (3 if channels == 1 else 4)
        or (channels > 1 and shape[3] != channels)
    ):
        wanted = "3D" if channels == 1 else f"4D with {channels} channels, (X, Y, Z, {channels})"
        raise UserError(f"the image has shape {shape}; it must be {wanted}")
    if image.affine is None:
        raise UserError(f"the image {NO_AFFINE}")
    code = int(image.header["xyzt_units"]) & 7
    affine = np.diag([*[UNIT_MM.get(code, 1.0)] * 3, 1.0]) @ np.asarray(image.affine, dtype=np.float64)
    if faults_of_affine(affine):
        raise UserError(f"the image {NO_AFFINE}")
    dtype = image.get_data_dtype()
    if dtype.fields is not None or dtype.kind not in "buif":
        raise UserError(f"the image holds {dtype} voxels; save it as a volume of plain numbers")
    try:
        with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite, which is found as such
            voxels: NDArray[np.float32] = np.asarray(image.dataobj, dtype=np.float32)
    except DAMAGE as error:
        raise UserError(f"the image cannot be read ({' '.join(str(error).split())}); {AGAIN}") from error
    if not np.isfinite(voxels).all():
        raise UserError("the image has NaN or infinite voxels; repair it")
    return Case("image", voxels[None] if voxels.ndim == 3 else np.moveaxis(voxels, 3, 0), None, affine)


def case_of_files(name: str, files: tuple[Path, ...], channels: int) -> Case:
    """A case whose voxels are read where they are asked for: a file a channel, or one that holds all of them.

    Raises:
        UserError: a fault of a header, or files that do not fit together.
    """
    form = CaseForm(channels, {0: 0}, "nothing")
    return open_case(CaseFiles(name, files, None, None), form)
