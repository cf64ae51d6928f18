"""Maps of a whole volume on disk: they may be larger than the memory."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from seasa_da.data.slice_grid import Box
from seasa_da.files import os_errors_named

DTYPE = np.dtype(np.float16)


class DiskSlices:
    """An array (S, K, H, W) float16 in a temporary file that has no name, so that it is gone with the process.

    Plain reads and writes rather than a memory map: on a full disk a write raises, a page of a map kills the process;
    and what was read is no part of the process's memory.

    Args:
        shape: (S, K, H, W).
        folder: where the file lies; by default the system's folder of temporary files.
    """

    def __init__(self, shape: tuple[int, int, int, int], folder: Path | None = None) -> None:
        self.shape = shape
        self.folder = Path(tempfile.gettempdir()) if folder is None else folder
        with os_errors_named(self.folder, "make a temporary file in"):
            self._file = tempfile.TemporaryFile(dir=self.folder, buffering=0)  # noqa: SIM115  # closed by __exit__

    def __enter__(self) -> DiskSlices:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, start: int, maps: NDArray[np.float16]) -> None:
        """Write the slices `start` to `start + n` (n, K, H, W)."""
        if maps.shape[1:] != self.shape[1:] or start + len(maps) > self.shape[0]:
            raise ValueError(f"maps {maps.shape} at {start} do not fit {self.shape}")
        content = np.ascontiguousarray(maps, dtype=DTYPE).data.cast("B")
        place = start * int(np.prod(self.shape[1:])) * DTYPE.itemsize
        with os_errors_named(self.folder, "write a temporary file in"):
            while content:
                done = os.pwrite(self._file.fileno(), content, place)
                content, place = content[done:], place + done

    def read(self, box: Box) -> NDArray[np.float32]:
        """The maps (K, s, h, w) float32 of a box of (S, H, W)."""
        slices, rows, columns = box
        _, maps, height, width = self.shape
        out = np.empty((maps, *(part.stop - part.start for part in box)), dtype=np.float32)
        count = out.shape[2] * width
        for s in range(slices.start, slices.stop):
            for k in range(maps):
                place = ((s * maps + k) * height + rows.start) * width * DTYPE.itemsize
                with os_errors_named(self.folder, "read a temporary file in"):
                    content = os.pread(self._file.fileno(), count * DTYPE.itemsize, place)
                whole = np.frombuffer(content, dtype=DTYPE).reshape(-1, width)
                out[k, s - slices.start] = whole[:, columns]
        return out
