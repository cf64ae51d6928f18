from seasa_da.reporting.published import PUBLISHED
from seasa_da.reporting.published_ablations import ABLATION_TABLES


def test_the_whole_method_is_that_of_table_1():
    for number, table in ABLATION_TABLES.items():
        assert table.number == number and list(table.rows)[-1] == "ours"
        assert all(len(marks) == len(table.columns) for marks in table.rows.values())
        assert len(set(table.rows.values())) == len(table.rows)
        (direction,) = table.published  # the paper ablates CT to MRI only
        assert table.published[direction].keys() == table.rows.keys()
        assert table.published[direction]["ours"] == PUBLISHED[direction]["ours"]["dice"]["mean"]


def test_figures_as_the_paper_prints_them():
    figures = {number: list(table.published["ct", "mri"].values()) for number, table in ABLATION_TABLES.items()}
    assert figures == {2: [61.9, 65.1, 64.5, 69.9], 3: [62.5, 64.7, 69.9], 4: [66.5, 69.9]}
