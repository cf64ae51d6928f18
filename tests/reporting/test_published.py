import pytest

from seasa_da.reporting.published import OTHER_NETWORK, PAPER_NAMES, PAPER_ORDER, PUBLISHED

STRUCTURES = ("AA", "LAC", "LVC", "MYO")


@pytest.mark.parametrize("direction", [("ct", "mri"), ("mri", "ct")])
def test_every_average_is_that_of_its_cells(direction):
    table = PUBLISHED[direction]
    assert tuple(table) == PAPER_ORDER == tuple(PAPER_NAMES)
    for method, metrics in table.items():
        assert tuple(metrics) == ("dice", "asd")
        for metric, cells in metrics.items():
            assert tuple(cells) == (*STRUCTURES, "mean")
            mean = sum(cells[name] for name in STRUCTURES) / 4
            assert cells["mean"] == pytest.approx(mean, abs=0.1), (method, metric)


def test_averages_as_the_paper_prints_them():
    dice = {direction: {m: row["dice"]["mean"] for m, row in table.items()} for direction, table in PUBLISHED.items()}
    assert dice["ct", "mri"]["ours"] == 69.9 and dice["mri", "ct"]["ours"] == 80.9
    assert dice["ct", "mri"]["source-only"] == 20.4 and dice["mri", "ct"]["source-only"] == 23.3
    assert dice["ct", "mri"]["supervised"] == 85.1 and dice["mri", "ct"]["supervised"] == 90.4
    assert set(OTHER_NETWORK) < set(PAPER_ORDER)
