"""Telling DICOM files, which are not read here, from others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

ADVICE = "convert DICOM series to NIfTI first (dcm2niix)"
MOST_FILES = 200  # that are looked at: a folder of DICOM series has little else


def is_dicom(path: Path) -> bool:
    """Whether a file says that it is DICOM: `DICM` after a preamble of 128 bytes."""
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def first_dicom(folder: Path) -> Path | None:
    """A DICOM file, by name or content, among the first files in a folder or below it, in order; `None` without any."""
    files = (Path(parent, name) for parent, names in _walk(folder) for name in names)
    return next((path for path in islice(files, MOST_FILES) if path.suffix.lower() == ".dcm" or is_dicom(path)), None)


def _walk(folder: Path) -> Iterator[tuple[str, list[str]]]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield parent, sorted(name for name in names if not name.startswith("."))
