"""Tables of scores, from the files of a comparison or a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from seasa_da.evaluation.tolerance import TOLERANCE_MM
from seasa_da.reporting.page.content import NOTHING, Cell, Column, Table, number_cell, text_cell

Json = Mapping[str, Any]
Scores = Sequence[Mapping[str, Any]]
"""A line a case and structure, as in `per_case.json`."""


class Metric(NamedTuple):
    """How a metric is called and which way is better; its digits."""

    title: str
    lower_is_better: bool
    digits: int = 1


METRICS: Mapping[str, Metric] = {
    "dice": Metric("Dice [%]", False),
    "asd": Metric("ASD [{units}]", True),
    "hd95": Metric("HD95 [{units}]", True),
    "surface_dice": Metric(f"Surface Dice at {TOLERANCE_MM:g} mm [%]", False),
    "volume_error": Metric("Volume error without its sign [%]", True),
}
SIGNED = Metric("Volume error [%]", True)
"""Of one case; over cases both signs would cancel."""


def comparison_tables(content: Json) -> list[Table]:
    """One table a metric of a direction's JSON: structures, their mean, its interval and test.

    An ablation's further `tables` are those of `ablation_tables`.
    """
    content = {**content, "rows": [_with_further(row) for row in content["rows"]]}
    known = [name for name in METRICS if any(isinstance(row.get(name), Mapping) for row in content["rows"])]
    tables = [_metric_table(content, name) for name in known]
    if tables:
        tables[-1] = Table(tables[-1].caption, tables[-1].columns, tables[-1].rows, comparison_notes(content))
    return tables


def _with_further(row: Json) -> Json:
    """The metrics that are not tested beside those that are, where anything is known of them."""
    further = {
        name: {"structures": by_name}
        for name, by_name in (row.get("further") or {}).items()
        if any(spread["mean"] is not None for spread in by_name.values())
    }
    return {**row, **further}


def _metric_table(content: Json, name: str) -> Table:
    metric, rows = METRICS[name], content["rows"]
    keys = [*content["class_names"], "mean"]
    best = {key: _best(rows, name, key, metric) for key in keys}
    tested = content.get("against") is not None
    lower = metric.lower_is_better
    columns = [Column("Method"), *(Column(key, True, lower) for key in keys), Column("95 %", True, lower)]
    if tested:
        columns.append(Column("p", True, True))
    lines = []
    for row in rows:
        values = row.get(name) or {"structures": {}, "interval": None, "p_holm": None}
        cells = [_spread_cell(row, name, key, metric, best[key]) for key in keys]
        lines.append(
            [
                text_cell(row["name"], head=True, mark="oracle" if row["oracle"] else _state(row, content)),
                *cells,
                _interval_cell(values.get("interval")),
                *([_p_cell(values.get("p_holm"))] if tested else []),
            ]
        )
    side = "lower is better" if lower else "higher is better"
    return Table(f"{_title(metric, content)}, {side}", columns, lines)


def _spread_cell(row: Json, name: str, key: str, metric: Metric, best: str | None) -> Cell:
    value = ((row.get(name) or {}).get("structures") or {}).get(key) or {}
    mean, std = value.get("mean"), value.get("std")
    undefined = _undefined(row, name, key)
    notes = [f"± {std:.{metric.digits}f}" if mean is not None and std is not None else ""]
    notes += [f"({undefined} und.)" if undefined else ""]
    cell = number_cell(mean, metric.digits, note=" ".join(filter(None, notes)))
    is_best = cell.text == best and mean is not None and not row["oracle"] and not undefined
    return Cell(cell.text, cell.sort, cell.note, best=is_best)


def _best(rows: Iterable[Json], name: str, key: str, metric: Metric) -> str | None:
    """As printed: what looks the same is bold alike. An oracle, or a mean that leaves something out, is never best."""
    known = [
        value["mean"]
        for row in rows
        if not row["oracle"]
        and not _undefined(row, name, key)
        and (value := ((row.get(name) or {}).get("structures") or {}).get(key))
        and value["mean"] is not None
    ]
    return f"{(min if metric.lower_is_better else max)(known):.{metric.digits}f}" if known else None


def _undefined(row: Json, name: str, key: str) -> int:
    return (row.get(f"{name}_undefined") or {}).get(key) or 0


def _interval_cell(interval: Sequence[float] | None) -> Cell:
    if interval is None:
        return Cell(NOTHING)
    low, high = interval
    return Cell(f"{low:.1f} to {high:.1f}", float(low))


def _p_cell(p: float | None) -> Cell:
    if p is None:
        return Cell(NOTHING)
    return Cell("<0.001" if p < 0.001 else f"{p:.3f}", float(p))


def _state(row: Json, content: Json) -> str:
    if row["seeds"]:
        return ""
    return "failed" if any(one["row"] == row["name"] for one in content.get("failed", ())) else "not yet run"


def _title(metric: Metric, content: Json) -> str:
    return metric.title.format(units=content.get("units") or "mm")


def comparison_notes(content: Json) -> list[str]:
    """Sentences under the tables: how to read them, what failed, what the numbers cannot bear."""
    rows = content["rows"]
    found = []
    if any(len(row["seeds"]) > 1 for row in rows):
        found.append("Mean ± sample standard deviation over seeds.")
    if any(row["oracle"] for row in rows):
        found.append("Best in bold; what is marked oracle saw target labels and is left out of it.")
    if any((row.get(name) or {}).get("interval") for row in rows for name in METRICS):
        found.append("95 %: bootstrap interval of the mean over cases.")
    if content.get("against") is not None:
        found.append(
            f"p: Wilcoxon's signed-rank test over cases against {content['against']}, two-sided, corrected by Holm."
        )
    if any(_undefined(row, name, "mean") for row in rows for name in METRICS):
        found.append("und.: distances not defined (an empty prediction or reference), left out of the mean.")
    found += [f"{one['row']}, seed {one['seed']}, failed: {one['reason']}" for one in content.get("failed", ())]
    if missing := content.get("missing"):
        found.append("Not yet run: " + ", ".join(f"{one['row']} (seed {one['seed']})" for one in missing) + ".")
    return [*found, *content.get("warnings", ())]


def run_table(sides: Mapping[str, Json], structures: Sequence[str], units: str, oracle: bool) -> Table:
    """A run's scores by structure, beside those of its reference run.

    Args:
        sides: content of `metrics.json` by the run's name, the run itself first.
        oracle: it trained on target labels.
    """
    columns = [Column("Structure")]
    known: list[tuple[Json, str, Metric]] = []
    for who, metrics in sides.items():
        prefix = f"{who}: " if len(sides) > 1 else ""
        for name, metric in METRICS.items():
            if isinstance(metrics.get(name), Mapping):
                columns.append(Column(prefix + metric.title.format(units=units), True, metric.lower_is_better))
                known.append((metrics, name, metric))
    rows = []
    for key in (*structures, "mean"):
        cells = []
        for metrics, name, metric in known:
            undefined = metrics.get(f"{name}_undefined") or {}
            counts = [count or 0 for count in undefined.values()]
            count = sum(counts) if key == "mean" else undefined.get(key) or 0
            cells.append(number_cell(metrics[name].get(key), metric.digits, note=f"({count} und.)" if count else ""))
        rows.append([text_cell(key, head=True), *cells])
    notes = ["und.: distances not defined (an empty prediction or reference), left out of the mean."]
    shown = any(cell.note for row in rows for cell in row)
    mark = " (oracle: trained on target labels)" if oracle else ""
    return Table(f"Means over the test volumes{mark}", columns, rows, notes if shown else ())


def run_case_table(case: str, scores: Scores) -> Table | None:
    """The structures of one case of one run."""
    own = [score for score in scores if score["case"] == case]
    if not own:
        return None
    listed = {**METRICS, "volume_error": SIGNED}
    known = [(name, metric) for name, metric in listed.items() if any(name in score for score in own)]
    columns = [Column("Structure"), *(Column(m.title.format(units="mm"), True, m.lower_is_better) for _, m in known)]
    columns += [Column("Voxels, truth", True), Column("Voxels, prediction", True)]
    rows = []
    for score in own:
        cells = [number_cell(score.get(name), metric.digits) for name, metric in known]
        voxels = [number_cell(score.get(name), 0) for name in ("voxels_truth", "voxels_pred")]
        rows.append([text_cell(score["structure"], head=True), *cells, *voxels])
    return Table(f"Scores of {case}", columns, rows)


def comparison_case_table(
    case: str, scores: Mapping[str, Scores], structures: Sequence[str], oracles: Iterable[str]
) -> Table | None:
    """One case: Dice by structure and mean distances of every method, means over its seeds.

    Args:
        scores: by method, of all its seeds.
    """
    oracles = set(oracles)
    columns = [Column("Method"), *(Column(f"{name}, Dice [%]", True) for name in structures)]
    columns += [Column("mean Dice [%]", True), Column("mean ASD [mm]", True, True)]
    rows = []
    for method, lines in scores.items():
        own = [line for line in lines if line["case"] == case]
        if not own:
            continue
        dice = {name: [line["dice"] for line in own if line["structure"] == name] for name in structures}
        known = [_mean(values) for values in dice.values() if values]
        distances = [line["asd"] for line in own if line["asd"] is not None]
        undefined = len(own) - len(distances)
        rows.append(
            [
                text_cell(method, head=True, mark="oracle" if method in oracles else ""),
                *(number_cell(_mean(values)) for values in dice.values()),
                number_cell(_mean([value for value in known if value is not None])),
                number_cell(_mean(distances), note=f"({undefined} und.)" if undefined else ""),
            ]
        )
    return Table(f"Scores of {case}, means over seeds", columns, rows) if rows else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def mean_columns(content: Json, metrics: Sequence[str]) -> list[Column]:
    """Headers of `mean_cells`."""
    columns = []
    for name in metrics:
        metric = METRICS[name]
        columns.append(Column(_title(metric, content), True, metric.lower_is_better))
        if name == "dice":
            columns += [Column("95 %", True), *([Column("p", True, True)] if content.get("against") else [])]
    return columns


def mean_cells(row: Json, content: Json, metrics: Sequence[str]) -> list[Cell]:
    """A row's means over structures; of the Dice also the interval and the test."""
    cells = []
    for name in metrics:
        metric = METRICS[name]
        cells.append(_spread_cell(row, name, "mean", metric, _best(content["rows"], name, "mean", metric)))
        if name == "dice":
            cells.append(_interval_cell(row[name].get("interval")))
            cells += [_p_cell(row[name].get("p_holm"))] if content.get("against") else []
    return cells
