"""Pieces of a volume, and the hash of what is in it."""

import hashlib

import numpy as np
import pytest

from seasa_da.data import voxels
from seasa_da.data.voxels import ContentHash, content_hash, slabs

SHAPES = [(7,), (4, 5), (2, 5, 3, 4), (1, 6, 7, 1), (3, 0, 2)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("most_bytes", [1, 4, 36, 100, 1 << 20])
def test_slabs_are_the_volume_in_fortran_order_and_bounded(shape, most_bytes):
    volume = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    pieces = [volume[box] for box in slabs(shape, 4, most_bytes)]
    flat = [piece.ravel(order="F") for piece in pieces]
    assert np.array_equal(np.concatenate([*flat, np.empty(0)]), volume.ravel(order="F"))
    assert all(piece.nbytes <= max(4, most_bytes) for piece in pieces)


def test_slabs_by_hand():
    assert list(slabs((2, 3, 5), 4, 48)) == [
        (slice(0, 2), slice(0, 3), slice(0, 2)),
        (slice(0, 2), slice(0, 3), slice(2, 4)),
        (slice(0, 2), slice(0, 3), slice(4, 5)),
    ]
    assert list(slabs((2, 2, 2), 4, 8)) == [
        (slice(0, 2), slice(y, y + 1), slice(z, z + 1)) for z in range(2) for y in range(2)
    ]


def test_the_hash_is_of_shape_and_voxels_whatever_the_pieces_type_and_order(monkeypatch):
    volume = np.random.default_rng(0).integers(-99, 99, (2, 5, 4, 3)).astype(np.float32)
    expected = hashlib.sha256(b"(2, 5, 4, 3)" + volume.tobytes(order="F")).hexdigest()
    assert content_hash(volume) == content_hash(np.asfortranarray(volume)) == expected
    assert content_hash(volume.astype(np.int16)) == content_hash(volume.astype(">f8")) == expected
    for most in (1, 40, 200):
        content = ContentHash(volume.shape)
        for box in slabs(volume.shape, 4, most):
            content.add(volume[box])
        assert content.hexdigest() == expected
    assert content_hash(volume.reshape(2, 5, 3, 4)) != expected
    changed = volume.copy()
    changed[1, 4, 3, 2] += 1
    assert content_hash(changed) != expected


def test_a_shape_of_numpys_numbers_hashes_alike():
    volume = np.ones((1, 2, 3, 4), dtype=np.float32)
    content = ContentHash(tuple(np.int64(n) for n in volume.shape))
    content.add(volume)
    assert content.hexdigest() == content_hash(volume)


def test_pieces_are_smaller_than_a_volume_of_512_by_512_by_600():
    boxes = list(slabs((1, 512, 512, 600)))
    assert boxes[0][-1] == slice(0, voxels.PIECE_BYTES // (512 * 512 * 4))
    assert boxes[-1][-1].stop == 600
