"""The progress of the present run within that of all runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seasa_da.comparison.observer import Overall
from seasa_da.comparison.remaining import WorkLeft


@dataclass
class OverallProgress:
    """Tells an observer how far all runs are, whenever one of them moves on.

    Attributes:
        total: runs.
        done: those that are over.
    """

    tell: Callable[[Overall], None]
    work: WorkLeft
    total: int
    done: int = 0
    _present: str = ""

    def begin(self, present: str) -> None:
        """A run begins."""
        self._present = present
        self.work.start()
        self._tell(0.0, "")

    def advance(self, stage: str, share: float) -> None:
        """The present run is in a stage, and that share of its updates, over all stages, is made."""
        self.work.advance(share)
        self._tell(share, stage)

    def end(self) -> None:
        """The present run, or one that was kept, is over."""
        self.done += 1
        self._present = ""
        self._tell(0.0, "")

    def _tell(self, share: float, stage: str) -> None:
        present = f"{self._present}: {stage}" if stage else self._present
        self.tell(Overall(self.done + share, self.total, present, self.work.seconds()))
