"""A comparison as LaTeX, for an article."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from seasa_da.evaluation.comparison import Comparison
from seasa_da.reporting.comparison_lines import METRICS, Cell, Line, metric_lines, metric_title, notes
from seasa_da.reporting.published import MethodFigures

# "<" and ">" are other characters in LaTeX's text font; "[" after a line break would be read as an option.
_LETTERS = {
    **{letter: f"\\{letter}" for letter in "{}$&#_%"},
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    "[": "{[}",
    "–": "--",
    "±": r"$\pm$",
    "→": r"$\rightarrow$",
    "…": r"\ldots{}",
}


def comparison_latex(
    comparison: Comparison,
    class_names: Sequence[str],
    direction: tuple[str, str],
    *,
    failures: Mapping[str, str] | None = None,
    published: Mapping[str, MethodFigures] | None = None,
    other_data: bool = False,
    units: str = "mm",
) -> str:
    r"""A `table` with caption and label, for a document with `\usepackage{booktabs}`; arguments as `comparison_table`.

    Counts of undefined distances are raised numbers, so that the table fits between the margins of an article.
    """
    failures = failures or {}
    tested = comparison.against is not None
    header = ["Method", *map(latex_escaped, class_names), "mean", r"95\,\%", *(["$p$"] if tested else [])]
    body = [r"\toprule", latex_row(header)]
    for metric in METRICS:
        title = latex_escaped(metric_title(metric, units))
        body += [r"\midrule", rf"\multicolumn{{{len(header)}}}{{@{{}}l}}{{\textit{{{title}}}}} \\"]
        for line in metric_lines(comparison, class_names, metric, failures=failures, published=published):
            body.append(latex_row(_row(line)[: len(header)]))
    source, target = map(latex_escaped, direction)
    below = notes(comparison, failures=failures, published=published, other_data=other_data, undefined="Raised numbers")
    caption = rf"Dice and ASD, {source} $\rightarrow$ {target}."
    columns = "l" + "r" * (len(header) - 1)
    return latex_table(caption, "-".join(direction), columns, [*body, r"\bottomrule"], below)


def latex_table(caption: str, label: str, columns: str, body: Sequence[str], below: Sequence[str]) -> str:
    """A `table` in small type between the margins of an article.

    Args:
        caption: LaTeX.
        label: text that the label is made of.
        columns: a letter each.
        body: lines of the `tabular`.
        below: sentences under it, plain text.
    """
    name = re.sub(r"[^a-z0-9]+", "-", label.lower())
    return "\n".join(
        [
            r"\begin{table}[t]",
            r"\centering",
            r"\footnotesize",
            r"\setlength{\tabcolsep}{2pt}",
            rf"\caption{{{caption}}}",
            rf"\label{{tab:{name}}}",
            rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
            *body,
            r"\end{tabular}",
            *[rf"\par\smallskip\parbox{{\linewidth}}{{\scriptsize {latex_escaped(' '.join(below))}}}"] * bool(below),
            r"\end{table}",
            "",
        ]
    )


def latex_escaped(text: str) -> str:
    """Text as LaTeX prints it, letter for letter."""
    return "".join(_LETTERS.get(letter, letter) for letter in text)


def latex_row(cells: Sequence[str]) -> str:
    """Cells of a line of the table."""
    return " & ".join(cells) + r" \\"


def _row(line: Line) -> list[str]:
    remark = rf" {{\scriptsize({line.remark})}}" if line.remark else ""
    name = r"\quad paper" if line.published else latex_escaped(line.name) + remark
    interval = rf"{{\scriptsize {latex_escaped(line.interval)}}}" if line.interval else ""
    return [name, *map(latex_cell, line.cells), interval, latex_escaped(line.p)]


def latex_cell(cell: Cell) -> str:
    """The best in bold, with its spread and, raised, the count of distances that are not defined."""
    mean = rf"\textbf{{{cell.mean}}}" if cell.best else latex_escaped(cell.mean)
    spread = rf" {{\scriptsize$\pm${cell.std}}}" if cell.std else ""
    return mean + spread + (f"$^{{{cell.undefined}}}$" if cell.undefined else "")
