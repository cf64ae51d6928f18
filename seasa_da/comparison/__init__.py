"""Methods side by side: what is to be run, one child process a run, the table of what is finished."""

from __future__ import annotations

from seasa_da.comparison.run import ComparisonResult
from seasa_da.comparison.verbs import ablate, compare

__all__ = ["ComparisonResult", "ablate", "compare"]
