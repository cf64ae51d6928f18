"""What a reader finds in a raw folder before any volume is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seasa_da.data.case import CaseFiles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST_VALUE = 65535
"""The largest value that a label file may hold."""


@dataclass(frozen=True)
class RawDomain:
    """One domain, with a train and a test case at least.

    Attributes:
        name: for users, and of the store's folder: letters, digits, _ . and -, no sign first.
        label_names: of the store values 1, 2, …; empty if not known.
        cases: in order of id, each id once.
    """

    name: str
    label_names: tuple[str, ...]
    cases: tuple[CaseFiles, ...]


@dataclass(frozen=True)
class RawData:
    """A raw folder.

    Attributes:
        domains: what is in it.
        notes: lines to tell the user, such as what was left out.
        files: what else its cases depend on, beside their own files: splits, descriptions.
    """

    domains: tuple[RawDomain, ...]
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, eq=False)
class VolumeGrid:
    """Where a volume's voxels are: shape (X, Y, Z) and the affine (4, 4) from voxel index to RAS mm."""

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
