"""`tf.train.Example`, a protobuf message, without protobuf.

    Example { Features features = 1; }
    Features { map<string, Feature> feature = 1; }          an entry of the map: { string key = 1; Feature value = 2; }
    Feature { BytesList bytes_list = 1 | FloatList float_list = 2 | Int64List int64_list = 3; }
    BytesList { repeated bytes value = 1; }
    FloatList { repeated float value = 1; }
    Int64List { repeated int64 value = 1; }

A field is a tag (number << 3 | wire type) and a value. Numbers may be packed into one field or have one each. A
negative int64 is a varint of ten bytes, its two's complement.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

Feature = tuple[bytes, ...] | tuple[int, ...] | tuple[float, ...]
Span = tuple[int, int]
"""Places in the file: of the first byte, and of the one after the last."""

VARINT, EIGHT_BYTES, DELIMITED, FOUR_BYTES = 0, 1, 2, 5


class NoExample(ValueError):
    """Why bytes are no Example."""


class _Field(NamedTuple):
    number: int
    wire: int
    value: int  # of a varint
    span: Span  # of any other


def parse_example(file: BinaryIO, message: Span, only: str = "") -> dict[str, Feature]:
    """The features by name; later ones replace earlier ones of the same name.

    Args:
        file: with its size behind it: spans may not reach beyond its end.
        message: where in it.
        only: features whose names begin so; what others hold is not read.

    Raises:
        NoExample: not of the form above.
    """
    found: dict[str, Feature] = {}
    for features in _messages(file, message, 1):
        for entry in _messages(file, features, 1):
            keys = list(_messages(file, entry, 1))
            values = list(_messages(file, entry, 2))
            name = _text(read_span(file, keys[-1])) if keys else ""
            if name.startswith(only):
                found[name] = _feature(file, values[-1]) if values else ()
    return found


def read_span(file: BinaryIO, span: Span) -> bytes:
    """The bytes of a span, as far as the file goes."""
    file.seek(span[0])
    return file.read(span[1] - span[0])


def _feature(file: BinaryIO, message: Span) -> Feature:
    """The one list that a feature has."""
    values: Feature = ()
    for field in _fields(file, message, lists=3):
        if field.number == 1:
            values = tuple(read_span(file, item) for item in _messages(file, field.span, 1))
        elif field.number == 2:
            values = tuple(_floats(file, field.span))
        elif field.number == 3:
            values = tuple(_integers(file, field.span))
    return values


def _integers(file: BinaryIO, message: Span) -> Iterator[int]:
    for field in _fields(file, message):
        if field.number == 1 and field.wire == VARINT:
            yield _signed(field.value)
        elif field.number == 1 and field.wire == DELIMITED:
            place, end = field.span
            while place < end:
                value, place = _varint(file, place, end)
                yield _signed(value)
        elif field.number == 1:
            raise NoExample(f"an int64 has wire type {field.wire}")


def _floats(file: BinaryIO, message: Span) -> Iterator[float]:
    for field in _fields(file, message):
        if field.number != 1:
            continue
        if field.wire not in (FOUR_BYTES, DELIMITED) or (field.span[1] - field.span[0]) % 4:
            raise NoExample(f"floats have wire type {field.wire} and {field.span[1] - field.span[0]} bytes")
        yield from (value for (value,) in struct.iter_unpack("<f", read_span(file, field.span)))


def _messages(file: BinaryIO, message: Span, number: int) -> Iterator[Span]:
    """The messages or strings in the fields of that number."""
    return (field.span for field in _fields(file, message, lists=number) if field.number == number)


def _fields(file: BinaryIO, message: Span, lists: int = 0) -> Iterator[_Field]:
    """All fields; those of numbers up to `lists` must have a length."""
    place, end = message
    while place < end:
        tag, place = _varint(file, place, end)
        number, wire = tag >> 3, tag & 7
        if number <= lists and wire != DELIMITED:
            raise NoExample(f"field {number} has wire type {wire}")
        if wire == VARINT:
            value, place = _varint(file, place, end)
            yield _Field(number, wire, value, (place, place))
            continue
        if wire == DELIMITED:
            length, place = _varint(file, place, end)
        elif wire in (EIGHT_BYTES, FOUR_BYTES):
            length = 8 if wire == EIGHT_BYTES else 4
        else:
            raise NoExample(f"field {number} has wire type {wire}")
        if length > end - place:
            raise NoExample(f"field {number} has {length} bytes where {end - place} are left")
        yield _Field(number, wire, 0, (place, place + length))
        place += length


def _varint(file: BinaryIO, place: int, end: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and the place after it."""
    value = 0
    for index, byte in enumerate(read_span(file, (place, min(end, place + 10)))):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, place + index + 1
    raise NoExample("a number has no end")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise NoExample("the name of a feature is not text") from error
