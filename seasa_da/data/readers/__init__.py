"""Readers of raw folders: each knows one way of laying out files, and yields the same `Case`s.

A further format is one more module with a class that fits `Reader`, named in `READERS`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from seasa_da.data.case import Case, CaseFiles
from seasa_da.data.readers.mmwhs import MMWHSReader
from seasa_da.data.readers.nnunet import NNUNetReader
from seasa_da.data.readers.raw import RawData, RawDomain, VolumeGrid
from seasa_da.errors import UserError

__all__ = ["READERS", "RawData", "RawDomain", "Reader", "VolumeGrid", "find_reader"]


class Reader(Protocol):
    """What a format's reader can do. All faults of files are `UserError`s that name the file and the remedy.

    Attributes:
        name: of the format.
        summary: its layout in a line.
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


READERS: tuple[Reader, ...] = (MMWHSReader(), NNUNetReader())


def find_reader(raw: Path) -> Reader:
    """The reader that knows the layout of `raw`.

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
    raise UserError(
        f"{raw} has no domain in it that a reader knows; lay the files out as one of them expects: "
        + "; ".join(f"{reader.name} ({reader.summary})" for reader in READERS)
    )
