import re
import shutil
import subprocess

import pytest

from seasa_da.reporting.ablation_latex import ablation_latex

from .ablations import DIRECTION, FAILURES, ablation
from .test_comparison_latex import body, check

PAPER = {"failures": FAILURES, "reference": True, "other_data": True}


@pytest.mark.parametrize(("number", "columns"), [(2, "lcccrrrrr"), (3, "lccrrrrr"), (4, "lcrrrrr")])
def test_structure(number, columns):
    table, done = ablation(number)
    text = ablation_latex(table, done, DIRECTION, **PAPER)
    check(text)
    assert re.findall(r"\\begin\{tabular\}\{@\{\}(\w+)@\{\}\}", text) == [columns]
    rows = body(text)
    assert len(rows) == 1 + len(table.rows) and all(len(row) == len(columns) for row in rows)
    assert rf"\label{{tab:ablation-{number}-ct-mri}}" in text and text.count(r"\bottomrule") == 1
    assert rows[-1][-1].strip() == "69.9" and rows[-1][0].strip() == "ours"
    assert r"\textbf{75.0} {\scriptsize$\pm$2.0}" in text


def test_check_marks_need_no_package():
    text = ablation_latex(*ablation(2), DIRECTION, failures=FAILURES)
    assert text.startswith("\\providecommand{\\checkmark}{\\ensuremath{\\surd}}\n\\begin{table}")
    marks = {row[0].strip(): [cell.strip() for cell in row[1:4]] for row in body(text)[1:]}
    assert marks["adaoutput"] == [r"\checkmark", "", ""] and marks["ours"] == [r"\checkmark"] * 3
    (failed,) = [row for row in body(text) if row[0].strip() == "adaoutput+asa"]
    assert failed[4].strip() == r"{\scriptsize failed}" and marks["adaoutput+asa"] == [r"\checkmark", "", r"\checkmark"]
    assert "checkmark" not in ablation_latex(*ablation(3), DIRECTION)


def test_domains_are_escaped():
    text = ablation_latex(*ablation(4, undefined=2), ("ct_1", "mr%"), reference=True)
    check(text)
    assert r"ct\_1 $\rightarrow$ mr\%" in text and r"\label{tab:ablation-4-ct-1-mr-}" in text
    assert "$^{6}$" in text and "paper" not in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_they_compile_between_the_margins_of_an_article(tmp_path):
    tables = [ablation_latex(*ablation(number, undefined=2, cases=20), DIRECTION, **PAPER) for number in (2, 3, 4)]
    tables.append(ablation_latex(*ablation(2), DIRECTION, reference=True))  # a row not yet run
    text = "\n".join([r"\documentclass{article}\usepackage{booktabs}\begin{document}", *tables, r"\end{document}", ""])
    (tmp_path / "tables.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
