"""Scoring a finished run's candidates by the target's test labels, in a child."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seasa_da.comparison.messages import Send, sayer
from seasa_da.comparison.places import Place


@dataclass(frozen=True)
class ScoreCandidates:
    """Write a run's `oracle.json`."""

    place: Place

    def __call__(self, send: Send) -> dict[str, Any]:
        """Nothing is returned. Raises what `score_candidates` raises."""
        from seasa_da.training.job import Observer
        from seasa_da.training.oracle import score_candidates

        score_candidates(self.place.run.path, observer=Observer(say=sayer(send)))
        return {}
