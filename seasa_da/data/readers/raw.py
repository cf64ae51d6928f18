"""What a reader finds in a raw folder before any volume is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from seasa_da.data.case import Axis, CaseFiles
from seasa_da.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST_VALUE = 65535
"""The largest value that a label file may hold."""
UNCHECKED = ", which cannot be checked, as training slices name no patient"
"""Follows what divided the cases of a domain whose patients are not known."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file or folder, and what to do about it.

    Attributes:
        path: the file or folder at fault.
        what: one line, without the path, with the remedy.
        domain, case: whose it is, where that is known; excluding the case then lifts the fault.
        kind: "units" for what `assume_mm` lifts.
    """

    path: Path
    what: str
    domain: str | None = None
    case: str | None = None
    kind: Literal["", "units"] = ""

    def __str__(self) -> str:
        return f"{self.path} {self.what}"

    @classmethod
    def of(cls, error: UserError, path: Path, domain: str | None = None, case: str | None = None) -> Fault:
        """What an error says of a file or folder, without its name at the beginning."""
        text = str(error).removeprefix("raw folder ")
        if text.startswith(f"cannot read {path}: "):
            text = f"cannot be read: {text.removeprefix(f'cannot read {path}: ')}"
        elif text.startswith(f"{path} "):
            text = text.removeprefix(f"{path} ")
        elif text.startswith(f"{path}: "):
            text = f"is not usable: {text.removeprefix(f'{path}: ')}"
        else:
            text = f"is not usable: {text}"
        return cls(path, text, domain, case)


@dataclass(frozen=True)
class CaseCheck:
    """What a full reading of a case's files found.

    Attributes:
        faults: all of them, of image and label.
        content: SHA-256 over the image's shape and voxels (`content_hash`), `None` if they could not be read; two cases
            with the same one are the same volume.
    """

    faults: tuple[Fault, ...]
    content: str | None


@dataclass(frozen=True)
class RawDomain:
    """One domain.

    Attributes:
        name: for users, and of the store's folder: letters, digits, _ . and -, no sign first.
        label_names: of the store values 1, 2, …; empty if not known.
        cases: in order of id, each id once; also those that are left out unless the user names them.
        label_values: the value in the domain's own label files of each of `label_names`; by default 1, 2, ….
        ignored_values: the values in the label files that are `IGNORED`.
        channels: a name for each channel, such as "CT".
        axis: the slices that this data is published with, if any.
        intensity: the intensity rule (`seasa_da.data.intensity`) that this data is published with, if any; otherwise
            the rule follows from each channel's name.
        split_from: what divided the cases, in a few words: "imagesTs", "the published test cases".
        patients_known: whether a case is a patient; `False` where training cases are slices of nobody knows whom.
    """

    name: str
    label_names: tuple[str, ...]
    cases: tuple[CaseFiles, ...]
    label_values: tuple[int, ...] = ()
    ignored_values: tuple[int, ...] = ()
    channels: tuple[str, ...] = ("image",)
    axis: Axis | None = None
    intensity: str | None = None
    split_from: str = ""
    patients_known: bool = True

    def __post_init__(self) -> None:
        if not self.label_values:
            object.__setattr__(self, "label_values", tuple(range(1, len(self.label_names) + 1)))

    def split_cases(self, split: str) -> tuple[CaseFiles, ...]:
        """The cases of a split, in order."""
        return tuple(files for files in self.cases if files.split == split)


@dataclass(frozen=True)
class RawData:
    """A raw folder.

    Attributes:
        domains: what is in it.
        notes: lines to tell the user, such as what was left out.
        files: what else its cases depend on, beside their own files: descriptions.
        faults: what is wrong with single cases, seen without opening a volume.
    """

    domains: tuple[RawDomain, ...]
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, eq=False)
class VolumeGrid:
    """Where a volume's voxels are: shape (X, Y, Z) and the affine (4, 4) from voxel index to RAS mm."""

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
