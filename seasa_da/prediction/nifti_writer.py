"""Writing a NIfTI volume in pieces, so that it is never in memory whole."""

from __future__ import annotations

import gzip
import os
import uuid
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO

import nibabel
import numpy as np
from numpy.typing import DTypeLike, NDArray

from seasa_da.files import mark_in_use, os_errors_named

COMPRESSION = 1  # nibabel's; more takes far longer and saves little


class NiftiWriter:
    """A 3D `.nii.gz` (or `.nii`) whose voxels are written in the file's order; it appears when it is complete.

    Args:
        path: the file; an older one is replaced.
        header: see `output_header`.
    """

    def __init__(self, path: Path, header: nibabel.Nifti1Header) -> None:
        self.path = path
        self.dtype = header.get_data_dtype()
        self._left = int(np.prod(header.get_data_shape()))
        self._aside = path.parent / f".{path.name}.{uuid.uuid4().hex[:8]}.partial"
        self._stack = ExitStack()
        with os_errors_named(path, "write"), ExitStack() as stack:
            stack.callback(self._aside.unlink, missing_ok=True)
            self._raw = stack.enter_context(self._aside.open("wb"))
            mark_in_use(self._raw.fileno(), self._aside)
            self._file: IO[bytes] | gzip.GzipFile = self._raw
            if path.suffix == ".gz":
                # no name and no time in it: the same voxels give the same bytes
                self._file = stack.enter_context(gzip.GzipFile("", "wb", COMPRESSION, self._raw, mtime=0))
            self._file.write(header.binaryblock)
            self._file.write(b"\0" * (header.single_vox_offset - len(header.binaryblock)))
            self._stack = stack.pop_all()

    def __enter__(self) -> NiftiWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with os_errors_named(self.path, "write"), self._stack:
            if kind is not None:
                return
            if self._left:
                raise ValueError(f"{self.path} lacks {self._left} voxels")
            if self._file is not self._raw:
                self._file.close()
            self._raw.flush()
            os.fsync(self._raw.fileno())
            self._aside.replace(self.path)

    def write(self, voxels: NDArray) -> None:
        """Write the voxels of the next of `seasa_da.data.voxels.slabs`."""
        self._left -= voxels.size
        with os_errors_named(self.path, "write"):
            self._file.write(np.asarray(voxels, dtype=self.dtype).tobytes(order="F"))


def output_header(
    image: nibabel.Nifti1Image, shape: tuple[int, ...], dtype: DTypeLike, mark: str = ""
) -> nibabel.Nifti1Header:
    """An image's own header for a 3D volume of another type: position, its codes and units stay as they are.

    Args:
        mark: the new description; the image's own may say who the patient is, and so may its extensions.
    """
    header = image.header.as_byteswapped("<")
    header.extensions.clear()
    header.set_data_shape(shape)
    header.set_data_dtype(dtype)
    header.set_slope_inter(1, 0)
    header.set_intent("none")
    header["vox_offset"] = header.single_vox_offset
    header["cal_min"] = header["cal_max"] = 0
    header["descrip"] = mark.encode()
    return header
