"""How a run went: its losses by stage, the validators' scores of its checkpoints, what its masks were worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.lines import Line2D

from seasa_da.reporting.colours import structure_colours
from seasa_da.reporting.figures.panels import PanelGrid
from seasa_da.reporting.figures.sheet import (
    EDGE,
    FULL_WIDTH,
    Sheet,
    legend_height,
    light_frame,
    set_range,
    span,
    title_height,
)
from seasa_da.reporting.figures.text import HEADING, SMALL, fit, joined, text_height, wrap

RELIABLE, UNRELIABLE, CHOSEN, SCORE = "#0072B2", "#D55E00", "#D55E00", "#0072B2"
_COLUMNS = 6
_PANEL, _TICKS = 0.7, 0.22  # inches


@dataclass(frozen=True)
class LossCurve:
    """One loss: (iterations, values) by the name of the stage, in which it was reported."""

    name: str
    stages: Mapping[str, tuple[Sequence[float], Sequence[float]]]


@dataclass(frozen=True)
class ScoreCurve:
    """One validator's scores of the candidates, by the segmenter's updates; `decided` where it chose the result."""

    name: str
    updates: Sequence[float]
    scores: Sequence[float]
    decided: bool = False


@dataclass(frozen=True)
class MaskCurve:
    """Accuracy [%] inside the reliable and inside the unreliable mask, by updates, of some kind of pixels."""

    name: str
    reliable: tuple[Sequence[float], Sequence[float]]
    unreliable: tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True)
class Curves:
    """What is known of a run; an empty part has no section.

    Attributes:
        chosen: updates of the checkpoint that is the run's result.
    """

    losses: Sequence[LossCurve] = ()
    scores: Sequence[ScoreCurve] = ()
    masks: Sequence[MaskCurve] = ()
    chosen: float | None = None
    stages: Sequence[str] = field(default=())


def curves_figure(curves: Curves, *, title: str = "") -> Sheet:
    """A section for each part that is known, a small chart a curve.

    Raises:
        ValueError: nothing is known.
    """
    sections: list[tuple[str, list[Any], Callable[[Any, Any, Curves], None], Any]] = [
        (heading, list(own), draw, handles)
        for heading, own, draw, handles in (
            ("Losses, by iteration", curves.losses, _loss, _stage_handles(curves)),
            (
                "Scores of the checkpoints, by the segmenter's updates; higher is better",
                curves.scores,
                _score,
                _score_handles(curves),
            ),
            ("Accuracy inside the masks [%] by hidden labels, by updates", curves.masks, _masks, _MASK_HANDLES),
        )
        if own
    ]
    if not sections:
        raise ValueError("no curves to show")
    room = FULL_WIDTH - 2 * EDGE
    columns = min(_COLUMNS, max(2, *(len(own) for _, own, _, _ in sections)))
    grids, names = [], []
    for _, own, _, _ in sections:
        grid = PanelGrid(len(own), columns, FULL_WIDTH, 0, _PANEL, _TICKS)
        lines = [wrap(one.name, grid.axes_width + 0.3, SMALL) for one in own]
        head = text_height(max(map(len, lines)), SMALL) + 0.06
        grids.append(PanelGrid(len(own), columns, FULL_WIDTH, head, _PANEL, _TICKS))
        names.append(lines)
    section_head = text_height(1, HEADING) + 0.04
    heights = [
        section_head + legend_height(handles, room) + grid.total + 0.06
        for (_, _, _, handles), grid in zip(sections, grids, strict=True)
    ]
    top = EDGE + title_height(title)
    sheet = Sheet(FULL_WIDTH, top + sum(heights) + EDGE)
    sheet.title(title)
    y = top
    for (heading, own, draw, handles), grid, lines, height in zip(sections, grids, names, heights, strict=True):
        sheet.text(EDGE, y, heading, HEADING, fontweight="bold")
        sheet.legend(EDGE, y + section_head, handles, room)
        first = y + section_head + legend_height(handles, room)
        for one, said, (x, at) in zip(own, lines, grid.places(first), strict=True):
            axes = sheet.axes(x, at, grid.axes_width, grid.height)
            light_frame(axes)
            axes.set_title(joined(said), fontsize=SMALL, pad=3, loc="left", linespacing=1.1)
            draw(axes, one, curves)
        y += height
    return sheet


def _stage_colours(curves: Curves) -> dict[str, str]:
    return structure_colours(curves.stages, "safe")


def _stage_handles(curves: Curves) -> list[Any]:
    if len(curves.stages) < 2:
        return []
    return [
        Line2D([], [], color=colour, linewidth=1.4, label=fit(name, FULL_WIDTH / 2, SMALL))
        for name, colour in _stage_colours(curves).items()
    ]


def _loss(axes: Any, curve: LossCurve, curves: Curves) -> None:
    colours = _stage_colours(curves)
    for stage, (iterations, values) in curve.stages.items():
        marker = "o" if len(iterations) == 1 else None
        colour = colours[stage] if len(curves.stages) > 1 else SCORE
        axes.plot(iterations, values, color=colour, linewidth=1, marker=marker, markersize=2)
    set_range(axes, "x", span([x for xs, _ in curve.stages.values() for x in xs], 0.02), 3, whole=True)
    set_range(axes, "y", span([y for _, ys in curve.stages.values() for y in ys]), 3)


def _score_handles(curves: Curves) -> list[Any]:
    if curves.chosen is None:
        return []
    by = next((curve.name for curve in curves.scores if curve.decided), "last")
    return [Line2D([], [], color=CHOSEN, linestyle="--", linewidth=0.9, label=f"the run's result, chosen by: {by}")]


def _score(axes: Any, curve: ScoreCurve, curves: Curves) -> None:
    axes.plot(curve.updates, curve.scores, color=SCORE, linewidth=1, marker="o", markersize=2.5)
    every = [*curve.updates, *([curves.chosen] if curves.chosen is not None else [])]
    if curves.chosen is not None:
        axes.axvline(curves.chosen, color=CHOSEN, linestyle="--", linewidth=0.9, zorder=1)
        at = [place for place, update in enumerate(curve.updates) if update == curves.chosen]
        axes.plot([curves.chosen] * len(at), [curve.scores[place] for place in at], "o", color=CHOSEN, markersize=4.5)
    set_range(axes, "x", span(every), 3, whole=True)
    set_range(axes, "y", span(curve.scores, 0.12), 3)


_MASK_HANDLES = [
    Line2D([], [], color=RELIABLE, linewidth=1.2, marker="o", markersize=2.5, label="reliable pixels"),
    Line2D([], [], color=UNRELIABLE, linewidth=1.2, marker="s", markersize=2.5, label="unreliable pixels"),
]


def _masks(axes: Any, curve: MaskCurve, curves: Curves) -> None:
    for (updates, values), colour, marker in (
        (curve.reliable, RELIABLE, "o"),
        (curve.unreliable, UNRELIABLE, "s"),
    ):
        axes.plot(updates, values, color=colour, linewidth=1, marker=marker, markersize=2.5)
    updates = [*curve.reliable[0], *curve.unreliable[0]]
    set_range(axes, "x", span(updates), 3, whole=True)
    set_range(axes, "y", (-4, 104), (0, 50, 100))
    axes.grid(axis="y", color="0.92", linewidth=0.5)
