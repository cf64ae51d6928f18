"""The slice store: what `prepare` leaves and training reads.

    STORE/manifest.json         format and version, settings, cases, files with their SHA-256
    STORE/ct/train_images.npy   (S, C, H, W) float32, each volume scaled by its channel's intensity rule
    STORE/ct/train_labels.npy   (S, H, W) uint8, 0 background, i + 1 the domain's label_names[i]; absent without labels
    STORE/ct/test_images.npy    … and so for every domain

Images are mapped to [-1, 1] when they are read, by the domain's `lo` and `hi`: these change with every training case,
the stored slices of a case do not, so that a store can be made anew from an older one's cases (`prepare`). Opening
reads the manifest alone. `SliceStore` cannot read labels: that is `seasa_da.data.labels`, the one door.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from seasa_da.config import DataSettings
from seasa_da.data.arrays import FileRecord, ScaledImages, open_array
from seasa_da.data.case import SPLITS, Axis, Intensities, Split
from seasa_da.errors import UserError
from seasa_da.files import is_plain_name, read_json

FORMAT = "seasa-da slice store"
VERSION = 2
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
        sources: SHA-256 of each of its files, by the path in the raw folder.
        content: SHA-256 of its voxels, see `seasa_da.data.readers.raw.CaseCheck`.
        intensities: of each channel, see `seasa_da.data.case.Intensities`.
    """

    id: str
    split: Split
    start: int
    stop: int
    spacing_mm: tuple[float, float, float]
    original_shape: tuple[int, int, int]
    original_affine: Affine
    affine: Affine
    sources: dict[str, str]
    content: str
    intensities: tuple[Intensities, ...]


@dataclass(frozen=True)
class ChannelRecord:
    """One channel of a domain.

    Attributes:
        name: as the raw data call it.
        rule: its intensity rule, see `seasa_da.data.intensity`.
        lo, hi: the scaled intensities that become -1 and 1.
    """

    name: str
    rule: str
    lo: float
    hi: float


@dataclass(frozen=True)
class DomainInfo:
    """One domain of a store.

    Attributes:
        label_names: `label_names[i]` is the structure that has store value i + 1.
        label_values: the value of each structure in the domain's own label files.
        ignored_values: the values in those files of voxels that are neither learnt from nor scored.
        channels: of its images.
        split_from: what divided its cases.
    """

    name: str
    label_names: tuple[str, ...]
    label_values: tuple[int, ...]
    ignored_values: tuple[int, ...]
    channels: tuple[ChannelRecord, ...]
    split_from: str
    cases: tuple[CaseRecord, ...]

    def split_cases(self, split: str) -> tuple[CaseRecord, ...]:
        """The cases of a split, in the order of their slices."""
        return tuple(case for case in self.cases if case.split == split)


class DomainManifest(BaseModel):
    """A domain in the manifest, see `DomainInfo`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    label_names: tuple[str, ...]
    label_values: tuple[int, ...]
    ignored_values: tuple[int, ...]
    channels: Annotated[tuple[ChannelRecord, ...], Field(min_length=1)]
    split_from: str
    cases: tuple[CaseRecord, ...]
    files: dict[str, FileRecord]


class Manifest(BaseModel):
    """`manifest.json`; `made_by` says which reader and rules, in which versions, gave these slices."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["seasa-da slice store"] = "seasa-da slice store"
    version: Literal[2] = 2
    settings: DataSettings
    axis: Axis
    made_by: str
    # names are folders of the store: nothing may point out of it
    domains: dict[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")], DomainManifest]
    sha256: str | None = None
    """Of all the rest, in hexadecimal; stores of earlier releases have none."""

    def seal(self) -> str:
        """What `sha256` should be."""
        content = json.dumps(self.model_dump(mode="json", exclude={"sha256"}), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


class SliceStore:
    """A store opened for reading; `SliceStore.open(path)`.

    Attributes:
        path: its folder.
        settings: how its volumes were prepared.
        axis: which slices these are.
        made_by: which reader and rules, in which versions, made them.
        domains: the names of its domains.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.settings = manifest.settings
        self.axis: Axis = manifest.axis
        self.made_by = manifest.made_by
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
        own = {field: getattr(found, field) for field in DomainManifest.model_fields if field != "files"}
        return DomainInfo(name, **own)

    @property
    def sealed(self) -> bool:
        """Whether the manifest is what was written, by its own hash; one that has none is taken at its word."""
        return self._manifest.sha256 in (None, self._manifest.seal())

    def records(self, domain: str) -> dict[str, FileRecord]:
        """What the manifest says of a domain's arrays, by the name of the file."""
        return dict(self._domain(domain).files)

    def record(self, domain: str, split: str, kind: str) -> FileRecord | None:
        """What the manifest says of an array, `None` if the store was prepared without it."""
        if split not in SPLITS:
            raise UserError(f"unknown split {split!r}; splits: {', '.join(SPLITS)}")
        if kind not in KINDS:
            raise ValueError(f"kind {kind!r} is neither images nor labels")
        return self._domain(domain).files.get(file_name(split, kind))

    def images(self, domain: str, split: str) -> ScaledImages:
        """The slices (S, C, H, W) float32 in [-1, 1] of a split; the file is memory-mapped read-only.

        Raises:
            UserError: unknown domain or split; the file is missing or not what the manifest says.
        """
        channels = self._domain(domain).channels
        lo, hi = [channel.lo for channel in channels], [channel.hi for channel in channels]
        return ScaledImages(self.stored_images(domain, split), lo, hi)

    def stored_images(self, domain: str, split: str) -> np.memmap:
        """The slices (S, C, H, W) float32 of a split as they are kept, before the mapping to [-1, 1]; see `images`."""
        record = self.record(domain, split, "images")
        assert record is not None  # checked when the store was opened
        return open_array(self.path / domain / file_name(split, "images"), record)

    def fingerprint(self, files: Iterable[tuple[str, str, str]]) -> str:
        """SHA-256 (hexadecimal) over settings, label names, case ranges, intensities' ranges and the named files'
        hashes.

        Args:
            files: (domain, split, "images" or "labels"), in any order.
        """
        parts = []
        for domain, split, kind in sorted(set(files)):
            record = self.record(domain, split, kind)
            info = self.domain(domain)
            ranges = [(case.id, case.start, case.stop) for case in info.split_cases(split)]
            scale = [(channel.rule, channel.lo, channel.hi) for channel in info.channels]
            parts.append((domain, split, kind, record and record.sha256, info.label_names, ranges, scale))
        settings = self.settings.model_dump(mode="json")
        content = {"version": VERSION, "settings": settings, "axis": self.axis, "files": parts}
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

    if len(domain.label_values) != len(domain.label_names):
        raise broken(f"it has {len(domain.label_names)} label names, but {len(domain.label_values)} values of them")
    if any(not channel.hi > channel.lo for channel in domain.channels):
        raise broken("the range of a channel is empty")
    if strange := [case.id for case in domain.cases if not is_plain_name(case.id)]:
        raise broken(f"case {strange[0]!r} has no name that a file could have")  # predictions are called so
    listed = Counter(case.id for case in domain.cases)
    if twice := [case for case, times in listed.items() if times > 1]:
        raise broken(f"case {min(twice)} is listed more than once")
    for split in SPLITS:
        record = domain.files.get(file_name(split, "images"))
        if record is None:
            raise broken(f"{file_name(split, 'images')} is not listed")
        if len(record.shape) != 4 or record.shape[1] != len(domain.channels):
            expected = f"(S, {len(domain.channels)}, H, W)"
            raise broken(f"{file_name(split, 'images')} has shape {record.shape}, not {expected}")
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
