"""The files of PnP-AdaNet's release: TFRecords of three adjacent slices, and `.npz` test volumes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seasa_da.data.readers.array_file import read_array, read_shape
from seasa_da.data.readers.example_proto import Feature
from seasa_da.data.readers.tfrecord import read_examples
from seasa_da.errors import UserError

VOLUMES = (".npz",)
SIZES = {"data_vol": "dsize_dim", "label_vol": "lsize_dim"}
"""The features that say an array's extent, followed by 0, 1 and 2."""

Example = dict[str, Feature]


def is_volume(path: Path) -> bool:
    """Whether a file is a test volume, by its name."""
    return path.name.endswith(VOLUMES)


def volume_shape(path: Path) -> tuple[int, int, int]:
    """The shape (H, W, D) of a test volume, from its header. Raises `UserError` as `read_volume`."""
    return _volume_shape(path, "arr_0", read_shape(path, "arr_0"))


def read_volume(path: Path, member: str) -> NDArray[np.float32]:
    """The image (`arr_0`) or label (`arr_1`) of a test volume (H, W, D), turned to lie as the records do.

    Raises:
        UserError: unreadable, damaged, without that array, or not three-dimensional.
    """
    volume = read_array(path, member)
    _volume_shape(path, member, volume.shape)
    return volume[::-1, ::-1]


def record_shape(path: Path) -> tuple[int, int, int]:
    """The shape (H, W, 1) of a record's slice, without reading it. Raises `UserError` as `read_example`."""
    h, w, _ = _extent(path, read_example(path, only=SIZES["data_vol"], check=False), "data_vol")
    return h, w, 1


def read_example(path: Path, *, only: str = "", check: bool = True) -> Example:
    """The one Example of a record file; see `read_examples`.

    Raises:
        UserError: unreadable, damaged, or not one record.
    """
    examples = read_examples(path, only=only, check=check)
    if len(examples) != 1:
        raise UserError(f"{path} has {len(examples)} records; the published files have one each")
    return examples[0]


def middle_slice(path: Path, example: Example, name: str) -> NDArray[np.float32]:
    """The middle slice (H, W, 1) of `data_vol` or `label_vol`.

    Raises:
        UserError: without it, or of another size than its features say.
    """
    h, w, said = _extent(path, example, name)
    data = example.get(name, ())
    if len(data) != 1 or not isinstance(data[0], bytes):
        raise UserError(f"{path} has no {name}, or not one; every published record has it")
    depth, rest = divmod(len(data[0]), 4 * h * w)
    # the label's third size is 1 in the description of the format, and 3 in its files
    if rest or depth % 2 == 0 or (said not in (1, depth) if name == "label_vol" else said != depth):
        raise UserError(
            f"{path} has {len(data[0])} bytes of {name}, which do not fit {h} x {w} x {said} float32 values"
        )
    stack = np.frombuffer(data[0], dtype="<f4").reshape(h, w, depth)
    return np.ascontiguousarray(stack[:, :, depth // 2, None])


def _extent(path: Path, example: Example, name: str) -> tuple[int, int, int]:
    sizes = []
    for dimension in range(3):
        value = example.get(f"{SIZES[name]}{dimension}", ())
        if len(value) != 1 or not isinstance(value[0], int) or value[0] < 1:
            raise UserError(f"{path} has no {SIZES[name]}{dimension}, or not one size; every published record has it")
        sizes.append(value[0])
    return sizes[0], sizes[1], sizes[2]


def _volume_shape(path: Path, member: str, shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) != 3 or 0 in shape:
        raise UserError(f"{path} has {member} of shape {shape}; a test volume has rows, columns and slices")
    return shape[0], shape[1], shape[2]
