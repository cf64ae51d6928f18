"""The images of an nnU-Net folder, by case and channel."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from seasa_da.data.readers.dataset_json import DatasetJson
from seasa_da.data.readers.listing import entries, folder_fault
from seasa_da.data.readers.raw import Fault

_CHANNEL = re.compile(r"(.+)_(\d{4})")


def look_numbered(images: Collection[str], about: DatasetJson) -> bool:
    """Whether the names of a version 1 domain's images end in their channel.

    A case of version 1 may well be called p_0001, so all must look like it, and some case must have all its channels.
    It is asked once for all images, or a domain's two folders might differ.
    """
    matches = [_CHANNEL.fullmatch(stem) for stem in images]
    numbers: dict[str, set[int]] = {}
    for match in matches:
        if match is None or int(match[2]) >= len(about.channels):
            return False
        numbers.setdefault(match[1], set()).add(int(match[2]))
    return any(len(found) == len(about.channels) for found in numbers.values())


class DomainImages:
    """A folder of images.

    Attributes:
        folder, about: where, of which domain.
        cases: the files of each sound case, in order of channel.
        ids: of all cases, also those that are not sound.
        faults: why they are not.
    """

    def __init__(self, folder: Path, about: DatasetJson, numbered: bool) -> None:
        self.folder, self.about = folder, about
        self.faults: list[Fault] = []
        self.domain = folder.parent.name
        self.channels = len(about.channels) if numbered else 1
        found: dict[str, dict[int, Path]] = {}
        for stem, path in by_stem(folder, about.ending).items():
            case, number = self._named(stem, path) if numbered else (stem, 0)
            files = found.setdefault(case, {})
            if number is not None:
                files[number] = path
        self.ids = set(found)
        self.cases = {case: paths for case, files in sorted(found.items()) if (paths := self._complete(case, files))}

    def _named(self, stem: str, path: Path) -> tuple[str, int | None]:
        """The case and the channel in a name; no channel if there is none, or one too many."""
        match = _CHANNEL.fullmatch(stem)
        if match is None:
            what = f"must be called CASE_0000{self.about.ending}: images end in the number of their channel"
            self.faults.append(Fault(path, what, self.domain, stem))
            return stem, None
        if int(match[2]) >= self.channels:
            what = f"is a further channel, but {self.about.path} names {self.channels}; remove the file"
            self.faults.append(Fault(path, what, self.domain, match[1]))
            return match[1], None
        return match[1], int(match[2])

    def _complete(self, case: str, files: dict[int, Path]) -> tuple[Path, ...]:
        """The case's files in order of channel; none where one is missing, or is no file."""
        faults = [fault for path in files.values() for fault in folder_fault(path, self.domain, case)]
        for number in range(self.channels if files else 0):
            if number not in files:
                name = f"{case}_{number:04d}{self.about.ending}"
                what = f"has no channel {self.about.channels[number]} beside it: {name} is missing; add it"
                faults.append(Fault(next(iter(files.values())), what, self.domain, case))
        self.faults += faults
        return () if faults else tuple(files[number] for number in sorted(files))


def by_stem(folder: Path, ending: str) -> dict[str, Path]:
    """The folder's files of that ending by the rest of their name, in order."""
    return {path.name.removesuffix(ending): path for path in entries(folder) if path.name.endswith(ending)}


def of_other_endings(folder: Path, ending: str) -> set[str]:
    """The names of the folder's other files."""
    return {path.name for path in entries(folder) if not path.name.endswith(ending) and path.is_file()}
