"""How the phantom's files are laid out: as MM-WHS names them, or as nnU-Net's raw folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seasa_da.files import write_json_atomic

Layout = Literal["mmwhs", "nnunet"]

NNUNET_LABELS = {"background": 0, "AA": 1, "LAC": 2, "LVC": 3, "MYO": 4}
MMWHS_VALUES = {1: 820, 2: 420, 3: 500, 4: 205}
"""The value in MM-WHS's label files of each structure of `NNUNET_LABELS`; its others are background there."""


class CasePaths(NamedTuple):
    """Where a case goes."""

    image: Path
    label: Path


def case_paths(layout: Layout, folder: Path, domain: str, prefix: str, case: str, split: str) -> CasePaths:
    """The files of a case.

    Args:
        layout: of the folder.
        folder: the raw folder.
        domain: "ct" or "mri".
        prefix: the modality in MM-WHS's names, "ct" or "mr".
        case: its id.
        split: "train" or "test".
    """
    if layout == "mmwhs":
        stem = f"{prefix}_train/{prefix}_train_{case}"  # the challenge's own test cases have no labels
        return CasePaths(folder / f"{stem}_image.nii.gz", folder / f"{stem}_label.nii.gz")
    part = "Tr" if split == "train" else "Ts"
    return CasePaths(
        folder / domain / f"images{part}" / f"{case}_0000.nii.gz", folder / domain / f"labels{part}" / f"{case}.nii.gz"
    )


def label_voxels(layout: Layout, label: NDArray[np.int16]) -> NDArray[np.int16] | NDArray[np.uint8]:
    """The label as the layout has it, from MM-WHS's values."""
    if layout == "mmwhs":
        return label
    table = np.zeros(int(label.max()) + 1, dtype=np.uint8)
    for value, raw_value in MMWHS_VALUES.items():
        table[raw_value : raw_value + 1] = value
    return table[label]


def write_descriptions(
    layout: Layout, folder: Path, cases: Mapping[str, Mapping[str, Sequence[str]]], phantom: Mapping[str, Any]
) -> None:
    """What describes the cases: `splits.json`, or each domain's `dataset.json`; and what the phantom was made of.

    Args:
        layout: of the folder.
        folder: the raw folder.
        cases: the ids of each domain's train and test cases.
        phantom: version and settings.
    """
    if layout == "mmwhs":
        splits = {domain: {"test": list(splits["test"])} for domain, splits in cases.items()}
        write_json_atomic(folder / "splits.json", splits)
        write_json_atomic(folder / "phantom.json", dict(phantom))
        return
    for domain, divided in cases.items():
        description = {
            "channel_names": {"0": domain.upper()},
            "labels": NNUNET_LABELS,
            "numTraining": len(divided["train"]),
            "file_ending": ".nii.gz",
        }
        write_json_atomic(folder / domain / "dataset.json", description)
    write_json_atomic(folder / "phantom.json", {**phantom, "layout": layout})
