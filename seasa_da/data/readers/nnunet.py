"""nnU-Net's raw data, a folder a domain: `ct/dataset.json`, `ct/imagesTr/CASE_0000.nii.gz`, `ct/labelsTr/CASE.nii.gz`.

`imagesTr` is for training, `imagesTs` for testing: its cases that have a label in `labelsTs`, or all of them in a
domain without any label, as an unlabelled target is. Training never depends on target labels; which of `imagesTs` is
tested does, unless the user names the test cases. Further channels are `CASE_0001.nii.gz` and so on. Version 1 and the
Medical Segmentation Decathlon's files (`imagesTr/CASE.nii.gz`, all channels in one) are read too.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from seasa_da.data.case import Case, CaseFiles, Split
from seasa_da.data.readers.dataset_json import read_dataset_json
from seasa_da.data.readers.dicom import ADVICE, first_dicom
from seasa_da.data.readers.listing import broken_links, entries
from seasa_da.data.readers.nnunet_images import DomainImages, by_stem, look_numbered, of_other_endings
from seasa_da.data.readers.raw import CaseCheck, Fault, RawData, RawDomain, VolumeGrid
from seasa_da.errors import UserError

if TYPE_CHECKING:
    from seasa_da.data.readers.nifti_case import CaseForm

DATASET_JSON = "dataset.json"
IMAGES, OTHER_IMAGES = "imagesTr", "imagesTs"
LABELS, OTHER_LABELS = "labelsTr", "labelsTs"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class NNUNetReader:
    """Reads the layout above; see `seasa_da.data.readers.Reader`."""

    name = "nnunet"
    summary = "nnU-Net, a folder a domain: ct/dataset.json, ct/imagesTr/CASE_0000.nii.gz, ct/labelsTr/CASE.nii.gz, mr/…"
    version = 2
    numbered: bool | None = None
    """Whether images' names end in their channel; `None`: by `dataset.json` and the names."""

    def recognises(self, raw: Path) -> bool:
        """Whether `raw`, or a folder in it, has a `dataset.json` beside an `imagesTr`."""
        return any(all(_parts(folder)) for folder in (raw, *_folders(raw)))

    def scan(self, raw: Path) -> RawData:
        """List domains and cases.

        Raises:
            UserError: `raw` is itself a domain; a domain whose `dataset.json` or images cannot be read.
        """
        if all(_parts(raw)):
            raise UserError(f"{raw} is one domain; put it into a folder beside the other domain's and give that folder")
        notes: list[str] = []
        faults = broken_links(raw)
        lost = {fault.path for fault in faults}
        folders = [folder for folder in _domain_folders(raw, notes) if folder not in lost]
        domains = [_domain(folder, self.numbered, notes, faults) for folder in folders]
        return RawData(tuple(domains), tuple(notes), tuple(folder / DATASET_JSON for folder in folders), tuple(faults))

    def grid(self, files: CaseFiles) -> VolumeGrid:
        """Shape and affine of a case's first channel, from its header."""
        from seasa_da.data.readers.nifti_case import read_case_grid

        return read_case_grid(files, _form(files))

    def load(self, files: CaseFiles) -> Case:
        """Open a case; labels come as store values, 1, 2, … in the order of the values in the file."""
        from seasa_da.data.readers.nifti_case import open_case

        return open_case(files, _form(files))

    def check(self, files: CaseFiles) -> CaseCheck:
        """All that is wrong with a case's files."""
        from seasa_da.data.readers.nifti_check import check_files

        return check_files(files, _form(files))


def _form(files: CaseFiles) -> CaseForm:
    from seasa_da.data.readers.nifti_case import CaseForm

    about = read_dataset_json(files.image.parent.parent / DATASET_JSON)
    return CaseForm(len(about.channels), about.store_values, str(about.path))


def _domain_folders(raw: Path, notes: list[str]) -> list[Path]:
    """The folders with both parts of a domain; those with one are added to `notes`."""
    folders = []
    for folder in _folders(raw):
        described, with_images = _parts(folder)
        if described and with_images:
            folders.append(folder)
        elif described or with_images:
            notes.append(f"not used: {folder}: it has no {IMAGES if described else DATASET_JSON}, so it is no domain")
    return folders


def _domain(folder: Path, numbered: bool | None, notes: list[str], faults: list[Fault]) -> RawDomain:
    """What is in a domain's folder; what is left out, and what is wrong with single cases, is added to the lists."""
    try:
        if not _NAME.fullmatch(folder.name):
            raise UserError(f"{folder} cannot name a domain; use letters, digits, _ . and - only, no sign first")
        about = read_dataset_json(folder / DATASET_JSON)
    except UserError as error:
        raise UserError(
            f"{error}; or, if it is not one of the two domains, give a folder that holds those only (links will do)"
        ) from error
    images = by_stem(folder / IMAGES, about.ending)
    if not images:
        dicom = f"; {ADVICE}" if first_dicom(folder / IMAGES) else ""
        raise UserError(f"{folder / IMAGES} has no image; they are called CASE_0000{about.ending}{dicom}")
    if numbered is None:
        numbered = about.channel_numbers or look_numbered(images, about)
    training = DomainImages(folder / IMAGES, about, numbered)
    others = DomainImages(folder / OTHER_IMAGES, about, numbered)
    faults += [*training.faults, *others.faults]
    return RawDomain(
        folder.name,
        about.label_names,
        _cases(training, others, notes, faults),
        label_values=about.label_values,
        channels=about.channels,
        split_from=OTHER_IMAGES,
    )


def _cases(
    training: DomainImages, others: DomainImages, notes: list[str], faults: list[Fault]
) -> tuple[CaseFiles, ...]:
    """The domain's cases in order of id; what is left out, and a case of both folders, is added to the lists."""
    about, domain = training.about, training.domain
    folder = training.folder.parent
    labels, other_labels = (by_stem(folder / name, about.ending) for name in (LABELS, OTHER_LABELS))
    why = f"{about.path.name}'s file_ending is {about.ending}"
    for name in (IMAGES, OTHER_IMAGES, LABELS, OTHER_LABELS):
        _note(notes, "not used", f"files in {domain}/{name}", of_other_endings(folder / name, about.ending), why)
    if about.training_cases not in (None, len(training.ids)):
        notes.append(f"{about.path} says numTraining {about.training_cases}; imagesTr has {len(training.ids)} cases")
    _note(notes, "not used", f"labels in {domain}/labelsTr", labels.keys() - training.ids, "no image in imagesTr")
    _note(notes, "not used", f"labels in {domain}/labelsTs", other_labels.keys() - others.ids, "no image in imagesTs")
    # without its labels, a domain whose imagesTs is labelled in part has more test cases
    test = {case for case in others.ids if case in other_labels or not (labels or other_labels)}
    unlabelled = others.ids - test - training.ids
    _note(notes, "not used unless named", f"cases in {domain}/{OTHER_IMAGES}", unlabelled, "no label in labelsTs")
    both = sorted(training.ids & others.ids)
    for case in both:
        path = others.cases.get(case, (others.folder,))[0]
        what = f"is of case {case}, which is in {IMAGES} too; a patient is in train or in test"
        faults.append(Fault(path, what, domain, case))
    cases = [CaseFiles(case, paths, labels.get(case), "train") for case, paths in training.cases.items()]
    for case, paths in others.cases.items():
        if case not in both:
            split: Split | None = "test" if case in test else None
            cases.append(CaseFiles(case, paths, other_labels.get(case), split, "test"))
    return tuple(sorted(cases, key=lambda files: files.id))


def _parts(folder: Path) -> tuple[bool, bool]:
    """Whether a folder has a `dataset.json`, and training images."""
    try:
        return (folder / DATASET_JSON).is_file(), (folder / IMAGES).is_dir()
    except OSError as error:
        raise UserError(f"cannot read {folder}: {error.strerror}; check its permissions") from error


def _folders(raw: Path) -> list[Path]:
    return [path for path in entries(raw) if path.is_dir()]


def _note(notes: list[str], said: str, what: str, ids: Collection[str], why: str) -> None:
    if ids:
        first = ", ".join(sorted(ids)[:3]) + (", …" if len(ids) > 3 else "")
        notes.append(f"{said}: {len(ids)} {what} ({first}): {why}")
