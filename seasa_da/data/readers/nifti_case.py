"""A case of two NIfTI files: the image, and the label that must lie on its grid."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seasa_da.data.case import Case, CaseFiles
from seasa_da.data.readers.nifti import read_volume
from seasa_da.data.readers.raw import VolumeGrid
from seasa_da.errors import UserError

# Two files of a case are written by different tools; their affines agree to rounding only.
AFFINE_TOLERANCE_MM = 1e-2


def read_case(files: CaseFiles, store_values: Mapping[int, int], declared_by: str) -> Case:
    """Read and check a case.

    Args:
        files: its files.
        store_values: the store value, 0 to 254, of every value that a label file may hold, 0 to 65535.
        declared_by: what declares those values, for messages.

    Raises:
        UserError: a fault of one of the files, with its name.
    """
    image, grid = read_volume(files.image)
    label = None if files.label is None else read_label(files.label, files.image, grid, store_values, declared_by)
    spacing = np.linalg.norm(grid.affine[:3, :3], axis=0)
    return Case(files.id, image, label, grid.affine, (float(spacing[0]), float(spacing[1]), float(spacing[2])))


def read_label(
    path: Path, image: Path, grid: VolumeGrid, store_values: Mapping[int, int], declared_by: str
) -> NDArray[np.uint8]:
    """The label in `path` as store values (X, Y, Z), on the grid of `image`; see `read_case`."""
    values, own = read_volume(path)
    if own.shape != grid.shape:
        raise UserError(f"{path} has shape {own.shape}, its image {image.name} {grid.shape}; they must be alike")
    corners = np.array([[0, 0, 0, 1], [*grid.shape, 1]], dtype=np.float64).T
    apart = float(np.abs((own.affine - grid.affine) @ corners).max())
    if apart > AFFINE_TOLERANCE_MM or not np.allclose(own.affine, grid.affine, atol=1e-3):
        raise UserError(
            f"{path} lies elsewhere than its image {image.name} (up to {apart:.3g} mm by their affines); "
            "resample the label onto the image's grid or correct its header"
        )
    whole = np.rint(values)
    if not np.array_equal(whole, values):
        wrong = values[whole != values][0]
        raise UserError(f"{path} has label values that are not whole numbers ({wrong:g}); resample labels by nearest")
    low, high = int(whole.min()), int(whole.max())
    table = np.full(max(store_values) + 1, 255, dtype=np.uint8)
    for raw_value, value in store_values.items():
        table[raw_value] = value
    if low < 0 or high >= len(table):
        undeclared = low if low < 0 else high
    else:
        label = table[whole.astype(np.uint16)]
        if label.max() < 255:
            return label
        undeclared = int(whole[label == 255][0])
    raise UserError(
        f"{path} has the label value {undeclared}, which {declared_by} does not declare "
        f"(it has {', '.join(str(value) for value in sorted(store_values))}); map or remove it"
    )
