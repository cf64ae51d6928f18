"""A case of NIfTI files: its channels, and the label that must lie on their grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seasa_da.data.case import Case, CaseFiles
from seasa_da.data.readers.nifti import FileFault, NiftiVolume, inspect_volume, read_grid
from seasa_da.data.readers.raw import Fault, VolumeGrid

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
    images, label, faults = inspect_case(files, form)
    for fault in faults:
        if fault.kind != "units":
            raise FileFault(fault)
    grid = images[0].grid
    return Case(files.id, ImageVoxels(tuple(images)), None if label is None else LabelVoxels(label, form), grid.affine)


class ImageVoxels:
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
            last = (*place, channels)
            return [(self.volumes[0], np.moveaxis(self.volumes[0][last], -1, 0))]
        return [(volume, volume[tuple(place)][None]) for volume in self.volumes[channels]]


class LabelVoxels:
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
            odd = OddValues()
            odd.add(values, self)
            raise FileFault(odd.faults(self)[0])
        return self.table[values.astype(np.uint16)]

    def is_declared(self, values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which values are whole numbers that the label may hold."""
        with np.errstate(invalid="ignore"):
            known = (values >= 0) & (values < len(self.table)) & (np.rint(values) == values)
        return known & self.declared[np.where(known, values, 0).astype(np.uint16)]


class OddValues:
    """What a label file holds that it may not."""

    def __init__(self) -> None:
        self.not_finite = 0
        self.fractions = 0
        self.fraction = 0.0
        self.undeclared: set[int] = set()

    def add(self, values: NDArray[np.float32], label: LabelVoxels) -> None:
        """Look at some voxels."""
        odd = values[~label.is_declared(values)]
        finite = odd[np.isfinite(odd)]
        self.not_finite += len(odd) - len(finite)
        whole = np.rint(finite) == finite
        if not self.fractions and not whole.all():
            self.fraction = float(finite[~whole][0])
        self.fractions += int((~whole).sum())
        self.undeclared.update(int(value) for value in np.unique(finite[whole]))

    def faults(self, label: LabelVoxels) -> list[Fault]:
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


def inspect_case(files: CaseFiles, form: CaseForm) -> tuple[list[NiftiVolume], NiftiVolume | None, list[Fault]]:
    """The images and the label that have voxels, and all faults of headers."""
    images: list[NiftiVolume] = []
    faults: list[Fault] = []
    first: NiftiVolume | None = None  # that others can be compared with
    for path in files.images:
        image, found = inspect_volume(path, form.channels_of(files))
        faults += found
        if image is not None:
            images.append(image)
            if all(fault.kind == "units" for fault in found):
                faults += _apart(image, first, "first channel") if first else []
                first = first or image
    label = None
    if files.label is not None:
        label, found = inspect_volume(files.label)
        faults += found
        if label is not None and first is not None and all(fault.kind == "units" for fault in found):
            faults += _apart(label, first, "image")
    return images, label, faults


def _apart(volume: NiftiVolume, first: NiftiVolume, role: str) -> list[Fault]:
    """Where a file does not lie on the grid of another of its case."""
    own, grid, name = volume.grid, first.grid, f"its {role} {first.path.name}"
    if own.shape != grid.shape:
        return [Fault(volume.path, f"has shape {own.shape}, {name} {grid.shape}; they must be alike")]
    if not np.isfinite(grid.affine).all():
        return []
    corners = np.array([[0, 0, 0, 1], [*grid.shape, 1]], dtype=np.float64).T
    apart = float(np.abs((own.affine - grid.affine) @ corners).max())
    if apart <= AFFINE_TOLERANCE_MM and np.allclose(own.affine, grid.affine, atol=1e-3):
        return []
    what = (
        f"lies elsewhere than {name} (up to {apart:.3g} mm by their affines); "
        "resample it onto that grid or correct its header"
    )
    return [Fault(volume.path, what)]
