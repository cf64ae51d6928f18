"""Every file of a slice store against its manifest: sizes are checked whenever one is opened, bits only here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seasa_da.data.arrays import FileRecord
from seasa_da.data.parallel import for_each
from seasa_da.data.readers import Fault
from seasa_da.data.store import MANIFEST, SliceStore
from seasa_da.files import sha256_file

ADVICE = "prepare the store again, or copy it again"


def stored_files(store: SliceStore) -> list[tuple[str, Path, FileRecord]]:
    """(domain, path, record) of every array that a store's manifest lists."""
    return [
        (domain, store.path / domain / name, record)
        for domain in store.domains
        for name, record in sorted(store.records(domain).items())
    ]


def verify_store(
    store: SliceStore, *, workers: int | None = None, on_file: Callable[[], None] | None = None
) -> tuple[Fault, ...]:
    """Read all files of a store and list those that are not what was written; one flipped bit is enough.

    Args:
        workers: files read at a time; all cores by default.
        on_file: called after each array.
    """
    faults = []
    if not store.sealed:
        what = f"is not what was written (its hash is not the one in it); {ADVICE}"
        faults.append(Fault(store.path / MANIFEST, what))
    found = for_each(_checked, stored_files(store), workers=workers, on_done=on_file)
    return (*faults, *(fault for fault in found if fault is not None))


def _checked(file: tuple[str, Path, FileRecord]) -> Fault | None:
    domain, path, record = file
    try:
        size = path.stat().st_size
        if size != record.bytes:
            return Fault(path, f"has {size} bytes, its manifest says {record.bytes}; {ADVICE}", domain)
        if sha256_file(path) == record.sha256:
            return None
    except FileNotFoundError:
        return Fault(path, f"is missing; {ADVICE}", domain)
    except OSError as error:
        return Fault(path, f"cannot be read: {error.strerror or error}; {ADVICE}", domain)
    return Fault(path, f"is damaged (its hash is not the one in {MANIFEST}); {ADVICE}", domain)
