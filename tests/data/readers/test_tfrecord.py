"""TFRecords and Examples: protobuf's own encoding, and every kind of damage with the file's name and record."""

import gzip
import re
import struct
import time

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from data.tfrecord_writer import example, field, floats, int64s, record, strings, varint, write_records
from seasa_da.data.readers.tfrecord import masked_crc32c, read_examples
from seasa_da.errors import UserError

EVERYTHING = example(
    numbers=int64s(256, -3, -(1 << 63), (1 << 63) - 1),
    unpacked=int64s(256, -3, packed=False),
    weights=floats(0.5, -2.0),
    loose=floats(0.25, packed=False),
    data=strings(b"\x00\xff", b""),
    nothing=b"",
)


def damaged(tmp_path, content: bytes) -> str:
    path = tmp_path / "a.tfrecords"
    path.write_bytes(content)
    with pytest.raises(UserError, match=re.escape(str(path))) as caught:
        read_examples(path)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def proto_example():
    """The Example message, made by protobuf from a description."""
    labels = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="t", syntax="proto3")

    def message(name, *fields):
        made = file.message_type.add(name=name)
        for number, (label, kind, key) in enumerate(fields, start=1):
            type_name = f".t.{kind}" if isinstance(kind, str) else None
            made.field.add(
                name=key,
                number=number,
                label=label,
                type_name=type_name,
                type=labels.TYPE_MESSAGE if type_name else kind,
            )

    message("BytesList", (labels.LABEL_REPEATED, labels.TYPE_BYTES, "value"))
    message("FloatList", (labels.LABEL_REPEATED, labels.TYPE_FLOAT, "value"))
    message("Int64List", (labels.LABEL_REPEATED, labels.TYPE_INT64, "value"))
    one = labels.LABEL_OPTIONAL
    message(
        "Feature", (one, "BytesList", "bytes_list"), (one, "FloatList", "float_list"), (one, "Int64List", "int64_list")
    )
    message("Entry", (one, labels.TYPE_STRING, "key"), (one, "Feature", "value"))
    message("Features", (labels.LABEL_REPEATED, "Entry", "feature"))
    message("Example", (one, "Features", "features"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Example"))()


def test_every_kind_of_feature(tmp_path):
    write_records(tmp_path / "a.tfrecords", EVERYTHING, example(), b"")
    assert read_examples(tmp_path / "a.tfrecords") == [
        {
            "numbers": (256, -3, -(1 << 63), (1 << 63) - 1),
            "unpacked": (256, -3),
            "weights": (0.5, -2.0),
            "loose": (0.25,),
            "data": (b"\x00\xff", b""),
            "nothing": (),
        },
        {},
        {},
    ]


def test_what_protobuf_writes_is_read(tmp_path):
    message = proto_example()
    for key, values in {"bias": [-7, 0, 300], "empty": []}.items():
        message.features.feature.add(key=key).value.int64_list.value.extend(values)
    message.features.feature.add(key="vol").value.bytes_list.value.append(bytes(300))
    message.features.feature.add(key="x").value.float_list.value.extend([1.5, -0.25])
    write_records(tmp_path / "a.tfrecords", message.SerializeToString())
    expected = {"bias": (-7, 0, 300), "empty": (), "vol": (bytes(300),), "x": (1.5, -0.25)}
    assert read_examples(tmp_path / "a.tfrecords") == [expected]


def test_what_the_tests_write_is_what_protobuf_reads():
    message = proto_example()
    message.ParseFromString(EVERYTHING)
    features = {entry.key: entry.value for entry in message.features.feature}
    assert list(features["numbers"].int64_list.value) == [256, -3, -(1 << 63), (1 << 63) - 1]
    assert list(features["loose"].float_list.value) == [0.25]


def test_the_bytes_of_a_record():
    assert record(b"") == bytes(8) + struct.pack("<I", masked_crc32c(bytes(8))) + struct.pack("<I", 0xA282EAD8)
    assert masked_crc32c(b"123456789") == (0x2507C60D + 0xA282EAD8) & 0xFFFFFFFF  # 0xE3069283 turned right by 15 bits
    assert varint(-1) == b"\xff" * 9 + b"\x01"


def test_only_some_features_and_unknown_fields(tmp_path):
    unknown = (
        field(9, b"more")
        + varint(10 << 3)
        + varint(5)
        + varint(11 << 3 | 5)
        + bytes(4)
        + varint(12 << 3 | 1)
        + bytes(8)
    )
    write_records(tmp_path / "a", EVERYTHING + unknown)
    assert read_examples(tmp_path / "a", only="n") == [{"numbers": (256, -3, -(1 << 63), (1 << 63) - 1), "nothing": ()}]


@pytest.mark.parametrize("left", [1, 11, 12, 20, -1, -4])
def test_a_truncated_record(tmp_path, left):
    whole = record(EVERYTHING)
    cut = whole[:left]
    assert "record 1 is cut short" in damaged(tmp_path, whole + cut)


def test_every_flipped_bit_is_found(tmp_path):
    whole = record(example(x=int64s(1)))
    for place in range(len(whole)):
        broken = bytearray(whole)
        broken[place] ^= 0x10
        assert "record 2 " in damaged(tmp_path, whole + whole + bytes(broken))
    path = tmp_path / "data"
    broken = bytearray(whole)
    broken[-5] ^= 1  # in the data; unchecked, it is another number
    path.write_bytes(bytes(broken))
    assert read_examples(path, check=False) == [{"x": (0,)}]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (varint(1 << 3) + varint(4), "field 1 has wire type 0"),
        (varint(1 << 3 | 3), "field 1 has wire type 3"),
        (varint(7 << 3 | 4), "field 7 has wire type 4"),
        (field(1, b"x")[:-1], "field 1 has 1 bytes where 0 are left"),
        (varint(1 << 3 | 2) + varint((1 << 63) + 5), "where 0 are left"),
        (b"\x80" * 11, "a number has no end"),
        (b"\x0a", "a number has no end"),
        (field(1, field(1, field(1, b"\xff") + field(2, int64s(1)))), "name of a feature is not text"),
        (example(x=field(3, varint(1 << 3 | 5) + bytes(4))), "an int64 has wire type 5"),
        (example(x=field(3, field(1, b"\x80"))), "a number has no end"),
        (example(x=field(2, field(1, bytes(6)))), "floats have wire type 2 and 6 bytes"),
        (example(x=field(2, varint(1 << 3) + varint(5))), "floats have wire type 0"),
        (example(x=field(1, varint(1 << 3) + varint(5))), "field 1 has wire type 0"),
    ],
)
def test_what_is_no_example(tmp_path, data, reason):
    said = damaged(tmp_path, record(EVERYTHING) + record(data))
    assert "record 1 is no tf.train.Example" in said and reason in said


def test_other_files(tmp_path):
    assert "is empty" in damaged(tmp_path, b"")
    assert "compressed: unzip" in damaged(tmp_path, gzip.compress(record(EVERYTHING)))
    assert "no TFRecord" in damaged(tmp_path, b"some text that goes on")
    with pytest.raises(UserError, match=r"none cannot be read: No such file"):
        read_examples(tmp_path / "none")
    with pytest.raises(UserError, match=r"cannot be read: Is a directory"):
        read_examples(tmp_path)


def test_a_length_beyond_memory_is_not_asked_for(tmp_path):
    length = struct.pack("<Q", 1 << 60)
    assert "is cut short" in damaged(tmp_path, length + struct.pack("<I", masked_crc32c(length)) + bytes(100))


def test_a_record_of_the_release_is_checked_sooner_than_a_loop_meets_its_bytes(tmp_path):
    volume = np.random.default_rng(0).bytes(256 * 256 * 3 * 4)
    write_records(tmp_path / "a", example(data_vol=strings(volume), label_vol=strings(volume)))
    read_examples(tmp_path / "a")  # tables are made once
    reads = []
    for _ in range(3):
        begun = time.perf_counter()
        assert read_examples(tmp_path / "a")[0]["label_vol"] == (volume,)
        reads.append(time.perf_counter() - begun)
    begun, state = time.perf_counter(), 0
    for byte in volume * 2:
        state ^= byte
    assert min(reads) < time.perf_counter() - begun  # in turns, as the machine may be busy; about a sixth of it
