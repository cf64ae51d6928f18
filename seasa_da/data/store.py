"""The slice store: what `prepare` leaves and training reads.

    STORE/manifest.json         format and version, settings, cases, files with their SHA-256
    STORE/ct/train_images.npy   (S, C, H, W) float32 in [-1, 1]
    STORE/ct/train_labels.npy   (S, H, W) uint8, 0 background, i + 1 the domain's label_names[i]; absent without labels
    STORE/ct/test_images.npy    … and so for every domain

Opening reads the manifest alone. `SliceStore` cannot read labels: that is `seasa_da.data.labels`, the one door.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from seasa_da.config import DataSettings
from seasa_da.data.arrays import FileRecord, open_array
from seasa_da.data.case import SPLITS, Split
from seasa_da.errors import UserError
from seasa_da.files import read_json

FORMAT = "seasa-da slice store"
VERSION = 1
MANIFEST = "manifest.json"

KINDS = ("images", "labels")
Affine = tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True)
class CaseRecord:
    """One case of a store.

    Attributes:
        id, split: the patient and where it belongs.
        start, stop: its slices in the split's arrays, `[start:stop]`.
        spacing_mm: voxel size (s, h, w).
        original_shape: (X, Y, Z) of the file it came from.
        original_affine: (4, 4) of that file, voxel index to RAS mm.
        affine: (4, 4), slice index (s, h, w) to RAS mm.
    """

    id: str
    split: Split
    start: int
    stop: int
    spacing_mm: tuple[float, float, float]
    original_shape: tuple[int, int, int]
    original_affine: Affine
    affine: Affine


@dataclass(frozen=True)
class DomainInfo:
    """One domain of a store; `label_names[i]` is the structure that has store value i + 1."""

    name: str
    label_names: tuple[str, ...]
    channels: int
    cases: tuple[CaseRecord, ...]

    def split_cases(self, split: str) -> tuple[CaseRecord, ...]:
        """The cases of a split, in the order of their slices."""
        return tuple(case for case in self.cases if case.split == split)


class DomainManifest(BaseModel):
    """A domain in the manifest; `lo` and `hi` are the standardised intensities that became -1 and 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label_names: tuple[str, ...]
    channels: int
    lo: float
    hi: float
    cases: tuple[CaseRecord, ...]
    files: dict[str, FileRecord]


class Manifest(BaseModel):
    """`manifest.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["seasa-da slice store"] = "seasa-da slice store"
    version: Literal[1] = 1
    settings: DataSettings
    # names are folders of the store: nothing may point out of it
    domains: dict[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")], DomainManifest]


class SliceStore:
    """A store opened for reading; `SliceStore.open(path)`.

    Attributes:
        path: its folder.
        settings: how its volumes were prepared.
        domains: the names of its domains.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.settings = manifest.settings
        self.domains: tuple[str, ...] = tuple(manifest.domains)
        self._manifest = manifest

    @classmethod
    def open(cls, path: Path) -> SliceStore:
        """Open the store in folder `path`; no array is touched.

        Raises:
            UserError: no such folder, not a store, of another version, or with a broken manifest.
        """
        file = path / MANIFEST
        try:
            if not path.is_dir():
                raise UserError(f"store {path} {'is a file, not a folder' if path.exists() else 'does not exist'}")
            if not file.exists():
                raise UserError(f"{path} is not a store: it has no {MANIFEST}; make one with `seasa-da data prepare`")
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror or error}; check the path and its rights") from error
        content = read_json(file)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise UserError(f"{file} is not the manifest of a {FORMAT}; make one with `seasa-da data prepare`")
        if content.get("version") != VERSION:
            raise UserError(
                f"{file} is of format version {content.get('version')!r}, this program reads {VERSION}; "
                "prepare the raw data again"
            )
        try:
            manifest = Manifest.model_validate(content)
        except ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(str(part) for part in fault["loc"])
            raise UserError(f"{file} is broken at {place}: {fault['msg']}; prepare the raw data again") from None
        for name, domain in manifest.domains.items():
            _check_domain(file, name, domain)
        return cls(path, manifest)

    def domain(self, name: str) -> DomainInfo:
        """A domain by name. Raises `UserError` that lists the domains there are."""
        found = self._domain(name)
        return DomainInfo(name, found.label_names, found.channels, found.cases)

    def intensity_range(self, domain: str) -> tuple[float, float]:
        """The standardised intensities (lo, hi) that became -1 and 1 in this domain."""
        found = self._domain(domain)
        return found.lo, found.hi

    def record(self, domain: str, split: str, kind: str) -> FileRecord | None:
        """What the manifest says of an array, `None` if the store was prepared without it."""
        if split not in SPLITS:
            raise UserError(f"unknown split {split!r}; splits: {', '.join(SPLITS)}")
        if kind not in KINDS:
            raise ValueError(f"kind {kind!r} is neither images nor labels")
        return self._domain(domain).files.get(file_name(split, kind))

    def images(self, domain: str, split: str) -> np.memmap:
        """The slices (S, C, H, W) float32 in [-1, 1] of a split, mapped read-only.

        Raises:
            UserError: unknown domain or split; the file is missing or not what the manifest says.
        """
        record = self.record(domain, split, "images")
        assert record is not None  # checked when the store was opened
        return open_array(self.path / domain / file_name(split, "images"), record)

    def fingerprint(self, files: Iterable[tuple[str, str, str]]) -> str:
        """SHA-256 (hexadecimal) over settings, label names, case ranges and the named files' hashes in the manifest.

        Args:
            files: (domain, split, "images" or "labels"), in any order.
        """
        parts = []
        for domain, split, kind in sorted(set(files)):
            record = self.record(domain, split, kind)
            info = self.domain(domain)
            ranges = [(case.id, case.start, case.stop) for case in info.split_cases(split)]
            parts.append((domain, split, kind, record and record.sha256, info.label_names, ranges))
        content = {"version": VERSION, "settings": self.settings.model_dump(mode="json"), "files": parts}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def _domain(self, name: str) -> DomainManifest:
        if name not in self._manifest.domains:
            raise UserError(f"{self.path} has no domain {name!r}; its domains: {', '.join(self.domains)}")
        return self._manifest.domains[name]


def file_name(split: str, kind: str) -> str:
    """The name of an array's file in its domain's folder."""
    return f"{split}_{kind}.npy"


def _check_domain(file: Path, name: str, domain: DomainManifest) -> None:
    """Refuse case ranges and shapes that contradict each other. Raises `UserError`."""

    def broken(what: str) -> UserError:
        return UserError(f"{file} is broken in domain {name}: {what}; prepare the raw data again")

    ids = [case.id for case in domain.cases]
    if twice := {case for case in ids if ids.count(case) > 1}:
        raise broken(f"case {min(twice)} is listed more than once")
    for split in SPLITS:
        record = domain.files.get(file_name(split, "images"))
        if record is None:
            raise broken(f"{file_name(split, 'images')} is not listed")
        if len(record.shape) != 4 or record.shape[1] != domain.channels:
            raise broken(f"{file_name(split, 'images')} has shape {record.shape}, not (S, {domain.channels}, H, W)")
        end = 0
        for case in domain.cases:
            if case.split == split:
                if case.start != end or case.stop <= case.start:
                    raise broken(f"case {case.id} has slices {case.start} to {case.stop}, {end} was next")
                end = case.stop
        if end != record.shape[0]:
            raise broken(f"the {split} cases have {end} slices, the images {record.shape[0]}")
        labels = domain.files.get(file_name(split, "labels"))
        if labels is not None and labels.shape != (record.shape[0], *record.shape[2:]):
            raise broken(f"{file_name(split, 'labels')} has shape {labels.shape}, the images {record.shape}")
