"""The store's arrays on disk: ordinary `.npy` files, written in pieces and opened without a copy."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import DTypeLike, NDArray

from seasa_da.errors import UserError

BLOCK_BYTES = 8 << 20


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

    def finish(self, change: Callable[[NDArray], NDArray] | None = None) -> FileRecord:
        """Close the file after `change` was applied to all rows, a block at a time; returns its record."""
        digest = hashlib.sha256(self.header)
        step = max(1, BLOCK_BYTES // max(1, self.row_bytes))
        for start in range(0, self.shape[0], step):
            count = min(step, self.shape[0] - start)
            place = len(self.header) + start * self.row_bytes
            self._file.seek(place)
            content: bytes | memoryview = self._file.read(count * self.row_bytes)
            if change is not None:
                rows = np.frombuffer(content, dtype=self.dtype).reshape(count, *self.shape[1:])
                content = np.ascontiguousarray(change(rows), dtype=self.dtype).data.cast("B")
                self._file.seek(place)
                self._file.write(content)
            digest.update(content)
        self._file.close()
        size = len(self.header) + self.shape[0] * self.row_bytes
        return FileRecord(digest.hexdigest(), size, self.shape, self.dtype.str)


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
    except (ValueError, EOFError) as error:
        raise UserError(f"{path} is not a NumPy array ({' '.join(str(error).split())}); {advice}") from error
    if not isinstance(array, np.memmap) or array.shape != record.shape or array.dtype.str != record.dtype:
        raise UserError(
            f"{path} holds {array.shape} {array.dtype.str}, its manifest says {record.shape} {record.dtype}; {advice}"
        )
    if not array.flags.c_contiguous:
        raise UserError(f"{path} is in Fortran order, which this store's format does not use; {advice}")
    return array
