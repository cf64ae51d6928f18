"""Reference runs (without adaptation) kept for reuse, by a hash of all that determines them."""

from __future__ import annotations

import shutil
from pathlib import Path

from seasa_da.errors import UserError
from seasa_da.files import atomic_folder, cache_dir
from seasa_da.training.run_folder import RunFolder


def find_reference(key: str, target: RunFolder) -> bool:
    """Copy the kept run of this key to `target`, which must not hold anything; say whether there was one."""
    kept = RunFolder(_place(key))
    if not kept.finished or target.path.exists():
        return False
    with atomic_folder(target.path) as folder:
        shutil.copytree(kept.path, folder, dirs_exist_ok=True)
    return True


def publish_reference(key: str, finished: RunFolder) -> None:
    """Keep a finished run for reuse. Losing a race, or a full cache disk, costs a later run a minute and no more."""
    place = _place(key)
    if place.exists():
        return
    try:
        with atomic_folder(place) as folder:
            shutil.copytree(finished.path, folder, dirs_exist_ok=True)
    except UserError:
        return


def _place(key: str) -> Path:
    return cache_dir() / "reference-runs" / key
