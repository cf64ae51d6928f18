"""Going through a volume in pieces of bounded size, whatever the volume's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from math import prod

import numpy as np
from numpy.typing import NDArray

from seasa_da.data.case import Voxels

PIECE_BYTES = 32 << 20


def slabs(shape: tuple[int, ...], itemsize: int = 4, most_bytes: int = PIECE_BYTES) -> Iterator[tuple[slice, ...]]:
    """Boxes that make up a volume: slabs across its last axis, in the order in which NIfTI files hold their voxels.

    Where a single slice of the last axis is too large, it comes in slabs across the axis before, and so on: laid end to
    end in Fortran order, the boxes' voxels are the volume's.

    Args:
        shape: of the volume.
        itemsize: bytes a voxel.
        most_bytes: of a box.
    """
    if not shape:
        yield ()
        return
    *front, last = (int(n) for n in shape)
    slice_bytes = prod(front) * itemsize
    if slice_bytes > most_bytes and front:
        for start in range(last):
            for box in slabs(tuple(front), itemsize, most_bytes):
                yield (*box, slice(start, start + 1))
        return
    step = max(1, most_bytes // max(1, slice_bytes))
    for start in range(0, last, step):
        yield (*(slice(0, n) for n in front), slice(start, min(start + step, last)))


class ContentHash:
    """SHA-256 over a volume's shape and its voxels as float32 in Fortran order, whatever the pieces they come in.

    Args:
        shape: of the volume.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._digest = hashlib.sha256(repr(tuple(int(n) for n in shape)).encode())

    def add(self, piece: NDArray) -> None:
        """Add the voxels of the next of `slabs(shape)`."""
        self._digest.update(np.asarray(piece, dtype="<f4").tobytes(order="F"))

    def hexdigest(self) -> str:
        """Of all that was added."""
        return self._digest.hexdigest()


def content_hash(voxels: Voxels) -> str:
    """`ContentHash` of a volume: two cases with the same one are the same volume."""
    content = ContentHash(voxels.shape)
    for box in slabs(voxels.shape):
        content.add(voxels[box])
    return content.hexdigest()
