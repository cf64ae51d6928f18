"""What an older store has already of the cases that a new one is made of."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seasa_da.config import DataSettings
from seasa_da.data.case import Axis, CaseFiles
from seasa_da.data.intensity import Rule
from seasa_da.data.labels import labels_exist, open_labels
from seasa_da.data.parallel import Counting, for_each, no_counting
from seasa_da.data.readers import RawDomain
from seasa_da.data.store import MANIFEST, CaseRecord, SliceStore
from seasa_da.errors import UserError
from seasa_da.files import sha256_file

OF_NO_CASE = {"intensity", "axis", "histogram_cut_percent", "range_percentiles"}
"""Settings that do not say what a case's slices are: rules and axis are compared as they were chosen."""


class OlderStore:
    """A store whose cases may be taken over."""

    def __init__(self, store: SliceStore) -> None:
        self.store = store
        self._cases = {(name, case.id): case for name in store.domains for case in store.domain(name).cases}

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
        if files.label is not None and not labels_exist(self.store, domain.name, case.split):
            return None
        return case

    def has_same_slices(self, domain: str, rules: Sequence[Rule], settings: DataSettings, axis: Axis) -> bool:
        """Whether a domain's cases were cut and scaled as they would be now."""
        before, now = (each.model_dump(exclude=OF_NO_CASE) for each in (self.store.settings, settings))
        own = [channel.rule for channel in self.store.domain(domain).channels]
        return before == now and self.store.axis == axis and own == [str(rule) for rule in rules]

    def slices(self, domain: str, case: CaseRecord) -> tuple[NDArray[np.float32], NDArray[np.uint8] | None]:
        """A case's images (S, C, H, W), before the mapping to [-1, 1], and labels (S, H, W) if it has some."""
        images = self.store.stored_images(domain, case.split)[case.start : case.stop]
        labels = open_labels(self.store, domain, case.split)
        return images, None if labels is None else labels[case.start : case.stop]


def source_hashes(
    raw: Path, cases: Sequence[CaseFiles], *, workers: int | None = None, progress: Counting = no_counting
) -> list[dict[str, str]]:
    """SHA-256 of each case's files, by the path from the raw folder, images first.

    Raises:
        UserError: a file cannot be read.
    """

    def hashes(files: CaseFiles) -> dict[str, str]:
        found = {}
        for path in files.paths:
            try:
                found[relative_name(path, raw)] = sha256_file(path)
            except OSError as error:
                # a fault among others, which `verify` names
                found[relative_name(path, raw)] = f"unreadable: {error.strerror or error}"
        return found

    with progress("hashing", len(cases)) as step:
        return for_each(hashes, cases, workers=workers, on_done=step)


def relative_name(file: Path, raw: Path) -> str:
    """A file's path from the raw folder, the same wherever that lies, also where a reader has resolved links."""
    if file.is_relative_to(raw):
        return file.relative_to(raw).as_posix()
    return Path(os.path.relpath(file.resolve(), raw.resolve())).as_posix()
