"""SE_ASA's release: PnP-AdaNet's slices as `.npy` files, and lists that name them, one a line.

`train_ct.txt` lists images (H, W), whose values are in [-1, 1] already, and `train_ct_gt.txt` their labels (H, W), line
by line; so do `val_…`, and all of them again with `mr`. `test_ct.txt` lists volumes as SIFA's release has them
(`.npz`), which are not in [-1, 1] yet: they are brought there here, by SIFA's 2(x - lo)/(hi - lo) - 1.
How paths in lists are understood is in `seasa_da.data.readers.npy_lists`, how the cases are divided in `slice_domain`.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from seasa_da.data.case import Case, CaseFiles
from seasa_da.data.readers.array_file import read_array, read_shape
from seasa_da.data.readers.names import find_files, has_file
from seasa_da.data.readers.npy_lists import Pairs, find_lists, modality_of
from seasa_da.data.readers.raw import CaseCheck, RawData, RawDomain, VolumeGrid
from seasa_da.data.readers.slice_case import WINDOWS, Array, SliceArrays, check_slices, load_slices, slice_grid_of
from seasa_da.data.readers.slice_domain import slice_domain
from seasa_da.data.readers.slice_files import VOLUMES, is_volume, read_volume, volume_shape
from seasa_da.errors import UserError

TRAINING_LIST = re.compile(r"train_(ct|mri?)\.txt")
RANGE = (-1.0, 1.0)


class NPYReader:
    """Reads the layout above; see `seasa_da.data.readers.Reader`."""

    name = "npy"
    summary = (
        "SE_ASA's release: lists train_ct.txt, train_ct_gt.txt, train_mr.txt, test_mr.txt, … of .npy and .npz files"
    )
    version = 1

    def recognises(self, raw: Path) -> bool:
        """Whether a list of training images is in `raw` or up to four folders below it."""
        return has_file(raw, TRAINING_LIST)

    def scan(self, raw: Path) -> RawData:
        """List domains, cases and splits by the lists.

        Raises:
            UserError: a folder or list that cannot be read, two lists of one name, or lists without a file that exists.
        """
        paths, faults = find_files(raw, (".txt", ".npy", *VOLUMES))
        lists = find_lists(paths)
        arrays = [path for path in paths if path.suffix != ".txt"]
        domains: list[RawDomain] = []
        notes: list[str] = []
        for name in WINDOWS:
            pairs = Pairs(name, arrays, faults)
            for (domain, part, is_gt), path in lists.items():
                if domain == name and not is_gt:
                    pairs.add(part, path, lists.get((domain, part, True)))
            if pairs.parts:
                domains.append(slice_domain(name, pairs.parts, pairs.labels, RANGE, notes, faults))
        if not any(files.image.is_file() for domain in domains for files in domain.cases):
            raise UserError(f"{raw} has lists of slices, but none of the files that they name; put those below it")
        return RawData(tuple(domains), tuple(notes), tuple(lists.values()), tuple(faults))

    def grid(self, files: CaseFiles) -> VolumeGrid:
        """Shape and affine of a case, without reading its voxels."""
        if is_volume(files.image):
            return slice_grid_of(volume_shape(files.image))
        return slice_grid_of(_slice_shape(files.image, read_shape(files.image)))

    def load(self, files: CaseFiles) -> Case:
        """Read and check a case."""
        return load_slices(files, _arrays(files))

    def check(self, files: CaseFiles) -> CaseCheck:
        """All that is wrong with a case's files."""
        return check_slices(files, _arrays(files))


def _arrays(files: CaseFiles) -> SliceArrays:
    image, label = files.image, files.label
    if is_volume(image):
        return SliceArrays(lambda: _in_range(image, read_volume(image, "arr_0")), lambda: read_volume(image, "arr_1"))
    return SliceArrays(lambda: _read_slice(image), None if label is None else lambda: _read_slice(label))


def _in_range(path: Path, volume: Array) -> Array:
    lo, hi = WINDOWS[modality_of(path) or ""]
    return (volume - np.float32(lo)) * np.float32(2 / (hi - lo)) - np.float32(1)


def _read_slice(path: Path) -> Array:
    values = read_array(path)
    return values.reshape(_slice_shape(path, values.shape))


def _slice_shape(path: Path, shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) not in (2, 3) or 0 in shape or shape[2:] not in ((), (1,)):
        raise UserError(f"{path} has shape {shape}; a slice has rows and columns")
    return shape[0], shape[1], 1
