"""Asking for rows before they are copied; files and their damage are in `test_store.py`."""

import mmap
import time
from pathlib import Path

import numpy as np
import pytest

from seasa_da.data.arrays import ScaledImages, read_ahead


@pytest.fixture
def stored(tmp_path):
    """A map of 40 rows of 40 KiB and a bit, so that rows begin anywhere in a page."""
    rows = np.random.default_rng(0).random((40, 1, 101, 103), dtype=np.float32)
    np.save(tmp_path / "rows.npy", rows)
    return np.load(tmp_path / "rows.npy", mmap_mode="r")


def test_what_was_asked_for_is_in_memory_and_little_else(scripts, stored, tmp_path):
    from page_cache import forget, resident

    try:
        forget(tmp_path, [stored])
    except SystemExit:
        pytest.skip("this file system keeps its pages")
    wanted = np.array([3, 39, 20])
    read_ahead(ScaledImages(stored, [0], [1]), wanted)
    page = mmap.PAGESIZE
    for row in wanted:
        first = (stored[row].ctypes.data + page - 1) // page * page - stored.ctypes.data
        inside = np.frombuffer(stored, np.uint8, count=(stored[row].nbytes - page) // page * page, offset=first)
        deadline = time.monotonic() + 30
        while resident(inside) < 1:  # the disk is read meanwhile
            assert time.monotonic() < deadline
            time.sleep(0.001)
    assert resident(stored) < 0.9


def test_what_is_asked_for_are_the_pages_of_the_rows(stored):
    asked = []

    class Recording(mmap.mmap):
        def madvise(self, *arguments):
            asked.append(arguments)
            super().madvise(*arguments)

    with Path(stored.filename).open("rb") as file:
        pages = Recording(file.fileno(), 0, access=mmap.ACCESS_READ)
    recorded = np.ndarray.__new__(np.memmap, stored.shape, stored.dtype, buffer=pages, offset=stored.offset)
    recorded.offset = stored.offset
    read_ahead(ScaledImages(recorded, [0], [1]), np.array([39, 0, 20]))
    assert len(asked) == 3
    for row, (advice, start, length) in zip((39, 0, 20), asked, strict=True):
        first = stored.offset + row * stored[0].nbytes
        assert advice == mmap.MADV_WILLNEED
        assert start % mmap.PAGESIZE == 0
        assert first - mmap.PAGESIZE < start <= first
        assert start + length == first + stored[0].nbytes


@pytest.mark.parametrize("rows", [[0], [39], [-1 % 40, 0, 0], []])
def test_any_row_can_be_asked_for(stored, rows):
    read_ahead(stored, np.array(rows, dtype=np.int64))
    assert np.array_equal(stored[rows], np.load(stored.filename)[rows])


def test_arrays_that_are_in_memory_need_no_asking(stored):
    read_ahead(np.zeros((3, 1, 2, 2), np.float32), [0, 99])
    read_ahead(np.asarray(stored), [0, 99])
    read_ahead(stored[3:5], [0, 99])
