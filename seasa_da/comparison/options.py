"""What `compare` and `ablate` are both asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, TypedDict

from seasa_da.comparison.observer import ComparisonObserver


class Options(TypedDict, total=False):
    """Arguments by name, all of which may be left out.

    Attributes:
        both: the other direction too.
        seeds: by default 0.
        data, preset, weights, anonymise: as `seasa_da.train` takes them.
        overrides, config: settings for all rows that have them.
        out: the folder, by default `runs/compare-PRESET` or `runs/ablate-PRESET`; one that was begun is gone on with.
        tracking_uri: where MLflow records go; "none" for no tracking.
        reference: "paper" shows its own figures too.
        oracle: also score every checkpoint along the runs by the target's test labels, to show, marked, what choosing
            without them costs.
        shard: `(i, n)`, part i (from 1) of n; parts may run at the same time, on machines that share `out`.
        observer: where to report to.
    """

    both: bool
    seeds: Sequence[int] | None
    data: str | Path | None
    preset: str | None
    overrides: Iterable[str]
    config: str | Path | None
    weights: str | Path | None
    out: str | Path | None
    tracking_uri: str | None
    anonymise: bool
    reference: Literal["paper"] | None
    oracle: bool
    shard: tuple[int, int]
    observer: ComparisonObserver | None
