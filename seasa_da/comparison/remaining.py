"""How much work is left, in seconds: a row takes about as long as it took before."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import fmean


class WorkLeft:
    """Learns from finished runs how long each row takes.

    Args:
        rows: the row's name of every run to be made, in their order.
        known: seconds that runs of an earlier command took, by row; those of this command go before them.
        clock: seconds.
    """

    def __init__(
        self,
        rows: Sequence[str],
        known: Sequence[tuple[str, float]] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._left = list(rows)
        self._known: dict[str, list[float]] = {}
        for name, seconds in known:
            self._known.setdefault(name, []).append(seconds)
        self._seen: dict[str, list[float]] = {}
        self._clock = clock
        self._started: float | None = None
        self._share = 0.0

    def start(self) -> None:
        """The next run begins."""
        self._started, self._share = self._clock(), 0.0

    def advance(self, share: float) -> None:
        """`share` (0 to 1) of the present run is done."""
        self._share = max(self._share, min(share, 1.0))

    def end(self, counts: bool = True) -> float:
        """The present run is over; returns its seconds. A failed or kept one does not count for others."""
        seconds = self._clock() - self._started if self._started is not None else 0.0
        name = self._left.pop(0)
        if counts:
            self._seen.setdefault(name, []).append(seconds)
        self._started = None
        return seconds

    def expected(self, row: str) -> float | None:
        """Seconds of a whole run of a row; of an unknown row, the mean of the known ones."""
        for table in (self._seen, self._known):
            if row in table:
                return fmean(table[row])
        means = {**{k: fmean(v) for k, v in self._known.items()}, **{k: fmean(v) for k, v in self._seen.items()}}
        return fmean(means.values()) if means else None

    def seconds(self) -> float | None:
        """What is left; `None` as long as nothing is known."""
        if not self._left:
            return 0.0
        present = 0.0
        whole = self.expected(self._left[0])
        if self._started is not None:
            present = self._clock() - self._started
            if whole is None and self._share > 0:
                whole = present / self._share
        if whole is None:
            return None
        others = [self.expected(name) for name in self._left[1:]]
        return max(whole - present, 0.0) + sum(whole if seconds is None else seconds for seconds in others)
