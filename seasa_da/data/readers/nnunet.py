"""nnU-Net's raw data, a folder a domain: `ct/dataset.json`, `ct/imagesTr/CASE_0000.nii.gz`, `ct/labelsTr/CASE.nii.gz`.

`imagesTr` is for training. The test split is, in this order: what `splits.json` in the raw folder names of `imagesTr`
(`seasa_da.data.readers.splits`); the cases of `imagesTs` that have a label in `labelsTs`; all of `imagesTs` in a domain
without any label, as an unlabelled target is. One channel; version 1 and the Medical Segmentation Decathlon's files
(`imagesTr/CASE.nii.gz`) are read too.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from seasa_da.data.case import Case, CaseFiles
from seasa_da.data.readers.dataset_json import DatasetJson, read_dataset_json
from seasa_da.data.readers.raw import RawData, RawDomain, VolumeGrid
from seasa_da.data.readers.splits import read_splits, require_both_splits, splits_path
from seasa_da.errors import UserError

DATASET_JSON = "dataset.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_CHANNEL = re.compile(r"(.+)_(\d{4})")


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
            UserError: `raw` is itself a domain; a domain without its `dataset.json` or images, or with ones that
                cannot be read; a split that does not fit the files.
        """
        if all(_parts(raw)):
            raise UserError(f"{raw} is one domain; put it into a folder beside the other domain's and give that folder")
        folders = [folder for folder in _folders(raw) if any(_parts(folder))]
        for folder in folders:
            if not _NAME.fullmatch(folder.name):
                raise UserError(f"{folder} cannot name a domain; use letters, digits, _ . and - only, no sign first")
        about = {folder.name: read_dataset_json(folder / DATASET_JSON) for folder in folders}
        images = {folder.name: _images(_images_of(folder), about[folder.name]) for folder in folders}
        chosen = read_splits(raw, images)
        notes: list[str] = []
        domains = tuple(
            RawDomain(
                folder.name,
                about[folder.name].label_names,
                _cases(folder, about[folder.name], images[folder.name], chosen.get(folder.name), notes),
            )
            for folder in folders
        )
        files = [description.path for description in about.values()]
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


def _cases(
    folder: Path, about: DatasetJson, images: dict[str, Path], chosen: tuple[str, ...] | None, notes: list[str]
) -> tuple[CaseFiles, ...]:
    """The domain's cases in order of id; what is left out is added to `notes`."""
    raw, domain = folder.parent, folder.name
    if not images:
        raise UserError(f"{_images_of(folder)} has no image; they are called CASE_0000{about.ending}")
    labels = _labels(folder / "labelsTr", about)
    others, other_labels = _images(folder / "imagesTs", about), _labels(folder / "labelsTs", about)
    if about.training_cases not in (None, len(images)):
        notes.append(f"{about.path} says numTraining {about.training_cases}; imagesTr has {len(images)} cases")
    _note_unused(notes, f"labels in {domain}/labelsTr", labels.keys() - images.keys(), "no image in imagesTr")
    _note_unused(notes, f"labels in {domain}/labelsTs", other_labels.keys() - others.keys(), "no image in imagesTs")

    if chosen is not None:
        _note_unused(notes, f"cases in {domain}/imagesTs", others, "splits.json names the test cases")
        cases = [CaseFiles(i, path, labels.get(i), "test" if i in chosen else "train") for i, path in images.items()]
        require_both_splits(raw, domain, cases, f"{splits_path(raw)} leaves")
        return tuple(cases)

    # which cases are tested may not change when an unlabelled copy of the domain is made
    test = {i: path for i, path in others.items() if i in other_labels or not (labels or other_labels)}
    _note_unused(notes, f"cases in {domain}/imagesTs", others.keys() - test.keys(), "no label in labelsTs")
    if both := sorted(images.keys() & test.keys()):
        raise UserError(f"{test[both[0]]}: case {both[0]} is in imagesTr too; a patient is in train or in test")
    cases = [CaseFiles(i, path, labels.get(i), "train") for i, path in images.items()]
    cases += [CaseFiles(i, path, other_labels.get(i), "test") for i, path in test.items()]
    require_both_splits(raw, domain, cases, "imagesTs and labelsTs leave")
    return tuple(sorted(cases, key=lambda case: case.id))


def _images(folder: Path, about: DatasetJson) -> dict[str, Path]:
    """Images by case id, in order of id; empty without the folder."""
    found = _by_stem(folder, about.ending)
    matches = {stem: _CHANNEL.fullmatch(stem) for stem in found}
    if not about.channel_numbers and not any(matches.values()):
        return found
    images = {}
    for stem, path in found.items():
        match = matches[stem]
        if match is None:
            raise UserError(f"{path} must be called CASE_0000{about.ending}: images end in the number of their channel")
        if match[2] != "0000":
            raise UserError(f"{path} is a further channel, but {about.path} names one; remove the file")
        images[match[1]] = path
    return dict(sorted(images.items()))


def _labels(folder: Path, about: DatasetJson) -> dict[str, Path]:
    return _by_stem(folder, about.ending)


def _by_stem(folder: Path, ending: str) -> dict[str, Path]:
    """The folder's files of that ending by the rest of their name, in order."""
    if not folder.is_dir():
        return {}
    names = sorted(path.name for path in _listed(folder) if path.name.endswith(ending))
    return {name.removesuffix(ending): folder / name for name in names}


def _parts(folder: Path) -> tuple[bool, bool]:
    """Whether a folder has a `dataset.json`, and training images."""
    try:
        return (folder / DATASET_JSON).is_file(), _images_of(folder).is_dir()
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


def _images_of(folder: Path) -> Path:
    return folder / "imagesTr"


def _note_unused(notes: list[str], what: str, ids: Collection[str], why: str) -> None:
    if ids:
        first = ", ".join(sorted(ids)[:3]) + (", …" if len(ids) > 3 else "")
        notes.append(f"not used: {len(ids)} {what} ({first}): {why}")
