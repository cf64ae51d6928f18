"""A reader of npz folders: `DOMAIN/train/CASE.npz` and `DOMAIN/test/CASE.npz`, names of the labels in `labels.json`.

A file has `image` (X, Y, Z), its axes to the patient's right, front and head; `spacing_mm`, three numbers; and `label`
(X, Y, Z), 0 background and i + 1 the i-th name of the list in `labels.json`, or no `label`.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seasa_da.data.case import SPLITS, Case, CaseFiles
from seasa_da.data.readers import Fault, RawData, RawDomain, VolumeGrid
from seasa_da.errors import UserError
from seasa_da.files import read_json

LABELS = "labels.json"
DAMAGE = (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error)


class NpzReader:
    """Reads the layout above; see `seasa_da.data.readers.Reader`."""

    name = "npz"
    summary = "DOMAIN/train/CASE.npz and DOMAIN/test/CASE.npz, labels.json"
    version = 2

    def recognises(self, raw: Path) -> bool:
        return any(raw.glob("*/train/*.npz"))

    def scan(self, raw: Path) -> RawData:
        names = _label_names(raw)
        faults: list[Fault] = []  # of single cases: the others are listed nevertheless
        domains = tuple(
            RawDomain(folder.name, names, _cases(folder, faults), split_from="train and test folders")
            for folder in sorted({path.parent.parent for path in raw.glob("*/train/*.npz")})
        )
        # a store is made anew when one of `files` changes
        return RawData(domains, files=(raw / LABELS,), faults=tuple(faults))

    def grid(self, files: CaseFiles) -> VolumeGrid:
        image, spacing = _image(files.image)
        x, y, z = image.shape[1:]
        return VolumeGrid((x, y, z), np.diag([*spacing, 1.0]))

    def load(self, files: CaseFiles) -> Case:
        image, spacing = _image(files.image)  # arrays are read whole; `Voxels` may be read box by box
        label = None if files.label is None else _label(files.label, image.shape[1:])
        return Case(files.id, image, label, np.diag([*spacing, 1.0]))


READER = NpzReader()


def _cases(folder: Path, faults: list[Fault]) -> tuple[CaseFiles, ...]:
    cases: dict[str, CaseFiles] = {}
    for split in SPLITS:
        for path in sorted((folder / split).glob("*.npz")):
            if path.name.startswith("."):
                continue
            try:
                labelled = "label" in _names(path)
            except UserError as error:
                faults.append(Fault.of(error, path, folder.name, path.stem))
                continue
            if path.stem in cases:
                what = f"is of case {path.stem}, which is in {cases[path.stem].split} too; a patient is in one split"
                faults.append(Fault(path, what, folder.name, path.stem))
            else:
                cases[path.stem] = CaseFiles(path.stem, (path,), path if labelled else None, split)
    return tuple(cases[case] for case in sorted(cases))


def _label_names(raw: Path) -> tuple[str, ...]:
    names = read_json(raw / LABELS)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise UserError(f'{raw / LABELS} must be a list of the labels\' names, such as ["AA", "LAC"]')
    if len(set(names)) < len(names):
        raise UserError(f"{raw / LABELS} has a name twice; each label needs one of its own")
    return tuple(names)


def _names(path: Path) -> list[str]:
    """The names of the arrays in `path`, none of which is read."""
    try:
        with zipfile.ZipFile(path) as file:
            return [name.removesuffix(".npy") for name in file.namelist()]
    except DAMAGE as error:
        raise UserError(f"{path} is no npz file, or damaged ({error}); save it again with numpy.savez") from error


def _array(path: Path, name: str) -> NDArray[Any]:
    if name not in _names(path):
        raise UserError(f"{path} has no array {name!r}; save it with numpy.savez(path, image=…, spacing_mm=…)")
    try:
        with np.load(path, allow_pickle=False) as file:
            return file[name]
    except DAMAGE as error:
        raise UserError(f"{path}: cannot read {name!r} ({error}); save it again with numpy.savez") from error


def _image(path: Path) -> tuple[NDArray[np.float32], tuple[float, float, float]]:
    """The image (1, X, Y, Z), of one channel, and the voxel sizes."""
    image, spacing = _array(path, "image"), _array(path, "spacing_mm")
    if image.ndim != 3 or image.size == 0 or image.dtype.kind not in "buif":
        raise UserError(f"{path}: image is {image.dtype} {image.shape}; it must be one volume of real numbers")
    image = image.astype(np.float32)
    if not np.isfinite(image).all():
        raise UserError(f"{path}: image has NaN or infinite voxels; repair the file or take the case out of the folder")
    if spacing.shape != (3,) or spacing.dtype.kind not in "uif" or not (np.isfinite(spacing) & (spacing > 0)).all():
        raise UserError(f"{path}: spacing_mm is {spacing.tolist()}; it must be three voxel sizes above 0, in mm")
    x, y, z = spacing.tolist()
    return image[None], (float(x), float(y), float(z))


def _label(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    label, names = _array(path, "label"), _label_names(path.parents[2])
    if label.shape != shape or label.dtype.kind not in "bui":
        raise UserError(f"{path}: label is {label.dtype} {label.shape}; it must be whole numbers {shape}")
    if label.min() < 0 or label.max() > len(names):
        raise UserError(f"{path}: label has {label.min()} to {label.max()}; {LABELS} has names for 1 to {len(names)}")
    return label.astype(np.uint8)
