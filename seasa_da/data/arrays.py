"""The store's arrays on disk: ordinary `.npy` files, written in pieces and opened without a copy."""

from __future__ import annotations

import hashlib
import io
import mmap
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from seasa_da.data.intensity import to_range
from seasa_da.errors import UserError

BLOCK_BYTES = 8 << 20
BROKEN_HEADERS = (ValueError, TypeError, KeyError, EOFError, OverflowError, RecursionError, SyntaxError, TokenError)
"""What NumPy raises for headers that were damaged: it reads them as Python's literals."""


@dataclass(frozen=True)
class FileRecord:
    """What the manifest says of an array's file."""

    sha256: str
    bytes: int
    shape: tuple[int, ...]
    dtype: str


class ArrayWriter:
    """A `.npy` file whose rows are written in any order, from any thread.

    Plain writes rather than a memory map: on a full disk a write raises, a page of a map kills the process.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self.path = path
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.row_bytes = int(np.prod(shape[1:])) * self.dtype.itemsize
        self._lock = threading.Lock()
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"descr": np.lib.format.dtype_to_descr(self.dtype), "fortran_order": False, "shape": shape}
        )
        self.header = header.getvalue()
        self._file = path.open("w+b")
        self._file.write(self.header)

    def __enter__(self) -> ArrayWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, start: int, rows: NDArray[np.generic]) -> None:
        """Write `rows` (n, …) as rows `start` to `start + n`."""
        if rows.shape[1:] != self.shape[1:] or start + len(rows) > self.shape[0]:
            raise ValueError(f"rows {rows.shape} at {start} do not fit {self.path.name} of shape {self.shape}")
        content = np.ascontiguousarray(rows, dtype=self.dtype).data.cast("B")
        with self._lock:
            self._file.seek(len(self.header) + start * self.row_bytes)
            self._file.write(content)

    def finish(self) -> FileRecord:
        """Close the file; returns its record."""
        digest = hashlib.sha256(self.header)
        self._file.seek(len(self.header))
        while content := self._file.read(BLOCK_BYTES):
            digest.update(content)
        self._file.close()
        size = len(self.header) + self.shape[0] * self.row_bytes
        return FileRecord(digest.hexdigest(), size, self.shape, self.dtype.str)


class ScaledImages:
    """Slices (S, C, H, W) float32 in [-1, 1]: the stored ones, mapped to that range where they are asked for.

    Indexed along S by a whole number, a slice or an array of numbers; further axes as NumPy does. `np.asarray` gives
    all.

    Args:
        stored: (S, C, H, W), scaled by each volume's rule; may be memory-mapped.
        lo, hi: the values of each channel that become -1 and 1.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, stored: NDArray[np.float32], lo: Sequence[float], hi: Sequence[float]) -> None:
        self.stored = stored
        self.lo, self.hi = (np.array(bounds, dtype=np.float64).reshape(-1, 1, 1) for bounds in (lo, hi))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stored.shape

    def __len__(self) -> int:
        return len(self.stored)

    def __getitem__(self, index: Any) -> NDArray[np.float32]:
        first, *rest = index if isinstance(index, tuple) else (index,)
        stored = np.asarray(self.stored)  # a memory map makes a map of each row
        rows = range(*first.indices(len(self))) if isinstance(first, slice) else np.asarray(first)
        if isinstance(rows, np.ndarray) and (rows.ndim != 1 or rows.dtype == np.bool_):
            images = to_range(stored[first], self.lo, self.hi)
        else:
            images = np.empty((len(rows), *self.shape[1:]), self.dtype)
            for row, image in zip(rows, images, strict=True):  # a slice at a time stays in the processor's cache
                to_range(stored[row], self.lo, self.hi, out=image)
        further = (*(slice(None),) * (images.ndim - 3), *rest)  # after the axes of `first`
        return images[further]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray:
        return np.asarray(self[:], dtype=dtype)


def read_ahead(array: NDArray[Any] | ScaledImages, rows: Iterable[int]) -> None:
    """Have the kernel begin to read `rows` from the disk, all at once, unless they are in memory; returns at once.

    Copied one after the other without, each would be waited for, which from a cold cache is slower
    (docs/performance.md). Of an array that is no memory map, nothing has to be read.
    """
    stored = array.stored if isinstance(array, ScaledImages) else array
    if not isinstance(stored, np.memmap) or not isinstance(stored.base, mmap.mmap):
        return
    row_bytes = int(np.prod(stored.shape[1:])) * stored.itemsize
    first = stored.offset % mmap.ALLOCATIONGRANULARITY  # of the array in its map
    for row in rows:
        start = first + int(row) * row_bytes
        page = start // mmap.PAGESIZE * mmap.PAGESIZE
        stored.base.madvise(mmap.MADV_WILLNEED, page, start + row_bytes - page)


def open_array(path: Path, record: FileRecord) -> np.memmap:
    """Memory-map a store's array for reading, after checking its size and header against the manifest.

    Raises:
        UserError: missing, of another size, or with another header.
    """
    advice = "prepare the store again"
    try:
        size = path.stat().st_size
        if size != record.bytes:
            raise UserError(f"{path} has {size} bytes, its manifest says {record.bytes}; {advice}")
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path} is missing; {advice}") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}; {advice}") from error
    except BROKEN_HEADERS as error:
        raise UserError(f"{path} is not a NumPy array ({' '.join(str(error).split())}); {advice}") from error
    if not isinstance(array, np.memmap) or array.shape != record.shape or array.dtype.str != record.dtype:
        raise UserError(
            f"{path} holds {array.shape} {array.dtype.str}, its manifest says {record.shape} {record.dtype}; {advice}"
        )
    if not array.flags.c_contiguous:
        raise UserError(f"{path} is in Fortran order, which this store's format does not use; {advice}")
    return array
