"""Reading NIfTI volumes so that every fault of a file is one line with its name."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from seasa_da.data.readers.raw import VolumeGrid
from seasa_da.errors import UserError


def read_grid(path: Path) -> VolumeGrid:
    """Shape and affine of the 3D volume in `path`, from its header.

    Raises:
        UserError: unreadable, truncated, not NIfTI, not 3D, empty, or without a usable orientation.
    """
    return _checked_grid(path, _open(path))


def read_volume(path: Path) -> tuple[NDArray[np.float32], VolumeGrid]:
    """The voxels (X, Y, Z) float32, scaled as the header says, and their grid.

    Raises:
        UserError: as `read_grid`, and for NaN or infinite voxels.
    """
    image = _open(path)
    grid = _checked_grid(path, image)
    try:
        voxels = np.asanyarray(image.dataobj)
        if np.iscomplexobj(voxels) or voxels.dtype.fields is not None:
            raise UserError(f"{path} holds {voxels.dtype} voxels; save it as a volume of plain numbers")
        voxels = np.ascontiguousarray(voxels, dtype=np.float32)
    except _DAMAGE as error:
        raise UserError(f"{path} is truncated or damaged ({_reason(error)}); fetch or export it again") from error
    if not np.isfinite(voxels).all():
        raise UserError(f"{path} has NaN or infinite voxels; repair the file or take the case out of the folder")
    return voxels, grid


# What nibabel, gzip and zlib raise on a file that ends early or whose content does not fit its header.
_DAMAGE = (OSError, EOFError, ValueError, zlib.error)


def _open(path: Path) -> nibabel.Nifti1Image:
    try:
        image = nibabel.load(path)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist") from None
    except EOFError as error:
        raise UserError(f"{path} is truncated ({_reason(error)}); fetch or export it again") from error
    except OSError as error:
        # gzip's "not a gzipped file" and a failed checksum are OSErrors without a number of the system's
        action = "cannot be read" if error.errno else "is not a NIfTI file, or damaged"
        raise UserError(f"{path} {action}: {_reason(error)}; fetch or export it again") from error
    except (ImageFileError, HeaderDataError, ValueError, zlib.error) as error:
        if _ends_early(path):
            raise UserError(f"{path} is truncated; fetch or export it again") from error
        raise UserError(f"{path} is not a NIfTI file: {_reason(error)}; convert it (DICOM: dcm2niix)") from error
    if not isinstance(image, nibabel.Nifti1Image | nibabel.Nifti2Image):
        raise UserError(f"{path} is not a NIfTI file but {type(image).__name__}; convert it to .nii.gz")
    return image


def _ends_early(path: Path) -> bool:
    """Whether a zipped file stops before its end: nibabel then cannot tell its type and says only that."""
    try:
        with gzip.open(path) as file:
            while file.read(1 << 20):
                pass
    except EOFError:
        return True
    except (OSError, zlib.error):
        return False
    return path.stat().st_size == 0


def _checked_grid(path: Path, image: nibabel.Nifti1Image) -> VolumeGrid:
    shape = tuple(int(n) for n in image.shape)
    if len(shape) != 3:
        raise UserError(f"{path} is {len(shape)}D with shape {shape}; a case must be one 3D volume")
    if 0 in shape:
        raise UserError(f"{path} is empty: its shape is {shape}; fetch or export it again")
    sizes = np.asarray(image.header.get_zooms()[:3], dtype=np.float64)
    affine = np.asarray(image.affine, dtype=np.float64)
    if not np.isfinite(affine).all() or not np.isfinite(sizes).all():
        raise UserError(f"{path} has NaN in its affine; set its orientation (sform or qform) again")
    columns = np.linalg.norm(affine[:3, :3], axis=0)
    if (sizes <= 0).any() or (columns <= 0).any():
        raise UserError(f"{path} has a voxel size of 0 ({', '.join(f'{s:g}' for s in columns)} mm); set it in the file")
    if abs(np.linalg.det(affine[:3, :3] / columns)) < 1e-3:
        raise UserError(f"{path} has an affine whose axes fall together; set its orientation (sform or qform) again")
    return VolumeGrid((shape[0], shape[1], shape[2]), affine)


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.split()).rstrip(".")
