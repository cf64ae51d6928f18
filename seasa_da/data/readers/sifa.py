"""PnP-AdaNet's release, which SIFA and its successors are trained on: TFRecords of slices, `.npz` test volumes.

A record file has one `tf.train.Example`: `dsize_dim0/1/2` and `lsize_dim0/1/2` (int64), `data_vol` and `label_vol`
(float32, C order, three adjacent slices, of which the middle one is used); what else it has is of no use here. A test
volume has `arr_0`, the image, and `arr_1`, the label; axes 0 and 1 are flipped to lie as the records do.

From the release: folders `ct_train_tfs`, `ct_val_tfs`, `mr_train_tfs`, `mr_val_tfs`; in SIFA's repository
`training_mr` and the like. From SIFA's code: the flips, and what becomes -1 and 1 (`WINDOWS`).
Our choice: files may lie up to four folders deep; the name of each, else of its folder, and so on, says `ct` or `mr`,
and `train`, `val` or `test`; records are for training if nothing says otherwise, volumes for testing. See also
`seasa_da.data.readers.slice_domain` and `slice_case`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from seasa_da.data.case import Case, CaseFiles
from seasa_da.data.readers.names import MODALITIES, PARTS, find_files, has_file, said, some
from seasa_da.data.readers.raw import CaseCheck, RawData, RawDomain, VolumeGrid
from seasa_da.data.readers.slice_case import WINDOWS, SliceArrays, check_slices, load_slices, slice_grid_of
from seasa_da.data.readers.slice_domain import slice_domain
from seasa_da.data.readers.slice_files import (
    VOLUMES,
    is_volume,
    middle_slice,
    read_example,
    read_volume,
    record_shape,
    volume_shape,
)
from seasa_da.errors import UserError

RECORDS = (".tfrecords", ".tfrecord")
RECORD_NAME = re.compile(r"[^.].*\.tfrecords?")
CONVERTED = "SIFA's utils/savenpz.py makes .npz files of them"


class SIFAReader:
    """Reads the layout above; see `seasa_da.data.readers.Reader`."""

    name = "sifa"
    summary = (
        "SIFA's and PnP-AdaNet's release: ct_train_tfs/ct_train_slice1.tfrecords, mr_train_tfs/…, test_ct/….npz, …"
    )
    version = 1

    def recognises(self, raw: Path) -> bool:
        """Whether a record file is in `raw` or up to four folders below it."""
        return has_file(raw, RECORD_NAME)

    def scan(self, raw: Path) -> RawData:
        """List domains, cases and splits by the files' names.

        Raises:
            UserError: a folder that cannot be listed, or no file whose domain is known.
        """
        paths, faults = find_files(raw, (*RECORDS, *VOLUMES, ".nii.gz", ".nii"))
        files = [path for path in paths if path.name.endswith((*RECORDS, *VOLUMES))]
        by_name = {path: said(raw, path, MODALITIES) for path in files}
        domains: list[RawDomain] = []
        notes: list[str] = []
        for name, window in WINDOWS.items():
            parts = {path: _part(raw, path) for path in files if by_name[path] == name}
            if parts:
                # a record or volume has its label with it
                domains.append(slice_domain(name, parts, {path: path for path in parts}, window, notes, faults))
        if not domains:
            raise UserError(f"{raw} has record files, but no name says ct or mr; call the files or their folders so")
        if unknown := {str(path.parent.relative_to(raw)) for path in files if by_name[path] is None}:
            notes.append(f"not used: what is in {some(unknown)}: no name says ct or mr; call the files or folders so")
        if other := [path.name for path in paths if path not in by_name]:
            notes.append(f"not used: {len(other)} NIfTI files ({some(other)}); {CONVERTED}")
        return RawData(tuple(domains), tuple(notes), (), tuple(faults))

    def grid(self, files: CaseFiles) -> VolumeGrid:
        """Shape and affine of a case, without reading its voxels."""
        return slice_grid_of(volume_shape(files.image) if is_volume(files.image) else record_shape(files.image))

    def load(self, files: CaseFiles) -> Case:
        """Read and check a case."""
        return load_slices(files, _arrays(files.image))

    def check(self, files: CaseFiles) -> CaseCheck:
        """All that is wrong with a case's file."""
        return check_slices(files, _arrays(files.image))


def _part(raw: Path, path: Path) -> str:
    return said(raw, path, PARTS) or ("test" if is_volume(path) else "train")


def _arrays(path: Path) -> SliceArrays:
    if is_volume(path):
        return SliceArrays(lambda: read_volume(path, "arr_0"), lambda: read_volume(path, "arr_1"))
    example = cache(lambda: read_example(path))
    return SliceArrays(
        lambda: middle_slice(path, example(), "data_vol"), lambda: middle_slice(path, example(), "label_vol")
    )
