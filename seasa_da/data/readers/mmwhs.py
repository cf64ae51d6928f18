"""MM-WHS 2017, raw: `ct_train/ct_train_1001_image.nii.gz`, `…_label.nii.gz`, `mr_train/mr_train_1001_image.nii.gz`, …

Four of its seven structures are classes here, in the order of the papers' tables; the rest is background. The split is
that of `splits.json` in the raw folder where it names the domain (`seasa_da.data.readers.splits`), else the one
published with PnP-AdaNet and SIFA.
"""

from __future__ import annotations

import re
from pathlib import Path

from seasa_da.data.case import Case, CaseFiles
from seasa_da.data.readers.raw import RawData, RawDomain, VolumeGrid
from seasa_da.data.readers.splits import read_splits, require_both_splits, splits_path
from seasa_da.errors import UserError

LABEL_NAMES = ("AA", "LAC", "LVC", "MYO")
# Raw value -> store value. 421 is a stray 420 of one release; 550, 600, 850 are structures the papers do not segment.
STORE_VALUES = {0: 0, 820: 1, 420: 2, 421: 2, 500: 3, 205: 4, 550: 0, 600: 0, 850: 0}
PREFIXES = {"ct": "ct", "mri": "mr"}
PUBLISHED_TEST = {"ct": ("1003", "1008", "1014", "1019"), "mri": ("1007", "1009", "1018", "1019")}


class MMWHSReader:
    """Reads the layout above; see `seasa_da.data.readers.Reader`."""

    name = "mmwhs"
    summary = "MM-WHS 2017: ct_train/ct_train_1001_image.nii.gz, ct_train_1001_label.nii.gz, mr_train/…"
    version = 1

    def recognises(self, raw: Path) -> bool:
        """Whether `raw` has a `ct_train` or `mr_train` folder with an image in it."""
        return any(_images(raw, prefix) for prefix in PREFIXES.values())

    def scan(self, raw: Path) -> RawData:
        """List domains and cases. Raises `UserError` for a split that does not fit the files."""
        images = {name: _images(raw, prefix) for name, prefix in PREFIXES.items()}
        chosen = read_splits(raw, images)
        domains = [
            RawDomain(name, LABEL_NAMES, _cases(raw, name, found, chosen[name]["test"] if name in chosen else None))
            for name, found in images.items()
            if found
        ]
        unused = [f"{prefix}_test" for prefix in PREFIXES.values() if (raw / f"{prefix}_test").is_dir()]
        notes = (f"not used: {' and '.join(unused)} (the challenge's cases without labels)",) if unused else ()
        return RawData(tuple(domains), notes, tuple(path for path in (splits_path(raw),) if path.exists()))

    def grid(self, files: CaseFiles) -> VolumeGrid:
        """Shape and affine of a case's image, from its header."""
        from seasa_da.data.readers.nifti import read_grid

        return read_grid(files.image)

    def load(self, files: CaseFiles) -> Case:
        """Read and check a case; labels come as store values, 1 … 4 for `LABEL_NAMES`."""
        from seasa_da.data.readers.nifti_case import read_case

        return read_case(files, STORE_VALUES, "MM-WHS")


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


def _cases(raw: Path, domain: str, images: dict[str, Path], chosen: tuple[str, ...] | None) -> tuple[CaseFiles, ...]:
    test = PUBLISHED_TEST[domain] if chosen is None else chosen
    cases = []
    for case, image in images.items():
        stem = image.name.replace("_image.nii", "_label.nii")
        # the image may be zipped and the label not, or the other way round
        names = (stem, stem.removesuffix(".gz"), stem.removesuffix(".gz") + ".gz")
        label = next((image.parent / name for name in names if (image.parent / name).is_file()), None)
        cases.append(CaseFiles(case, image, label, "test" if case in test else "train"))
    where = "the published test cases leave" if chosen is None else f"{splits_path(raw)} leaves"
    require_both_splits(raw, domain, cases, where)
    return tuple(cases)
