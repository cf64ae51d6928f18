"""A part of a whole that may be empty."""

from __future__ import annotations


def share(part: float, whole: float) -> float | None:
    """From 0 to 1; `None` of nothing, which is neither all nor none.

    >>> share(1, 4), share(0, 0)
    (0.25, None)
    """
    return float(part / whole) if whole else None
