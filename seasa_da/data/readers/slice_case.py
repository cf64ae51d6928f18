"""A case of the coronal slices of 1 mm pixels that PnP-AdaNet's cardiac data is published as, in whatever kind of file.

Arrays are (H, W, D): rows from the head to the feet, columns from the patient's right to the left, and slices, one or
more, taken to run from the front to the back; the affine below says so, and coronal slices of it are the arrays again.
Label values: 1 myocardium, 2 left atrium, 3 left ventricle, 4 ascending aorta, and 5, a further structure, which the
published training code drops: nothing is learnt from its voxels here, nor are they scored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seasa_da.data.case import IGNORED, Case, CaseFiles
from seasa_da.data.readers.raw import CaseCheck, Fault, VolumeGrid
from seasa_da.data.voxels import content_hash
from seasa_da.errors import UserError

LABEL_NAMES = ("AA", "LAC", "LVC", "MYO")
LABEL_VALUES = (4, 2, 3, 1)
IGNORED_VALUES = (5,)
STORE_VALUES = {
    0: 0,
    **{value: place for place, value in enumerate(LABEL_VALUES, start=1)},
    **dict.fromkeys(IGNORED_VALUES, IGNORED),
}
WINDOWS = {"ct": (-2.8, 3.2), "mri": (-1.8, 4.4)}
"""The standardised intensities that SIFA's code maps to -1 and 1."""
AFFINE = np.array([[0.0, -1, 0, 0], [0, 0, -1, 0], [-1, 0, 0, 0], [0, 0, 0, 1]])
MOST_VALUES = 5  # that a message names
NOT_FINITE = "NaN or infinite voxels; repair the file or leave the case out"

Array = NDArray[np.float32]


@dataclass(frozen=True)
class SliceArrays:
    """How to get at a case's arrays; each raises `UserError`.

    Attributes:
        image: (H, W, D).
        label: (H, W, D), label values; `None` without a label.
    """

    image: Callable[[], Array]
    label: Callable[[], Array] | None


def slice_grid_of(shape: tuple[int, int, int]) -> VolumeGrid:
    """Of an array (H, W, D)."""
    return VolumeGrid(shape, AFFINE.copy())


def load_slices(files: CaseFiles, arrays: SliceArrays) -> Case:
    """Read and check a case.

    Raises:
        UserError: the first fault.
    """
    image, label, faults = _read(files, arrays)
    if faults:
        raise UserError(str(faults[0]))
    assert image is not None
    return Case(files.id, image[None], None if label is None else _store_values(label), AFFINE.copy())


def check_slices(files: CaseFiles, arrays: SliceArrays) -> CaseCheck:
    """All faults of a case."""
    image, _, faults = _read(files, arrays)
    return CaseCheck(tuple(faults), None if image is None else content_hash(image[None]))


def _read(files: CaseFiles, arrays: SliceArrays) -> tuple[Array | None, Array | None, list[Fault]]:
    faults: list[Fault] = []
    image = label = None
    try:
        image = arrays.image()
        if bad := int((~np.isfinite(image)).sum()):
            faults.append(Fault(files.image, f"has {bad} {NOT_FINITE}", case=files.id))
    except UserError as error:
        faults.append(Fault.of(error, files.image, case=files.id))
    if arrays.label is not None:
        path = files.label or files.image
        try:
            label = arrays.label()
            faults += [Fault(path, what, case=files.id) for what in _label_faults(label, image)]
        except UserError as error:
            faults.append(Fault.of(error, path, case=files.id))
    # one file that cannot be read, of both image and label, is one fault
    return image, label, list(dict.fromkeys(faults))


def _label_faults(label: Array, image: Array | None) -> list[str]:
    faults = []
    if image is not None and label.shape != image.shape:
        faults.append(f"has a label of shape {label.shape} for an image of {image.shape}; they must be alike")
    finite = label[np.isfinite(label)]
    if finite.size < label.size:
        faults.append(f"has a label with {label.size - finite.size} {NOT_FINITE}")
    whole = np.rint(finite) == finite
    if not whole.all():
        faults.append(f"has label values that are not whole numbers ({finite[~whole][0]:g}); get the published file")
    if odd := sorted({int(value) for value in np.unique(finite[whole])} - STORE_VALUES.keys()):
        named = ", ".join(str(value) for value in odd[:MOST_VALUES]) + (", …" if odd[MOST_VALUES:] else "")
        faults.append(f"has the label value{'s' if odd[1:] else ''} {named}; the published ones are 0 to 5")
    return faults


def _store_values(label: Array) -> NDArray[np.uint8]:
    table = np.array([STORE_VALUES[value] for value in range(len(STORE_VALUES))], dtype=np.uint8)
    return table[label.astype(np.uint8)]
