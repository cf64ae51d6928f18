"""How much a page shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PageOptions:
    """How much a page shows.

    Attributes:
        cases: test volumes with pictures, the first ones of each direction.
        slices: evenly spaced ones of each.
        methods: rows that have pictures; `None` for all.
        say: called with lines for the user.
    """

    cases: int = 3
    slices: int = 24
    methods: Sequence[str] | None = None
    say: Callable[[str], None] = lambda line: None
