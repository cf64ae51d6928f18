"""Reading NIfTI volumes where they are asked for, so that every fault of a file is one line with its name."""

from __future__ import annotations

import gzip
import tempfile
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO

import nibabel
import numpy as np
from nibabel.arrayproxy import ArrayProxy
from nibabel.filebasedimages import ImageFileError
from nibabel.openers import ImageOpener
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from seasa_da.data.readers.dicom import ADVICE, is_dicom
from seasa_da.data.readers.raw import Fault, VolumeGrid
from seasa_da.errors import UserError

IN_MEMORY_BYTES = 256 << 20
"""A zipped volume larger than this is unzipped into a temporary file."""

# The NIfTI standard's codes of spatial units; 0 is unknown.
UNIT_MM = {1: 1e3, 2: 1.0, 3: 1e-3}
AGAIN = "fetch or export it again"


class FileFault(UserError):
    """A fault of a file, as an error."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class NiftiVolume:
    """The voxels in a NIfTI file, scaled as its header says; see `seasa_da.data.case.Voxels`.

    A file that is not zipped is read in place. A zipped one is unzipped once, when its first voxels are asked for, and
    what that takes is given back with the object. An object is for one thread.

    Attributes:
        path: the file.
        shape: (X, Y, Z), or (X, Y, Z, C) of a file that holds all channels.
        grid: shape (X, Y, Z), and affine in mm whatever unit the file is in.
    """

    def __init__(self, path: Path, image: nibabel.Nifti1Image, grid: VolumeGrid) -> None:
        self.path = path
        self.shape = tuple(int(n) for n in image.shape)
        self.grid = grid
        self._stored: ArrayProxy = image.dataobj
        self._voxels: ArrayProxy | None = None

    def __getitem__(self, box: tuple[slice, ...], /) -> NDArray[np.float32]:
        """The voxels of a box, float32.

        Raises:
            FileFault: the file is truncated or damaged.
        """
        if self._voxels is None:
            spec = (self.shape, self._stored.dtype, self._stored.offset, self._stored.slope, self._stored.inter)
            self._voxels = ArrayProxy(self._file(), spec, mmap=False)
        spans = [part.indices(n)[:2] for part, n in zip(box, self.shape, strict=True)]
        if any(stop <= start for start, stop in spans):
            return np.zeros([max(0, stop - start) for start, stop in spans], dtype=np.float32)
        with self._damage_named():
            voxels = self._voxels[tuple(slice(start, stop) for start, stop in spans)]
        with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite, which is found as such
            return np.asarray(voxels, dtype=np.float32)

    def _file(self) -> IO[bytes] | str:
        """The file, or what was zipped in it."""
        needed = self._stored.offset + prod(self.shape) * self._stored.dtype.itemsize
        if self.path.suffix.lower() != ".gz":
            with self._damage_named():
                there = self.path.stat().st_size
            self._require(there, needed)
            return str(self.path)
        unzipped: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115  # lives as long as the object
        weakref.finalize(self, unzipped.close)
        there = 0
        for block in self._blocks():
            try:
                unzipped.write(block[: max(0, needed - there)])
            except OSError as error:
                what = (
                    f"cannot be unzipped into {tempfile.gettempdir()}: {_reason(error)}; set TMPDIR to another folder"
                )
                raise FileFault(Fault(self.path, what)) from error
            there += len(block)
        self._require(there, needed)
        return unzipped

    def _blocks(self) -> Iterator[bytes]:
        """What is zipped in the file, to its end, where the checksum is."""
        with self._damage_named(), gzip.open(self.path) as file:
            while block := file.read(1 << 20):
                yield block

    def _require(self, there: int, needed: int) -> None:
        if there < needed:
            raise FileFault(Fault(self.path, f"is truncated or damaged ({there:,} of {needed:,} bytes); {AGAIN}"))

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except DAMAGE as error:
            raise FileFault(Fault(self.path, f"is truncated or damaged ({_reason(error)}); {AGAIN}")) from error


def open_volume(path: Path, channels: int = 1) -> NiftiVolume:
    """Open a file and check its header.

    Args:
        path: the file.
        channels: that the file holds: several are 4D, (X, Y, Z, C).

    Raises:
        FileFault: unreadable, not NIfTI, not of those dimensions, empty, or without a usable orientation. A file that
            names no unit is taken to be in mm.
    """
    volume, faults = inspect_volume(path, channels)
    for fault in faults:
        if fault.kind != "units":
            raise FileFault(fault)
    assert volume is not None
    return volume


def read_grid(path: Path, channels: int = 1) -> VolumeGrid:
    """Shape and affine of the volume in `path`, from its header; see `open_volume`."""
    return open_volume(path, channels).grid


def inspect_volume(path: Path, channels: int = 1) -> tuple[NiftiVolume | None, list[Fault]]:
    """A file with all faults of its header; `None` if it has no voxels that can be looked at.

    Args:
        path, channels: see `open_volume`.
    """
    try:
        image = _open(path)
    except FileFault as error:
        return None, [error.fault]
    shape = tuple(int(n) for n in image.shape)
    faults = [Fault(path, what) for what in _faults_of_shape(shape, channels)]
    dtype = image.header.get_data_dtype()
    plain = dtype.fields is None and dtype.kind in "buif"
    if not plain:
        faults.append(Fault(path, f"holds {dtype} voxels; save it as a volume of plain numbers"))
    code = int(image.header["xyzt_units"]) & 7
    affine = np.diag([*[UNIT_MM.get(code, 1.0)] * 3, 1.0]) @ np.asarray(image.affine, dtype=np.float64)
    faults += [Fault(path, what) for what in _faults_of_sizes(path, image) or faults_of_affine(affine)]
    if code not in UNIT_MM:
        what = "names no unit of its voxel sizes; if they are in mm, set that in the file or say --assume-mm"
        faults.append(Fault(path, what, kind="units"))
    if not plain or len(shape) not in (3, 4) or min(shape) < 1:
        return None, faults
    return NiftiVolume(path, image, VolumeGrid((shape[0], shape[1], shape[2]), affine)), faults


# What nibabel, gzip and zlib raise on a file that ends early or whose content does not fit its header.
DAMAGE = (OSError, EOFError, ValueError, zlib.error)


def _open(path: Path) -> nibabel.Nifti1Image:
    try:
        with path.open("rb") as file:  # nibabel does not tell a file that it may not read from one of another kind
            empty = not file.read(1)
    except FileNotFoundError:
        what = "is a broken link; point it to its file" if path.is_symlink() else "does not exist"
        raise FileFault(Fault(path, what)) from None
    except OSError as error:
        raise FileFault(Fault(path, f"cannot be read: {_reason(error)}; {AGAIN}")) from error
    if empty:
        raise FileFault(Fault(path, f"is empty: it has 0 bytes; {AGAIN}"))
    try:
        image = nibabel.load(path, mmap=False)
    except EOFError as error:
        raise FileFault(Fault(path, f"is truncated ({_reason(error)}); {AGAIN}")) from error
    except OSError as error:
        # gzip's "not a gzipped file" and a failed checksum are OSErrors without a number of the system's
        action = "cannot be read" if error.errno else "is not a NIfTI file, or damaged"
        raise FileFault(Fault(path, f"{action}: {_reason(error)}; {AGAIN}")) from error
    except (ImageFileError, HeaderDataError, ValueError, zlib.error) as error:
        if why := _fault_of_zip(path):
            raise FileFault(Fault(path, f"{why}; {AGAIN}")) from error
        if is_dicom(path):
            raise FileFault(Fault(path, f"is DICOM, not NIfTI; {ADVICE}")) from error
        # nibabel's "cannot work out file type" says no more than the line does
        reason = "" if isinstance(error, ImageFileError) else f" ({_reason(error)})"
        what = f"is not a NIfTI file{reason}; {AGAIN}, or convert it (DICOM: dcm2niix)"
        raise FileFault(Fault(path, what)) from error
    if not isinstance(image, nibabel.Nifti1Image | nibabel.Nifti2Image):
        raise FileFault(Fault(path, f"is not a NIfTI file but {type(image).__name__}; convert it to .nii.gz"))
    return image


def _fault_of_zip(path: Path) -> str | None:
    """Why a zipped file cannot be unzipped: nibabel then cannot tell its type and says only that."""
    try:
        with gzip.open(path) as file:
            while file.read(1 << 20):
                pass
    except EOFError:
        return "is truncated"
    except (OSError, zlib.error) as error:
        return None if "gzipped" in str(error) else f"is truncated or damaged ({_reason(error)})"
    return None


def _faults_of_shape(shape: tuple[int, ...], channels: int) -> list[str]:
    faults = []
    if not shape or min(shape) < 1:
        faults.append(f"is empty: its shape is {shape}; {AGAIN}")
    if channels == 1 and len(shape) != 3:
        faults.append(f"is {len(shape)}D with shape {shape}; a case must be one 3D volume")
    if channels > 1 and (len(shape) != 4 or shape[3] != channels):
        faults.append(f"has shape {shape}; it must be 4D with {channels} channels, (X, Y, Z, {channels})")
    return faults


def _faults_of_sizes(path: Path, image: nibabel.Nifti1Image) -> list[str]:
    """Voxel sizes as they are in the file: what nibabel reads has 1 for 0."""
    with ImageOpener(path) as file:
        stored = type(image.header).from_fileobj(file, check=False)
    sizes = np.asarray(stored["pixdim"][1:4], dtype=np.float64)
    if np.isfinite(sizes).all() and (sizes != 0).all():
        return []
    return [f"has a voxel size of 0 or none ({', '.join(f'{size:g}' for size in sizes)}); set it in the file"]


def faults_of_affine(affine: NDArray[np.float64]) -> list[str]:
    """What is wrong with an affine in mm, of which at most one thing can be told."""
    if not np.isfinite(affine).all():
        return ["has NaN in its affine; set its orientation (sform or qform) again"]
    columns = np.linalg.norm(affine[:3, :3], axis=0)
    if (columns <= 0).any():
        return [f"has a voxel size of 0 ({', '.join(f'{s:g}' for s in columns)} mm); set it in the file"]
    if abs(np.linalg.det(affine[:3, :3] / columns)) < 1e-3:
        return ["has an affine whose axes fall together; set its orientation (sform or qform) again"]
    return []


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.split()).rstrip(".")
