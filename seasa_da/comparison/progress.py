"""The progress of a run's stages within that of all runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

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
    _iterations: int = 1
    _stages: dict[str, int] = field(default_factory=dict)
    _share: float = 0.0
    _share_before: float = 0.0

    def begin(self, present: str, iterations: int) -> None:
        """A run of that many segmenter updates begins."""
        self._present, self._iterations, self._stages = present, iterations, {}
        self._share = self._share_before = 0.0
        self.work.start()
        self._tell(0.0, "")

    def advance(self, stage: str, done: int, total: int) -> None:
        """`done` of the `total` updates of a stage of the present run are made."""
        if stage not in self._stages:
            self._share_before = self._share
        self._stages[stage] = done
        # The segmenter's updates; those of translators and critics come on top: a stage that is longer than what was
        # thought to be left spreads over that, so that the share never falls.
        left = self._iterations - (sum(self._stages.values()) - done)
        self._share = min(self._share_before + (1 - self._share_before) * done / max(left, total), 1.0)
        self.work.advance(self._share)
        self._tell(self._share, stage)

    def end(self) -> None:
        """The present run, or one that was kept, is over."""
        self.done += 1
        self._present = ""
        self._tell(0.0, "")

    def _tell(self, share: float, stage: str) -> None:
        present = f"{self._present}: {stage}" if stage else self._present
        self.tell(Overall(self.done + share, self.total, present, self.work.seconds()))
