"""All that is wrong with a case of NIfTI files, in one reading of every voxel and in bounded memory."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np

from seasa_da.data.case import CaseFiles
from seasa_da.data.readers.nifti import FileFault, NiftiVolume
from seasa_da.data.readers.nifti_case import (
    NOT_FINITE,
    CaseForm,
    ImageVoxels,
    LabelVoxels,
    OddValues,
    inspect_case,
)
from seasa_da.data.readers.raw import CaseCheck, Fault
from seasa_da.data.voxels import ContentHash, slabs


def check_files(files: CaseFiles, form: CaseForm) -> CaseCheck:
    """Every fault of a case's images and label. A label of nothing but background is none.

    Args:
        files: of the case.
        form: what they must hold.
    """
    images, label, faults = inspect_case(files, form)
    content = None
    if not any(fault.path in files.images and not fault.kind for fault in faults):
        with suppress(FileFault):  # a damaged file: its case has no content, and each file is gone through alone
            content, found = _check_image(ImageVoxels(tuple(images)))
    if content is None:
        found = [fault for image in images for fault in _check_channels(image)]
    faults += found
    if label is not None:
        faults += _check_label(label, form)
    return CaseCheck(tuple(replace(fault, case=files.id) for fault in faults), content)


def _check_image(image: ImageVoxels) -> tuple[str, list[Fault]]:
    """The content hash, and each file with voxels that are not finite. Raises `FileFault` where a file is damaged."""
    content = ContentHash(image.shape)
    not_finite = dict.fromkeys(image.volumes, 0)
    for box in slabs(image.shape):
        parts = image.by_file(box)
        for volume, channels in parts:
            not_finite[volume] += channels.size - int(np.isfinite(channels).sum())
        content.add(np.concatenate([channels for _, channels in parts]))
    faults = [Fault(volume.path, f"has {n} {NOT_FINITE}") for volume, n in not_finite.items() if n]
    return content.hexdigest(), faults


def _check_channels(volume: NiftiVolume) -> list[Fault]:
    """What is wrong with the voxels of one file."""
    not_finite = 0
    try:
        for box in slabs(volume.shape):
            voxels = volume[box]
            not_finite += voxels.size - int(np.isfinite(voxels).sum())
    except FileFault as error:
        return [error.fault]
    return [Fault(volume.path, f"has {not_finite} {NOT_FINITE}")] if not_finite else []


def _check_label(volume: NiftiVolume, form: CaseForm) -> list[Fault]:
    label, odd = LabelVoxels(volume, form), OddValues()
    try:
        for box in slabs(volume.shape):
            odd.add(volume[box], label)
    except FileFault as error:
        return [error.fault]
    return odd.faults(label)
