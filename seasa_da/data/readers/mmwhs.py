"""MM-WHS 2017, raw: `ct_train/ct_train_1001_image.nii.gz`, `…_label.nii.gz`, `mr_train/mr_train_1001_image.nii.gz`, …

Four of its seven structures are classes here, in the order of the papers' tables; the rest is background. The split is
that of `splits.json` in the raw folder where there is one,

    {"ct": {"test": ["1017", "1018"]}, "mri": {"test": ["1003"]}}

(every other case is train), else the one published with PnP-AdaNet and SIFA.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seasa_da.data.case import Case, CaseFiles
from seasa_da.data.readers.nifti import read_grid, read_volume
from seasa_da.data.readers.raw import RawData, RawDomain, VolumeGrid
from seasa_da.errors import UserError
from seasa_da.files import read_json

LABEL_NAMES = ("AA", "LAC", "LVC", "MYO")
# Raw value -> store value. 421 is a stray 420 of one release; 550, 600, 850 are structures the papers do not segment.
STORE_VALUES = {0: 0, 820: 1, 420: 2, 421: 2, 500: 3, 205: 4, 550: 0, 600: 0, 850: 0}
PREFIXES = {"ct": "ct", "mri": "mr"}
PUBLISHED_TEST = {"ct": ("1003", "1008", "1014", "1019"), "mri": ("1007", "1009", "1018", "1019")}

# Two files of a case are written by different tools; their affines agree to rounding only.
AFFINE_TOLERANCE_MM = 1e-2


class MMWHSReader:
    """Reads the layout above; see `seasa_da.data.readers.Reader`."""

    name = "mmwhs"

    def recognises(self, raw: Path) -> bool:
        """Whether `raw` has a `ct_train` or `mr_train` folder with an image in it."""
        return any(_images(raw, prefix) for prefix in PREFIXES.values())

    def scan(self, raw: Path) -> RawData:
        """List domains and cases. Raises `UserError` for a split that does not fit the files."""
        chosen = _read_splits(raw)
        domains = []
        for name, prefix in PREFIXES.items():
            images = _images(raw, prefix)
            if images:
                test = chosen.get(name, PUBLISHED_TEST[name])
                domains.append(RawDomain(name, LABEL_NAMES, _cases(raw, name, images, test, name in chosen)))
        unused = [f"{prefix}_test" for prefix in PREFIXES.values() if (raw / f"{prefix}_test").is_dir()]
        notes = (f"not used: {' and '.join(unused)} (the challenge's cases without labels)",) if unused else ()
        return RawData(tuple(domains), notes)

    def grid(self, files: CaseFiles) -> VolumeGrid:
        """Shape and affine of a case's image, from its header."""
        return read_grid(files.image)

    def load(self, files: CaseFiles) -> Case:
        """Read and check a case; labels come as store values, 1 … 4 for `LABEL_NAMES`."""
        image, grid = read_volume(files.image)
        label = None if files.label is None else _read_label(files.label, files.image, grid)
        spacing = np.linalg.norm(grid.affine[:3, :3], axis=0)
        return Case(files.id, image, label, grid.affine, (float(spacing[0]), float(spacing[1]), float(spacing[2])))


def _images(raw: Path, prefix: str) -> dict[str, Path]:
    """Image files by case id, in order of id."""
    folder = raw / f"{prefix}_train"
    pattern = re.compile(rf"{prefix}_train_(\w+)_image\.nii(\.gz)?")
    try:
        found = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise UserError(f"cannot read {folder}: {error.strerror}") from error
    images: dict[str, Path] = {}
    for path in found:
        if match := pattern.fullmatch(path.name):
            if match[1] in images:
                raise UserError(f"case {match[1]} is there twice: {images[match[1]]} and {path.name}; remove one")
            images[match[1]] = path
    return images


def _cases(
    raw: Path, domain: str, images: dict[str, Path], test: tuple[str, ...], chosen: bool
) -> tuple[CaseFiles, ...]:
    if chosen and (unknown := [case for case in test if case not in images]):
        raise UserError(f"{raw / 'splits.json'} puts case {unknown[0]} into {domain}'s test split, but it has no image")
    cases = []
    for case, image in images.items():
        stem = image.name.replace("_image.nii", "_label.nii")
        # the image may be zipped and the label not, or the other way round
        names = (stem, stem.removesuffix(".gz"), stem.removesuffix(".gz") + ".gz")
        label = next((image.parent / name for name in names if (image.parent / name).is_file()), None)
        cases.append(CaseFiles(case, image, label, "test" if case in test else "train"))
    for split in ("train", "test"):
        if not any(case.split == split for case in cases):
            where = f"{raw / 'splits.json'} leaves" if chosen else "the published test cases leave"
            raise UserError(
                f"{where} domain {domain} of {raw} without a {split} case; "
                f'name its test cases in {raw / "splits.json"}: {{"{domain}": {{"test": ["ID", …]}}}}'
            )
    return tuple(cases)


def _read_splits(raw: Path) -> dict[str, tuple[str, ...]]:
    """Test ids by domain from `splits.json`; empty when there is no such file."""
    path = raw / "splits.json"
    if not path.exists():
        return {}
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(f'{path} must be of the form {{"ct": {{"test": ["1017"]}}, "mri": {{"test": ["1003"]}}}}')
    chosen = {}
    for domain, splits in content.items():
        if domain not in PREFIXES:
            raise UserError(f"{path} names a domain {domain!r}; the domains of MM-WHS are {' and '.join(PREFIXES)}")
        ids = {split: _ids(path, domain, split, splits) for split in ("train", "test")}
        if both := sorted(set(ids["train"]) & set(ids["test"])):
            raise UserError(f"{path} puts case {both[0]} of {domain} into both train and test; a patient is in one")
        # a case listed as train must exist as much as one listed as test
        known = _images(raw, PREFIXES[domain])
        if known and (unknown := [case for case in ids["train"] if case not in known]):
            raise UserError(f"{path} puts case {unknown[0]} into {domain}'s train split, but it has no image")
        chosen[domain] = ids["test"]
    return chosen


def _ids(path: Path, domain: str, split: str, splits: Any) -> tuple[str, ...]:
    ids = splits.get(split, []) if isinstance(splits, dict) and set(splits) <= {"train", "test"} else None
    if not isinstance(ids, list) or not all(isinstance(case, str | int) for case in ids):
        raise UserError(f'{path}: {domain!r} must be of the form {{"test": ["1017", …]}}; every other case is train')
    return tuple(str(case) for case in ids)


def _read_label(path: Path, image: Path, grid: VolumeGrid) -> NDArray[np.uint8]:
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
    table = np.full(max(STORE_VALUES) + 1, 255, dtype=np.uint8)
    for raw_value, value in STORE_VALUES.items():
        table[raw_value] = value
    if low < 0 or high >= len(table):
        undeclared = low if low < 0 else high
    else:
        label = table[whole.astype(np.int16)]
        if label.max() < 255:
            return label
        undeclared = int(whole[label == 255][0])
    raise UserError(
        f"{path} has the label value {undeclared}, which MM-WHS does not declare "
        f"(it has {', '.join(str(value) for value in sorted(STORE_VALUES))}); map or remove it"
    )
