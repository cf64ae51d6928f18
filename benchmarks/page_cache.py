"""Which pages of files the kernel keeps in memory, and having it drop them."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def forget(folder: Path, maps: Sequence[np.memmap] = ()) -> None:
    """Have the kernel drop the files' pages, which are on the disk by now. Raises `SystemExit` where it does not."""
    for each in maps:
        each._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]  # mapped pages would stay
    for path in folder.rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            os.fsync(file)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)
    for each in maps:
        if resident(each) > 0.05:
            raise SystemExit("the kernel keeps the store's pages; its cold figures would be warm ones")


def resident(array: np.memmap) -> float:
    """The share of a map's pages that are in memory, by `mincore`."""
    pages = -(-array.nbytes // mmap.PAGESIZE)
    found = (ctypes.c_ubyte * pages)()
    start = array.ctypes.data // mmap.PAGESIZE * mmap.PAGESIZE
    if ctypes.CDLL(None, use_errno=True).mincore(ctypes.c_void_p(start), ctypes.c_size_t(array.nbytes), found):
        raise OSError(ctypes.get_errno(), "mincore")
    return sum(page & 1 for page in found) / pages
