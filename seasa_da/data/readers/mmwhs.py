"""MM-WHS 2017, raw: `ct_train/ct_train_1001_image.nii.gz`, `…_label.nii.gz`, `mr_train/mr_train_1001_image.nii.gz`, …

Four of its seven structures are classes here, in the order of the papers' tables; the rest is background. The split is
the one published with PnP-AdaNet and SIFA, and so are the slices and the rule of intensities.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from seasa_da.data.case import Case, CaseFiles
from seasa_da.data.readers.listing import broken_links, entries, folder_fault
from seasa_da.data.readers.raw import CaseCheck, Fault, RawData, RawDomain, VolumeGrid

if TYPE_CHECKING:
    from seasa_da.data.readers.nifti_case import CaseForm

LABEL_VALUES = {"AA": 820, "LAC": 420, "LVC": 500, "MYO": 205}
# Raw value -> store value. 421 is a stray 420 of one release; 550, 600, 850 are structures the papers do not segment.
STORE_VALUES = {0: 0, 820: 1, 420: 2, 421: 2, 500: 3, 205: 4, 550: 0, 600: 0, 850: 0}
PREFIXES = {"ct": "ct", "mri": "mr"}
CHANNELS = {"ct": "CT", "mri": "MRI"}
PUBLISHED_TEST = {"ct": ("1003", "1008", "1014", "1019"), "mri": ("1007", "1009", "1018", "1019")}


class MMWHSReader:
    """Reads the layout above; see `seasa_da.data.readers.Reader`."""

    name = "mmwhs"
    summary = "MM-WHS 2017: ct_train/ct_train_1001_image.nii.gz, ct_train_1001_label.nii.gz, mr_train/…"
    version = 2

    def recognises(self, raw: Path) -> bool:
        """Whether `raw` has a `ct_train` or `mr_train` folder with an image in it."""
        return any(_images(raw, name)[0] for name in PREFIXES)

    def scan(self, raw: Path) -> RawData:
        """List domains and cases."""
        domains: list[RawDomain] = []
        faults = [fault for fault in broken_links(raw) if fault.path.name in _folder_names()]
        for name in PREFIXES:
            images, found = _images(raw, name)
            faults += found
            if images:
                domains.append(
                    RawDomain(
                        name,
                        tuple(LABEL_VALUES),
                        _cases(name, images),
                        label_values=tuple(LABEL_VALUES.values()),
                        channels=(CHANNELS[name],),
                        axis="coronal",
                        intensity="zscore",
                        split_from="the published test cases",
                    )
                )
        unused = [f"{prefix}_test" for prefix in PREFIXES.values() if (raw / f"{prefix}_test").is_dir()]
        notes = (f"not used: {' and '.join(unused)} (the challenge's cases without labels)",) if unused else ()
        return RawData(tuple(domains), notes, faults=tuple(faults))

    def grid(self, files: CaseFiles) -> VolumeGrid:
        """Shape and affine of a case's image, from its header."""
        from seasa_da.data.readers.nifti_case import read_case_grid

        return read_case_grid(files, _form())

    def load(self, files: CaseFiles) -> Case:
        """Open a case; labels come as store values, 1 … 4 for `LABEL_VALUES`."""
        from seasa_da.data.readers.nifti_case import open_case

        return open_case(files, _form())

    def check(self, files: CaseFiles) -> CaseCheck:
        """All that is wrong with a case's files."""
        from seasa_da.data.readers.nifti_check import check_files

        return check_files(files, _form())


def _form() -> CaseForm:
    from seasa_da.data.readers.nifti_case import CaseForm

    return CaseForm(1, STORE_VALUES, "MM-WHS")


def _folder_names() -> list[str]:
    return [f"{prefix}_train" for prefix in PREFIXES.values()]


def _images(raw: Path, domain: str) -> tuple[dict[str, Path], list[Fault]]:
    """Image files by case id, in order of id, and what is wrong with some."""
    prefix = PREFIXES[domain]
    pattern = re.compile(rf"{prefix}_train_(\w+)_image\.nii(\.gz)?")
    images: dict[str, Path] = {}
    faults: list[Fault] = []
    for path in entries(raw / f"{prefix}_train"):
        if match := pattern.fullmatch(path.name):
            case = match[1]
            if found := folder_fault(path, domain, case):
                faults += found
            elif case in images:
                what = f"is a second image of case {case}, which is there twice: {images[case].name} too; remove one"
                faults.append(Fault(path, what, domain, case))
            else:
                images[case] = path
    return images, faults


def _cases(domain: str, images: dict[str, Path]) -> tuple[CaseFiles, ...]:
    cases = []
    for case, image in sorted(images.items()):
        stem = image.name.replace("_image.nii", "_label.nii").removesuffix(".gz")
        # the image may be zipped and the label not, or the other way round; what is there but no file is its fault
        labels = [image.with_name(name) for name in (stem, f"{stem}.gz")]
        label = next((path for path in labels if path.exists() or path.is_symlink()), None)
        cases.append(CaseFiles(case, (image,), label, "test" if case in PUBLISHED_TEST[domain] else "train"))
    return tuple(cases)
