import pytest

from seasa_da.evaluation.statistics import MethodRuns, compare_methods
from seasa_da.reporting.comparison_lines import Cell, metric_lines, metric_title, notes, p_text
from seasa_da.reporting.published import PUBLISHED

from .comparisons import FAILURES, NAMES, comparison, methods, runs


def lines(done, metric="dice", published=None):
    return metric_lines(done, NAMES, metric, failures=FAILURES, published=published)


def test_cells():
    supervised, source_only, adaoutput, crst, ebm, ours = lines(comparison())
    assert ours.cells == (
        Cell("73.5", "2.0", best=True),
        Cell("74.5", "2.0", best=True),
        Cell("75.5", "2.0", best=True),
        Cell("76.5", "2.0", best=True),
        Cell("75.0", "2.0", best=True),
    )
    assert not any(cell.best for line in (supervised, source_only, adaoutput, crst, ebm) for cell in line.cells)
    assert crst.cells == ebm.cells == (Cell(),) * 5
    remarks = [line.remark for line in (supervised, source_only, adaoutput, crst, ebm, ours)]
    assert remarks == ["oracle", "", "", "failed", "not yet run", ""]
    assert adaoutput.p == "0.375" and ours.p == crst.p == crst.interval == "–"  # 2 / 2^4 for 3 rows
    low, high = map(float, ours.interval.strip("[]").split(", "))
    assert 73.5 <= low < 75.0 < high <= 76.5


def test_lower_asd_is_better_and_undefined_ones_are_counted():
    _, source_only, _, _, _, ours = lines(comparison(), "asd")
    assert ours.cells[-1] == Cell("2.5", "0.2", best=True)
    assert [cell.undefined for cell in source_only.cells] == [6, 0, 0, 0, 6]


def test_a_mean_that_leaves_distances_out_is_not_best():
    rows = [MethodRuns("blind", False, runs(90.0, undefined=2)), *methods()]
    done = compare_methods(rows, NAMES)
    found = {line.name: [cell.best for cell in line.cells] for line in lines(done, "asd")}
    assert found["blind"] == [False, True, True, True, False] and found["ours"] == [True, False, False, False, True]
    assert all(cell.best for cell in lines(done)[0].cells)  # of Dice nothing is left out
    assert any("never in bold" in note for note in notes(done, failures={}, published=None, other_data=False))


def test_what_looks_the_same_is_best_alike():
    rows = [MethodRuns("a", False, runs(70.04, seeds=1)), *methods(seeds=1)]
    found = {line.name: line for line in lines(compare_methods(rows, NAMES))}
    assert found["a"].cells[0] == found["ours"].cells[0] == Cell("71.5", "", best=True)


def test_published_figures_stand_under_their_row():
    found = lines(comparison(), published=PUBLISHED["ct", "mri"])
    assert [line.name for line in found][-2:] == ["ours", "paper"]
    assert [cell.mean for cell in found[-1].cells] == ["68.3", "74.6", "81.0", "55.9", "69.9"]
    assert found[-1].published and len(found) == 12
    other = metric_lines(comparison(), NAMES[:2], "asd", failures={}, published={"ours": {"dice": {}, "asd": {}}})
    assert other[-1].cells == (Cell(),) * 3


def test_an_oracle_alone_is_not_best():
    (line,) = lines(compare_methods([MethodRuns("supervised", True, runs(80.0))], NAMES))
    assert not any(cell.best for cell in line.cells)


@pytest.mark.parametrize(
    ("p", "text"), [(None, "–"), (0.0004, "<0.001"), (0.001, "0.001"), (0.0625, "0.062"), (1.0, "1.000")]
)
def test_p_text(p, text):
    assert p_text(p) == text


def test_notes():
    done = comparison()
    said = notes(done, failures=FAILURES, published=None, other_data=False)
    assert "crst failed: the accelerator ran out of memory." in said
    assert said[-1] == done.warnings[-1] and "too few" in said[-1]
    assert not any("paper" in note for note in said)
    assert any(note.startswith("und.: ") for note in said)

    paper = {"published": PUBLISHED["ct", "mri"], "failures": {}}
    voxels = "its ASD is in voxels, not mm"
    assert f"paper: published on MM-WHS; {voxels}." in notes(done, other_data=False, **paper)
    assert f"paper: published on MM-WHS, another data set; {voxels}." in notes(done, other_data=True, **paper)
    with_sifa = compare_methods([MethodRuns("sifa-v1", False, {})], NAMES)
    (note,) = notes(with_sifa, other_data=False, **paper)
    assert note.endswith(f"{voxels}; SIFA's rows are those of its own articles, another network.")
    assert notes(compare_methods([], NAMES), failures={}, published=None, other_data=False) == []


def test_units():
    assert metric_title("asd", "voxel") == "ASD [voxel], lower is better"
