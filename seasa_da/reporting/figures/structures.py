"""Box plots of Dice and surface distance: a column a structure, a line a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seasa_da.reporting.colours import Palette, structure_colours
from seasa_da.reporting.figures.sheet import EDGE, FULL_WIDTH, Sheet, light_frame, set_range, title_height
from seasa_da.reporting.figures.text import (
    HEADING,
    SMALL,
    TINY,
    fit,
    joined,
    plain,
    text_height,
    widest,
    wrap,
)

_COLUMNS = 7
_LINE, _LEAST, _FOOT, _GAP, _LARGEST = 0.17, 0.34, 0.36, 0.13, 1.7  # inches
_NAMES = 1.5  # inches that a method's name may take


@dataclass(frozen=True)
class Scores:
    """One structure of one method over the cases: Dice in percent, the distances that are defined, how many are not."""

    dice: Sequence[float]
    asd: Sequence[float]
    undefined: int = 0


def structures_figure(
    scores: Mapping[str, Mapping[str, Scores]],
    class_names: Sequence[str],
    *,
    units: str = "mm",
    palette: Palette = "paper",
    title: str = "",
) -> Sheet:
    """Dice above, surface distance below; a point a case, the box its quartiles, the line the median.

    Args:
        scores: by method, then by structure; a structure that was not scored is left out.
        class_names: structures in the order of the labels.
        units: of the distances.
        title: one line above.
    """
    methods = list(scores)
    colours = structure_colours(class_names, palette)
    names = [fit(name, _NAMES, SMALL) for name in methods]
    left = EDGE + widest(names, SMALL) + 0.06
    columns = min(len(class_names), _COLUMNS)
    panel = min(_LARGEST, (FULL_WIDTH - left - EDGE - 0.1 - (columns - 1) * _GAP) / columns)
    height = max(_LEAST, _LINE * len(methods))
    parts = [class_names[start : start + columns] for start in range(0, len(class_names), columns)]
    heads = {name: wrap(name, panel, HEADING) for name in class_names}
    head = text_height(max(map(len, heads.values())), HEADING) + 0.05
    foot_text = "und.: distance not defined (structure missed)"
    undefined = any(one.undefined for own in scores.values() for one in own.values())
    metrics = [("Dice [%]", "dice"), (f"ASD [{units}]", "asd")]
    top = EDGE + title_height(title)
    below = text_height(1, TINY) + 0.03 if undefined else 0.0
    width = max(left + columns * panel + (columns - 1) * _GAP + 0.1 + EDGE, 3.0)
    sheet = Sheet(width, top + len(metrics) * len(parts) * (head + height + _FOOT) + below + EDGE)
    sheet.title(title)
    y = top
    for label, kind in metrics:
        limits = _limits(scores, kind)
        spared = _undefined_room(scores) if kind == "asd" else 0.0
        for part in parts:
            for place, name in enumerate(part):
                axes = sheet.axes(left + place * (panel + _GAP), y + head, panel, height)
                light_frame(axes)
                axes.set_title(joined(heads[name]), fontsize=HEADING, pad=3, linespacing=1.1)
                axes.set_ylim(len(methods) - 0.5, -0.5)
                axes.set_yticks(range(len(methods)), map(plain, names) if place == 0 else [""] * len(methods))
                axes.tick_params(axis="y", length=0, labelsize=SMALL, pad=3)
                _draw(axes, [own.get(name) for own in scores.values()], kind, limits, colours[name], spared / panel)
                axes.grid(axis="x", color="0.92", linewidth=0.5)
                axes.set_axisbelow(True)
                axes.set_xlabel(plain(label), fontsize=SMALL, labelpad=1)
            y += head + height + _FOOT
    if undefined:
        sheet.text(EDGE, y, fit(foot_text, width - 2 * EDGE, TINY), TINY, color="0.3")
    return sheet


def _limits(scores: Mapping[str, Mapping[str, Scores]], kind: str) -> tuple[float, float]:
    if kind == "dice":
        return 0.0, 100.0
    values = [value for own in scores.values() for one in own.values() for value in one.asd]
    return 0.0, (max(values) if values else 1.0) * 1.05 or 1.0


def _counted(one: Scores) -> str:
    return f"{one.undefined} und."


def _undefined_room(scores: Mapping[str, Mapping[str, Scores]]) -> float:
    """Inches at the right of every panel, the same in all of them, as their scales are to be compared."""
    counted = [_counted(one) for own in scores.values() for one in own.values() if one.undefined]
    return widest(counted, TINY) + 0.06 if counted else 0.0


def _draw(
    axes: Any, column: Sequence[Scores | None], kind: str, limits: tuple[float, float], colour: str, spared: float
) -> None:
    """The lines of one structure; a share of the width is spared for how many distances are not defined."""
    counted = {place: _counted(one) for place, one in enumerate(column) if one and one.undefined and kind == "asd"}
    low, high = limits
    end = low + (high - low) / (1 - max(spared, 0.02))
    ticks = (0, 50, 100) if kind == "dice" else 3
    set_range(axes, "x", (low - 0.03 * (end - low), end), ticks)
    for place, one in enumerate(column):
        values = [] if one is None else one.dice if kind == "dice" else one.asd
        if len(values):
            _box(axes, place, np.asarray(values, dtype=np.float64), colour)
        elif place not in counted:
            axes.text(low, place, "–", fontsize=SMALL, ha="left", va="center", color="0.5")
    for place, text in counted.items():
        axes.text(end, place, text, fontsize=TINY, ha="right", va="center", color="0.3")


def _box(axes: Any, place: int, values: Any, colour: str) -> None:
    axes.boxplot(
        values,
        positions=[place],
        orientation="horizontal",
        widths=0.62,
        manage_ticks=False,
        patch_artist=True,
        showfliers=False,
        boxprops={"facecolor": colour, "alpha": 0.55, "linewidth": 0.5, "edgecolor": "0.2"},
        medianprops={"color": "black", "linewidth": 1.1},
        whiskerprops={"color": "0.2", "linewidth": 0.6},
        capprops={"color": "0.2", "linewidth": 0.6},
    )
    spread = np.linspace(-0.16, 0.16, len(values)) if len(values) > 1 else np.zeros(1)
    axes.plot(values, place + spread, "o", color="0.15", markersize=1.4, mew=0, zorder=3)
