"""A picture of a comparison: one panel a direction, one line a method, mean Dice with its interval and its seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from seasa_da.evaluation.comparison import Comparison, MethodRow
from seasa_da.reporting.comparison_lines import state
from seasa_da.reporting.saving import save_figure

# Okabe and Ito, "Color Universal Design" (2008): the method compared with, the others, the bounds.
CHOSEN, OTHER, LOWER, UPPER = "#D55E00", "#0072B2", "#767676", "#000000"

_LINE = 0.3  # inches a method
_PANEL = 3.4
_HEAD, _FOOT, _GAP, _EDGE = 0.34, 0.5, 0.25, 0.15
_LEGEND_ROW = 0.22
_TEXT = 9.0
_LONGEST = 2.6


def comparison_figure(
    comparisons: Mapping[tuple[str, str], Comparison],
    path: Path,
    *,
    failures: Mapping[tuple[str, str], Mapping[str, str]] | None = None,
    lower: str = "source-only",
    dpi: int = 160,
) -> None:
    """Write a PNG: large points are means over seeds, bars their 95 % intervals over cases, small points the seeds.

    The bounds, `lower` and the oracles, are rows like the others and dashed lines through all of them.

    Args:
        comparisons: by (source, target), a panel each.
        failures: why a method has no result, by direction and name.
        lower: name of the row without adaptation.

    Raises:
        ValueError: no comparisons.
        UserError: the file cannot be written.
    """
    if not comparisons:
        raise ValueError("no comparisons to show")
    names = list(dict.fromkeys(row.name for comparison in comparisons.values() for row in comparison.rows))
    oracles = {row.name for comparison in comparisons.values() for row in comparison.rows if row.oracle}
    labels = [_fit(f"{name} (oracle)" if name in oracles else name) for name in names]

    # Everything is placed in inches, so that neither many rows nor long names can push one thing over another.
    left = _EDGE + max((_text_width(label) for label in labels), default=0.0)
    columns = min(len(comparisons), 2)
    lines = math.ceil(len(comparisons) / columns)
    panel_height = _LINE * max(len(names), 1)
    width = left + columns * _PANEL + (columns - 1) * _GAP + _EDGE
    entries = _legend(lower in names, bool(oracles), any(map(_has_seeds, comparisons.values())))
    legend_columns = 2 if columns == 1 else len(entries)
    legend = _EDGE + _LEGEND_ROW * math.ceil(len(entries) / legend_columns)
    height = lines * (_HEAD + panel_height + _FOOT) + legend

    figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white")
    FigureCanvasAgg(figure)
    limits = _limits(comparisons)
    for index, (direction, comparison) in enumerate(comparisons.items()):
        line, column = divmod(index, columns)
        x = left + column * (_PANEL + _GAP)
        y = height - line * (_HEAD + panel_height + _FOOT) - _HEAD - panel_height
        axes = figure.add_axes((x / width, y / height, _PANEL / width, panel_height / height))
        axes.set_title(_plain(f"{direction[0]} → {direction[1]}"), fontsize=_TEXT + 1, pad=5, loc="left")
        axes.set_xlim(*limits)
        axes.set_ylim(max(len(names), 1) - 0.5, -0.5)
        axes.set_xticks([tick for tick in MaxNLocator(6).tick_values(*limits) if limits[0] <= tick <= limits[1]])
        axes.set_yticks(range(len(names)), labels if column == 0 else [""] * len(names))
        axes.set_xlabel("mean Dice [%]", fontsize=_TEXT, labelpad=3)
        axes.tick_params(labelsize=_TEXT - 0.5, length=2.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        why = (failures or {}).get(direction, {})
        rows = {row.name: row for row in comparison.rows}
        for place, name in enumerate(names):
            _draw(axes, place, rows.get(name), comparison.against, lower, why)
    figure.legend(
        handles=entries,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.06 / height),
        ncols=legend_columns,
        frameon=False,
        fontsize=_TEXT - 1,
        borderpad=0,
        borderaxespad=0,
        columnspacing=1.2,
        handletextpad=0.5,
    )
    save_figure(figure, path)


def _draw(
    axes: Any, place: int, row: MethodRow | None, against: str | None, lower: str, failures: Mapping[str, str]
) -> None:
    """One method's line; a word in its place where there is no value."""
    mean = row.dice.structures["mean"].mean if row else None
    if row is None or mean is None:
        said = "not compared" if row is None else state(row, failures) or "no labels"
        # White behind the word: the bounds' lines run through.
        style = {"color": "0.4", "fontsize": _TEXT - 1, "ha": "center", "va": "center"}
        behind = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        axes.text(0.5, place, said, transform=axes.get_yaxis_transform(), bbox=behind, **style)
        return
    colour = UPPER if row.oracle else LOWER if row.name == lower else CHOSEN if row.name == against else OTHER
    if row.oracle or row.name == lower:
        axes.axvline(mean, color=colour, linestyle="--", linewidth=0.9, zorder=1)
    if row.dice.interval:
        # The ends stand out of the point, so that a narrow interval is seen too.
        axes.plot(row.dice.interval, [place, place], "|-", color=colour, linewidth=1.4, markersize=8, zorder=2)
    axes.plot(mean, place, "o", color=colour, markersize=4.5, zorder=3)
    seeds = _single_seeds(row)
    if seeds:
        axes.plot(seeds, [place + 0.3] * len(seeds), "o", color=colour, alpha=0.6, markersize=2.8, mew=0, zorder=2)


def _single_seeds(row: MethodRow) -> list[float]:
    """Their means; none where one seed is all there is."""
    seeds = [value for value in row.dice.seed_means if value is not None]
    return seeds if len(seeds) > 1 else []


def _has_seeds(comparison: Comparison) -> bool:
    return any(map(_single_seeds, comparison.rows))


def _legend(has_lower: bool, has_oracle: bool, has_seeds: bool) -> list[Line2D]:
    entries = [
        Line2D([], [], color=OTHER, marker="o", markersize=4.5, linewidth=1.4, label="mean, 95 % interval over cases"),
    ]
    if has_seeds:
        entries.append(Line2D([], [], color=OTHER, marker="o", markersize=2.8, linewidth=0, label="single seeds"))
    if has_lower:
        entries.append(Line2D([], [], color=LOWER, linestyle="--", linewidth=0.9, label="without adaptation"))
    if has_oracle:
        entries.append(Line2D([], [], color=UPPER, linestyle="--", linewidth=0.9, label="oracle"))
    return entries


def _limits(comparisons: Mapping[tuple[str, str], Comparison]) -> tuple[float, float]:
    """The same for all panels: what is drawn and a margin, within what Dice can be and a point's radius."""
    values = [
        value
        for comparison in comparisons.values()
        for row in comparison.rows
        for value in (row.dice.structures["mean"].mean, *row.dice.seed_means, *(row.dice.interval or ()))
        if value is not None
    ]
    if not values:
        return 0.0, 100.0
    margin = max(0.06 * (max(values) - min(values)), 2.0)
    return max(min(values) - margin, -margin), min(max(values) + margin, 100.0 + margin)


def _text_width(text: str) -> float:
    return len(text) * _TEXT / 72 * 0.62  # inches; a little more than the mean letter of the sans-serif font


def _fit(name: str) -> str:
    letters = int(_LONGEST / _text_width("x"))
    return _plain(name if len(name) <= letters else name[: letters - 1] + "…")


def _plain(text: str) -> str:
    return text.replace("$", r"\$")  # it would start a formula
