"""Third parties' readers, which may fail in any way at any call: every fault becomes one line that names the reader."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from seasa_da.data.case import Case, CaseFiles, Voxels
from seasa_da.data.readers.raw import CaseCheck, Fault, RawData, VolumeGrid
from seasa_da.data.voxels import ContentHash, slabs
from seasa_da.errors import UserError
from seasa_da.plugins import why

if TYPE_CHECKING:
    from seasa_da.data.readers import Reader

DOMAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

T = TypeVar("T")
Tell = Callable[[Path, Callable[[], T]], T]


class GuardedReader:
    """A third party's reader; see `seasa_da.data.readers.Reader`."""

    def __init__(self, reader: Reader) -> None:
        self.name, self.summary, self.version = reader.name, reader.summary, reader.version
        self._reader = reader

    def recognises(self, raw: Path) -> bool:
        return self._told(raw, lambda: self._reader.recognises(raw))

    def scan(self, raw: Path) -> RawData:
        return self._told(raw, lambda: _fitting_data(self._reader.scan(raw)))

    def grid(self, files: CaseFiles) -> VolumeGrid:
        return self._told(files.image, lambda: _fitting_grid(self._reader.grid(files)))

    def load(self, files: CaseFiles) -> Case:
        case = self._told(files.image, lambda: self._fitting(self._reader.load(files)))
        image: Voxels = _GuardedVoxels(case.image, files.image, self._told)
        label = None if case.label is None else _GuardedVoxels(case.label, files.label or files.image, self._told)
        return replace(case, image=image, label=label)

    def check(self, files: CaseFiles) -> CaseCheck:
        own = getattr(self._reader, "check", None)
        if own is None:
            return check_by_loading(self.load, files)
        try:
            return self._told(files.image, lambda: own(files))
        except UserError as error:
            return CaseCheck((Fault.of(error, files.image, case=files.id),), None)

    def _fitting(self, case: Case) -> Case:
        """The case, if its arrays have the shapes that a case's must have."""
        image = tuple(case.image.shape)
        if len(image) != 4:
            raise ValueError(f"the case's image has shape {image}; it must be (C, X, Y, Z)")
        if case.label is not None and tuple(case.label.shape) != image[1:]:
            raise ValueError(f"the case's label has shape {tuple(case.label.shape)}, its image {image}")
        if np.shape(case.affine) != (4, 4):
            raise ValueError(f"the case's affine has shape {np.shape(case.affine)}; it must be (4, 4)")
        return case

    def _told(self, path: Path, read: Callable[[], T]) -> T:
        try:
            return read()
        except UserError:
            raise
        except Exception as error:
            reason = f"cannot be read by reader {self.name}: {why(error)}"
            raise UserError(f"{path} {reason}; check the file, or tell the reader's author") from error


def _fitting_data(data: RawData) -> RawData:
    """What a scan found, if it is what a `RawData` must be."""
    names = [domain.name for domain in data.domains]
    for domain in data.domains:
        if not DOMAIN_NAME.fullmatch(domain.name) or names.count(domain.name) > 1:
            raise ValueError(f"{names} cannot name its domains; letters, digits, _ . and -, no sign first, each once")
        if not domain.channels or len(domain.label_values) != len(domain.label_names):
            raise ValueError(f"domain {domain.name} has no channel, or not one value for each label name")
    return data


def _fitting_grid(grid: VolumeGrid) -> VolumeGrid:
    """The grid in plain numbers, if it is one."""
    x, y, z = (int(n) for n in grid.shape)
    affine = np.asarray(grid.affine, dtype=np.float64)
    if affine.shape != (4, 4) or not np.isfinite(affine).all() or not abs(np.linalg.det(affine)) > 0:
        raise ValueError(f"its affine {affine.tolist()} leads nowhere")
    return VolumeGrid((x, y, z), affine)


class _GuardedVoxels:
    """A third party's voxels, which may be read only when a box is asked for."""

    def __init__(self, voxels: Voxels, path: Path, told: Tell[NDArray]) -> None:
        self.shape = tuple(int(n) for n in voxels.shape)
        self._voxels, self._path, self._told = voxels, path, told

    def __getitem__(self, box: tuple[slice, ...], /) -> NDArray:
        return self._told(self._path, lambda: np.asarray(self._voxels[box]))


def check_by_loading(load: Callable[[CaseFiles], Case], files: CaseFiles) -> CaseCheck:
    """What loading a case and going through its voxels finds, of a reader without a `check` of its own."""
    try:
        case = load(files)
    except UserError as error:
        return CaseCheck((Fault.of(error, files.image, case=files.id),), None)
    faults: list[Fault] = []
    content = None
    try:
        content = _check_image(case.image, files, faults)
    except UserError as error:
        faults.append(Fault.of(error, files.image, case=files.id))
    if case.label is not None:
        path = files.label or files.image
        try:
            _check_label(case.label, path, files.id, faults)
        except UserError as error:
            faults.append(Fault.of(error, path, case=files.id))
    return CaseCheck(tuple(faults), content)


def _check_image(image: Voxels, files: CaseFiles, faults: list[Fault]) -> str:
    content = ContentHash(image.shape)
    not_finite = 0
    for box in slabs(image.shape):
        voxels = image[box]
        not_finite += voxels.size - int(np.isfinite(voxels).sum())
        content.add(voxels)
    if not_finite:
        what = f"has {not_finite} NaN or infinite voxels; repair the file or take the case out of the folder"
        faults.append(Fault(files.image, what, case=files.id))
    return content.hexdigest()


def _check_label(label: Voxels, path: Path, case: str, faults: list[Fault]) -> None:
    odd: set[float] = set()
    for box in slabs(label.shape):
        values = np.asarray(label[box], dtype=np.float64)
        odd.update(np.unique(values[~((values >= 0) & (values <= 255) & (np.rint(values) == values))]).tolist())
    if odd:
        named = ", ".join(f"{value:g}" for value in sorted(odd)[:5])
        faults.append(Fault(path, f"has the label values {named}; a label's are whole numbers up to 255", case=case))
