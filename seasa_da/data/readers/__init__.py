"""Readers of raw folders: each knows one way of laying out files, and yields the same `Case`s.

A further format is one more module with a class that fits `Reader`, named in `READERS`; heavy modules are imported
where files are opened, since `seasa-da methods` lists the readers. A third party's reader is an instance of such a
class that its package registers, under the reader's name, as an entry point of the group `seasa_da.readers`:

    [project.entry-points."seasa_da.readers"]
    ours = "our_package.reader:READER"
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from seasa_da.data.case import Case, CaseFiles
from seasa_da.data.readers.mmwhs import MMWHSReader
from seasa_da.data.readers.nnunet import NNUNetReader
from seasa_da.data.readers.raw import RawData, RawDomain, VolumeGrid
from seasa_da.errors import UserError
from seasa_da.plugins import BrokenPlugin, plugins, why

__all__ = ["READERS", "RawData", "RawDomain", "Reader", "VolumeGrid", "find_reader", "reader_plugins"]


@runtime_checkable
class Reader(Protocol):
    """What a format's reader can do. All faults of files are `UserError`s that name the file and the remedy.

    `grid` and `load` are called from several threads at once.

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
        """List domains, cases and splits without opening a volume."""

    def grid(self, files: CaseFiles) -> VolumeGrid:
        """Shape and affine of a case, from the header alone."""

    def load(self, files: CaseFiles) -> Case:
        """Read and check a case."""


T = TypeVar("T")


class _Guarded:
    """A third party's reader, whose faults of any kind are `UserError`s that name it."""

    def __init__(self, reader: Reader) -> None:
        self.name, self.summary, self.version = reader.name, reader.summary, reader.version
        self._reader = reader

    def recognises(self, raw: Path) -> bool:
        return self._told(raw, lambda: self._reader.recognises(raw))

    def scan(self, raw: Path) -> RawData:
        return self._told(raw, lambda: self._reader.scan(raw))

    def grid(self, files: CaseFiles) -> VolumeGrid:
        return self._told(files.image, lambda: self._reader.grid(files))

    def load(self, files: CaseFiles) -> Case:
        return self._told(files.image, lambda: self._reader.load(files))

    def _told(self, path: Path, read: Callable[[], T]) -> T:
        try:
            return read()
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"reader {self.name} failed at {path}: {why(error)}; check the file, or tell the reader's author"
            ) from error


READERS: tuple[Reader, ...] = (MMWHSReader(), NNUNetReader())


def reader_plugins() -> tuple[dict[str, Reader], list[BrokenPlugin]]:
    """Third parties' readers by name, and those that are not usable."""
    return plugins("seasa_da.readers", Reader, _fault)


def find_reader(raw: Path) -> Reader:
    """The reader that knows the layout of `raw`: a built-in one, else a third party's, whose faults become one line.

    Raises:
        UserError: no such folder, or a layout that no reader knows.
    """
    try:
        if not raw.exists():
            raise UserError(f"raw folder {raw} does not exist")
        if not raw.is_dir():
            raise UserError(f"{raw} is a file; give the raw data's folder")
        for reader in READERS:
            if reader.recognises(raw):
                return reader
    except OSError as error:
        raise UserError(f"cannot read {raw}: {error.strerror or error}; check the path and its permissions") from error
    others, broken = reader_plugins()
    for name, reader in others.items():
        try:
            if reader.recognises(raw):
                return _Guarded(reader)
        except Exception as error:  # a stranger's reader may fail in any way on a folder that is not its own
            broken.append(BrokenPlugin(name, why(error)))
    known = "; ".join(f"{reader.name} ({reader.summary})" for reader in (*READERS, *others.values()))
    unusable = "".join(f"; reader {plugin.name} is not usable: {plugin.reason}" for plugin in broken)
    raise UserError(
        f"{raw} has no domain in it that a reader knows; lay the files out as one of them expects: {known}{unusable}"
    )


def _fault(name: str, reader: Any) -> str | None:
    """Why a third party's reader is not usable; `None` if it is."""
    if isinstance(reader, type):
        return f"it is the class {reader.__name__}; register an instance of it"
    if name in {builtin.name for builtin in READERS}:
        return "a built-in reader is called so already; choose another name"
    if reader.name != name:
        return f"the reader is called {reader.name!r}; give it and its entry point the same name"
    if not isinstance(reader.summary, str) or len(reader.summary.splitlines()) != 1:
        return "its summary must be one line"
    if not isinstance(reader.version, int):
        return "its version must be a whole number"
    return None
