"""A case of NIfTI files: its channels, and the label that must lie on their grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seasa_da.data.case import Case, CaseFiles
from seasa_da.data.readers.nifti import FileFault, NiftiVolume, inspect_volume, read_grid
from seasa_da.data.readers.raw import CaseCheck, Fault, VolumeGrid
from seasa_da.data.voxels import ContentHash, slabs

# Two files of a case are written by different tools; their affines agree to rounding only.
AFFINE_TOLERANCE_MM = 1e-2
MOST_VALUES = 5  # that a message names
NOT_FINITE = "NaN or infinite voxels; repair the file or take the case out of the folder"


@dataclass(frozen=True)
class CaseForm:
    """What a case's files must hold.

    Attributes:
        channels: of the case.
        store_values: the store value, 0 to 255, of every value that a label file may hold, 0 to 65535.
        declared_by: what declares those values, for messages.
    """

    channels: int
    store_values: Mapping[int, int]
    declared_by: str

    def channels_of(self, files: CaseFiles) -> int:
        """How many channels each of the case's files holds."""
        return self.channels if len(files.images) == 1 else 1


def read_case_grid(files: CaseFiles, form: CaseForm) -> VolumeGrid:
    """Shape and affine of a case, from its first header.

    Raises:
        FileFault: a fault of that header.
    """
    return read_grid(files.image, form.channels_of(files))


def open_case(files: CaseFiles, form: CaseForm) -> Case:
    """Open a case, whose voxels are read where they are asked for, and check its headers.

    Raises:
        FileFault: a fault of a header, or files that do not fit together; when voxels are asked for, a fault of those.
    """
    images, label, faults = _inspect(files, form)
    for fault in faults:
        if fault.kind != "units":
            raise FileFault(fault)
    grid = images[0].grid
    return Case(files.id, _Image(tuple(images)), None if label is None else _Label(label, form), grid.affine)


def check_files(files: CaseFiles, form: CaseForm) -> CaseCheck:
    """All that is wrong with a case's files; every voxel is read, in bounded memory."""
    images, label, faults = _inspect(files, form)
    content = None
    fitting = not any(fault.path in files.images and not fault.kind for fault in faults)
    try:
        if not fitting:
            raise FileFault(faults[0])
        content, found = _check_image(_Image(tuple(images)))
    except FileFault:  # the channels cannot be gone through together
        found = [fault for image in images for fault in _check_channels(image)]
    faults += found
    if label is not None:
        faults += _check_label(label, form)
    return CaseCheck(tuple(replace(fault, case=files.id) for fault in faults), content)


class _Image:
    """The channels of a case, (C, X, Y, Z) float32."""

    def __init__(self, volumes: tuple[NiftiVolume, ...]) -> None:
        self.volumes = volumes
        self.in_one = len(volumes[0].shape) == 4
        self.shape = (volumes[0].shape[3] if self.in_one else len(volumes), *volumes[0].grid.shape)

    def __getitem__(self, box: tuple[slice, ...], /) -> NDArray[np.float32]:
        parts = self.by_file(box)
        for volume, channels in parts:
            if not np.isfinite(channels).all():
                raise FileFault(Fault(volume.path, f"has {NOT_FINITE}"))
        return parts[0][1] if len(parts) == 1 else np.concatenate([channels for _, channels in parts])

    def by_file(self, box: tuple[slice, ...]) -> list[tuple[NiftiVolume, NDArray[np.float32]]]:
        """The channels (c, x, y, z) of a box that each file has, unchecked."""
        channels, *place = box
        if self.in_one:
            return [(self.volumes[0], np.moveaxis(self.volumes[0][(*place, channels)], -1, 0))]
        return [(volume, volume[tuple(place)][None]) for volume in self.volumes[channels]]


class _Label:
    """The label of a case as store values, (X, Y, Z) uint8."""

    def __init__(self, volume: NiftiVolume, form: CaseForm) -> None:
        self.volume, self.form = volume, form
        self.shape = volume.grid.shape
        self.table = np.zeros(max(form.store_values) + 1, dtype=np.uint8)
        self.declared = np.zeros(len(self.table), dtype=bool)
        for value, stored in form.store_values.items():
            self.table[value], self.declared[value] = stored, True

    def __getitem__(self, box: tuple[slice, ...], /) -> NDArray[np.uint8]:
        values = self.volume[box]
        if not self.is_declared(values).all():
            odd = _OddValues()
            odd.add(values, self)
            raise FileFault(odd.faults(self)[0])
        return self.table[values.astype(np.uint16)]

    def is_declared(self, values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which values are whole numbers that the label may hold."""
        with np.errstate(invalid="ignore"):
            known = (values >= 0) & (values < len(self.table)) & (np.rint(values) == values)
        return known & self.declared[np.where(known, values, 0).astype(np.uint16)]


class _OddValues:
    """What a label file holds that it may not."""

    def __init__(self) -> None:
        self.not_finite = 0
        self.fractions = 0
        self.fraction = 0.0
        self.undeclared: Counter[int] = Counter()

    def add(self, values: NDArray[np.float32], label: _Label) -> None:
        """Look at some voxels."""
        odd = values[~label.is_declared(values)]
        finite = odd[np.isfinite(odd)]
        self.not_finite += len(odd) - len(finite)
        whole = np.rint(finite) == finite
        if not self.fractions and not whole.all():
            self.fraction = float(finite[~whole][0])
        self.fractions += int((~whole).sum())
        for value, voxels in zip(*np.unique(finite[whole], return_counts=True), strict=True):
            self.undeclared[int(value)] += int(voxels)

    def faults(self, label: _Label) -> list[Fault]:
        """A fault for each kind."""
        found = [f"has {self.not_finite} {NOT_FINITE}"] if self.not_finite else []
        if self.fractions:
            found.append(f"has label values that are not whole numbers ({self.fraction:g}); resample labels by nearest")
        if self.undeclared:
            values = sorted(self.undeclared)
            named = ", ".join(str(value) for value in values[:MOST_VALUES]) + (", …" if values[MOST_VALUES:] else "")
            found.append(
                f"has the label value{'s' if values[1:] else ''} {named}, which {label.form.declared_by} does not "
                f"declare (it has {', '.join(str(value) for value in sorted(label.form.store_values))}); map or remove "
                f"{'them' if values[1:] else 'it'}"
            )
        return [Fault(label.volume.path, what) for what in found]


def _inspect(files: CaseFiles, form: CaseForm) -> tuple[list[NiftiVolume], NiftiVolume | None, list[Fault]]:
    """The images and the label whose voxels can be looked at, and all faults of headers."""
    images, faults = [], []
    for path in files.images:
        image, found = inspect_volume(path, form.channels_of(files))
        faults += found
        if image is not None:
            faults += _apart(image, images[0], "first channel") if images else []
            images.append(image)
    label = None
    if files.label is not None:
        label, found = inspect_volume(files.label)
        faults += found
        if label is not None and images and not any(fault.kind == "" for fault in found):
            faults += _apart(label, images[0], "image")
    return images, label, faults


def _apart(volume: NiftiVolume, first: NiftiVolume, role: str) -> list[Fault]:
    """Where a file does not lie on the grid of another of its case."""
    own, grid, name = volume.grid, first.grid, f"its {role} {first.path.name}"
    if own.shape != grid.shape:
        return [Fault(volume.path, f"has shape {own.shape}, {name} {grid.shape}; they must be alike")]
    corners = np.array([[0, 0, 0, 1], [*grid.shape, 1]], dtype=np.float64).T
    apart = float(np.abs((own.affine - grid.affine) @ corners).max())
    if apart <= AFFINE_TOLERANCE_MM and np.allclose(own.affine, grid.affine, atol=1e-3):
        return []
    what = (
        f"lies elsewhere than {name} (up to {apart:.3g} mm by their affines); resample it onto that grid or correct its "
        "header"
    )
    return [Fault(volume.path, what)]


def _check_image(image: _Image) -> tuple[str, list[Fault]]:
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
    label, odd = _Label(volume, form), _OddValues()
    try:
        for box in slabs(volume.shape):
            odd.add(volume[box], label)
    except FileFault as error:
        return [error.fault]
    return odd.faults(label)
