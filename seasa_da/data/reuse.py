"""What an older store has already of the cases that a new one is made of."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seasa_da.config import DataSettings
from seasa_da.data.case import SPLITS, Axis, CaseFiles, Split
from seasa_da.data.intensity import Rule
from seasa_da.data.labels import open_labels
from seasa_da.data.parallel import Counting, for_each, no_counting
from seasa_da.data.readers import RawDomain
from seasa_da.data.store import FORMAT, KINDS, MANIFEST, CaseRecord, SliceStore, file_name
from seasa_da.errors import UserError
from seasa_da.files import read_json, sha256_file

Arrays = tuple[np.memmap, np.memmap | None]
"""A split's images and labels."""
OF_NO_CASE = {"intensity", "axis", "histogram_cut_percent", "range_percentiles"}
"""Settings that do not say what a case's slices are: rules and axis are compared as they were chosen."""


class OlderStore:
    """A store whose cases may be taken over."""

    def __init__(self, store: SliceStore) -> None:
        self.store = store
        self._cases = {(name, case.id): case for name in store.domains for case in store.domain(name).cases}
        self._arrays: dict[tuple[str, Split], Arrays | None] = {}

    @classmethod
    def at(cls, path: Path | None) -> OlderStore | None:
        """The store in a folder, `None` if there is none that can be read."""
        if path is None or not (path / MANIFEST).is_file():
            return None
        try:
            return cls(SliceStore.open(path))
        except UserError:  # of another version, or broken: it is made anew
            return None

    def of_same_files(self, domain: RawDomain, files: CaseFiles, sources: dict[str, str]) -> CaseRecord | None:
        """The record of a case made of the same files, read as the same labels."""
        case = self._cases.get((domain.name, files.id))
        if case is None or list(case.sources.values()) != list(sources.values()):
            return None
        info = self.store.domain(domain.name)
        known = (info.label_names, info.label_values, info.ignored_values)
        if known != (domain.label_names, domain.label_values, domain.ignored_values):
            return None
        arrays = self._intact(domain.name, case.split)
        if arrays is None or (files.label is not None and arrays[1] is None):
            return None
        return case

    def has_same_slices(self, domain: str, rules: Sequence[Rule], settings: DataSettings, axis: Axis) -> bool:
        """Whether a domain's cases were cut and scaled as they would be now."""
        before, now = (each.model_dump(exclude=OF_NO_CASE) for each in (self.store.settings, settings))
        own = [channel.rule for channel in self.store.domain(domain).channels]
        return before == now and self.store.axis == axis and own == [str(rule) for rule in rules]

    def slices(self, domain: str, case: CaseRecord) -> tuple[NDArray[np.float32], NDArray[np.uint8] | None]:
        """A case's images (S, C, H, W), before the mapping to [-1, 1], and labels (S, H, W) if it has some."""
        arrays = self._intact(domain, case.split)
        if arrays is None:
            raise ValueError(f"case {case.id} cannot be taken from {self.store.path}")
        images, labels = arrays
        return images[case.start : case.stop], None if labels is None else labels[case.start : case.stop]

    def _intact(self, domain: str, split: Split) -> Arrays | None:
        """A split's arrays, `None` if they are not what was written; opened once, before they are checked.

        They stay what they were when another process puts a new store in this one's place meanwhile.
        """
        if (domain, split) not in self._arrays:
            try:
                arrays = self.store.stored_images(domain, split), open_labels(self.store, domain, split)
            except UserError:
                self._arrays[domain, split] = None
                return None
            kinds = [kind for kind, array in zip(KINDS, arrays, strict=True) if array is not None]
            intact = all(self._as_written(domain, split, kind) for kind in kinds)
            self._arrays[domain, split] = arrays if intact else None
        return self._arrays[domain, split]

    def _as_written(self, domain: str, split: Split, kind: str) -> bool:
        record = self.store.record(domain, split, kind)
        return record is not None and record.sha256 == file_hash(self.store.path / domain / file_name(split, kind))


def no_part_of_a_store(out: Path) -> Path | None:
    """What lies in a folder and is no part of a store, so that it must not be replaced by one; `None` if nothing is.

    A store that is broken, or of another version, is one. Hidden files, which file managers leave, do not count.
    """
    manifest = out / MANIFEST
    if manifest.is_file():
        try:
            content = read_json(manifest)
        except UserError:  # half of one
            content = {"format": FORMAT}
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            return manifest
    arrays = {file_name(split, kind) for split in SPLITS for kind in KINDS}
    for path in sorted(out.iterdir()):
        if path.is_dir() and not path.is_symlink():
            others = [file for file in sorted(path.iterdir()) if file.name not in arrays and not _hidden_file(file)]
            if others or path.name.startswith("."):
                return others[0] if others else path
        elif path.name != MANIFEST and not _hidden_file(path):
            return path
    return None


def _hidden_file(path: Path) -> bool:
    return path.name.startswith(".") and path.is_file()


def file_hash(path: Path) -> str:
    """SHA-256 of a file; of one that cannot be read the reason, which is a fault that `verify` names."""
    try:
        return sha256_file(path)
    except OSError as error:
        return f"unreadable: {error.strerror or error}"


def source_hashes(
    raw: Path, cases: Sequence[CaseFiles], *, workers: int | None = None, progress: Counting = no_counting
) -> list[dict[str, str]]:
    """`file_hash` of each case's files, by the path from the raw folder, images first."""

    def hashes(files: CaseFiles) -> dict[str, str]:
        return {relative_name(path, raw): file_hash(path) for path in files.paths}

    with progress("hashing", len(cases)) as step:
        return for_each(hashes, cases, workers=workers, on_done=step)


def relative_name(file: Path, raw: Path) -> str:
    """A file's path from the raw folder, the same wherever that lies, also where a reader has resolved links."""
    if file.is_relative_to(raw):
        return file.relative_to(raw).as_posix()
    return Path(os.path.relpath(file.resolve(), raw.resolve())).as_posix()
