"""Folders of label volumes: which file is which case, and what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seasa_da.data.readers.nifti import open_volume, read_grid
from seasa_da.data.readers.nifti_case import AFFINE_TOLERANCE_MM
from seasa_da.data.readers.raw import LARGEST_VALUE, VolumeGrid
from seasa_da.data.voxels import slabs
from seasa_da.errors import UserError
from seasa_da.files import os_errors_named

ENDINGS = (".nii.gz", ".nii")
LABEL_SUFFIX, IMAGE_SUFFIX = "_label", "_image"
"""As MM-WHS names its files; a prediction may be named after either."""
MOST_NAMED = 10
VOXEL_SHARE = 0.1
"""Of a voxel, by which a prediction may lie apart from its label, where that is less than `AFFINE_TOLERANCE_MM`."""


@dataclass(frozen=True)
class LabelPair:
    """A case: its prediction, and the label that it is scored against."""

    case: str
    pred: Path
    label: Path


def find_pairs(pred: Path, label: Path) -> tuple[list[LabelPair], list[Path]]:
    """The cases of a folder of labels, in order, each with its prediction.

    Files are called `CASE.nii.gz` or `CASE.nii`. Where some labels are called `CASE_label.nii.gz`, the folder's other
    files are none; a prediction may then be called so, or `CASE_image.nii.gz`, too.

    Returns:
        The pairs, and the predictions without a label.

    Raises:
        UserError: a folder that cannot be read or holds no NIfTI file, two files for one case, cases without a
            prediction, all of which are named.
    """
    labels, predictions = _by_case(label, of_labels=True), _by_case(pred, of_labels=False)
    if missing := [case for case in labels if case not in predictions]:
        raise UserError(
            f"{pred} has no prediction for {len(missing)} of the {len(labels)} cases in {label}: {', '.join(missing)}"
        )
    extra = [path for case, path in predictions.items() if case not in labels]
    return [LabelPair(case, predictions[case], path) for case, path in labels.items()], extra


def check_grids(pairs: Sequence[LabelPair]) -> None:
    """Raise `UserError` where a prediction does not lie on its label's grid; only headers are read."""
    apart = {}
    for pair in pairs:
        if what := _lies_apart(read_grid(pair.pred), read_grid(pair.label)):
            apart[pair] = what
    if apart:
        pair, what = next(iter(apart.items()))
        others = f" (the same with {named([p.pred.name for p in apart if p != pair])})" if len(apart) > 1 else ""
        raise UserError(f"{pair.pred} {what.format(pair.label)}; resample it onto the label's grid{others}")


def _lies_apart(own: VolumeGrid, grid: VolumeGrid) -> str:
    if own.shape != grid.shape:
        return f"has shape {own.shape}, its label {{}} {grid.shape}"
    corners = np.array([[*corner, 1] for corner in product(*((0, n) for n in grid.shape))]).T
    distance = float(np.linalg.norm(((own.affine - grid.affine) @ corners)[:3], axis=0).max())
    # of microscopy a whole structure is smaller than the tolerance
    tolerance = min(AFFINE_TOLERANCE_MM, VOXEL_SHARE * float(np.linalg.norm(grid.affine[:3, :3], axis=0).min()))
    return "" if distance <= tolerance else f"lies up to {distance:.3g} mm away from its label {{}}"


def read_classes(path: Path, table: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], VolumeGrid, set[int]]:
    """A label volume `(X, Y, Z)` through a table `(65536,)`, its grid, and the values that it holds.

    Raises:
        UserError: a fault of the file, or values that are no whole numbers from 0 to 65535.
    """
    volume = open_volume(path)
    classes = np.empty(volume.grid.shape, dtype=np.uint8)
    counts = np.zeros(LARGEST_VALUE + 1, dtype=np.int64)
    for box in slabs(classes.shape):
        voxels = volume[box]
        with np.errstate(invalid="ignore"):
            odd = ~((voxels >= 0) & (voxels <= LARGEST_VALUE) & (np.rint(voxels) == voxels))
        if odd.any():
            raise UserError(
                f"{path} has the value {voxels[odd][0]:g}; labels are whole numbers from 0 to {LARGEST_VALUE}"
            )
        values = voxels.astype(np.uint16)
        counts += np.bincount(values.reshape(-1), minlength=len(counts))
        classes[box] = table[values]
    return classes, volume.grid, {int(value) for value in np.flatnonzero(counts)}


def named(items: list[str]) -> str:
    """The first few of a list."""
    more = len(items) - MOST_NAMED
    return ", ".join(items[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _by_case(folder: Path, *, of_labels: bool) -> dict[str, Path]:
    with os_errors_named(folder, "read"):
        if not folder.is_dir():
            raise UserError(f"{folder} is {'not a folder' if folder.exists() else 'not there'}; give a folder of NIfTI")
        paths = sorted(path for path in folder.iterdir() if path.name.endswith(ENDINGS) and path.name[0] != ".")
    stems = {path: path.name[: -len(next(end for end in ENDINGS if path.name.endswith(end)))] for path in paths}
    if of_labels and any(stem.endswith(LABEL_SUFFIX) for stem in stems.values()):
        stems = {path: stem for path, stem in stems.items() if stem.endswith(LABEL_SUFFIX)}
    if not stems:
        raise UserError(f"{folder} holds no {' or '.join(ENDINGS)} file")
    cases: dict[str, Path] = {}
    for path, stem in stems.items():
        case = stem.removesuffix(LABEL_SUFFIX)
        case = case if of_labels else case.removesuffix(IMAGE_SUFFIX)
        if case in cases:
            raise UserError(f"{cases[case]} and {path.name} are both of case {case}; keep one of them")
        cases[case] = path
    return dict(sorted(cases.items()))
