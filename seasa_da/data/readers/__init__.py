"""Readers of raw folders: each knows one way of laying out files, and yields the same `Case`s.

A further format is one more module with a class that fits `Reader`, named in `READERS`; heavy modules are imported
where files are opened, since `seasa-da methods` lists the readers. A third party's reader is an instance of such a
class that its package registers, under the reader's name, as an entry point of the group `seasa_da.readers`:

    [project.entry-points."seasa_da.readers"]
    ours = "our_package.reader:READER"
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from seasa_da.data.case import Case, CaseFiles
from seasa_da.data.readers.dicom import ADVICE, first_dicom
from seasa_da.data.readers.guard import GuardedReader, check_by_loading
from seasa_da.data.readers.mmwhs import MMWHSReader
from seasa_da.data.readers.msd import MSDReader
from seasa_da.data.readers.nnunet import NNUNetReader
from seasa_da.data.readers.npy import NPYReader
from seasa_da.data.readers.raw import CaseCheck, Fault, RawData, RawDomain, VolumeGrid
from seasa_da.data.readers.sifa import SIFAReader
from seasa_da.errors import UserError, WrongSetting
from seasa_da.plugins import BrokenPlugin, plugins, why

__all__ = [
    "READERS",
    "CaseCheck",
    "Fault",
    "RawData",
    "RawDomain",
    "Reader",
    "VolumeGrid",
    "check_case",
    "find_reader",
    "reader_plugins",
]

AUTO = "auto"


@runtime_checkable
class Reader(Protocol):
    """What a format's reader can do. What is wrong with a file is a `UserError` that names the file and the remedy.

    `grid`, `load` and `check` are called from several threads at once; a `Case` is for one thread. A reader may have a
    further method `check(files) -> CaseCheck`: all that is wrong with a case's files, none of which is an error.
    Without one, a case is loaded and gone through (`check_case`), which finds one fault at a time.

    Attributes:
        name: of the format.
        summary: one line: the format, and how its files lie.
        version: goes up whenever the same files give other cases.
    """

    name: str
    summary: str
    version: int

    def recognises(self, raw: Path) -> bool:
        """Whether the folder `raw` is laid out as this format."""

    def scan(self, raw: Path) -> RawData:
        """List domains, cases and splits without opening a volume; faults of single cases are `RawData.faults`."""

    def grid(self, files: CaseFiles) -> VolumeGrid:
        """Shape and affine of a case, from the header alone."""

    def load(self, files: CaseFiles) -> Case:
        """Open and check a case. Its voxels may be read only where they are asked for."""


READERS: tuple[Reader, ...] = (MMWHSReader(), NNUNetReader(), MSDReader(), SIFAReader(), NPYReader())


def reader_plugins() -> tuple[dict[str, Reader], list[BrokenPlugin]]:
    """Third parties' readers by name, and those that are not usable."""
    return plugins("seasa_da.readers", Reader, _fault)


def find_reader(raw: Path, name: str = AUTO) -> Reader:
    """The reader of the folder `raw`.

    A third party's faults become one line that names it.

    Args:
        raw: the folder.
        name: of the reader, or `"auto"`: the one that knows the folder's layout, a built-in one before all others.

    Raises:
        UserError: no such folder, or a layout that the reader, or no reader, knows.
        WrongSetting: no reader is called so.
    """
    if name != AUTO:
        return _named_reader(raw, name)
    _require_folder(raw)
    for reader in READERS:
        if _recognises(reader, raw):
            return reader
    others, broken = reader_plugins()
    for other, reader in others.items():
        try:
            if reader.recognises(raw):
                return GuardedReader(reader)
        except Exception as error:  # a stranger's reader may fail in any way on a folder that is not its own
            broken.append(BrokenPlugin(other, why(error)))
    _refuse_dicom(raw)
    known = "; ".join(f"{reader.name} ({reader.summary})" for reader in (*READERS, *others.values()))
    unusable = "".join(f"; reader {plugin.name} is not usable: {plugin.reason}" for plugin in broken)
    raise UserError(
        f"{raw} has no domain in it that a reader knows; lay the files out as one of them expects: {known}{unusable}"
    )


def check_case(reader: Reader, files: CaseFiles) -> CaseCheck:
    """All that is wrong with a case's files, and the hash of its voxels; see `Reader`."""
    check = getattr(reader, "check", None)
    return check_by_loading(reader.load, files) if check is None else check(files)


def _named_reader(raw: Path, name: str) -> Reader:
    """The reader that is called so, if it knows the layout of `raw`."""
    builtin = {reader.name: reader for reader in READERS}
    others, broken = ({}, []) if name in builtin else reader_plugins()
    if name not in {**builtin, **others}:
        for plugin in broken:
            if plugin.name == name:
                raise WrongSetting(f"--format {name} (raw.format): that reader is not usable: {plugin.reason}")
        known = [AUTO, *builtin, *others]
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise WrongSetting(f"--format {name} (raw.format) is no reader{meant} (there are {', '.join(known)})")
    _require_folder(raw)
    reader = builtin[name] if name in builtin else GuardedReader(others[name])
    if not _recognises(reader, raw):
        _refuse_dicom(raw)
        raise UserError(f"{raw} is not laid out as reader {name} expects: {reader.summary}")
    return reader


def _require_folder(raw: Path) -> None:
    try:
        if not raw.exists():
            lost = "is a link that leads nowhere; point it to the folder" if raw.is_symlink() else "does not exist"
            raise UserError(f"raw folder {raw} {lost}")
        if not raw.is_dir():
            raise UserError(f"{raw} is a file; give the raw data's folder")
    except OSError as error:
        raise UserError(f"cannot read {raw}: {error.strerror or error}; check the path and its permissions") from error


def _recognises(reader: Reader, raw: Path) -> bool:
    try:
        return reader.recognises(raw)
    except OSError as error:
        raise UserError(f"cannot read {raw}: {error.strerror or error}; check the path and its permissions") from error


def _refuse_dicom(raw: Path) -> None:
    if dicom := first_dicom(raw):
        raise UserError(f"{raw} has DICOM files ({dicom.relative_to(raw)}), which are not read; {ADVICE}")


def _fault(name: str, reader: Any) -> str | None:
    """Why a third party's reader is not usable; `None` if it is."""
    if isinstance(reader, type):
        return f"it is the class {reader.__name__}; register an instance of it"
    if name in {AUTO, *(builtin.name for builtin in READERS)}:
        return "a built-in reader is called so already; choose another name"
    if reader.name != name:
        return f"the reader is called {reader.name!r}; give it and its entry point the same name"
    if not isinstance(reader.summary, str) or len(reader.summary.splitlines()) != 1:
        return "its summary must be one line"
    if not isinstance(reader.version, int):
        return "its version must be a whole number"
    return None
