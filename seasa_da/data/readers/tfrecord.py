"""TFRecord files without TensorFlow.

A file is a row of records: length (uint64), masked CRC-32C of the length, data, masked CRC-32C of the data, all little
endian; the data is a `tf.train.Example` (`seasa_da.data.readers.example_proto`).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from seasa_da.data.readers.crc32c import crc32c
from seasa_da.data.readers.example_proto import Feature, NoExample, Span, parse_example, read_span
from seasa_da.errors import UserError

MASK = 0xA282EAD8
ZIPPED = (b"\x1f\x8b", b"\x78\x9c")  # how gzip's and zlib's files begin


class _Damaged(Exception):
    """What is wrong with a record."""


def read_examples(path: Path, *, only: str = "", check: bool = True) -> list[dict[str, Feature]]:
    """The features of every record of a file, by name.

    Args:
        path: the file.
        only: features whose names begin so; what others hold is not read.
        check: whether to check the data's checksum, for which every byte is read; all lengths are checked anyway.

    Raises:
        UserError: unreadable, not a TFRecord file, or a record that is cut short, fails its checksum or is no Example,
            with the record's number, from 0.
    """
    examples: list[dict[str, Feature]] = []
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size == 0:
                raise UserError(f"{path} is empty; fetch it again")
            end = 0
            while end < size:
                data = _record(file, end, size, check)
                examples.append(parse_example(file, data, only))
                end = data[1] + 4
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror or error}; check the path and its permissions"
        ) from error
    except _Damaged as error:
        raise UserError(f"{path} record {len(examples)} {error}; fetch it again") from error
    except NoExample as error:
        raise UserError(f"{path} record {len(examples)} is no tf.train.Example: {error}; fetch it again") from error
    return examples


def masked_crc32c(data: bytes) -> int:
    """The checksum as TFRecords store it: turned and moved, as the data may hold checksums itself."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + MASK) & 0xFFFFFFFF


def _record(file: BinaryIO, start: int, size: int, check: bool) -> Span:
    """The data of the record at `start` in a file of `size` bytes."""
    head = read_span(file, (start, start + 12))
    if len(head) < 12:
        raise _Damaged(f"is cut short: {len(head)} of the 12 bytes of its head are there")
    if masked_crc32c(head[:8]) != struct.unpack("<I", head[8:])[0]:
        zipped = " (it is compressed: unzip it)" if start == 0 and head[:2] in ZIPPED else ""
        raise _Damaged(f"has a head that fails its checksum, so it is damaged or no TFRecord{zipped}")
    data = start + 12, start + 12 + struct.unpack("<Q", head[:8])[0]
    if data[1] + 4 > size:
        raise _Damaged(f"is cut short: {size - start} of its {data[1] + 4 - start} bytes are there")
    if check and struct.pack("<I", masked_crc32c(read_span(file, data))) != read_span(file, (data[1], data[1] + 4)):
        raise _Damaged("fails its checksum, so it is damaged")
    return data
