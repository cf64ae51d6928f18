"""Holding the partial folder of a run, so that no two processes write to one, and giving it its final name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from seasa_da.comparison.places import Place
from seasa_da.files import hold, os_errors_named
from seasa_da.training.run_folder import RunFolder


@dataclass(frozen=True)
class Claim:
    """A partial folder that this process holds.

    Attributes:
        place: of the run that is made in it.
        folder: holds the run's folder, whose own name is what MLflow calls the run.
        lock: file descriptor; the system lets go of the lock when it is closed or the process ends.
    """

    place: Place
    folder: Path
    lock: int

    @property
    def run(self) -> RunFolder:
        """The run in the making."""
        return RunFolder(self.folder / f"{self.place.cell.row.name}-seed{self.place.cell.seed}")

    def empty(self) -> None:
        """Remove what an earlier try left."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def publish(self) -> bool:
        """Give the finished run its final name; false if another process was quicker, whose run is as good."""
        with os_errors_named(self.place.run.path, "write"):
            try:
                self.run.path.rename(self.place.run.path)
            except OSError:
                if not self.place.run.finished:
                    raise
                won = False
            else:
                won = True
        self.place.failure_note.unlink(missing_ok=True)
        self.remove()
        _clear(self.place)
        return won

    def remove(self) -> None:
        """Remove the partial folder and its lock, as after a run that is of no use."""
        self.empty()
        _lock_file(self.folder).unlink(missing_ok=True)


@contextmanager
def claim_place(place: Place) -> Iterator[Claim]:
    """Hold a partial folder of this run: one that nobody else holds, left by an earlier try if there is one."""
    with os_errors_named(place.parent, "write to"):
        place.parent.mkdir(parents=True, exist_ok=True)
        claims = (_hold(place, folder) for folder in chain(place.partials(), map(place.partial, count(1))))
        claim = next(claim for claim in claims if claim is not None)
    try:
        yield claim
    finally:
        os.close(claim.lock)


def _clear(place: Place) -> None:
    """Remove what earlier tries left and nobody holds."""
    for folder in place.partials():
        if (claim := _hold(place, folder)) is not None:
            claim.remove()
            os.close(claim.lock)


def _hold(place: Place, folder: Path) -> Claim | None:
    lock = hold(_lock_file(folder))
    return None if lock is None else Claim(place, folder, lock)


def _lock_file(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.lock")
