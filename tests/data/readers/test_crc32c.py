"""CRC-32C: published values, and a loop over bits."""

import numpy as np
import pytest

from seasa_da.data.readers.crc32c import SHORT, crc32c


def bitwise(data: bytes) -> int:
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = (state >> 1) ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),  # RFC 3720, B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_published_values(data, expected):
    assert crc32c(data) == expected


@pytest.mark.parametrize("size", [1, SHORT - 1, SHORT, SHORT + 1, 255, 256, 1000, 4099, 20001])
def test_lanes_give_what_a_loop_over_bits_gives(size):
    data = np.random.default_rng(size).bytes(size)
    assert crc32c(data) == bitwise(data)
    assert crc32c(memoryview(data)) == bitwise(data)


def test_leading_zeros_and_any_bit_count():
    data = bytearray(bytes(500) + b"x" * 500)
    whole = crc32c(bytes(data))
    assert whole == bitwise(bytes(data)) != crc32c(bytes(data[1:]))
    for place in (0, 250, 999):
        data[place] ^= 1
        assert crc32c(bytes(data)) != whole
        data[place] ^= 1
