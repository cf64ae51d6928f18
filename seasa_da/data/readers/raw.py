"""What a reader finds in a raw folder before any volume is opened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seasa_da.data.case import CaseFiles


@dataclass(frozen=True)
class RawDomain:
    """One domain: its name for users, the names of store values 1, 2, …, and its cases in order of id."""

    name: str
    label_names: tuple[str, ...]
    cases: tuple[CaseFiles, ...]


@dataclass(frozen=True)
class RawData:
    """A raw folder: its domains, and lines to tell the user (what was left out)."""

    domains: tuple[RawDomain, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class VolumeGrid:
    """Where a volume's voxels are: shape (X, Y, Z) and the affine (4, 4) from voxel index to RAS mm."""

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
