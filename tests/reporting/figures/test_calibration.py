import pytest

from reporting.figures.sheets import check_texts, legend, said
from reporting.figures.slices import LONG, METHODS, NAMES
from seasa_da.reporting.colours import PAPER
from seasa_da.reporting.figures.calibration import NOTE, Bins, Diagram, calibration_figure

BINS = Bins([20.0, 50.0, 95.0], [10.0, 40.0, 70.0])


def diagram(name="ours", structures=NAMES, **changes):
    given = {"ece": 12.34, "confident_errors": 30.4, **changes}
    return Diagram(name, BINS, dict.fromkeys(structures, BINS), **given)


def test_a_diagram_a_run_with_its_error():
    sheet = calibration_figure([diagram("source-only"), diagram(ece=None, confident_errors=None)], NAMES)
    before, after = sheet.figure.axes
    assert before.get_title(loc="left") == "source-only\nECE 12.3 %\nconfident errors 30 %"
    assert after.get_title(loc="left") == "ours"
    assert len(before.lines) == 1 + 4 + 1
    assert [line.get_color() for line in before.lines[1:5]] == list(PAPER.values())
    assert list(before.lines[-1].get_xdata()) == BINS.confidence
    assert list(before.lines[-1].get_ydata()) == BINS.accuracy
    assert legend(sheet) == ["all structures", *NAMES, "as certain as right"]
    assert {"right [%]", "confidence [%]"} <= set(said(sheet))
    assert " ".join(text for text in said(sheet) if text in NOTE) == NOTE
    check_texts(sheet)


def test_one_structure_is_the_foreground():
    sheet = calibration_figure([diagram(structures=["nucleus"])], ["nucleus"])
    assert legend(sheet) == ["nucleus", "as certain as right"]
    assert len(sheet.figure.axes[0].lines) == 2


def test_a_run_that_predicts_no_structure_says_so():
    nothing = Diagram("ours", Bins([], []), {}, confident_errors=100.0)
    sheet = calibration_figure([nothing], NAMES)
    assert sheet.figure.axes[0].get_title(loc="left") == "ours\nno structure predicted\nconfident errors 100 %"
    check_texts(sheet)


def test_a_diagram_is_square():
    for count in (1, 2, 5):
        sheet = calibration_figure([diagram()] * count, NAMES)
        sheet.figure.canvas.draw()
        for axes in sheet.figure.axes:
            box = axes.get_window_extent()
            assert box.width == pytest.approx(box.height)


@pytest.mark.parametrize("runs", [1, 12])
@pytest.mark.parametrize("structures", [1, 7])
def test_nothing_overlaps(runs, structures):
    names = LONG[:structures]
    check_texts(calibration_figure([diagram(name, names) for name in METHODS[-runs:]], names, title="t" * 200))
