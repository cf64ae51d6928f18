"""numpy's `.npy` and `.npz` files: nothing is unpickled, and nothing is read that its header does not fit."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from seasa_da.errors import UserError


def read_array(path: Path, member: str | None = None) -> NDArray[np.float32]:
    """The array of numbers in a `.npy` file, or of that name in a `.npz` file, as float32.

    Raises:
        UserError: unreadable, damaged, not of that kind, without that member, or not of plain numbers.
    """
    with _opened(path, member) as (file, size):
        shape, fortran, dtype = _header(file, size)
        values = np.frombuffer(file.read(), dtype=dtype)
        return values.reshape(shape, order="F" if fortran else "C").astype(np.float32)


def read_shape(path: Path, member: str | None = None) -> tuple[int, ...]:
    """The shape that the array's header says. Raises `UserError` as `read_array`."""
    with _opened(path, member) as (file, size):
        return _header(file, size)[0]


@contextmanager
def _opened(path: Path, member: str | None) -> Iterator[tuple[IO[bytes], int]]:
    """The array's file, and how many bytes it has."""
    try:
        if member is None:
            with path.open("rb") as plain:
                size = plain.seek(0, 2)
                plain.seek(0)
                yield plain, size
            return
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(f"{member}.npy")
            with archive.open(info) as packed:
                yield packed, info.file_size
    except KeyError as error:
        raise UserError(f"{path} has no array {member}; it must have arr_0, the image, and arr_1, the label") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        kind = ".npy" if member is None else ".npz"
        raise UserError(f"{path} is damaged or no {kind} file ({_reason(error)}); fetch it again") from error
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror or error}; check the path and its permissions"
        ) from error


def _header(file: IO[bytes], size: int) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether in Fortran order, and type; `ValueError` for what cannot be read."""
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version} of the format")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if dtype.kind not in "biuf":
        raise ValueError(f"its values are {'Python objects' if dtype.hasobject else dtype}, not numbers")
    left, needed = size - file.tell(), prod(shape) * dtype.itemsize
    if left != needed:
        raise ValueError(f"{left} bytes for a shape of {shape}, which needs {needed}")
    return shape, fortran, dtype


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
