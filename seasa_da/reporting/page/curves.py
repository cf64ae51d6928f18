"""Charts of a run: its losses, the validators' scores of its checkpoints, what its masks were worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seasa_da.reporting.page.charts import Chart, Line, line_chart

Json = Mapping[str, Any]


def loss_charts(log: Sequence[Json]) -> list[Chart]:
    """One chart a loss, over the iterations of all stages that have it; stages begin at the dashed lines."""
    starts = _stage_starts(log)
    names = list(dict.fromkeys(name for line in log for name in line.get("losses", {})))
    charts = []
    for name in names:
        points = [
            (float(starts[line["stage"]] + line["iteration"]), float(line["losses"][name]))
            for line in log
            if line.get("losses", {}).get(name) is not None
        ]
        first = {line["stage"]: str(line.get("stage_name", line["stage"])) for line in log if name in line["losses"]}
        marked = [(float(starts[stage]), text) for stage, text in first.items()] if len(starts) > 1 else []
        low, high = min((x for x, _ in points), default=0), max((x for x, _ in points), default=0)
        chart = line_chart(
            name.removesuffix("_loss").replace("_", " "),
            [Line("", points)],
            x_label="iteration",
            marked=[(x, text) for x, text in marked if low < x < high],
        )
        if chart:
            charts.append(chart)
    return charts


def _stage_starts(log: Sequence[Json]) -> dict[int, int]:
    """Iterations before each stage."""
    lengths: dict[int, int] = {}
    for line in log:
        lengths[line["stage"]] = max(lengths.get(line["stage"], 0), line["iteration"])
    starts, total = {}, 0
    for stage, length in sorted(lengths.items()):
        starts[stage] = total
        total += length
    return starts


def validator_charts(validation: Json, oracle: Json | None = None) -> list[Chart]:
    """One chart a validator: its score of every candidate, the chosen one marked.

    Args:
        validation: content of `validation.json`.
        oracle: of `oracle.json`, whose Dice on the target's test labels is shown last, marked so.
    """
    candidates = validation["candidates"]
    names = list(dict.fromkeys(name for one in candidates for name in one["scores"]))
    chosen = [(float(one["updates"]), "chosen") for one in candidates if one["name"] == validation["selected"]]
    charts = []
    for name in names:
        points = [
            (float(one["updates"]), float(one["scores"][name]))
            for one in candidates
            if one["scores"].get(name) is not None
        ]
        mark = " (chose the result)" if name == validation.get("by") else ""
        chart = line_chart(f"{name}{mark}", [Line("", points, dots=True)], x_label="updates", marked=chosen)
        if chart:
            charts.append(chart)
    if oracle:
        points = [(float(one["updates"]), float(one["dice"]["mean"])) for one in oracle["candidates"]]
        title = "Dice [%] on target test labels (oracle: nobody may choose by it)"
        chart = line_chart(title, [Line("", points, dots=True)], x_label="updates", marked=chosen)
        if chart:
            charts.append(chart)
    return charts
