import pytest

from reporting.figures.sheets import check_texts, legend, said
from reporting.figures.slices import LONG
from seasa_da.reporting.figures.curves import Curves, LossCurve, MaskCurve, ScoreCurve, curves_figure

LOSS = LossCurve("seg ce", {"1 warm-up": ([20.0, 40.0], [1.0, 0.5]), "2 adapt": ([60.0], [0.4])})
STAGES = ("1 warm-up", "2 adapt")
SCORES = [
    ScoreCurve("entropy", [10, 20, 30], [-1.0, -0.5, -0.7], decided=True),
    ScoreCurve("im", [10, 20, 30], [0.0, 0.0, 0.0]),
]
MASK = MaskCurve("all pixels", ([10.0, 20.0], [99.0, 100.0]), ([20.0], [0.0]))


def charts(sheet):
    return {axes.get_title(loc="left"): axes for axes in sheet.figure.axes}


def test_a_chart_a_curve_and_the_chosen_checkpoint_is_marked():
    sheet = curves_figure(Curves([LOSS], SCORES, [MASK], chosen=20, stages=STAGES), title="ours")
    found = charts(sheet)
    assert list(found) == ["seg ce", "entropy", "im", "all pixels"]
    assert [len(line.get_xdata()) for line in found["seg ce"].lines] == [2, 1]
    assert found["seg ce"].lines[0].get_color() != found["seg ce"].lines[1].get_color()
    _, bar, chosen = found["entropy"].lines
    assert list(bar.get_xdata()) == [20, 20]
    assert (list(chosen.get_xdata()), list(chosen.get_ydata())) == ([20], [-0.5])
    assert legend(sheet) == [
        "1 warm-up",
        "2 adapt",
        "the run's result, chosen by: entropy",
        "reliable pixels",
        "unreliable pixels",
    ]
    check_texts(sheet)


def test_only_what_is_known_has_a_section():
    sheet = curves_figure(Curves(losses=[LOSS], stages=("adapt",)))
    assert legend(sheet) == []
    assert [text for text in said(sheet) if "by" in text] == ["Losses, by iteration"]
    sheet = curves_figure(Curves(masks=[MASK]))
    assert list(charts(sheet)) == ["all pixels"]
    with pytest.raises(ValueError, match="no curves"):
        curves_figure(Curves())


def test_nothing_overlaps():
    stages = tuple(f"{number} {name}" for number, name in enumerate(LONG, 1))
    iterations = [float(i) for i in range(0, 50_000, 500)]
    losses = [
        LossCurve(f"loss of some {name}", {stage: (iterations, [scale * i for i in iterations]) for stage in stages})
        for name, scale in (("kind", 1.0), ("other kind", -1e-9), ("very long name indeed", 123.0), *[("x", 1e-3)] * 9)
    ]
    masks = [MaskCurve(name, MASK.reliable, MASK.unreliable) for name in LONG]
    check_texts(curves_figure(Curves(losses, SCORES * 3, masks, chosen=20, stages=stages), title="t" * 200))
