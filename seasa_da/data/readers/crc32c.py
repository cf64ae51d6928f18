"""CRC-32C (Castagnoli; RFC 3720, B.4), which TFRecords are checked by, in numpy.

A byte-wise loop in Python is twenty times slower. A CRC is linear over GF(2), so the data is cut into
lanes that are taken through the register side by side, four bytes a step, and neighbouring lanes are joined afterwards:
crc(ab) = shift(crc(a), length of b) ^ crc(b).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

POLYNOMIAL = 0x82F63B78  # reflected
ONES = 0xFFFFFFFF
SHORT = 64
"""Data of fewer bytes is taken a byte at a time."""

Words = NDArray[np.uint32]


def crc32c(data: bytes | memoryview) -> int:
    """The checksum of `data`.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    if len(data) < SHORT:
        return _short(bytes(data))
    words = -(-len(data) // 4)
    lanes = 1 << (words.bit_length() // 2 + 2)
    steps = -(-words // lanes)
    padded = np.zeros(4 * lanes * steps, dtype=np.uint8)
    # zeros in front leave an empty register empty; all ones to begin with is the first four bytes inverted
    start = len(padded) - len(data)
    padded[start:] = np.frombuffer(data, dtype=np.uint8)
    padded[start : start + 4] ^= 0xFF
    low, high = _word_tables()
    state = np.zeros(lanes, dtype=np.uint32)
    for column in np.ascontiguousarray(padded.view("<u4").reshape(lanes, steps).T):
        state ^= column
        state = low[state & 0xFFFF] ^ high[state >> 16]
    shift = _power(_byte_shift(), 4 * steps)
    while len(state) > 1:
        state = _apply(shift, state[0::2]) ^ state[1::2]
        shift = _apply(shift, shift)
    return int(state[0]) ^ ONES


def _short(data: bytes) -> int:
    table = _byte_table()
    state = ONES
    for byte in data:
        state = table[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state ^ ONES


@cache
def _byte_table() -> tuple[int, ...]:
    """The register after eight steps, by its lowest byte."""
    table = []
    for state in range(256):
        for _ in range(8):
            state = (state >> 1) ^ (POLYNOMIAL if state & 1 else 0)
        table.append(state)
    return tuple(table)


@cache
def _word_tables() -> tuple[Words, Words]:
    """The register after four zero bytes, by its lower and its upper half, each 65536."""
    shift = _power(_byte_shift(), 4)
    halves = np.arange(1 << 16, dtype=np.uint32)
    return _apply(shift, halves), _apply(shift, halves << np.uint32(16))


@cache
def _byte_shift() -> Words:
    """A zero byte as a linear map: what it makes of each of the register's 32 bits."""
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
    table = np.array(_byte_table(), dtype=np.uint32)
    return table[bits & 0xFF] ^ (bits >> 8)


def _power(shift: Words, times: int) -> Words:
    result = np.uint32(1) << np.arange(32, dtype=np.uint32)  # the identity
    while times:
        if times & 1:
            result = _apply(shift, result)
        shift = _apply(shift, shift)
        times >>= 1
    return result


def _apply(shift: Words, states: Words) -> Words:
    """A linear map on every register."""
    result = np.zeros_like(states)
    for bit in range(32):
        result ^= (states >> np.uint32(bit) & np.uint32(1)) * shift[bit]
    return result
