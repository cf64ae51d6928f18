"""Writing small nnU-Net folders."""

import json
from pathlib import Path

import numpy as np

from data.volumes import write_volume

LABELS = {"background": 0, "liver": 3, "heart": 1}
VALUES = np.array(sorted(LABELS.values()), dtype=np.int16)


def write_dataset_json(domain: Path, **changes) -> None:
    """Version 2, single channel; what is given as `None` is left out."""
    content = {"channel_names": {"0": "CT"}, "labels": LABELS, "numTraining": 3, "file_ending": ".nii.gz", **changes}
    content = {name: value for name, value in content.items() if value is not None}
    domain.mkdir(parents=True, exist_ok=True)
    (domain / "dataset.json").write_text(json.dumps(content), encoding="utf-8")


def write_case(
    domain: Path, case: str, part: str = "Tr", *, shape=(10, 9, 8), seed=0, label=True, affine=None, channels=1
) -> None:
    """`CASE_0000.nii.gz`, … of random voxels and, unless `label` is false, one of all values of `LABELS`."""
    rng = np.random.default_rng([seed, *case.encode()])
    for folder in ("images", "labels")[: 1 + label]:
        (domain / f"{folder}{part}").mkdir(parents=True, exist_ok=True)
    for channel in range(channels):
        image = rng.integers(0, 999, shape).astype(np.int16)
        write_volume(domain / f"images{part}" / f"{case}_{channel:04d}.nii.gz", image, affine)
    if label:
        write_volume(domain / f"labels{part}" / f"{case}.nii.gz", rng.choice(VALUES, shape), affine)


def write_domain(domain: Path, *, seed=0, **options) -> None:
    """Three training cases a, b, c and one test case d."""
    write_dataset_json(domain)
    for case in "abc":
        write_case(domain, case, seed=seed, **options)
    write_case(domain, "d", "Ts", seed=seed, **options)
