"""How sure a mean over cases is, and whether two methods differ on the same cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

# Differences closer than this are equal: sums in another order differ in their last digits, and must stay ties.
_DIGITS = 9


def bootstrap_interval(
    values: npt.ArrayLike, *, confidence: float = 0.95, draws: int = 10_000, seed: int = 0
) -> tuple[float, float] | None:
    """Percentile bootstrap interval, over cases, of the mean (Efron and Tibshirani 1993, chapter 13).

    Every draw takes as many cases as there are, with replacement, and repeats the whole mean: over the cases drawn,
    then over structures, then over seeds, each time of what is defined.

    Args:
        values: `(n,)`, a score a case, or `(n, structures, seeds)`; NaN where a score is not defined.
        confidence: share of the resampled means inside.
        draws: number of resamples.
        seed: of the resamples; the same values give the same interval.

    Returns:
        (low, high) in the units of `values`; `None` for fewer than two cases with a score.

    Raises:
        ValueError: `confidence` is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
    scores = np.asarray(values, dtype=np.float64)
    scores = scores.reshape(*scores.shape, *(1,) * (3 - scores.ndim))
    scores = scores[~np.isnan(scores).all(axis=(1, 2))]
    cases = len(scores)
    if cases < 2:
        return None
    times = np.random.default_rng(seed).multinomial(cases, np.full(cases, 1 / cases), size=draws)
    defined = ~np.isnan(scores)
    by_structure = _ratio(np.tensordot(times, np.where(defined, scores, 0), 1), np.tensordot(times, defined, 1))
    by_seed = _ratio(np.nansum(by_structure, axis=1), np.isfinite(by_structure).sum(axis=1))
    means = _ratio(np.nansum(by_seed, axis=1), np.isfinite(by_seed).sum(axis=1))
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _ratio(total: npt.NDArray[Any], count: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """`total / count`, NaN where there is nothing to count."""
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def paired_p(a: Mapping[str, float], b: Mapping[str, float]) -> float | None:
    """Two-sided p of Wilcoxon's signed-rank test over the cases that `a` and `b` share; `None` if they share none.

    Exact for any number of cases, ties included (they share their mean rank): p = 2·P(W <= w), with W the sum of the
    ranks that get a positive sign when all 2^n signs are equally likely, and w the smaller of the two sums seen. Cases
    without a difference are left out, as Wilcoxon (1945) did; if none differs, p is 1.

    Args:
        a, b: a score a case, by the case's name.
    """
    shared = sorted(a.keys() & b.keys())
    if not shared:
        return None
    differences = np.round([a[case] - b[case] for case in shared], _DIGITS)
    differences = differences[differences != 0]
    # Doubled, mean ranks are whole numbers, so that sums of ranks can be counted instead of 2^n signs tried.
    ranks = np.rint(2 * stats.rankdata(np.abs(differences))).astype(int)
    positive = int(ranks[differences > 0].sum())
    likelihood = _sums_of_ranks(ranks)
    return min(1.0, 2 * float(likelihood[: min(positive, int(ranks.sum()) - positive) + 1].sum()))


def _sums_of_ranks(ranks: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """`(n,)` whole ranks -> `(sum + 1,)` the probability of each sum when every rank counts or not by a fair coin."""
    likelihood = np.zeros(int(ranks.sum()) + 1)
    likelihood[0] = 1.0
    for rank in ranks:
        moved = np.concatenate([np.zeros(rank), likelihood[:-rank]])
        likelihood = (likelihood + moved) / 2
    return likelihood


def smallest_p(cases: int) -> float:
    """The smallest p that a two-sided exact signed-rank test on so many cases can give: 2 / 2^n, at most 1."""
    return min(1.0, 2.0 / 2.0**cases)


def holm(ps: Mapping[str, float]) -> dict[str, float]:
    """p values adjusted for their number by the step-down method of Holm (1979).

    The k-th smallest of m is multiplied by m - k + 1; none becomes smaller than one before it, or larger than 1.

    Args:
        ps: p a comparison, by its name.

    Returns:
        The adjusted p by the same names, in the same order.
    """
    adjusted: dict[str, float] = {}
    before = 0.0
    for done, name in enumerate(sorted(ps, key=ps.__getitem__)):
        before = adjusted[name] = min(1.0, max(before, (len(ps) - done) * ps[name]))
    return {name: adjusted[name] for name in ps}
