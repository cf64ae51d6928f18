import re
import shutil
import subprocess

import pytest

from seasa_da.evaluation.statistics import MethodRuns, compare_methods
from seasa_da.reporting.comparison_latex import comparison_latex, latex_escaped
from seasa_da.reporting.published import PUBLISHED

from .comparisons import FAILURES, NAMES, comparison, runs

DIRECTION = ("ct", "mri")


def odd():
    """Names and reasons with all that LaTeX reads as its own."""
    rows = [MethodRuns(name, False, runs(50.0, cases=20)) for name in ("[a_b]", r"\c{d}^~", "#$%&", "ours")]
    return {
        "comparison": compare_methods(rows, [*NAMES]),
        "direction": ("ct_1 & 2", "mr%"),
        "failures": {"x": "no {such} file: a\\b_c, <100 % | > 5 … → é"},
    }


def check(text):
    bare = re.sub(r"\\[{}$&#_%\\]", "", text)
    assert bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0
    depth = 0
    for letter in bare:
        depth += (letter == "{") - (letter == "}")
        assert depth >= 0
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        stack.append(name) if kind == "begin" else None
        assert kind == "begin" or stack.pop() == name
    assert not stack


def body(text):
    """Rows of the tabular as lists of cells, lines and titles left out."""
    inside = text.split(r"\toprule")[1].split(r"\bottomrule")[0]
    rows = [line for line in inside.splitlines() if line.endswith(r" \\")]
    return [re.split(r"(?<!\\)&", row.removesuffix(r" \\")) for row in rows if r"\multicolumn" not in row]


def test_structure():
    text = comparison_latex(comparison(), NAMES, DIRECTION, failures=FAILURES, published=PUBLISHED[DIRECTION])
    check(text)
    rows = body(text)
    (columns,) = re.findall(r"\\begin\{tabular\}\{@\{\}(\w+)@\{\}\}", text)
    assert columns == "lrrrrrrr" and all(len(row) == len(columns) for row in rows)
    assert len(rows) == 1 + 2 * 12 and text.count(r"\multicolumn{8}") == 2
    found = {row[0].strip(): [cell.strip() for cell in row] for row in rows[:13]}
    assert found["ours"][1] == r"\textbf{73.5} {\scriptsize$\pm$2.0}"
    assert found["adaoutput"][-1] == "0.375"
    assert found[r"\quad paper"][1:6] == ["68.3", "74.6", "81.0", "55.9", "69.9"]
    assert r"crst {\scriptsize(failed)}" in found and r"ebm {\scriptsize(not yet run)}" in found
    assert text.count(r"\textbf") == 10 and "88.5" in text
    assert "$^{6}$" in text and r"Raised numbers: distances not defined" in text
    assert r"\label{tab:ct-mri}" in text and text.startswith(r"\begin{table}")
    assert "crst failed: the accelerator ran out of memory." in text


def test_without_seeds_tests_or_rows():
    text = comparison_latex(compare_methods([MethodRuns("a", False, runs(60.0, seeds=1))], NAMES), NAMES, DIRECTION)
    check(text)
    assert all(len(row) == 7 for row in body(text)) and r"\pm" not in text
    nothing = comparison_latex(compare_methods([], NAMES), NAMES, DIRECTION)
    check(nothing)
    assert r"\parbox" not in nothing


def test_escaping():
    assert latex_escaped("a_b & 5%") == r"a\_b \& 5\%"
    assert latex_escaped(r"\{}$#^~") == r"\textbackslash{}\{\}\$\#\textasciicircum{}\textasciitilde{}"
    assert latex_escaped("[<0.001 |") == "{[}$<$0.001 $|$"
    names = ["A_A", *NAMES[1:]]
    text = comparison_latex(compare_methods([MethodRuns("[a_b]", False, {})], names), names, odd()["direction"])
    check(text)
    assert r"{[}a\_b] {\scriptsize(not yet run)}" in text and r"& LAC" in text and r"A\_A" in text
    assert r"ct\_1 \& 2 $\rightarrow$ mr\%" in text and r"\label{tab:ct-1-2-mr-}" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("made", [{"comparison": comparison(), "direction": DIRECTION, "failures": FAILURES}, odd()])
def test_it_compiles_between_the_margins_of_an_article(tmp_path, made):
    table = comparison_latex(class_names=NAMES, published=PUBLISHED[DIRECTION], **made)
    text = "\n".join([r"\documentclass{article}\usepackage{booktabs}\begin{document}", table, r"\end{document}", ""])
    (tmp_path / "table.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
