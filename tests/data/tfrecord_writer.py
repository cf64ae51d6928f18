"""Writing TFRecord files of `tf.train.Example`s, every byte by hand."""

import struct
from pathlib import Path

from seasa_da.data.readers.tfrecord import masked_crc32c


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; negative numbers as 64-bit two's complement, so ten bytes."""
    value %= 1 << 64
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, data: bytes) -> bytes:
    """A field of a string or message."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def int64s(*values: int, packed: bool = True) -> bytes:
    """A Feature."""
    if packed:
        return field(3, field(1, b"".join(varint(value) for value in values)))
    return field(3, b"".join(varint(1 << 3) + varint(value) for value in values))


def floats(*values: float, packed: bool = True) -> bytes:
    """A Feature."""
    if packed:
        return field(2, field(1, struct.pack(f"<{len(values)}f", *values)))
    return field(2, b"".join(varint(1 << 3 | 5) + struct.pack("<f", value) for value in values))


def strings(*values: bytes) -> bytes:
    """A Feature."""
    return field(1, b"".join(field(1, value) for value in values))


def example(**features: bytes) -> bytes:
    """An Example of the features."""
    entries = (field(1, field(1, name.encode()) + field(2, feature)) for name, feature in features.items())
    return field(1, b"".join(entries))


def record(data: bytes) -> bytes:
    """The data with its length and checksums."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data))


def write_records(path: Path, *records: bytes) -> None:
    """A file of the records' data."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(record(data) for data in records))
