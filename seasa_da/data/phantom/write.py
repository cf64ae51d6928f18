"""Making the phantom's files, with MM-WHS's names, label values and folders, or as nnU-Net's raw folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
from numpy.typing import NDArray

from seasa_da.config import PhantomSettings
from seasa_da.data.parallel import for_each
from seasa_da.data.phantom.anatomy import MMWHS_LABELS, Tissue, draw_anatomy, rotation_matrix, tissues
from seasa_da.data.phantom.layouts import CasePaths, Layout, case_paths, label_voxels, write_descriptions
from seasa_da.data.phantom.render import render_ct, render_mri
from seasa_da.files import atomic_folder, refuse_used_folder

PHANTOM_VERSION = 1
"""Goes up whenever the same settings give other voxels."""

FIRST_ID = 1001


class Protocol(NamedTuple):
    """How a modality acquires: `axes` are the array's axes as (patient axis, direction), the last one across slices."""

    prefix: str
    domain: str
    axes: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    tilt_deg: float
    slice_ratio: float


# CT: axial slices, first axis to the left, second to the back, as scanners write them. MR: slices across the
# left-right axis, tilted by hand as an operator does.
PROTOCOLS = (
    Protocol("ct", "ct", ((0, -1), (1, -1), (2, 1)), tilt_deg=4.0, slice_ratio=1.25),
    Protocol("mr", "mri", ((1, -1), (2, -1), (0, 1)), tilt_deg=15.0, slice_ratio=1.4),
)


class Scan(NamedTuple):
    """One case's voxels: image and label (X, Y, Z) int16, and the affine (4, 4) from voxel to RAS mm."""

    image: NDArray[np.int16]
    label: NDArray[np.int16]
    affine: NDArray[np.float64]


def make_phantom(
    out: Path,
    settings: PhantomSettings,
    *,
    layout: Layout = "mmwhs",
    workers: int | None = None,
    on_case: Callable[[], None] | None = None,
) -> int:
    """Write the phantom: `ct_train/`, `mr_train/` and `splits.json`, or `ct/` and `mri/` as nnU-Net has them.

    Both have the same ids, splits, images and affines; nnU-Net's labels are the four structures that are segmented.
    `phantom.json` says what it was made of.

    Args:
        out: the new folder; appears only when complete.
        settings: how many cases, how fine, which anatomies.
        layout: which names, folders and label values.
        workers: cases made at a time; all cores by default. The result does not depend on it.
        on_case: called after each case (2 x (train_cases + test_cases) times).

    Returns:
        how many voxels its images have.

    Raises:
        UserError: `out` exists and is not empty, or cannot be written.
    """
    refuse_used_folder(out)
    count = settings.train_cases + settings.test_cases
    with atomic_folder(out) as folder:
        jobs: list[tuple[int, int, CasePaths]] = []
        cases: dict[str, dict[str, list[str]]] = {}
        for number, protocol in enumerate(PROTOCOLS):
            # the domains share no patient: MR ids go on where CT's end
            ids = [str(FIRST_ID + number * count + index) for index in range(count)]
            cases[protocol.domain] = {"train": ids[: settings.train_cases], "test": ids[settings.train_cases :]}
            for index, case in enumerate(ids):
                split = "train" if index < settings.train_cases else "test"
                paths = case_paths(layout, folder, protocol.domain, protocol.prefix, case, split)
                for path in paths:
                    path.parent.mkdir(parents=True, exist_ok=True)
                jobs.append((number, index, paths))

        def make(job: tuple[int, int, CasePaths]) -> int:
            number, index, paths = job
            scan = make_scan(settings, number, index)
            _save(paths.image, scan.image, scan.affine)
            _save(paths.label, label_voxels(layout, scan.label), scan.affine)
            return scan.image.size

        voxels = sum(for_each(make, jobs, workers=workers, on_done=on_case))
        write_descriptions(layout, folder, cases, {"version": PHANTOM_VERSION, "settings": settings.model_dump()})
    return voxels


def make_scan(settings: PhantomSettings, modality: int, index: int) -> Scan:
    """Make one case: a function of (seed, development, modality, index) and the voxel size alone.

    Args:
        settings: seed, development and voxel size are used.
        modality: 0 for CT, 1 for MR (the place in `PROTOCOLS`).
        index: number of the case in its modality, from 0.
    """
    seeds = np.random.SeedSequence([settings.seed, int(settings.development), modality, index])
    body, scanner = (np.random.default_rng(seed) for seed in seeds.spawn(2))
    protocol = PROTOCOLS[modality]
    anatomy = draw_anatomy(body)
    shape, affine, voxel_mm, heart_mm = _acquisition(protocol, settings.voxel_mm, scanner)
    indices = np.indices(shape, dtype=np.float32).reshape(3, -1)
    points = affine[:3, :3].astype(np.float32) @ indices + (affine[:3, 3] - heart_mm).astype(np.float32)[:, None]
    tissue = tissues(anatomy, points).reshape(shape)
    image = (render_ct if protocol.domain == "ct" else render_mri)(tissue, voxel_mm, scanner)
    values = np.zeros(len(Tissue), dtype=np.int16)
    for name, value in MMWHS_LABELS.items():
        values[name] = value
    return Scan(image, values[tissue], affine)


def _acquisition(
    protocol: Protocol, voxel_mm: float, rng: np.random.Generator
) -> tuple[tuple[int, ...], NDArray[np.float64], tuple[float, float, float], NDArray[np.float64]]:
    """Draw a field of view: its shape, affine, voxel sizes, and where the heart is in the scanner's frame (mm)."""
    extent_mm = rng.uniform([200, 150, 180], [240, 180, 210])  # left-right, antero-posterior, head-feet
    jitter_mm = rng.uniform(-10, 10, 3) / np.sqrt(3)
    heart_mm = rng.uniform(-60, 60, 3)  # the scanner's origin means nothing
    tilt = np.deg2rad(protocol.tilt_deg) * rng.uniform(-1, 1, 3) / np.sqrt(3)
    plane = voxel_mm * protocol.slice_ratio ** (-1 / 3) * rng.uniform(0.95, 1.05)
    sizes = (plane, plane, plane * protocol.slice_ratio)

    directions = np.zeros((3, 3))
    shape = []
    for axis, ((patient_axis, sign), size) in enumerate(zip(protocol.axes, sizes, strict=True)):
        directions[patient_axis, axis] = sign * size
        shape.append(max(4, round(extent_mm[patient_axis] / size)))
    affine = np.eye(4)
    affine[:3, :3] = rotation_matrix(tilt) @ directions
    middle = (np.array(shape) - 1) / 2
    affine[:3, 3] = heart_mm + jitter_mm - affine[:3, :3] @ middle
    return tuple(shape), affine, sizes, heart_mm


def _save(path: Path, voxels: NDArray[np.int16] | NDArray[np.uint8], affine: NDArray[np.float64]) -> None:
    image = nibabel.Nifti1Image(voxels, affine)
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)
