"""nnU-Net's raw data, a folder a domain: `ct/dataset.json`, `ct/imagesTr/CASE_0000.nii.gz`, `ct/labelsTr/CASE.nii.gz`.

`imagesTr` is for training, `imagesTs` for testing: its cases that have a label in `labelsTs`, or all of them in a
domain without any label, as an unlabelled target is. Training never depends on target labels; which of `imagesTs` is
tested does, unless `splits.json` in the raw folder says (`seasa_da.data.readers.splits`). That file may name cases of
`imagesTr` and of `imagesTs`; in a domain that it names, the rest of `imagesTr` is for training, and the rest of
`imagesTs` is left out. One channel; version 1 and the Medical Segmentation Decathlon's files (`imagesTr/CASE.nii.gz`)
are read too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from seasa_da.data.case import SPLITS, Case, CaseFiles, Split
from seasa_da.data.readers.dataset_json import DatasetJson, read_dataset_json
from seasa_da.data.readers.raw import RawData, RawDomain, VolumeGrid
from seasa_da.data.readers.splits import read_splits, require_both_splits, splits_path
from seasa_da.errors import UserError

DATASET_JSON = "dataset.json"
IMAGES = "imagesTr"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_CHANNEL = re.compile(r"(.+)_(\d{4})")


class _Domain(NamedTuple):
    folder: Path
    about: DatasetJson
    images: dict[str, Path]  # of imagesTr, by case id
    others: dict[str, Path]  # of imagesTs


class NNUNetReader:
    """Reads the layout above; see `seasa_da.data.readers.Reader`."""

    name = "nnunet"
    summary = "nnU-Net, a folder a domain: ct/dataset.json, ct/imagesTr/CASE_0000.nii.gz, ct/labelsTr/CASE.nii.gz, mr/…"
    version = 1

    def recognises(self, raw: Path) -> bool:
        """Whether `raw`, or a folder in it, has a `dataset.json` beside an `imagesTr`."""
        return any(all(_parts(folder)) for folder in (raw, *_folders(raw)))

    def scan(self, raw: Path) -> RawData:
        """List domains and cases.

        Raises:
            UserError: `raw` is itself a domain; a domain whose `dataset.json` or images cannot be read; a split that
                does not fit the files.
        """
        if all(_parts(raw)):
            raise UserError(f"{raw} is one domain; put it into a folder beside the other domain's and give that folder")
        notes: list[str] = []
        found = [_domain(folder) for folder in _domain_folders(raw, notes)]
        chosen = read_splits(raw, {domain.folder.name: {*domain.images, *domain.others} for domain in found})
        domains = tuple(
            RawDomain(
                domain.folder.name, domain.about.label_names, _cases(domain, chosen.get(domain.folder.name), notes)
            )
            for domain in found
        )
        files = [domain.about.path for domain in found]
        files += [splits_path(raw)] if splits_path(raw).exists() else []
        return RawData(domains, tuple(notes), tuple(files))

    def grid(self, files: CaseFiles) -> VolumeGrid:
        """Shape and affine of a case's image, from its header."""
        from seasa_da.data.readers.nifti import read_grid

        return read_grid(files.image)

    def load(self, files: CaseFiles) -> Case:
        """Read and check a case; labels come as store values, 1, 2, … in the order of the values in the file."""
        from seasa_da.data.readers.nifti_case import read_case

        about = read_dataset_json(files.image.parent.parent / DATASET_JSON)
        return read_case(files, about.store_values, str(about.path))


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


def _domain(folder: Path) -> _Domain:
    """What is in a domain's folder."""
    try:
        if not _NAME.fullmatch(folder.name):
            raise UserError(f"{folder} cannot name a domain; use letters, digits, _ . and - only, no sign first")
        about = read_dataset_json(folder / DATASET_JSON)
    except UserError as error:
        raise UserError(
            f"{error}; or, if it is not one of the two domains, give a folder that holds those only (links will do)"
        ) from error
    images = _by_stem(folder / IMAGES, about.ending)
    if not images:
        raise UserError(f"{folder / IMAGES} has no image; they are called CASE_0000{about.ending}")
    others = _by_stem(folder / "imagesTs", about.ending)
    # a case of version 1 may well be called p_0001; once for all images, or a domain's two folders might differ
    if about.channel_numbers or all(stem.endswith("_0000") for stem in images):
        images, others = _without_channel(images, about), _without_channel(others, about)
    return _Domain(folder, about, images, others)


def _without_channel(images: dict[str, Path], about: DatasetJson) -> dict[str, Path]:
    """Images by case id, in order of id, of those by the name that ends in their channel."""
    cases = {}
    for stem, path in images.items():
        match = _CHANNEL.fullmatch(stem)
        if match is None:
            raise UserError(f"{path} must be called CASE_0000{about.ending}: images end in the number of their channel")
        if match[2] != "0000":
            raise UserError(f"{path} is a further channel, but {about.path} names one; remove the file")
        cases[match[1]] = path
    return dict(sorted(cases.items()))


def _cases(found: _Domain, chosen: Mapping[Split, tuple[str, ...]] | None, notes: list[str]) -> tuple[CaseFiles, ...]:
    """The domain's cases in order of id; what is left out is added to `notes`."""
    folder, about, images, others = found
    raw, domain = folder.parent, folder.name
    labels, other_labels = (_by_stem(folder / name, about.ending) for name in ("labelsTr", "labelsTs"))
    if about.training_cases not in (None, len(images)):
        notes.append(f"{about.path} says numTraining {about.training_cases}; imagesTr has {len(images)} cases")
    _note_unused(notes, f"labels in {domain}/labelsTr", labels.keys() - images.keys(), "no image in imagesTr")
    _note_unused(notes, f"labels in {domain}/labelsTs", other_labels.keys() - others.keys(), "no image in imagesTs")

    if chosen is not None:
        used = {case for split in SPLITS for case in chosen[split]} & others.keys()
        test = set(chosen["test"])
        where, why = f"{splits_path(raw)} leaves", "splits.json names the test cases"
    else:
        # Training never depends on target labels; which of imagesTs is tested does, unless splits.json says: without
        # its labels, a domain whose imagesTs is labelled in part has more test cases.
        labelled = labels or other_labels
        used = test = {case for case in others if case in other_labels or not labelled}
        why = "no label in labelsTs"
        where = f"imagesTs has no case{' with a label in labelsTs' if labelled else ''}, which leaves"
    _note_unused(notes, f"cases in {domain}/imagesTs", others.keys() - used, why)
    if both := sorted(images.keys() & used):
        raise UserError(f"{others[both[0]]}: case {both[0]} is in imagesTr too; a patient is in train or in test")
    files = [(case, path, labels.get(case)) for case, path in images.items()]
    files += [(case, path, other_labels.get(case)) for case, path in others.items() if case in used]
    cases = [CaseFiles(case, image, label, "test" if case in test else "train") for case, image, label in sorted(files)]
    require_both_splits(raw, domain, cases, where, " (of imagesTr or imagesTs)")
    return tuple(cases)


def _by_stem(folder: Path, ending: str) -> dict[str, Path]:
    """The folder's files of that ending by the rest of their name, in order."""
    if not folder.is_dir():
        return {}
    names = sorted(path.name for path in _listed(folder) if path.name.endswith(ending))
    return {name.removesuffix(ending): folder / name for name in names}


def _parts(folder: Path) -> tuple[bool, bool]:
    """Whether a folder has a `dataset.json`, and training images."""
    try:
        return (folder / DATASET_JSON).is_file(), (folder / IMAGES).is_dir()
    except OSError as error:
        raise UserError(f"cannot read {folder}: {error.strerror}; check its permissions") from error


def _folders(raw: Path) -> list[Path]:
    return [path for path in _listed(raw) if path.is_dir()]


def _listed(folder: Path) -> list[Path]:
    """What is in a folder, in order, without hidden files (macOS leaves `._CASE.nii.gz`)."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise UserError(f"cannot read {folder}: {error.strerror}") from error


def _note_unused(notes: list[str], what: str, ids: Collection[str], why: str) -> None:
    if ids:
        first = ", ".join(sorted(ids)[:3]) + (", …" if len(ids) > 3 else "")
        notes.append(f"not used: {len(ids)} {what} ({first}): {why}")
