from seasa_da.reporting.ablation_lines import ablation_header, ablation_lines, ablation_notes, ablation_title
from seasa_da.reporting.comparison_lines import Cell

from .ablations import DIRECTION, FAILURES, ablation


def test_lines():
    table, done = ablation(2)
    published = table.published[DIRECTION]
    adversary, with_se, with_asa, ours = ablation_lines(table, done, failures=FAILURES, published=published)
    assert (ours.name, ours.marks, ours.published) == ("ours", (True, True, True), "69.9")
    assert ours.dice == Cell("75.0", "2.0", best=True) and ours.asd == Cell("2.5", "0.2", best=True)
    assert (adversary.dice.mean, with_se.dice.mean, with_asa.dice) == ("65.0", "70.0", Cell())
    # Wilcoxon on four cases gives 2 / 2^4; of this table's rows two are tested, the third has no runs.
    assert (adversary.p, with_se.p, with_asa.p, ours.p) == ("0.250", "0.250", "–", "–")
    assert (with_asa.remark, with_se.remark, with_asa.published) == ("failed", "", "64.5")
    low, high = map(float, ours.interval.strip("[]").split(", "))
    assert 73.5 <= low < 75.0 < high <= 76.5


def test_p_is_corrected_within_the_table():
    table, done = ablation(4)
    asa_all, _ = ablation_lines(table, done, failures={}, published=None)
    assert asa_all.p == "0.125" and asa_all.published == "–"


def test_undefined_distances_are_counted():
    table, done = ablation(4, undefined=2)
    lines = ablation_lines(table, done, failures={}, published=None)
    assert [(line.asd.undefined, line.asd.best) for line in lines] == [(6, False)] * 2
    assert any(note.startswith("Raised") for note in notes_of(done, undefined="Raised numbers"))


def notes_of(done, published=None, other_data=False, **more):
    return ablation_notes(done, failures=FAILURES, published=published, other_data=other_data, **more)


def test_notes_are_of_the_tables_own_rows():
    said = notes_of(ablation(2)[1])
    assert "adaoutput+asa failed: seed 0: the accelerator ran out of memory." in said
    assert not any("se-all" in note or note.startswith("paper") for note in said)


def test_where_the_papers_figures_are_from():
    table, done = ablation(3)
    published = table.published[DIRECTION]
    assert notes_of(done, published)[-1] == "paper: mean Dice published on MM-WHS."
    assert notes_of(done, published, other_data=True)[-1] == "paper: mean Dice published on MM-WHS, another data set."


def test_headers():
    table, _ = ablation(3)
    start = ["Row", "EntMin", "EntMax", "Dice [%]", "95 %", "p", "ASD [voxel]"]
    assert ablation_header(table, None, "voxel") == start
    assert ablation_header(table, {"ours": 1.0}, "voxel") == [*start, "paper"]
    assert ablation_title(table, ("a", "b")) == "Table 3, selective entropy constraints: a → b"
