"""An ablation table as LaTeX, for an article."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from seasa_da.evaluation.comparison import Comparison
from seasa_da.reporting.ablation_lines import AblationLine, ablation_header, ablation_lines, ablation_notes
from seasa_da.reporting.comparison_latex import latex_cell, latex_escaped, latex_row, latex_table
from seasa_da.reporting.published_ablations import AblationTable

# amssymb has a finer one, which stays where it is loaded.
_CHECK = r"\providecommand{\checkmark}{\ensuremath{\surd}}"


def ablation_latex(
    table: AblationTable,
    comparison: Comparison,
    direction: tuple[str, str],
    *,
    failures: Mapping[str, str] | None = None,
    reference: bool = False,
    other_data: bool = False,
    units: str = "mm",
) -> str:
    r"""A `table` with caption and label, for a document with `\usepackage{booktabs}`; arguments as `ablation_table`."""
    failures, published = failures or {}, table.published.get(direction) if reference else None
    header = ablation_header(table, published, units)
    lines = ablation_lines(table, comparison, failures=failures, published=published)
    below = ablation_notes(
        comparison, failures=failures, published=published, other_data=other_data, undefined="Raised numbers"
    )
    source, target = map(latex_escaped, direction)
    marks = len(table.columns)
    text = latex_table(
        rf"Ablation, {latex_escaped(table.title)}: {source} $\rightarrow$ {target}.",
        "-".join(["ablation", str(table.number), *direction]),
        "l" + "c" * marks + "r" * (len(header) - 1 - marks),
        [
            r"\toprule",
            latex_row([r"$p$" if name == "p" else latex_escaped(name) for name in header]),
            r"\midrule",
            *(latex_row(_row(line)[: len(header)]) for line in lines),
            r"\bottomrule",
        ],
        below,
    )
    checked = any(mark is True for line in lines for mark in line.marks)
    return f"{_CHECK}\n{text}" if checked else text


def _row(line: AblationLine) -> list[str]:
    marks = [latex_escaped(mark) if isinstance(mark, str) else r"\checkmark" if mark else "" for mark in line.marks]
    interval = rf"{{\scriptsize {latex_escaped(line.interval)}}}"
    asd = latex_cell(replace(line.asd, std=""))  # its spread would not fit between the margins
    # A remark stands in place of the Dice: beside the name it would not fit either.
    dice = rf"{{\scriptsize {line.remark}}}" if line.remark else latex_cell(line.dice)
    values = [dice, interval, latex_escaped(line.p), asd]
    return [line.name, *marks, *values, latex_escaped(line.published)]
