"""What lies in a folder, and what in it leads nowhere."""

from __future__ import annotations

from pathlib import Path

from seasa_da.data.readers.raw import Fault
from seasa_da.errors import UserError


def entries(folder: Path) -> list[Path]:
    """What is in a folder, in order, without hidden files (macOS leaves `._CASE.nii.gz`); nothing if it is no folder.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []
    except OSError as error:
        raise UserError(f"cannot read {folder}: {error.strerror}; check its permissions") from error


def broken_links(raw: Path) -> list[Fault]:
    """The links in a raw folder that lead nowhere, or in a circle, so that they cannot be a domain's folder."""
    faults = []
    for path in entries(raw):
        if not path.is_symlink():
            continue
        what = None
        try:
            target = path.resolve(strict=True)
            if target in (raw.resolve(), *raw.resolve().parents):
                what = f"is a link to {target}, the folder that it lies in"
        except FileNotFoundError:
            what = f"is a broken link: {path.readlink()} does not exist"
        except (OSError, RuntimeError):  # a circle of links is the one or the other, by Python's version
            what = "is a link in a circle of links"
        if what:
            faults.append(Fault(path, f"{what}; point it to the domain's folder, or remove it", path.name))
    return faults


def folder_fault(path: Path, domain: str, case: str) -> list[Fault]:
    """The fault of a folder that is called as a case's file; none of anything else."""
    return [Fault(path, "is a folder; a case's file must be here", domain, case)] if path.is_dir() else []
