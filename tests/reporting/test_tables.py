import io

from rich.console import Console

from seasa_da.evaluation.scores import StructureScore, summarise
from seasa_da.reporting.tables import further_table, results_table

NAMES = ["AA", "[red]MYO"]


def lines(table, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    return console.file.getvalue().splitlines()


def cells(table):
    """Rows as lists of cells, the borders left out."""
    return [[cell.strip() for cell in line[1:-1].split("│")] for line in lines(table) if line.startswith("│")]


def summary(shift=0.0):
    return summarise(
        [
            StructureScore("p1", "AA", 80.0 + shift, 1.25, 9, 9),
            StructureScore("p1", "[red]MYO", 40.0, 2.0, 9, 9),
            StructureScore("p2", "[red]MYO", 0.0, None, 9, 0),
        ],
        NAMES,
    )


def test_a_run_alone():
    table = results_table(summary(), title="ours [test]")
    assert cells(table) == [
        ["AA", "80.0", "1.25"],
        ["[red]MYO", "20.0", "2.00"],
        ["", "", "1 undefined"],
        ["mean", "50.0", "1.62"],
        ["", "", "1 undefined"],
    ]
    text = "\n".join(lines(table))
    assert "ours [test]" in text and "Dice [%]" in text and "ASD [mm]" in text


def test_beside_the_run_without_adaptation():
    table = results_table(summary(), baseline=summary(shift=-15.5))
    rows = cells(table)
    assert rows[0] == ["AA", "80.0", "1.25", "64.5", "1.25", "+15.5"]
    assert rows[1] == ["[red]MYO", "20.0", "2.00", "20.0", "2.00", "0.0"]
    assert rows[3] == ["mean", "50.0", "1.62", "42.2", "1.62", "+7.8"]
    assert max(map(len, lines(table))) <= 80
    assert "…" not in "".join(lines(table, width=50))


def test_further_metrics():
    scores = [
        StructureScore("p1", "AA", 80.0, 1.25, 10, 9, 3.5, 90.0, -10.0),
        StructureScore("p2", "AA", 0.0, None, 10, 0, None, 0.0, -100.0),
    ]
    table = further_table(summarise(scores, ["AA"]), tolerance_mm=1.5)
    row, undefined = ["3.5", "45.0", "55.0"], ["", "1 undefined", "", ""]
    assert cells(table) == [["AA", *row], undefined, ["mean", *row], undefined]
    text = "\n".join(lines(table))
    assert "HD95 [mm]" in text and "at 1.5 mm [%]" in text and "volume error [%]" in text
    assert cells(further_table(summary(), tolerance_mm=2.0)) == [[name, "–", "–", "–"] for name in [*NAMES, "mean"]]
    assert cells(further_table({"asd_undefined": {"AA": 0}}, tolerance_mm=2.0))[0] == ["AA", "–", "–", "–"]


def test_nothing_known():
    table = results_table(summarise([], NAMES), baseline=summary(), units="voxel")
    assert cells(table)[0] == ["AA", "–", "–", "80.0", "1.25", "–"]
    assert "ASD [voxel]" in "\n".join(lines(table))
    assert cells(results_table(summarise([], NAMES)))[-1] == ["mean", "–", "–"]
