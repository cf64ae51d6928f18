"""SE_ASA's lists of files: `train_ct.txt` of images, `train_ct_gt.txt` of their labels, line by line.

Our choice: lists may lie up to four folders below the raw folder. A path in a list counts from the list's folder; where
nothing is there, as with the authors' own paths in the release, it means the file of that name in a folder of that name
in the raw folder. A list without its `_gt` list is of images without labels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from seasa_da.data.readers.names import MODALITIES, said, stem
from seasa_da.data.readers.raw import Fault
from seasa_da.data.readers.slice_files import is_volume
from seasa_da.errors import UserError

LIST_NAME = re.compile(r"(train|val|test)_(ct|mri?)(_gt)?\.txt")
LABEL_STEM = "_gt"

ListKey = tuple[str, str, bool]
"""(domain, part, whether of labels)."""


def find_lists(paths: Sequence[Path]) -> dict[ListKey, Path]:
    """The lists among the files. Raises `UserError` for two of the same images."""
    lists: dict[ListKey, Path] = {}
    for path in paths:
        if match := LIST_NAME.fullmatch(path.name):
            key = MODALITIES[match[2]], match[1], match[3] is not None
            if key in lists:
                raise UserError(f"{path} and {lists[key]} are lists of the same; remove one, or give a folder with one")
            lists[key] = path
    return lists


def modality_of(path: Path) -> str | None:
    """What the names of a file and its folders say it is."""
    return said(Path(path.anchor), path, MODALITIES)


class Pairs:
    """What the lists of a domain name.

    Args:
        domain: its name.
        arrays: all array files of the raw folder.
        faults: to add to.
    """

    def __init__(self, domain: str, arrays: Sequence[Path], faults: list[Fault]) -> None:
        self.parts: dict[Path, str] = {}
        """Whether each image is for "train", "val" or "test"."""
        self.labels: dict[Path, Path] = {}
        """The label of each image that has one."""
        self._domain, self._faults = domain, faults
        self._known = set(arrays)
        self._by_name: dict[tuple[str, str], list[Path]] = {}
        for path in arrays:
            self._by_name.setdefault((path.parent.name, path.name), []).append(path)

    def add(self, part: str, images: Path, labels: Path | None) -> None:
        """Add what a list of images names, and the list of their labels.

        Raises:
            UserError: a list that cannot be read.
        """
        found = self._listed(images)
        for path in found:
            if path in self.parts:
                self._fault(path, f"is listed twice, in {images.name} too; a slice is in one list, once")
            if is_volume(path):
                self.labels[path] = path
                if modality_of(path) != self._domain:
                    self._fault(path, f"is listed in {images.name}, but its name or folder does not say so; rename it")
            self.parts[path] = part
        if labels is not None:
            self._pair(images, found, labels, self._listed(labels))

    def _pair(self, images: Path, found: list[Path], labels: Path, own: list[Path]) -> None:
        if len(own) != len(found):
            what = f"names {len(own)} files, {images.name} {len(found)}; they must be pairs, line by line"
            self._faults.append(Fault(labels, what, self._domain))
            return
        for image, label in zip(found, own, strict=True):
            if label.stem.endswith(LABEL_STEM) and label.stem != image.stem + LABEL_STEM:
                self._fault(image, f"is paired with {label.name} by its line in {labels.name}; make both lists anew")
            self.labels[image] = label

    def _listed(self, path: Path) -> list[Path]:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
        return [self._resolved(path, line.strip()) for line in lines if line.strip()]

    def _resolved(self, path: Path, text: str) -> Path:
        """The file that a line means; one that does not exist stays as it is, to be found when it is read."""
        named = path.parent / text
        near = self._by_name.get((named.parent.name, named.name), [])
        if named in self._known or not near or _is_file(named):
            return named
        if len(near) > 1:
            self._fault(near[0], f"may be meant by {text} in {path.name}, and so may {near[1]}; correct the list")
        return near[0]

    def _fault(self, path: Path, what: str) -> None:
        self._faults.append(Fault(path, what, self._domain, stem(path)))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long
        return False
