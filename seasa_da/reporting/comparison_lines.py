"""What every table of a comparison says, before it is set for the screen, Markdown or LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seasa_da.evaluation.comparison import Comparison, MethodRow, MetricRow
from seasa_da.reporting.published import OTHER_NETWORK, MethodFigures

NOTHING = "–"
METRICS = ("dice", "asd")


@dataclass(frozen=True)
class Cell:
    """One value as text: `mean`, `std` ("" with one seed), how many distances were not defined, whether it is best."""

    mean: str = NOTHING
    std: str = ""
    undefined: int = 0
    best: bool = False


@dataclass(frozen=True)
class Line:
    """One line of one metric's table.

    Attributes:
        name: of the method, or "paper".
        remark: "oracle", "failed", "not yet run" or "".
        cells: one a structure, then their mean.
        interval, p: of the mean, as text.
        published: the paper's figures, not ours.
    """

    name: str
    remark: str
    cells: tuple[Cell, ...]
    interval: str = ""
    p: str = ""
    published: bool = False


def metric_title(metric: str, units: str) -> str:
    """ "Dice [%], higher is better" or the same of the ASD."""
    return "Dice [%], higher is better" if metric == "dice" else f"ASD [{units}], lower is better"


def metric_lines(
    comparison: Comparison,
    class_names: Sequence[str],
    metric: str,
    *,
    failures: Mapping[str, str],
    published: Mapping[str, MethodFigures] | None,
) -> list[Line]:
    """The rows in their order, each followed by the paper's own figures where there are any.

    Args:
        metric: "dice" or "asd".
        failures: why a method has no result, by its name.
        published: by method, metric and structure.
    """
    keys = [*class_names, "mean"]
    best = {key: _best(comparison, metric, key) for key in keys}
    lines = []
    for row in comparison.rows:
        values = metric_row(row, metric)
        cells = tuple(_cell(row, metric, key, best[key]) for key in keys)
        low_high = values.interval
        interval = NOTHING if low_high is None else f"[{low_high[0]:.1f}, {low_high[1]:.1f}]"
        remark = state(row, failures) or ("oracle" if row.oracle else "")
        lines.append(Line(row.name, remark, cells, interval, p_text(values.p_holm)))
        if published and (figures := published.get(row.name)):
            theirs = (figures[metric].get(key) for key in keys)
            cells = tuple(Cell() if value is None else Cell(f"{value:.1f}") for value in theirs)
            lines.append(Line("paper", "", cells, published=True))
    return lines


def metric_row(row: MethodRow, metric: str) -> MetricRow:
    """The row's Dice or ASD."""
    return row.dice if metric == "dice" else row.asd


def state(row: MethodRow, failures: Mapping[str, str]) -> str:
    """Why a row has no numbers: "failed", "not yet run"; "" once a run is finished."""
    if row.seeds:
        return ""
    return "failed" if row.name in failures else "not yet run"


def p_text(p: float | None) -> str:
    """Three decimals, "<0.001" below them."""
    if p is None:
        return NOTHING
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def notes(
    comparison: Comparison,
    *,
    failures: Mapping[str, str],
    published: Mapping[str, MethodFigures] | None,
    other_data: bool,
    undefined: str = "und.",
) -> list[str]:
    """Sentences under a table: how to read it, what failed and why, what its numbers cannot bear.

    `undefined` is what the counts of undefined distances look like in it.
    """
    rows = comparison.rows
    found = []
    if any(len(row.seeds) > 1 for row in rows):
        found.append("Mean ± sample standard deviation over seeds.")
    if any(row.oracle for row in rows):
        found.append("Best in bold; the oracle, which saw target labels, is left out.")
    if any(row.dice.interval for row in rows):
        found.append("95 %: bootstrap interval of the mean over cases.")
    if comparison.against is not None:
        found.append(f"p: Wilcoxon's signed-rank test over cases against {comparison.against}, corrected by Holm.")
    if any(row.asd_undefined["mean"] for row in rows):
        left_out = "left out of the mean, which is then never in bold"
        found.append(f"{undefined}: distances not defined (an empty prediction or reference), {left_out}.")
    shown = [row.name for row in rows if published and row.name in published]
    if shown:
        source = f"published on MM-WHS{', another data set' if other_data else ''}; its ASD is in voxels, not mm"
        network = "; SIFA's rows are those of its own articles, another network"
        found.append(f"paper: {source}{network if set(shown) & set(OTHER_NETWORK) else ''}.")
    found += [f"{name} failed: {' '.join(reason.split()).rstrip('.')}." for name, reason in failures.items()]
    return found + comparison.warnings


def _best(comparison: Comparison, metric: str, key: str) -> str | None:
    """The best value as printed, so that what looks the same is bold alike; `None` if there is none."""
    means = [metric_row(row, metric).structures[key].mean for row in comparison.rows if _may_be_best(row, metric, key)]
    known = [mean for mean in means if mean is not None]
    return f"{max(known) if metric == 'dice' else min(known):.1f}" if known else None


def _may_be_best(row: MethodRow, metric: str, key: str) -> bool:
    """Not an oracle, and nothing left out: a mean over the structures that were found alone is no better for it."""
    return not row.oracle and not _undefined(row, metric, key)


def _undefined(row: MethodRow, metric: str, key: str) -> int:
    return row.asd_undefined[key] or 0 if metric == "asd" else 0


def _cell(row: MethodRow, metric: str, key: str, best: str | None) -> Cell:
    value = metric_row(row, metric).structures[key]
    undefined = _undefined(row, metric, key)
    if value.mean is None:
        return Cell(undefined=undefined)
    mean = f"{value.mean:.1f}"
    std = "" if value.std is None else f"{value.std:.1f}"
    return Cell(mean, std, undefined, best=mean == best and _may_be_best(row, metric, key))
